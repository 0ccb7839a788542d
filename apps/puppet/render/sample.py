"""Where in a texture the pixels of triangles lie, and what colour it has there.

A point of a texture is one complex number ``u + iv``: that halves the number of passes over memory,
and pairs of ``float32`` are what OpenCV's ``remap`` takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["AffineMaps", "affine_maps", "bilinear", "nearest"]

STEEPEST = 1e4
"""A triangle squeezed more than that, in texels per pixel, shows any of its texels."""

_ROW = 1024
"""Lists of points are given to ``remap`` in rows of that length: it takes at most 32766 columns."""


@dataclass(frozen=True, eq=False)
class AffineMaps:
    """For each triangle a map from the plane to the texture, ``u + iv = a x + b y + c``.

    Attributes:
        a: ``complex64`` ``(T,)``.
        b: The same.
        c: The same.
    """

    a: NDArray[np.complex64]
    b: NDArray[np.complex64]
    c: NDArray[np.complex64]

    def at(
        self,
        triangle: NDArray[np.intp],
        x: NDArray[np.float32],
        y: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Map points, each by one of the triangles.

        Returns:
            ``float32`` ``(P, 2)``: u and v.
        """
        place = self.a.take(triangle)
        place *= x
        other = self.b.take(triangle)
        other *= y
        place += other
        place += self.c.take(triangle)
        return place.view(np.float32).reshape(-1, 2)


def affine_maps(
    points_xy: NDArray[np.floating],
    triangles: NDArray[np.integer],
    texture_xy: NDArray[np.floating],
    origin_xy: tuple[float, float] = (0.0, 0.0),
) -> AffineMaps:
    """Maps that carry triangles to where their corners lie in a texture.

    Args:
        points_xy: ``(V, 2)``: where the points lie now.
        triangles: ``(T, 3)``, indices of points.
        texture_xy: ``(V, 2)``: where they lie in the texture.
        origin_xy: What the maps take as (0, 0): near the points, or small numbers lose digits.

    Returns:
        A map for each triangle. One without area is carried to its first corner. All numbers are
        finite where the texture's are.
    """
    corners = np.ascontiguousarray(triangles.T, np.intp)
    points = np.asarray(points_xy, np.float64)
    x = np.ascontiguousarray(points[:, 0]).take(corners) - origin_xy[0]
    y = np.ascontiguousarray(points[:, 1]).take(corners) - origin_xy[1]
    q = np.ascontiguousarray(texture_xy, np.float64).view(np.complex128).ravel().take(corners)
    with np.errstate(all="ignore"):
        x1, y1, q1 = x[1] - x[0], y[1] - y[0], q[1] - q[0]
        x2, y2, q2 = x[2] - x[0], y[2] - y[0], q[2] - q[0]
        area = x1 * y2 - y1 * x2
        share = 1 / area
        a, b = (q1 * y2 - q2 * y1) * share, (q2 * x1 - q1 * x2) * share
        steep = ~(np.abs(a) + np.abs(b) < STEEPEST)  # or without area, or not finite
        if steep.any():
            a[steep] = b[steep] = 0
        c = q[0] - np.where(steep, 0, a * x[0] + b * y[0])
    return AffineMaps(a.astype(np.complex64), b.astype(np.complex64), c.astype(np.complex64))


def bilinear(
    texture: NDArray[np.uint8], places_xy: NDArray[np.float32], border: int = cv2.BORDER_CONSTANT
) -> NDArray[np.uint8]:
    """Colours of a texture between its pixels.

    Args:
        texture: ``(h, w, C)``.
        places_xy: ``(P, 2)``; the first pixel's centre is (0, 0).
        border: What is outside: 0, or one of OpenCV's other borders.

    Returns:
        ``(P, C)``. Within a thousandth of the centre of a pixel, its colour exactly.
    """
    count, channels = len(places_xy), texture.shape[2]
    if not count:
        return np.zeros((0, channels), np.uint8)
    rows = -(-count // _ROW)
    padded = np.empty((rows * _ROW, 2), np.float32)
    padded[:count] = places_xy
    padded[count:] = places_xy[-1]
    places = padded.reshape(rows, _ROW, 2)
    colours = cv2.remap(texture, places, None, cv2.INTER_LINEAR, borderMode=border)
    return colours.reshape(-1, channels)[:count]


def nearest(
    texture: NDArray[np.uint8], places_xy: NDArray[np.float32], wrap: bool = False
) -> NDArray[np.uint8]:
    """Colours of the nearest pixels of a texture; arguments as of :func:`bilinear`.

    Args:
        texture: ``(h, w, 4)``.
        places_xy: ``(P, 2)``; the first pixel's centre is (0, 0).
        wrap: Outside is the same texture again, as on tiles. If not, outside is 0.
    """
    height, width = texture.shape[:2]
    cells = np.floor(places_xy + np.float32(0.5)).astype(np.int32)
    texels = np.ascontiguousarray(texture).view(np.uint32).ravel()
    column, row = cells[:, 0], cells[:, 1]
    outside = None
    if len(cells) and not (cells.min() >= 0 and cells.max() < min(width, height)):
        if not wrap:
            outside = (column < 0) | (column >= width) | (row < 0) | (row >= height)
        column, row = column % width, row % height
    found = texels.take(row * width + column)
    if outside is not None:
        found[outside] = 0
    return found.view(np.uint8).reshape(-1, 4)
