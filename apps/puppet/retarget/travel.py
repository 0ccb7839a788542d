"""How far a puppet may go: all the way, on the spot, or as far as the picture reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from apps.puppet.retarget.legs import find_legs
from apps.puppet.retarget.options import Box, RetargetOptions
from apps.puppet.retarget.plant import Planted
from apps.puppet.retarget.room import Body, Leeway, extent, leeway
from apps.puppet.skeleton import Skeleton

__all__ = ["bounded"]

_SLOW = 0.8
"""Seconds, standard deviation: what of a path is slower is where it goes, the rest is its steps."""


def bounded(
    planted: Planted,
    skeleton: Skeleton,
    options: RetargetOptions,
    loops: bool,
    body: Body | None = None,
) -> tuple[NDArray[np.float64], bool]:
    """The way of the root, kept in bounds.

    In a room, as much of the path is kept as fits: first its drift (where it goes) is made smaller,
    down to none; then its steps. Flights get lower in the same way. Where that is not enough,
    because an arm or a bow reaches out, all of it is moved away from the edge. What already reaches
    out of the room as drawn may go on to, and no farther. A loop that travels farther than the room
    goes on the spot.

    Args:
        planted: The way as the feet want it.
        skeleton: As drawn.
        options: Of them ``travel``, ``room``, ``reach``, ``fps``.
        loops: Whether the result loops.
        body: The drawing, see :func:`apps.puppet.retarget.room.leeway`.

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
        across, upright = leeway(planted.joints, skeleton, options.room, options.reach, body)
        if not across.holds(x):
            x, gain = _within(x, gain, across, options.fps, loops), 0.0
        y = _lowered(y, planted.lift, upright)
    return np.stack([x, y], axis=1), gain == 0.0


def _behind_edges(
    x: NDArray[np.float64], y: NDArray[np.float64], skeleton: Skeleton, room: Box, reach: Box
) -> NDArray[np.float64]:
    """The sway of one who has no legs, mostly because edges of the room cut them off.

    Where an edge cuts him, he only moves towards it, or there would be a gap.
    """
    low, high = extent(skeleton, reach)
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


def _most(
    rest: NDArray[np.float64],
    part: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> float:
    """The largest share of a part, 0..1, so that with it the sum lies in bounds; else 0.

    Where the rest alone is out of bounds, the part is asked for no more.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(part > 0, high - rest, rest - low) / np.abs(part)
    room = room[(np.abs(part) > 1e-9)]
    return float(np.clip(room.min(initial=1.0), 0.0, 1.0))


def _within(
    x: NDArray[np.float64], gain: float, bounds: Leeway, fps: float, loops: bool
) -> NDArray[np.float64]:
    """As much of a path as fits."""
    aside = bounds.aside()
    low, high = bounds.around(aside)
    trend = _drift(x, gain, loops)
    # A loop that cannot go all the way goes on the spot, so that it stays a loop.
    kept = 0.0 if gain else _most(x - trend, trend, low, high)
    x = trend * kept + x - trend
    slow = _slow(x, fps)
    x = slow * _most(x - slow, slow, low, high) + x - slow
    return x * _most(np.zeros_like(x), x, low, high) + aside


def _lowered(
    y: NDArray[np.float64], lift: NDArray[np.float64], bounds: Leeway
) -> NDArray[np.float64]:
    """Make flights lower, then move it all, then make all that goes up and down less."""
    y = y + lift * (1 - _most(y + lift, -lift, bounds.low, np.full(len(y), np.inf)))
    if bounds.holds(y):
        return y
    aside = Leeway(bounds.low - y, bounds.high - y).aside()
    if bounds.holds(y + aside):
        return y + aside
    aside = bounds.aside()
    return y * _most(np.zeros(len(y)), y, *bounds.around(aside)) + aside
