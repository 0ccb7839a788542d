"""How far a puppet may go: all the way, on the spot, or as far as the picture reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from apps.puppet.retarget.legs import find_legs
from apps.puppet.retarget.options import Box, RetargetOptions
from apps.puppet.retarget.plant import Planted
from apps.puppet.skeleton import Skeleton

__all__ = ["bounded"]

_SLOW = 0.8
"""Seconds, standard deviation: what of a path is slower is where it goes, the rest is its steps."""


def bounded(
    planted: Planted, skeleton: Skeleton, options: RetargetOptions, loops: bool
) -> tuple[NDArray[np.float64], bool]:
    """The way of the root, kept in bounds.

    In a room, as much of the path is kept as fits: first its drift (where it goes) is made smaller,
    down to none; then its steps. Flights get lower in the same way. What already reaches out of the
    room as drawn may go on to, and no farther. A loop that travels farther than the room goes on
    the spot.

    Args:
        planted: The way as the feet want it.
        skeleton: As drawn.
        options: Of them ``travel``, ``room``, ``reach``, ``fps``.
        loops: Whether the result loops.

    Returns:
        ``(T, 2)``, from where the root is drawn, and whether the way leads back to its start.
    """
    x, y = planted.root.T.copy()
    gain = planted.gain
    if options.travel == "in-place":
        x, gain = x - _drift(x, gain, loops), 0.0
    elif options.travel == "auto" and options.room is not None:
        if not find_legs(skeleton):
            return _behind_edges(x, y, skeleton, options.room, options.reach), True
        low_x, low_y, high_x, high_y = _free(skeleton, options.room, options.reach)
        fits = low_x <= x.min() and x.max() <= high_x
        if not fits:
            trend = _drift(x, gain, loops)
            # A loop that cannot go all the way goes on the spot, so that it stays a loop.
            kept = 0.0 if gain else _most(x - trend, trend, low_x, high_x)
            x = trend * kept + x - trend
            slow = _slow(x, options.fps)
            x = slow * _most(x - slow, slow, low_x, high_x) + x - slow
            x = x * _most(np.zeros_like(x), x, low_x, high_x)
            gain = 0.0
        y = _lowered(y, planted.lift, low_y, high_y)
    return np.stack([x, y], axis=1), gain == 0.0


def _behind_edges(
    x: NDArray[np.float64], y: NDArray[np.float64], skeleton: Skeleton, room: Box, reach: Box
) -> NDArray[np.float64]:
    """The sway of one who has no legs, mostly because edges of the room cut them off.

    Where an edge cuts him, he only moves towards it, or there would be a gap.
    """
    low, high = _extent(skeleton, reach)
    if low[0] <= room[0] + 1:
        x = x - x.max()
    if high[0] >= room[2] - 1:
        x = np.zeros_like(x) if low[0] <= room[0] + 1 else x - x.min()
    if high[1] >= room[3] - 1:
        y = y - y.min()
    return np.stack([x, y], axis=1)


def _drift(x: NDArray[np.float64], gain: float, loops: bool) -> NDArray[np.float64]:
    """What goes on and on: a straight line from the start."""
    frames = np.arange(len(x))
    if loops:
        return np.asarray(frames * (gain / len(x)))
    if len(x) < 3:
        return np.zeros(len(x))
    return np.asarray(frames * float(np.polyfit(frames, x, 1)[0]))


def _slow(x: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    slow = np.asarray(gaussian_filter1d(x, _SLOW * fps, mode="nearest"))
    return slow - slow[0] if len(slow) else slow


def _most(rest: NDArray[np.float64], part: NDArray[np.float64], low: float, high: float) -> float:
    """The largest share of a part, 0..1, so that with it the sum lies in bounds; else 0.

    Where the rest alone is out of bounds, the part is asked for no more.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(part > 0, high - rest, rest - low) / np.abs(part)
    room = room[(np.abs(part) > 1e-9)]
    return float(np.clip(room.min(initial=1.0), 0.0, 1.0))


def _free(skeleton: Skeleton, room: Box, reach: Box) -> Box:
    """How far the root may go to the left, up, right and down, from where it is drawn."""
    low, high = _extent(skeleton, reach)
    return (
        min(0.0, room[0] - low[0]),
        min(0.0, room[1] - low[1]),
        max(0.0, room[2] - high[0]),
        max(0.0, room[3] - high[1]),
    )


def _extent(skeleton: Skeleton, reach: Box) -> tuple[list[float], list[float]]:
    """Left and top, right and bottom of the drawing."""
    low, high = skeleton.points_xy.min(axis=0), skeleton.points_xy.max(axis=0)
    return (low - reach[:2]).tolist(), (high + reach[2:]).tolist()


def _lowered(
    y: NDArray[np.float64], lift: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """Make flights lower, then all that goes up and down, until it fits."""
    y = y + lift * (1 - _most(y + lift, -lift, low, np.inf))
    if y.min() < low or y.max() > high:
        start = float(np.clip(y[0], low, high))
        swing = y - y[0]
        y = start + swing * _most(np.full(len(y), start), swing, low, high)
    return y
