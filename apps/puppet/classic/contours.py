"""Level lines of a picture by marching squares, and their simplification.

The lines start and turn as those of scikit-image do, by which Animated Drawings makes its meshes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_contours", "simplified"]

# The sides of a square of four pixels.
TOP, LEFT, RIGHT, BOTTOM = range(4)

# For each pattern of corners above the level (1 upper left, 2 upper right, 4 lower left, 8 lower
# right): from which side to which side the line runs, with what is above on its right. Where two
# corners above the level meet only at a corner, the line parts them.
LINES: dict[int, list[tuple[int, int]]] = {
    1: [(TOP, LEFT)],
    2: [(RIGHT, TOP)],
    3: [(RIGHT, LEFT)],
    4: [(LEFT, BOTTOM)],
    5: [(TOP, BOTTOM)],
    6: [(RIGHT, TOP), (LEFT, BOTTOM)],
    7: [(RIGHT, BOTTOM)],
    8: [(BOTTOM, RIGHT)],
    9: [(TOP, LEFT), (BOTTOM, RIGHT)],
    10: [(BOTTOM, TOP)],
    11: [(BOTTOM, LEFT)],
    12: [(LEFT, RIGHT)],
    13: [(TOP, RIGHT)],
    14: [(LEFT, TOP)],
}


def find_contours(picture: NDArray[Any], level: float) -> list[NDArray[np.float64]]:
    """Find the lines at which a picture passes a level.

    Args:
        picture: ``(N, M)``.
        level: It lies above where a value is greater.

    Returns:
        Points ``(row, column)`` of each line, in pixels, the first pixel's centre being (0, 0). A
        closed line ends with its first point; one that meets the border of the picture is open.
        They are in the order in which their first squares lie in the picture.
    """
    picture = np.asarray(picture, np.float64)
    if min(picture.shape) < 2:
        return []
    start, end = _segments(picture > level)
    after = _after(start, end)
    before = np.full(len(start), -1, np.int64)
    before[after[after >= 0]] = np.flatnonzero(after >= 0)
    points = _crossing(picture, level, start), _crossing(picture, level, end)
    seen = np.zeros(len(start), np.bool_)
    following, preceding = after.tolist(), before.tolist()
    lines = []
    for segment in range(len(start)):
        if seen[segment]:
            continue
        order = _chain(segment, following, preceding)
        seen[order] = True
        lines.append(np.concatenate([points[0][order], points[1][order[-1:]]]))
    return lines


def _segments(above: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the pieces of line begin and end, square by square.

    A place is the number of a pixel times two, for the way to the pixel on its right, and plus one
    for the way down.
    """
    corner = above.astype(np.uint8)
    pattern = corner[:-1, :-1] + 2 * corner[:-1, 1:] + 4 * corner[1:, :-1] + 8 * corner[1:, 1:]
    row, column = np.nonzero((pattern > 0) & (pattern < 15))
    kind = pattern[row, column]
    table = np.full((16, 2, 2), -1, np.int64)
    for each, lines in LINES.items():
        table[each, : len(lines)] = lines
    width = above.shape[1]
    pixel = row * width + column
    places = np.stack([2 * pixel, 2 * pixel + 1, 2 * pixel + 3, 2 * (pixel + width)], axis=1)
    sides = table[kind]
    found = sides[..., 0] >= 0
    ends = np.take_along_axis(places[:, None], sides, axis=2)
    return ends[found][:, 0], ends[found][:, 1]


def _after(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which piece begins where each one ends; -1 at the border."""
    if not len(start):
        return np.zeros(0, np.int64)
    order = np.argsort(start)
    place = np.minimum(np.searchsorted(start[order], end), len(start) - 1)
    return np.where(start[order][place] == end, order[place], -1)


def _crossing(
    picture: NDArray[np.float64], level: float, places: NDArray[np.int64]
) -> NDArray[np.float64]:
    pixel, down = np.divmod(places, 2)
    row, column = np.divmod(pixel, picture.shape[1])
    first = picture[row, column]
    share = (level - first) / (picture[row + down, column + 1 - down] - first)
    return np.stack([row + down * share, column + (1 - down) * share], axis=1)


def _chain(segment: int, after: list[int], before: list[int]) -> NDArray[np.int64]:
    """All pieces of a line: a closed one begins after the last of them in the picture."""
    chain, last = [segment], after[segment]
    while last >= 0 and last != segment:
        chain.append(last)
        last = after[last]
    if last == segment:
        turn = int(np.argmax(chain)) + 1
        return np.array(chain[turn:] + chain[:turn])
    first, ahead = before[segment], []
    while first >= 0:
        ahead.append(first)
        first = before[first]
    return np.array(ahead[::-1] + chain)


def simplified(line: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
    """Leave points of a line out, after Douglas and Peucker.

    Args:
        line: ``(N, 2)``; the first and the last point stay.
        tolerance: How far the points left out may lie from the result.
    """
    kept = np.zeros(len(line), np.bool_)
    kept[[0, -1]] = True
    open_ = np.zeros(len(line), np.bool_)
    open_[1:-1] = True
    while open_.any():
        ends = np.flatnonzero(kept)
        inner = np.flatnonzero(open_)
        piece = np.searchsorted(ends, inner) - 1
        distance = _from_segments(line[inner], line[ends[piece]], line[ends[piece + 1]])
        first = np.flatnonzero(np.diff(piece, prepend=-1))
        farthest = np.maximum.reduceat(distance, first)
        of = np.repeat(np.arange(len(first)), np.diff(first, append=len(inner)))
        peak = np.flatnonzero(distance == farthest[of])
        peak = peak[np.unique(of[peak], return_index=True)[1]]
        kept[inner[peak[farthest > tolerance]]] = True
        open_[inner[farthest[of] <= tolerance]] = False
        open_ &= ~kept
    return line[kept]


def _from_segments(
    points: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far each point lies from its segment."""
    # By the normal of the segment, as an angle: at the stairs of a mask many points lie equally
    # far, and the rounding says which is the farthest.
    along = end - start
    angle = -np.arctan2(along[:, 0], along[:, 1])
    cos, sin = np.cos(angle), np.sin(angle)
    level = start[:, 1] * sin + start[:, 0] * cos
    beside = np.abs(points[:, 0] * cos + points[:, 1] * sin - level)
    from_start, from_end = points - start, points - end
    between = ((from_start * along).sum(axis=1) > 0) & ((from_end * along).sum(axis=1) < 0)
    beyond = np.minimum(
        np.sqrt((from_start[:, ::-1] ** 2).sum(axis=1)), np.sqrt((from_end**2).sum(axis=1))
    )
    return np.where(between, beside, beyond)
