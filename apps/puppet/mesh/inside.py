"""Which points lie inside closed curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["even_odd", "loop_segments"]


def loop_segments(loop_xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """The segments ``(N, 2, 2)`` of a closed curve ``(N, 2)``."""
    return np.stack([loop_xy, np.roll(loop_xy, -1, axis=0)], axis=1)


def even_odd(points_xy: NDArray[np.float64], segments: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points lie inside closed curves, by how many segments lie to their right.

    Segments are sorted by height, so that each point meets only those that it can be level with.

    Args:
        points_xy: ``(N, 2)``.
        segments: ``(S, 2, 2)``: both ends of each, in any order.
    """
    crossings = np.zeros(len(points_xy), np.int64)
    upward = segments[:, 0, 1] <= segments[:, 1, 1]
    low = np.where(upward[:, None], segments[:, 0], segments[:, 1])
    high = np.where(upward[:, None], segments[:, 1], segments[:, 0])
    height = high[:, 1] - low[:, 1]
    octave = np.frexp(height)[1]
    for each in np.unique(octave[height > 0]):
        of = np.flatnonzero((octave == each) & (height > 0))
        of = of[np.argsort(low[of, 1])]
        crossings += _crossings(points_xy, low[of], high[of], float(2.0**each))
    return crossings % 2 == 1


def _crossings(
    points: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    tallest: float,
) -> NDArray[np.int64]:
    """How many segments, sorted by their low ends, lie to the right of each point."""
    first = np.searchsorted(low[:, 1], points[:, 1] - tallest, "left")
    last = np.searchsorted(low[:, 1], points[:, 1], "right")
    number = last - first
    counts = np.zeros(len(points), np.int64)
    ends = np.cumsum(number)
    start = 0
    while start < len(points):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + 2_000_000, "right")))
        of = np.repeat(np.arange(start, stop), number[start:stop])
        segment = np.arange(len(of)) + np.repeat(
            first[start:stop] - (ends[start:stop] - number[start:stop] - done), number[start:stop]
        )
        x, y = points[of].T
        (x0, y0), (x1, y1) = low[segment].T, high[segment].T
        right = (y < y1) & (x0 + (y - y0) * ((x1 - x0) / (y1 - y0)) > x)
        counts[start:stop] = np.bincount(of[right] - start, minlength=stop - start)
        start = stop
    return counts
