"""From the mask of a character to a triangle mesh that covers all of it.

The outline of the slightly grown mask is simplified and cut into pieces; a Delaunay triangulation
of its points and of a grid inside is made to hold every piece of the outline as an edge, so that
no triangle spans the gap between two fingers.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from apps.puppet.mesh.inside import even_odd
from apps.puppet.mesh.mesh import Mesh
from cartoonedit.errors import InvalidInput, shown

__all__ = ["triangulate"]

VERTICES = 450
"""How many vertices the default spacing aims at; a winding outline adds up to as many again."""

FINEST = 0.5
"""How far a simplified outline of a small mask strays, in pixels."""

MOST_OUTLINE = 4000
"""An outline of more points than this is noise, and is smoothed until it has fewer."""

MOST_ROUNDS = 6

Points = NDArray[np.float64]


def triangulate(mask: NDArray[Any], spacing: float | None = None, rim: float = 0.5) -> Mesh:
    """Cover a mask with triangles.

    Args:
        mask: Alpha ``uint8`` or ``bool`` ``(H, W)``; every pixel that is not 0 is covered, in all
            islands. Holes stay open unless they are narrower than a triangle.
        spacing: About the length of an edge, in pixels; None for 400 to 900 vertices whatever
            the size of the mask.
        rim: How far the triangles reach beyond the pixels, in pixels. The default is what bilinear
            sampling needs.

    Returns:
        In pixels of the picture, y down, where the first pixel covers ``[0, 1] x [0, 1]``. Each
        vertex is used; each triangle has a positive area, the sign being that of
        ``cross(b - a, c - a)``.

    Raises:
        InvalidInput: The mask is empty or no picture, or a length is out of range.
    """
    solid = _checked(mask, spacing, rim)
    x, y, width, height = cv2.boundingRect(solid)
    solid = solid[y : y + height, x : x + width]
    length = _default_spacing(solid) if spacing is None else spacing
    loops, grown, margin = _outline(solid, length, rim)
    if spacing is None:  # much more than before where the mask was dust
        length = _default_spacing(grown)
    outline, segments = _cut(loops, length)
    grid = _grid(grown, length)
    points, segments, triangles = _conforming(outline, segments, grid)
    triangles = triangles[_kept(points, segments, triangles, len(grid))]
    return _compact(points + np.array([x - margin, y - margin]), triangles)


def _checked(mask: NDArray[Any], spacing: float | None, rim: float) -> NDArray[np.uint8]:
    mask = np.asarray(mask)
    if mask.ndim != 2 or not (mask.dtype == np.bool_ or np.issubdtype(mask.dtype, np.integer)):
        raise InvalidInput(
            f"a mask must have the shape (H, W) and hold bool or uint8; got {mask.shape} of"
            f" {mask.dtype}."
        )
    if spacing is not None and not 1 <= spacing < np.inf:
        raise InvalidInput(f"spacing must be at least 1 pixel; got {shown(spacing)}.")
    if not 0 <= rim <= 100:
        raise InvalidInput(f"rim must be from 0 to 100 pixels; got {shown(rim)}.")
    solid = (mask != 0).astype(np.uint8)
    if not solid.any():
        raise InvalidInput(
            f"a mask of {mask.shape[1]} x {mask.shape[0]} pixels is empty: there is nothing to"
            " cover with triangles. Leave this character out."
        )
    return solid


def _default_spacing(solid: NDArray[np.uint8]) -> float:
    """The spacing s at which the area A and the outline L give A / s² + L / s = N vertices."""
    contours, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    length = float(sum(len(each) for each in contours))
    area = float(np.count_nonzero(solid))
    return max(2.0, (length + np.sqrt(length**2 + 4 * VERTICES * area)) / (2 * VERTICES))


# ---------------------------------------------------------------- the outline


def _outline(
    solid: NDArray[np.uint8], spacing: float, rim: float
) -> tuple[list[Points], NDArray[np.uint8], int]:
    """Simplified closed curves around the mask, the grown mask, and how far both are shifted."""
    tolerance = max(FINEST, spacing / 25)
    while True:
        loops, grown, margin = _smoothed(solid, spacing, rim, tolerance)
        if sum(map(len, loops)) <= MOST_OUTLINE or tolerance > max(solid.shape):
            return loops, grown, margin
        tolerance *= 2


def _smoothed(
    solid: NDArray[np.uint8], spacing: float, rim: float, tolerance: float
) -> tuple[list[Points], NDArray[np.uint8], int]:
    # The curve found runs through pixel centres, half a pixel inside of the grown mask, and is
    # moved inwards by the tolerance at most. What whole pixels do not make up for is an offset.
    steps = max(1, int(rim + tolerance))
    offset = rim + tolerance + 0.5 - steps
    margin = steps + 2
    grown = cv2.copyMakeBorder(solid, *(margin,) * 4, cv2.BORDER_CONSTANT, value=0)
    grown = cv2.dilate(grown, np.ones((3, 3), np.uint8), iterations=steps)
    contours, levels = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    loops = []
    for contour, (*_, parent) in zip(contours, levels[0], strict=True):
        # A hole that loses its area to the offset, or that no triangle could fill, is closed.
        if parent >= 0 and cv2.contourArea(contour) < max(4.0, (spacing / 3) ** 2):
            cv2.drawContours(grown, [contour], -1, 1, cv2.FILLED)
            continue
        simple = cv2.approxPolyDP(contour, tolerance, closed=True)
        if len(simple) < 3:
            simple = contour
        loops.append(_widened(simple[:, 0].astype(np.float64) + 0.5, offset))
    return loops, grown, margin


def _widened(loop: Points, offset: float) -> Points:
    """A closed curve moved away from what it encloses (OpenCV turns holes the other way round)."""
    along = np.roll(loop, -1, axis=0) - loop
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    # The outer curves of OpenCV run counter-clockwise as seen, where y points down.
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    before = np.roll(normal, 1, axis=0)
    total = normal + before
    # The mitre, at a spike not longer than three times the offset.
    scale = 2 / np.maximum((total**2).sum(axis=1), 4 / 9)
    return loop + offset * total * scale[:, None]


def _cut(loops: list[Points], spacing: float) -> tuple[Points, NDArray[np.int64]]:
    """Points along all curves, not farther apart than the spacing, and the segments of them."""
    points, segments, count = [], [], 0
    for loop in loops:
        step = np.roll(loop, -1, axis=0) - loop
        parts = np.maximum(1, np.ceil(np.linalg.norm(step, axis=1) / spacing)).astype(np.int64)
        first = np.repeat(np.arange(len(loop)), parts)
        place = np.arange(len(first)) - np.repeat(np.cumsum(parts) - parts, parts)
        points.append(loop[first] + step[first] * (place / parts[first])[:, None])
        own = np.arange(len(first))
        segments.append(np.stack([own, np.roll(own, -1)], axis=1) + count)
        count += len(first)
    return np.concatenate(points), np.concatenate(segments)


def _grid(grown: NDArray[np.uint8], spacing: float) -> Points:
    """A grid of equilateral triangles, where it is not close to the outline."""
    height, width = grown.shape
    rows = np.arange(spacing / 2, height, spacing * np.sqrt(3) / 2)
    columns = np.arange(spacing / 4, width, spacing)
    xx, yy = np.meshgrid(columns, rows)
    xx[1::2] += spacing / 2
    points = np.stack([xx, yy], axis=-1).reshape(-1, 2)
    points = points[points[:, 0] < width]
    reach = cv2.distanceTransform(grown, cv2.DIST_L2, 3)
    column, row = points.astype(np.int64).T
    return points[reach[row, column] > spacing * 0.55]


# ---------------------------------------------------------------- the triangles


def _conforming(
    outline: Points, segments: NDArray[np.int64], grid: Points
) -> tuple[Points, NDArray[np.int64], NDArray[np.int64]]:
    """Delaunay triangles of which all segments are edges; those that are not are halved.

    The points are those of the grid, then those of the outline.
    """
    segments = segments + len(grid)
    points = np.concatenate([grid, outline])
    for _ in range(MOST_ROUNDS):
        triangles = Delaunay(points).simplices.astype(np.int64)
        lacking = ~_are_edges(segments, triangles, len(points))
        length = np.linalg.norm(points[segments[:, 0]] - points[segments[:, 1]], axis=1)
        lacking &= length > 1
        if not lacking.any() or len(points) > 2 * MOST_OUTLINE:
            break
        first, last = segments[lacking].T
        middle = len(points) + np.arange(len(first))
        points = np.concatenate([points, (points[first] + points[last]) / 2])
        halves = np.stack([[first, middle], [middle, last]]).transpose(0, 2, 1).reshape(-1, 2)
        segments = np.concatenate([segments[~lacking], halves])
    else:
        triangles = Delaunay(points).simplices.astype(np.int64)
    return points, segments, triangles


def _are_edges(
    segments: NDArray[np.int64], triangles: NDArray[np.int64], count: int
) -> NDArray[np.bool_]:
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    wanted = np.sort(segments, axis=1)
    return np.isin(wanted[:, 0] * count + wanted[:, 1], edges[:, 0] * count + edges[:, 1])


def _kept(
    points: Points, segments: NDArray[np.int64], triangles: NDArray[np.int64], grid: int
) -> NDArray[np.bool_]:
    """Which triangles lie inside: those of a point of the grid, and whose centroid does."""
    kept = np.ones(len(triangles), dtype=bool)
    doubtful = np.flatnonzero(triangles.min(axis=1) >= grid)
    centroids = points[triangles[doubtful]].mean(axis=1)
    kept[doubtful] = even_odd(centroids, points[segments])
    return kept


def _compact(points: Points, triangles: NDArray[np.int64]) -> Mesh:
    """Without points that no triangle uses; all triangles turned the same way."""
    a, b, c = points[triangles].transpose(1, 0, 2)
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    triangles = np.where((area < 0)[:, None], triangles[:, ::-1], triangles)
    triangles = triangles[np.abs(area) > 1e-6]
    used, index = np.unique(triangles, return_inverse=True)
    return Mesh(points[used], index.reshape(-1, 3).astype(np.int32))
