"""Retargeting as Animated Drawings does it: a motion of an actor becomes poses of a drawing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.canonical import canonical_motion
from apps.puppet.classic.config import MotionConfig, RetargetConfig
from apps.puppet.classic.projection import (
    Plane,
    bone_orientations,
    group_planes,
    joint_depths,
    joint_planes,
    root_motion,
)
from apps.puppet.classic.rigpose import mapping_after_checks, pose_rig, rest_rig
from apps.puppet.motion.bvh import Bvh
from apps.puppet.skeleton import Skeleton

__all__ = ["ClassicPoses", "retarget"]


@dataclass(frozen=True, eq=False)
class ClassicPoses:
    """The poses of a drawing, frame by frame, and what is drawn over what.

    Space is that of Animated Drawings: y up from the lower left corner of the drawing, whose longer
    side is 1 long. Joints come depth first.

    Attributes:
        names: Of the joints.
        parents: For each the index of the one that it hangs from, -1 for the root, which is first.
        rest_xy: ``float64`` ``(J, 2)``: where they were drawn.
        joint_xy: ``float64`` ``(F, J, 2)``: where they are, with the travel of the root.
        root: ``float64`` ``(F, 3)``: where the root is; z is the same in all frames.
        group_joints: The joints of each draw group, of those that the drawing has.
        group_depth: ``float64`` ``(F, G)``: a larger one is nearer to the viewer.
        group_order: ``int64`` ``(F, G)``: the groups, the farthest first.
        planes: The side from which each projection group is seen, by its name.
        mapped: The joints that follow the actor.
        frame_time: Seconds a frame.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    rest_xy: NDArray[np.float64]
    joint_xy: NDArray[np.float64]
    root: NDArray[np.float64]
    group_joints: tuple[tuple[str, ...], ...]
    group_depth: NDArray[np.float64]
    group_order: NDArray[np.int64]
    planes: Mapping[str, Plane]
    mapped: tuple[str, ...]
    frame_time: float

    def __len__(self) -> int:
        return len(self.joint_xy)

    @property
    def pins(self) -> NDArray[np.float64]:
        """The joints from the root, ``(F, J, 2)``: what the mesh is deformed to."""
        return self.joint_xy - self.root[:, None, :2]

    def joint_draw_order(self, frame: int) -> tuple[str, ...]:
        """Joints whose parts are drawn in a frame, one over the other, the farthest first."""
        joints: list[str] = []
        for group in self.group_order[frame]:
            ahead = self.group_depth[frame, group] > 0
            joints += self.group_joints[group][:: 1 if ahead else -1]
        return tuple(joints)

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown at a time: the nearest, and the first or last beyond the ends."""
        return min(max(round(seconds / self.frame_time), 0), len(self) - 1)


def retarget(
    bvh: Bvh,
    motion_config: MotionConfig,
    config: RetargetConfig,
    skeleton: Skeleton,
    size_wh: tuple[int, int],
) -> ClassicPoses:
    """Put a motion on a drawing.

    Args:
        bvh: The motion that ``motion_config`` names.
        motion_config: How its actor stands.
        config: What follows what. Joints that the drawing lacks are passed over.
        skeleton: Of the drawing, in its pixels, y down, as in its ``char_cfg.yaml``.
        size_wh: Width and height of the drawing.

    Raises:
        InvalidInput: The motion lacks a joint that a file names, or all the frames.
    """
    rig = rest_rig(skeleton, size_wh)
    motion = canonical_motion(bvh, motion_config)
    planes = group_planes(motion, config.projection_groups)
    seen_from = joint_planes(config.projection_groups, planes)

    bones = mapping_after_checks(config.mapping, config.runtime_checks, rig.points)
    angles = bone_orientations(motion, list(bones.values()), seen_from)
    travel = root_motion(motion, config.root_offset, planes[config.root_offset.group], rig.points)
    start = np.array(config.char_starting_location)
    root = np.concatenate([travel, np.zeros((len(motion), 1))], axis=1) + start
    posed = pose_rig(rig, dict(zip(bones, angles.T, strict=True)), root[:, :2])

    depth = np.stack(
        [
            joint_depths(motion, group.bvh_depth_drivers, seen_from).mean(axis=1)
            for group in config.draw_groups
        ],
        axis=1,
    )
    return ClassicPoses(
        names=rig.names,
        parents=rig.parents,
        rest_xy=rig.xy,
        joint_xy=posed.xy,
        root=root,
        group_joints=tuple(
            tuple(joint for joint in group.char_joints if joint in rig.points)
            for group in config.draw_groups
        ),
        group_depth=depth,
        group_order=np.argsort(depth, axis=1, kind="stable"),
        planes=planes,
        mapped=tuple(bones),
        frame_time=motion.frame_time,
    )
