"""Which triangle shows at each pixel.

Triangles are painted in order, so the last one that covers the centre of a pixel shows there. What
lies on an edge belongs to one of the two triangles that share it: to the one on the right, or
below. So a mesh leaves no gap and covers nothing twice.

All triangles are treated at once. Each is cut at its middle corner into an upper and a lower part,
each becomes one span for each of its rows, and the spans become pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cover", "cover", "fragments"]

FARTHEST = 1e9
"""Coordinates beyond that are taken to be there: much farther, float64 has no parts of pixels."""

_PAIRS = ((0, 1), (1, 2), (0, 2))
_CANNOT_BE = (0, 1, 2)
_DOWNWARDS = np.transpose(
    [
        (0, 1, 2), (1, 0, 2), (0, 2, 1), _CANNOT_BE, _CANNOT_BE, (1, 2, 0), (2, 0, 1), (2, 1, 0),
    ]
)  # fmt: skip
"""Corners from top to bottom, by the pairs of which the first lies lower: one bit for each."""

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Cover:
    """The pixels that triangles cover, layer by layer, each layer row by row.

    Attributes:
        x: ``int32`` ``(P,)``: the column of each pixel on the canvas.
        y: ``int32`` ``(P,)``: its row.
        triangle: ``intp`` ``(P,)``: index of the triangle that shows there.
        ends: ``L + 1`` numbers: layer ``l`` has the pixels from ``ends[l]`` to ``ends[l + 1]``.
        box: The box ``(left, top, right, bottom)`` on the canvas that all of them lie in; all 0 if
            there are none.
    """

    x: NDArray[np.int32]
    y: NDArray[np.int32]
    triangle: Ints
    ends: tuple[int, ...]
    box: tuple[int, int, int, int]

    def __len__(self) -> int:
        return len(self.x)


def cover(
    points_xy: NDArray[np.floating],
    triangles: NDArray[np.integer],
    size_wh: tuple[int, int],
    starts: Sequence[int] = (0,),
) -> Cover:
    """Find the pixels that triangles cover, and the triangle that shows at each.

    Args:
        points_xy: ``(V, 2)`` in pixels, y down; the first pixel's centre is (0.5, 0.5).
        triangles: ``(T, 3)``, indices of points, in the order in which they are painted. Either
            way round; those without area, or with a corner that is not finite, cover nothing.
        size_wh: Of the canvas. What lies outside of it takes neither time nor memory.
        starts: Index of the first triangle of each layer, ascending from 0. Layers do not hide
            each other.
    """
    x, y = _corners(points_xy, triangles)
    # A row belongs to what lies above and below its centre: half open, as the spans are.
    rows = np.clip(np.ceil(y - 0.5), 0, size_wh[1])
    boxes, layers = _boxes(x, rows, size_wh[0], starts)
    widths = boxes[:, 2] - boxes[:, 0]
    bases = np.concatenate(([0], np.cumsum(widths * (boxes[:, 3] - boxes[:, 1]))))
    # All layers lie in one buffer, one after the other, each as large as its box.
    origins = bases[:-1] - boxes[:, 1] * widths - boxes[:, 0]
    spans = _spans(x, y, rows, size_wh[0], origins[layers], widths[layers])
    place, number = _pixels(*spans)
    buffer = np.zeros(bases[-1], np.int32)
    buffer[place] = number.astype(np.int32)
    place = np.flatnonzero(buffer != 0)
    triangle = np.subtract(buffer.take(place), 1, dtype=np.intp)
    ends = np.searchsorted(place, bases)
    used = np.flatnonzero(np.diff(ends))
    columns, lines = np.empty(len(place), np.int32), np.empty(len(place), np.int32)
    for layer in used:
        mine = slice(ends[layer], ends[layer + 1])
        local = np.subtract(place[mine], bases[layer], dtype=np.intp).astype(np.int32)
        left, top, width = int(boxes[layer, 0]), int(boxes[layer, 1]), int(widths[layer])
        down = local // width
        np.add(down, top, out=lines[mine])
        local -= down * width
        np.add(local, left, out=columns[mine])
    box = (*boxes[used, :2].min(axis=0), *boxes[used, 2:].max(axis=0)) if used.size else (0,) * 4
    left, top, right, bottom = (int(side) for side in box)
    return Cover(columns, lines, triangle, tuple(ends.tolist()), (left, top, right, bottom))


def fragments(
    points_xy: NDArray[np.floating], triangles: NDArray[np.integer], size_wh: tuple[int, int]
) -> tuple[Ints, Ints]:
    """List the pixels of each triangle in turn, those of later ones too where they lie over others.

    Who writes colours to them in that order sees what :func:`cover` finds, in less time.

    Args:
        points_xy: See :func:`cover`, and so for the others.
        triangles: Triangles.
        size_wh: Of the canvas.

    Returns:
        ``intp`` ``(P,)``: where each pixel lies on the canvas, counted row by row, and the index of
        the triangle.
    """
    x, y = _corners(points_xy, triangles)
    rows = np.clip(np.ceil(y - 0.5), 0, size_wh[1])
    place, number = _pixels(*_spans(x, y, rows, size_wh[0], 0, size_wh[0]))
    number -= 1
    return place, number


def _corners(
    points_xy: NDArray[np.floating], triangles: NDArray[np.integer]
) -> tuple[Floats, Floats]:
    """X and y, each ``(3, T)``, of the corners of triangles, each from the top to the bottom."""
    points = np.ascontiguousarray(np.asarray(points_xy, np.float64).T)
    corners = np.ascontiguousarray(triangles.T, np.intp)
    finite = np.isfinite(points)
    if not finite.all():
        good = finite.all(axis=0)
        if not good.any():
            corners = corners[:, :0]
        else:  # on one point, it has no area
            corners = np.where(good.take(corners).all(axis=0), corners, np.argmax(good))
    points = np.clip(points, -FARTHEST, FARTHEST)
    y = points[1].take(corners)
    lower = [y[one] > y[other] for one, other in _PAIRS]
    case = lower[0] + lower[1] * np.intp(2) + lower[2] * np.intp(4)
    count = corners.shape[1]
    downwards = corners.ravel().take(_DOWNWARDS.take(case, axis=1) * count + np.arange(count))
    return points[0].take(downwards), points[1].take(downwards)


def _boxes(x: Floats, rows: Floats, width: int, starts: Sequence[int]) -> tuple[Ints, Ints]:
    """The box ``(left, top, right, bottom)`` of each layer, and the layer of each triangle."""
    count = x.shape[1]
    sizes = np.diff(np.append(np.minimum(starts, count), count))
    boxes = np.zeros((len(sizes), 4), np.intp)
    some = np.flatnonzero(sizes)
    if some.size:
        firsts = np.asarray(starts, np.intp)[some]
        left = np.minimum.reduceat(x.min(axis=0), firsts)
        right = np.maximum.reduceat(x.max(axis=0), firsts)
        boxes[some, 0] = np.clip(np.ceil(left - 0.5), 0, width)
        # One more: where an edge crosses a row, it may be rounded to just beyond its end.
        boxes[some, 2] = np.clip(np.ceil(right - 0.5) + 1, 0, width)
        boxes[some, 1] = np.minimum.reduceat(rows[0], firsts)
        boxes[some, 3] = np.maximum.reduceat(rows[2], firsts)
    return boxes, np.repeat(np.arange(len(sizes)), sizes)


def _spans(
    x: Floats, y: Floats, rows: Floats, width: int, origin: Ints | int, pitch: Ints | int
) -> tuple[Ints, Ints, Ints]:
    """Where each span starts in the buffer, how long it is, and of which triangle it is.

    The crossing of an edge with a row is computed from nothing but the edge, in the same way for
    both triangles that share it: to the last bit, or rounding would tear the mesh.

    Args:
        x: Of the corners from top to bottom, ``(3, T)``, and so ``y``.
        y: See ``x``.
        rows: The first row below each corner, within the canvas.
        width: Of the canvas.
        origin: Where the canvas' first pixel would lie in the buffer, for each triangle or for all.
        pitch: From row to row in the buffer, for each triangle or for all.
    """
    upper, lower = np.array([0, 0, 1]), np.array([2, 1, 2])  # the long edge and two short ones
    rise = y[lower] - y[upper]
    rise[rise == 0] = 1  # it crosses no row
    step = (x[lower] - x[upper]) / rise
    crossing = x[upper] + (rows[upper] + 0.5 - y[upper]) * step
    heights = np.diff(rows, axis=0).astype(np.intp)  # (2, T): of both parts
    each = heights.sum(axis=0)
    triangle = np.repeat(np.arange(each.size), each)
    since_top = np.arange(triangle.size) - (_running_sums(each) - each).take(triangle)
    upper_height = heights[0].take(triangle)
    is_lower = since_top >= upper_height
    short = triangle + is_lower * each.size
    since = since_top - is_lower * upper_height  # the part's first row
    one = step[0].take(triangle) * since_top + crossing[0].take(triangle)
    other = step[1:].ravel().take(short) * since + crossing[1:].ravel().take(short)
    low, high = (_columns(side(one, other), width) for side in (np.minimum, np.maximum))
    top = origin + rows[0].astype(np.intp) * pitch
    if isinstance(pitch, np.ndarray):
        pitch = pitch.take(triangle)
    start = top.take(triangle) + since_top * pitch + low
    return start, high - low, triangle


def _columns(x: Floats, width: int) -> Ints:
    """The first columns whose centres are not left of ``x``, within the canvas; changes ``x``."""
    x -= 0.5
    np.ceil(x, out=x)
    np.clip(x, 0, width, out=x)
    return x.astype(np.intp)


def _pixels(start: Ints, length: Ints, triangle: Ints) -> tuple[Ints, Ints]:
    """Where in the buffer each pixel of the spans is, and the number of its triangle, from 1."""
    some = np.flatnonzero(length > 0)
    if not some.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    start, length = start.take(some), length.take(some)
    # Pixel after pixel, one number holds both where it is (lower 40 bits) and its triangle: it goes
    # up by one inside a span, and jumps at the start of the next.
    both = start + ((triangle.take(some) + 1) << 40)
    ends = _running_sums(length)
    steps = np.ones(int(ends[-1]), np.int64)
    steps[0] = both[0]
    steps[ends[:-1]] = both[1:] - (both[:-1] + length[:-1] - 1)
    place = _running_sums(steps)
    number = place >> 40
    place &= (1 << 40) - 1
    return place, number


def _running_sums(values: Ints) -> Ints:
    """Sums of the first, the first two, ... values; in a fifth of the time of ``np.cumsum``.

    That, given what lies in memory in order, waits in each step for the sum just stored; given what
    lies the other way round, it does not.
    """
    return np.cumsum(values[::-1].copy()[::-1])
