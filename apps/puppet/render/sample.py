"""Where in a texture the pixels of triangles lie, and what colour it has there.

A point of a texture is one complex number ``u + iv``: that halves the number of passes over memory,
and pairs of ``float32`` are what OpenCV's ``remap`` takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["AffineMaps", "TexturedTriangles", "bilinear", "nearest"]

STEEPEST = 1e4
"""A triangle squeezed more than that, in texels per pixel, shows any of its texels."""

_HALF_UP = np.float32(1e-4)
"""Added to places in texels: OpenCV rounds halves to even numbers, and those would show as
stripes."""

_ROW = 1024
"""Points are given to ``remap`` in rows of that length, as it takes 32766 columns at most..."""

_MOST = 16384 * _ROW
"""...and as many rows, so that so many points are given at once."""

Floats = NDArray[np.float64]


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


class TexturedTriangles:
    """Triangles that take their colours from a texture: what does not change as they move.

    Args:
        triangles: ``(T, 3)``, indices of points.
        texture_xy: ``(V, 2)``: where the points lie in the texture.
    """

    def __init__(self, triangles: NDArray[np.integer], texture_xy: NDArray[np.floating]) -> None:
        self._corners = np.ascontiguousarray(triangles.T, np.intp)
        places = np.ascontiguousarray(texture_xy, np.float64).view(np.complex128).ravel()
        self._q, second, third = places.take(self._corners)
        self._q1, self._q2 = second - self._q, third - self._q
        self._area = np.abs((self._q1.conj() * self._q2).imag)

    def enlarged(self, points_xy: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which triangles have no more than a texel per pixel, along both axes of the frame.

        Args:
            points_xy: ``(V, 2)``: where the points lie now, in pixels.
        """
        x, y = self._at(points_xy)
        with np.errstate(all="ignore"):
            sides = np.stack([x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]])
            area = np.abs(sides[0] * sides[3] - sides[1] * sides[2])
            # No more texels than pixels in all, to begin with, which is soon found out.
            some = np.flatnonzero(area * 1.0001 >= self._area)
        found = np.zeros(len(area), np.bool_)
        if some.size:
            x1, y1, x2, y2 = sides.take(some, axis=1)
            q1, q2, area = self._q1.take(some), self._q2.take(some), area.take(some)
            along_x, along_y = np.abs(q1 * y2 - q2 * y1), np.abs(q2 * x1 - q1 * x2)
            found[some] = (along_x <= area) & (along_y <= area)
        return found

    def maps(
        self, points_xy: NDArray[np.floating], origin_xy: tuple[float, float] = (0.0, 0.0)
    ) -> AffineMaps:
        """Maps that carry triangles to where their corners lie in the texture.

        Args:
            points_xy: ``(V, 2)``: where the points lie now.
            origin_xy: What the maps take as (0, 0): near the points, or small numbers lose digits.

        Returns:
            A map for each triangle. One without area is carried to its first corner. All numbers
            are finite where the texture's are.
        """
        x, y = self._at(points_xy)
        x -= origin_xy[0]
        y -= origin_xy[1]
        with np.errstate(all="ignore"):
            x1, y1, x2, y2 = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
            share = 1 / (x1 * y2 - y1 * x2)
            a = (self._q1 * y2 - self._q2 * y1) * share
            b = (self._q2 * x1 - self._q1 * x2) * share
            c = self._q - a * x[0] - b * y[0]
            steep = ~(np.abs(a) + np.abs(b) < STEEPEST)  # or without area, or not finite
        if steep.any():
            a[steep] = b[steep] = 0
            c[steep] = self._q[steep]
        return AffineMaps(*(each.astype(np.complex64) for each in (a, b, c)))

    def _at(self, points_xy: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """X and y of the corners, each ``(3, T)``: new arrays."""
        x, y = np.ascontiguousarray(np.asarray(points_xy, np.float64).T)
        return x.take(self._corners), y.take(self._corners)


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
    return _colours(texture, places_xy, cv2.INTER_LINEAR, border)


def nearest(
    texture: NDArray[np.uint8], places_xy: NDArray[np.float32], border: int = cv2.BORDER_CONSTANT
) -> NDArray[np.uint8]:
    """Colours of the nearest pixels of a texture; arguments as of :func:`bilinear`."""
    return _colours(texture, places_xy + _HALF_UP, cv2.INTER_NEAREST, border)


def _colours(
    texture: NDArray[np.uint8], places_xy: NDArray[np.float32], interpolation: int, border: int
) -> NDArray[np.uint8]:
    count, channels = len(places_xy), texture.shape[2]
    if not count:
        return np.zeros((0, channels), np.uint8)
    if count > _MOST:
        pieces = [places_xy[start : start + _MOST] for start in range(0, count, _MOST)]
        return np.concatenate([_colours(texture, one, interpolation, border) for one in pieces])
    rows = -(-count // _ROW)
    padded = np.empty((rows * _ROW, 2), np.float32)
    padded[:count] = places_xy
    padded[count:] = places_xy[-1]
    places = padded.reshape(rows, _ROW, 2)
    colours = cv2.remap(texture, places, None, interpolation, borderMode=border)
    return colours.reshape(-1, channels)[:count]
