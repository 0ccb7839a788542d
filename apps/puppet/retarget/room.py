"""How much room there is about a character, pose by pose."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.bones import BoneFrames
from apps.puppet.retarget.options import Box
from apps.puppet.skeleton import Skeleton

__all__ = ["Body", "Leeway", "extent", "leeway"]

_MARGIN = 0.01
"""Of the drawing: it stays so far from the edges, unless it is nearer as drawn."""
_CLOSE = 1e-6
"""Pixels."""


@dataclass(frozen=True, eq=False)
class Body:
    """What of a drawing there is about its bones.

    Attributes:
        points_xy: ``float64`` ``(N, 2)``, in rest, in pixels of the picture.
        bones: ``(N,)``: the joint at the far end of the bone that carries each.
    """

    points_xy: NDArray[np.float64]
    bones: NDArray[np.integer]

    @classmethod
    def around(cls, points_xy: NDArray[np.float64], bones: NDArray[np.integer]) -> Body:
        """Only the hulls of what each bone carries: they reach as far."""
        hulls, owners = [], []
        for bone in np.unique(bones):
            mine = points_xy[bones == bone]
            hull = cv2.convexHull(mine.astype(np.float32), returnPoints=False)[:, 0]
            hulls.append(mine[hull])
            owners.append(np.full(len(hull), bone))
        if not hulls:
            return cls(np.zeros((0, 2)), np.zeros(0, np.intp))
        return cls(np.concatenate(hulls), np.concatenate(owners))


@dataclass(frozen=True, eq=False)
class Leeway:
    """How far the root may go, along one axis, from where it is drawn.

    Attributes:
        low: ``(T,)``.
        high: ``(T,)``; smaller than ``low`` where there is not enough room for a pose.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def holds(self, way: NDArray[np.float64]) -> bool:
        """Whether a way ``(T,)`` is in bounds."""
        return bool((way >= self.low - _CLOSE).all() and (way <= self.high + _CLOSE).all())

    def aside(self) -> float:
        """By how much one who does not travel must be moved; the least, for all frames alike."""
        low, high = float(self.low.max()), float(self.high.min())
        return (low + high) / 2 if low > high else float(np.clip(0.0, low, high))

    def around(self, aside: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The bounds of what is left after that: 0 is in them."""
        return np.minimum(self.low - aside, 0), np.maximum(self.high - aside, 0)


def extent(skeleton: Skeleton, reach: Box) -> tuple[list[float], list[float]]:
    """Left and top, right and bottom of the drawing."""
    low, high = skeleton.points_xy.min(axis=0), skeleton.points_xy.max(axis=0)
    return (low - reach[:2]).tolist(), (high + reach[2:]).tolist()


def leeway(
    joints: NDArray[np.float64],
    skeleton: Skeleton,
    room: Box,
    reach: Box,
    body: Body | None = None,
) -> tuple[Leeway, Leeway]:
    """How far the root may go across and up and down, so that all of the character is in a room.

    Where the drawing reaches out of the room, the root may go no farther on that side.

    Args:
        joints: ``(T, J, 2)``, from the root.
        skeleton: As drawn.
        room: Left, top, right, bottom.
        reach: How far the drawing reaches beyond the outermost joints in rest.
        body: The drawing; without it, it is taken to reach as far beyond the outermost joints in
            all poses.
    """
    placed = joints + skeleton.points_xy[skeleton.root]
    before, behind = np.array(reach[:2]), np.array(reach[2:])
    if body is not None and len(body.bones):
        rigid = np.arange(len(skeleton)) == skeleton.root
        placed = BoneFrames(skeleton, placed, rigid).carry(body.points_xy, body.bones)
        before = behind = np.zeros(2)
    first, last = placed.min(axis=1) - before, placed.max(axis=1) + behind
    low, high = extent(skeleton, reach)
    margin = _MARGIN * max(high[0] - low[0], high[1] - low[1])
    found = []
    for axis in (0, 1):
        least = min(room[axis] + margin, low[axis]) - first[:, axis]
        most = max(room[axis + 2] - margin, high[axis]) - last[:, axis]
        if low[axis] <= room[axis]:
            least = np.zeros(len(joints))
        if high[axis] >= room[axis + 2]:
            most = np.zeros(len(joints))
        found.append(Leeway(least, most))
    return found[0], found[1]
