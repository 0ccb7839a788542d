"""The skeleton of a drawing, bent so that its bones point where those of an actor do.

Points are in the normalised space of Animated Drawings: y up from the lower left corner of the
drawing, whose longer side is 1 long. Joints come depth first. Angles are in degrees, counter-
clockwise from up.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["PosedRig", "RestRig", "mapping_after_checks", "pose_rig", "rest_rig"]

logger = logging.getLogger(__name__)

Follows = TypeVar("Follows")


@dataclass(frozen=True, eq=False)
class RestRig:
    """The skeleton of a drawing as it was drawn.

    Attributes:
        names: Of the joints, depth first.
        parents: For each the index of the one before it, -1 for the root, which is first.
        xy: ``float64`` ``(J, 2)``.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    xy: NDArray[np.float64]

    @cached_property
    def points(self) -> dict[str, NDArray[np.float64]]:
        """Name to point."""
        return dict(zip(self.names, self.xy, strict=True))

    @cached_property
    def theta(self) -> NDArray[np.float64]:
        """Where the bone to each joint points, ``(J,)``: 0 for the root, 270 without length."""
        x, y = (self.xy - self.xy[list(self.parents)]).T
        angles = (np.degrees(np.arctan2(y, x)) - 90) % 360
        angles[0] = 0
        return angles


@dataclass(frozen=True, eq=False)
class PosedRig:
    """The same in every frame.

    Attributes:
        xy: ``float64`` ``(F, J, 2)``.
        local_rotations: ``float64`` ``(F, J)``: of each joint against its parent.
        world_rotations: ``float64`` ``(F, J)``: the sum of those from the root on.
    """

    xy: NDArray[np.float64]
    local_rotations: NDArray[np.float64]
    world_rotations: NDArray[np.float64]


def rest_rig(skeleton: Skeleton, size_wh: tuple[int, int]) -> RestRig:
    """Put a skeleton in pixels, y down, into the normalised space.

    Args:
        skeleton: Of the drawing.
        size_wh: Of the drawing.
    """
    order = list(skeleton.depth_first)
    place = {joint: index for index, joint in enumerate(order)}
    x, y = skeleton.points_xy[order].T
    return RestRig(
        tuple(skeleton.names[joint] for joint in order),
        tuple(place.get(skeleton.parents[joint], -1) for joint in order),
        np.stack([x, size_wh[1] - y], axis=-1) / max(size_wh),
    )


def mapping_after_checks(
    mapping: Mapping[str, Follows],
    checks: Sequence[tuple[str, str, str, str]],
    points: Mapping[str, NDArray[np.float64]],
) -> dict[str, Follows]:
    """What of a mapping a drawing can follow: not what it lacks, nor what fails a check.

    Args:
        mapping: Joint of the drawing to anything.
        checks: As in :class:`~apps.puppet.classic.config.RetargetConfig`. Those of joints that the
            drawing lacks are passed over.
        points: Of the joints of the drawing, y up.
    """
    kept = {joint: follows for joint, follows in mapping.items() if joint in points}
    for _, target, one, other in checks:
        if not {target, one, other} <= points.keys():
            logger.info("a check of %s is left out: the drawing lacks a joint of it", target)
            continue
        (ax, ay), (bx, by) = points[other] - points[one], points[target] - points[one]
        if ax * by - ay * bx < 0:
            logger.info("%s is drawn below the line from %s to %s and stays", target, one, other)
            kept.pop(target, None)
    return kept


def pose_rig(
    rig: RestRig,
    orientations: Mapping[str, NDArray[np.float64]],
    root_xy: NDArray[np.float64],
) -> PosedRig:
    """Bend a skeleton.

    As in Animated Drawings, what turns a bone is taken off again from only the next bone behind it,
    so bones farther out keep the turns of those before the last: arms hang on a torso that has
    turned, and are off by as much.

    Args:
        rig: At rest.
        orientations: Joint to where the bone that leads to it points, ``(F,)``; frames in which it
            is NaN take the rest's.
        root_xy: Where the root is, ``(F, 2)``.
    """
    frames, parents, theta = len(root_xy), rig.parents, rig.theta
    local = np.zeros((frames, len(rig.names)))
    turned: dict[int, NDArray[np.float64]] = {}  # by how much the bone to a joint has to turn
    for joint, (name, parent) in enumerate(zip(rig.names, parents, strict=True)):
        if name in orientations and parent >= 0:
            turned[joint] = np.nan_to_num(orientations[name] - theta[joint])
            # Of several children the last one decides.
            local[:, parent] = turned[joint] - turned.get(parent, 0.0)

    world = local.copy()
    xy = np.empty((frames, len(rig.names), 2))
    xy[:, 0] = root_xy
    for joint, parent in enumerate(parents[1:], 1):
        world[:, joint] += world[:, parent]
        angle = np.radians(world[:, parent])
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = rig.xy[joint] - rig.xy[parent]
        xy[:, joint, 0] = xy[:, parent, 0] + cos * x - sin * y
        xy[:, joint, 1] = xy[:, parent, 1] + sin * x + cos * y
    return PosedRig(xy, local, world)
