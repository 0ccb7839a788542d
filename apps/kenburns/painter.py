"""Painting a frame from layers: warping them and laying them over each other, with OpenCV.

Textures are kept at twice their density, filled in by cubic interpolation once, so that the linear
interpolation that every frame can afford looks like cubic.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.colours import Colours, Layer, over
from apps.kenburns.surface import Maps

__all__ = ["DENSITY", "CpuPainter", "Painter", "covered"]

DENSITY = 2
"""Pixels of a texture for one of the picture, on each axis."""


class Painter(Protocol):
    """What a renderer asks of the device that it works on.

    Textures and frames are the painter's own; premultiplied RGBA.
    """

    colours: Colours

    def texture(self, layer: Layer, *, sharp: bool = True) -> Any:
        """A layer as a texture, at :data:`DENSITY`; one that is blurred needs less care."""

    def load(self, dense: Layer) -> Any:
        """A texture that has :data:`DENSITY` already."""

    def mix(self, one: Any, share: float, other: Any) -> Any:
        """The share 0..1 of one texture and the rest of another of its size."""

    def frame(self) -> Any:
        """An empty frame."""

    def bend(self, frame: Any, texture: Any, maps: Maps) -> Any:
        """Lay a texture over a frame, looked up by maps; the result may be the frame itself."""

    def move(self, frame: Any, texture: Any, matrix: NDArray[np.float64]) -> Any:
        """Lay a texture over a frame, moved by an affine map ``(2, 3)`` of its pixels."""

    def rgb(self, frame: Any) -> NDArray[np.uint8]:
        """An opaque frame as RGB ``uint8`` ``(h, w, 3)``."""

    def rgba(self, frame: Any) -> NDArray[np.uint8]:
        """A frame as RGBA ``uint8`` ``(h, w, 4)``, not premultiplied."""


class CpuPainter:
    """Paints with OpenCV."""

    def __init__(self, frame_wh: tuple[int, int], colours: Colours) -> None:
        """Paint frames of a size in colours of a kind."""
        self.colours = colours
        self._shape = (frame_wh[1], frame_wh[0], 4)

    def texture(self, layer: Layer, *, sharp: bool = True) -> Layer:
        """As :class:`Painter` says; pixel ``i`` is found at ``DENSITY * i``, unchanged."""
        height, width = layer.shape[:2]
        dense = cv2.warpAffine(
            layer,
            np.array([[1 / DENSITY, 0, 0], [0, 1 / DENSITY, 0]]),
            (DENSITY * (width - 1) + 1, DENSITY * (height - 1) + 1),
            flags=(cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # Cubic interpolation overshoots; a premultiplied colour cannot exceed its alpha.
        return np.minimum(dense, dense[..., 3:]) if sharp else dense

    def load(self, dense: Layer) -> Layer:
        """As :class:`Painter` says."""
        return dense

    def mix(self, one: Layer, share: float, other: Layer) -> Layer:
        """As :class:`Painter` says."""
        return cv2.addWeighted(one, share, other, 1 - share, 0)

    def frame(self) -> Layer:
        """As :class:`Painter` says."""
        return np.zeros(self._shape, self.colours.dtype)

    def bend(self, frame: Layer, texture: Layer, maps: Maps) -> Layer:
        """As :class:`Painter` says."""
        x, y, torn = maps
        layer = cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if torn is not None:
            layer = self.colours.scaled(layer, 1 - torn)
        if not frame.any():
            return layer
        over(frame, layer)
        return frame

    def move(self, frame: Layer, texture: Layer, matrix: NDArray[np.float64]) -> Layer:
        """As :class:`Painter` says; touches only the texture's box in the frame."""
        rows, columns = covered(matrix, texture.shape, frame.shape)
        if rows.stop > rows.start and columns.stop > columns.start:
            size_wh = (columns.stop - columns.start, rows.stop - rows.start)
            placed = matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
            over(frame[rows, columns], cv2.warpAffine(texture, placed, size_wh))
        return frame

    def rgb(self, frame: Layer) -> NDArray[np.uint8]:
        """As :class:`Painter` says."""
        return self.colours.rgb(frame)

    def rgba(self, frame: Layer) -> NDArray[np.uint8]:
        """As :class:`Painter` says."""
        return self.colours.rgba(frame)


def covered(
    matrix: NDArray[np.float64], texture: tuple[int, ...], frame: tuple[int, ...]
) -> tuple[slice, slice]:
    """The rows and columns of a frame that a moved texture can touch; both given by shape."""
    height, width = texture[:2]
    corners = np.array([[-1, width, -1, width], [-1, -1, height, height], [1, 1, 1, 1]])
    x, y = matrix @ corners
    left, top = max(0, math.floor(x.min())), max(0, math.floor(y.min()))
    right, bottom = min(frame[1], math.ceil(x.max()) + 1), min(frame[0], math.ceil(y.max()) + 1)
    return slice(top, bottom), slice(left, right)
