"""How much room there is about a character, pose by pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.options import Box
from apps.puppet.skeleton import Skeleton

__all__ = ["Leeway", "extent", "leeway"]

_OUTERMOST = 0.1
"""Share of the drawing: a joint so near to its end on a side has the drawing's reach there."""
_CLOSE = 1e-6
"""Pixels."""


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
    joints: NDArray[np.float64], skeleton: Skeleton, room: Box, reach: Box
) -> tuple[Leeway, Leeway]:
    """How far the root may go across and up and down, so that all of the character is in a room.

    Where the drawing reaches out of the room, the root may go no farther on that side.

    Args:
        joints: ``(T, J, 2)``, from the root.
        skeleton: As drawn.
        room: Left, top, right, bottom.
        reach: How far the drawing reaches beyond the outermost joints in rest.
    """
    drawn, (low, high) = skeleton.points_xy, extent(skeleton, reach)
    around = _around(skeleton, reach)
    root = drawn[skeleton.root]
    found = []
    for axis in (0, 1):
        # As drawn, nothing is out of its box.
        before = np.minimum(around, drawn[:, axis] - low[axis])
        behind = np.minimum(around, high[axis] - drawn[:, axis])
        places = joints[..., axis] + root[axis]
        most_low = room[axis] - (places - before).min(axis=1)
        most_high = room[axis + 2] - (places + behind).max(axis=1)
        if low[axis] <= room[axis]:
            most_low = np.zeros(len(joints))
        if high[axis] >= room[axis + 2]:
            most_high = np.zeros(len(joints))
        found.append(Leeway(most_low, most_high))
    return found[0], found[1]


def _around(skeleton: Skeleton, reach: Box) -> NDArray[np.float64]:
    """How much of the drawing there is about each joint, ``(J,)``: a radius.

    About one at an end of a limb that is outermost, as much as there is beyond it; about others at
    an end, the median of those; about the rest, what is least.
    """
    points = skeleton.points_xy
    near = _OUTERMOST * float(np.ptp(points, axis=0).max())
    around = np.zeros(len(points))
    ends = np.array([not below for below in skeleton.children])
    for sign, sides in ((-1, reach[:2]), (1, reach[2:])):
        gap = (sign * points).max(axis=0) - sign * points
        for axis, side in enumerate(sides):
            around[ends & (gap[:, axis] <= near)] = np.maximum(
                around[ends & (gap[:, axis] <= near)], side
            )
    known = ends & (around > 0)
    if known.any():
        around[ends & ~known] = np.median(around[known])
        around[~ends] = min(reach)
    return around
