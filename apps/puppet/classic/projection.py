"""An actor as seen on paper: sides, directions of bones, depths, and the path of the root."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.canonical import CanonicalMotion, forward_fill
from apps.puppet.classic.config import ProjectionGroup, RootOffset

__all__ = [
    "Plane",
    "bone_orientations",
    "group_planes",
    "joint_depths",
    "joint_planes",
    "root_motion",
    "travel_scale",
]

logger = logging.getLogger(__name__)

Plane = Literal["frontal", "sagittal"]
"""The side that is seen: the front, with normal X, or the side, with normal Z."""

_FLAT = 1e-9  # of the size of the actor: shorter bones on paper have no direction


def group_planes(motion: CanonicalMotion, groups: Sequence[ProjectionGroup]) -> dict[str, Plane]:
    """The side from which each group is seen, by its name.

    Raises:
        InvalidInput: The motion has no joint of a name in a group.
    """
    planes: dict[str, Plane] = {}
    for group in groups:
        joints = [motion.index(name) for name in group.bvh_joint_names]
        if group.method == "pca":
            planes[group.name] = _flattest_plane(motion.positions[:, joints].reshape(-1, 3))
        else:
            planes[group.name] = group.method
    return planes


def _flattest_plane(points: NDArray[np.float64]) -> Plane:
    """The side across which points, ``(n, 3)``, move the least: the smallest of their axes."""
    shifted = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(shifted.T @ shifted)
    x, _, z = np.abs(vectors[:, 0])
    return "frontal" if x > z else "sagittal"


def joint_planes(
    groups: Sequence[ProjectionGroup], planes: Mapping[str, Plane]
) -> dict[str, Plane]:
    """The side from which each joint of the actor is seen: that of the last group it is in."""
    return {joint: planes[group.name] for group in groups for joint in group.bvh_joint_names}


def bone_orientations(
    motion: CanonicalMotion, bones: Sequence[tuple[str, str]], planes: Mapping[str, Plane]
) -> NDArray[np.float64]:
    """Where bones of the actor point on paper.

    Args:
        motion: Of the actor.
        bones: From one joint to another.
        planes: By joint; a bone is seen from the side of the joint it leads to.

    Returns:
        Degrees in 0..360, counter-clockwise from up, ``(F, len(bones))``. A bone that points at the
        viewer keeps the direction it had before. One that never has any is NaN.

    Raises:
        InvalidInput: The motion lacks a joint.
    """
    reach = np.abs(motion.positions).max(initial=0)
    made = np.empty((len(motion), len(bones)))
    for bone, (start, to) in enumerate(bones):
        b = motion.positions[:, motion.index(to)] - motion.positions[:, motion.index(start)]
        right = -b[:, 2] if planes[to] == "frontal" else b[:, 0]
        known = np.hypot(right, b[:, 1]) > _FLAT * reach
        angles = (np.degrees(np.arctan2(b[:, 1], right)) - 90) % 360
        made[:, bone] = forward_fill(angles, known, np.nan)
    return made


def joint_depths(
    motion: CanonicalMotion, joints: Sequence[str], planes: Mapping[str, Plane]
) -> NDArray[np.float64]:
    """How near to the viewer joints of the actor are, ``(F, len(joints))``; more is nearer.

    Raises:
        InvalidInput: The motion lacks a joint.
    """
    axes = [0 if planes[joint] == "frontal" else 2 for joint in joints]
    return motion.positions[:, [motion.index(joint) for joint in joints], axes]


def root_motion(
    motion: CanonicalMotion,
    offset: RootOffset,
    plane: Plane,
    rest: Mapping[str, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """The path of the drawing's root from where it starts.

    Seen from the side each step ahead of the actor leads to the right, whichever way it looks.

    Args:
        motion: Of the actor.
        offset: Which chains to compare.
        plane: The side from which the travel is seen.
        rest: Points of the joints of the drawing, y up.

    Returns:
        ``float64`` ``(F, 2)``, from (0, 0), y up.

    Raises:
        InvalidInput: The motion lacks a joint.
    """
    F = motion.facing
    # Screen right of one who looks at the viewer is the actor's left.
    axis = F if plane == "sagittal" else np.stack([-F[:, 2], F[:, 1], -F[:, 0]], axis=-1)
    step = np.diff(motion.root_path, axis=0)
    s = travel_scale(motion, offset, rest)
    path = np.zeros((len(motion), 2))
    path[1:, 0] = np.cumsum(s * np.einsum("fi,fi->f", axis[1:], step))
    path[1:, 1] = s * (motion.root_path[1:, 1] - motion.root_path[0, 1])
    return path


def travel_scale(
    motion: CanonicalMotion, offset: RootOffset, rest: Mapping[str, NDArray[np.float64]]
) -> float:
    """How long the chains of the drawing are, one of the actor's being 1 long in its last frame.

    Joints that the drawing lacks are left out. It stays where it is if nothing can be compared.
    """
    last = motion.positions[-1]
    actor = sum(
        _chain_length([last[motion.index(name)] for name in chain]) for chain in offset.bvh_joints
    )
    drawn = sum(
        _chain_length([rest[name] for name in chain if name in rest])
        for chain in offset.char_joints
    )
    if actor <= _FLAT * np.abs(last).max(initial=0) or drawn == 0:
        logger.warning(
            "the drawing stays in place: the chains of char_bvh_root_offset have no length."
        )
        return 0.0
    return float(drawn / actor)


def _chain_length(points: Sequence[NDArray[np.float64]]) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=-1).sum()) if len(points) > 1 else 0.0
