"""Depth of field: what is not in the plane of focus is blurred, each layer for itself.

A thin lens draws a point out of focus as a disc, whose radius grows with the difference of the
inverse distances: ``r = A |q - q_f|`` for the disparity ``q`` of the point and ``q_f`` of the plane
of focus. As layers are blurred before they are laid over each other, and what they hide is painted
in, no sharp character bleeds into the blur behind it, and a blurred one shows what is behind.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.colours import Layer
from apps.kenburns.layers import CutOut, Surface, pad

__all__ = ["DepthOfField", "disc"]

BLUR = 0.02
"""Radius, in picture widths, of the disc for an aperture of 1 and a disparity off by 1."""

RADII = (0.0, 1.0, 1.5, 2.2, 3.3, 5.0, 7.5, 11.0, 17.0, 25.0, 38.0, 57.0, 85.0, 128.0)
"""Pixels. Blurs between are mixed from two of these, so that a focus may travel without steps."""


class DepthOfField:
    """One layer, with any plane in focus."""

    def __init__(
        self,
        layer: Surface | CutOut,
        texture: Layer,
        canvas_wh: tuple[int, int],
        aperture: float,
        planes: Sequence[float],
    ) -> None:
        """Prepare.

        Args:
            layer: The layer.
            texture: Its colours in the form for drawing.
            canvas_wh: Size of the canvas.
            aperture: 0 has everything sharp.
            planes: Disparities of the nearest and the farthest plane that will be in focus.
        """
        self._gain = aperture * BLUR * canvas_wh[0]
        self._q = layer.q
        self.origin_xy = (0, 0)
        self._edges = False
        if isinstance(layer, CutOut):
            most = max(self._gain * abs(layer.q - plane) for plane in planes)
            rim = math.ceil(min(most, RADII[-1])) + 1
            self._sharp = pad(texture, layer.origin_xy, canvas_wh, rim)
            self.origin_xy = (layer.origin_xy[0] - rim, layer.origin_xy[1] - rim)
        else:
            self._sharp, self._edges = texture, layer.torn
        self._levels: dict[int, Layer] = {0: self._sharp}

    def __call__(self, plane: float) -> Layer:
        """The texture with the disparity ``plane`` in focus."""
        if isinstance(self._q, np.ndarray):
            return self._varying(self._gain * np.abs(self._q - np.float32(plane)), self._q)
        radius = min(self._gain * abs(self._q - plane), RADII[-1])
        upper = max(1, bisect.bisect_left(RADII, radius))
        share = _share(radius, RADII[upper - 1], RADII[upper])
        if share >= 1:
            return self._level(upper)
        return cv2.addWeighted(self._level(upper - 1), 1 - share, self._level(upper), share, 0)

    def _level(self, index: int) -> Layer:
        if index not in self._levels:
            self._levels[index] = _blur(self._sharp, RADII[index])
        return self._levels[index]

    def _varying(self, radius: NDArray[np.float32], q: NDArray[np.float32]) -> Layer:
        """Each pixel from the blurs next to its own radius."""
        last = max(1, bisect.bisect_left(RADII, float(radius.max())))
        last = min(last, len(RADII) - 1)
        result = np.zeros(self._sharp.shape, np.float32)
        for index in range(last + 1):
            weight = _hat(radius, index, last)
            if weight.any():
                level = self._level(index) if not self._edges else self._spread(index, radius)
                result += level * weight[..., None]
        return np.rint(result).astype(self._sharp.dtype)

    def _spread(self, index: int, radius: NDArray[np.float32]) -> Layer:
        """A blur to which only pixels that are about as blurred give their colour.

        Where the surface has edges of depth, what is sharp must not bleed into what is not.
        """
        if index == 0:
            return self._sharp
        share = np.clip(2 * radius / RADII[index] - 0.2, 0.01, 1).astype(np.float32)
        colour = _blur(self._sharp * share[..., None], RADII[index])
        mean = colour / _blur(share, RADII[index])[..., None]
        return np.rint(mean).astype(self._sharp.dtype)


def disc(radius: float) -> NDArray[np.float32]:
    """The image of a point out of focus: a disc with a soft edge whose values sum up to 1."""
    half = math.ceil(radius)
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1]
    inside = np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1)
    return (inside / inside.sum()).astype(np.float32)


_kernel = cache(disc)


def _blur(image: Layer, radius: float) -> Layer:
    return cv2.filter2D(image, -1, _kernel(radius), borderType=cv2.BORDER_REPLICATE)


def _share(radius: float, low: float, high: float) -> float:
    """How much of the larger blur makes, with the smaller one, a blur of the right spread."""
    return min(max((radius**2 - low**2) / (high**2 - low**2), 0.0), 1.0)


def _hat(radius: NDArray[np.float32], index: int, last: int) -> NDArray[np.float32]:
    """The weight of a blur at each pixel: 1 at its own radius, 0 from its neighbours' on."""
    square, own = radius**2, RADII[index] ** 2
    rise = (
        (square - RADII[index - 1] ** 2) / (own - RADII[index - 1] ** 2)
        if index
        else np.ones_like(square)
    )
    fall = (
        (RADII[index + 1] ** 2 - square) / (RADII[index + 1] ** 2 - own)
        if index < last
        else np.ones_like(square)
    )
    return np.clip(np.minimum(rise, fall), 0, 1).astype(np.float32)
