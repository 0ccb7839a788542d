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
from typing import Any

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

    def is_sharp(self, plane: float) -> bool:
        """Whether any part of it is hardly blurred with the disparity ``plane`` in focus."""
        return float(self._gain * np.min(np.abs(self._q - plane))) < RADII[2]

    def __call__(self, plane: float) -> Layer:
        """The texture with the disparity ``plane`` in focus."""
        if isinstance(self._q, np.ndarray):
            return self._varying(self._gain * np.abs(self._q - np.float32(plane)))
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

    def _varying(self, radius: NDArray[np.float32]) -> Layer:
        """Each pixel mixed from the two blurs next to its own radius."""
        last = min(bisect.bisect_left(RADII, float(radius.max())), len(RADII) - 1)
        result = self._sharp
        for index in range(1, last + 1):
            share = _share(radius, RADII[index - 1], RADII[index])
            if share.any():  # where it is 1 this level, or the next one, takes the place
                level = self._spread(index, radius) if self._edges else self._level(index)
                result = _blend(result, level, share)
        return result

    def _spread(self, index: int, radius: NDArray[np.float32]) -> Layer:
        """A blur to which only pixels that are about as blurred give their colour.

        Where the surface has edges of depth, what is sharp must not bleed into what is not.
        """
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


def _blend(one: Layer, other: Layer, share: NDArray[np.float32]) -> Layer:
    """One layer, and the share of another at each pixel."""
    if one.dtype == np.uint8:
        return cv2.blendLinear(one, other, 1 - share, share)
    mixed = one + (other.astype(np.float32) - one) * share[..., None]
    return np.rint(mixed).astype(one.dtype)


def _share(radius: Any, low: float, high: float) -> Any:
    """How much of the larger blur makes, with the smaller one, a blur of the right spread.

    Of one radius, or of one at each pixel.
    """
    share = np.clip((radius**2 - low**2) / (high**2 - low**2), 0, 1)
    return share.astype(np.float32) if isinstance(share, np.ndarray) else float(share)
