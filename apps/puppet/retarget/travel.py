"""How far a puppet may go: all the way, on the spot, or as far as the picture reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

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
    room as drawn may go on to, and no farther.

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
        low_x, low_y, high_x, high_y = _free(skeleton, options.room, options.reach)
        fits = low_x <= x.min() and x.max() <= high_x
        if not fits or (loops and gain != 0):
            trend = _drift(x, gain, loops)
            x = trend * _most(x - trend, trend, low_x, high_x) + x - trend
            slow = _slow(x, options.fps)
            x = slow * _most(x - slow, slow, low_x, high_x) + x - slow
            x = x * _most(np.zeros_like(x), x, low_x, high_x)
            gain = 0.0
        y = _lowered(y, planted.lift, low_y, high_y)
    return np.stack([x, y], axis=1), gain == 0.0


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
    low, high = skeleton.points_xy.min(axis=0), skeleton.points_xy.max(axis=0)
    return (
        min(0.0, room[0] - (float(low[0]) - reach[0])),
        min(0.0, room[1] - (float(low[1]) - reach[1])),
        max(0.0, room[2] - (float(high[0]) + reach[2])),
        max(0.0, room[3] - (float(high[1]) + reach[3])),
    )


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
