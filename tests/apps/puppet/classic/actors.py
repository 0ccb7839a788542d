"""A small actor of known build, and the files that put it on a drawing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.config import (
    DrawGroup,
    MotionConfig,
    ProjectionGroup,
    RetargetConfig,
    RootOffset,
)
from apps.puppet.motion.bvh import Bvh
from apps.puppet.skeleton import Skeleton

MOTION_YAML = """\
filepath: dance.bvh
start_frame_idx: 0
end_frame_idx: 0
groundplane_joint: LeftFoot
forward_perp_joint_vectors:
  - - LeftLeg
    - RightLeg
scale: 0.5
up: +y
"""

RETARGET_YAML = """\
char_starting_location: [0.1, 0.2, -0.5]
bvh_projection_bodypart_groups:
- {name: Trunk, method: frontal, bvh_joint_names: [Hips, Head]}
- name: Legs
  method: pca
  bvh_joint_names: [LeftLeg, LeftFoot, RightLeg, RightFoot]
char_bodypart_groups:
- {bvh_depth_drivers: [Hips], char_joints: [torso, left_hip, right_hip]}
- {bvh_depth_drivers: [LeftFoot], char_joints: [left_foot]}
- {bvh_depth_drivers: [RightFoot, RightLeg], char_joints: [right_foot]}
char_bvh_root_offset:
  bvh_projection_bodypart_group_for_offset: Legs
  bvh_joints: [[LeftLeg, LeftFoot]]
  char_joints: [[left_hip, left_foot]]
char_joint_bvh_joints_mapping:
  torso: !!python/tuple [Hips, Head]
  left_foot: !!python/tuple
  - LeftLeg
  - LeftFoot
  right_foot: !!python/tuple [RightLeg, RightFoot]
char_runtime_checks: []
"""

MOTION = MotionConfig(Path("dance.bvh"), "LeftFoot", (("LeftLeg", "RightLeg"),), 0.5)

RETARGET = RetargetConfig(
    (0.1, 0.2, -0.5),
    (
        ProjectionGroup("Trunk", "frontal", ("Hips", "Head")),
        ProjectionGroup("Legs", "pca", ("LeftLeg", "LeftFoot", "RightLeg", "RightFoot")),
    ),
    (
        DrawGroup(("torso", "left_hip", "right_hip"), ("Hips",)),
        DrawGroup(("left_foot",), ("LeftFoot",)),
        DrawGroup(("right_foot",), ("RightFoot", "RightLeg")),
    ),
    RootOffset("Legs", (("LeftLeg", "LeftFoot"),), (("left_hip", "left_foot"),)),
    {
        "torso": ("Hips", "Head"),
        "left_foot": ("LeftLeg", "LeftFoot"),
        "right_foot": ("RightLeg", "RightFoot"),
    },
)

# Faces +Z: its left is +X.
NAMES = ("Hips", "Head", "LeftLeg", "LeftFoot", "RightLeg", "RightFoot")
PARENTS = (-1, 0, 0, 2, 0, 4)
OFFSETS = [[0, 0, 0], [0, 6, 0], [1, 0, 0], [0, -8, 0], [-1, 0, 0], [0, -8, 0]]

SIZE_WH = (100, 200)
SKELETON = Skeleton(
    ("root", "torso", "left_hip", "left_foot", "right_hip", "right_foot"),
    (-1, 0, 0, 2, 0, 4),
    np.array([[50, 100], [50, 50], [60, 100], [60, 180], [40, 100], [40, 180]], np.float64),
)


def actor(
    root: NDArray[np.floating] | list[list[float]],
    turns: dict[str, list[list[float]]] | None = None,
) -> Bvh:
    """The actor with its root at places ``(F, 3)``; ``turns`` are (y, x, z) in degrees."""
    places = np.asarray(root, np.float64)
    rotations = ("Yrotation", "Xrotation", "Zrotation")
    columns = [places] + [
        np.broadcast_to(np.asarray((turns or {}).get(name, [[0, 0, 0]]), float), places.shape)
        for name in NAMES
    ]
    channels = (("Xposition", "Yposition", "Zposition", *rotations), *[rotations] * 5)
    return Bvh(NAMES, PARENTS, np.array(OFFSETS, float), channels, np.hstack(columns), 0.1)
