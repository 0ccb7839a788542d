"""The mesh of Animated Drawings: its very recipe, in its own space.

That space is the square of the picture's longer side, which has the length 1, with the origin at
the lower left corner and y up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from apps.puppet.classic.contours import find_contours, simplified
from apps.puppet.mesh.inside import even_odd, loop_segments
from apps.puppet.mesh.mesh import Mesh
from cartoonedit.errors import InvalidInput

__all__ = ["drawing_mesh", "outline", "square_mask"]

LEVEL = 128.0
"""The value of a mask that parts inside from outside."""

TOLERANCE = 0.25
"""How far the outline may stray when it is simplified, in pixels."""

GRID = 40
"""Points of the grid inside, along a side of the square."""


def square_mask(mask: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn and pad a mask to the square of Animated Drawings.

    Args:
        mask: ``uint8`` or ``bool`` ``(H, W)``.

    Returns:
        ``uint8`` ``(D, D)`` with ``D = max(H, W)``, indexed ``[x, y]`` with y up.

    Raises:
        InvalidInput: It is no mask.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype not in (np.uint8, np.bool_) or not mask.size:
        raise InvalidInput(
            f"a mask must have the shape (H, W) and hold bool or uint8; got {mask.shape} of"
            f" {mask.dtype}."
        )
    values = mask if mask.dtype == np.uint8 else mask.astype(np.uint8) * np.uint8(255)
    size = max(mask.shape)
    square = np.zeros((size, size), np.uint8)
    square[: mask.shape[1], : mask.shape[0]] = values[::-1].T
    return square


def outline(square: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The longest line around what is inside of a square mask, ``(N, 2)`` in pixels, y up.

    What meets the border is closed along it. (Animated Drawings closes it with a straight line.)

    Raises:
        InvalidInput: Nothing is inside.
    """
    inside = square > LEVEL
    if inside[[0, -1]].any() or inside[:, [0, -1]].any():
        # A line that ends at the border would cut off what lies beyond its two ends.
        padded = find_contours(np.pad(square, 1), LEVEL)
        lines = [np.clip(line - 1, 0, len(square) - 1) for line in padded]
    else:
        lines = find_contours(square, LEVEL)
    if not lines:
        raise InvalidInput(
            f"no value of a mask of {len(square)} x {len(square)} pixels is above {LEVEL:.0f}:"
            " there is no character in it. Give a mask that is 255 where the character is."
        )
    return max(lines, key=len)


def drawing_mesh(mask: NDArray[Any]) -> Mesh:
    """Make the mesh of a mask.

    One vertex, the end of the outline, is not part of any triangle. Islands but the one with the
    longest outline are left out, and holes are filled.

    Args:
        mask: ``(H, W)``, 255 where the character is.

    Returns:
        In the space of Animated Drawings.

    Raises:
        InvalidInput: It is no mask, nothing is inside, or there is no room for a triangle.
    """
    square = square_mask(mask)
    size = len(square)
    line = outline(square)
    segments = loop_segments(line)
    places = np.linspace(0, size, GRID)
    grid = np.stack([each.ravel() for each in np.meshgrid(places, places)], axis=1)
    points = np.concatenate([simplified(line, TOLERANCE), grid[even_odd(grid, segments)]])
    points = points.astype(np.float32).astype(np.float64)
    triangles = np.zeros((0, 3), np.int32)
    if len(np.unique(points, axis=0)) >= 3 and np.ptp(points, axis=0).min() > 0:
        triangles = Delaunay(points).simplices.astype(np.int32)
        triangles = triangles[even_odd(points[triangles].mean(axis=1), segments)]
    if not len(triangles):
        raise InvalidInput(
            f"a mask of {mask.shape[1]} x {mask.shape[0]} pixels has nowhere room for a triangle"
            " inside; give a larger picture of the character."
        )
    return Mesh(points.astype(np.float32).astype(np.float64) / size, triangles)
