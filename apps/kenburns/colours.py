"""The colours in which layers are drawn: premultiplied RGBA, as stored or in linear light.

Stored colours are sRGB, in which the mean of black and white looks too dark: edges get a little
heavier, and a highlight out of focus loses its light. Linear light has neither fault; it takes 16
bits and some time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Colours", "Layer", "over"]

Layer = NDArray[Any]
"""Premultiplied RGBA ``(h, w, 4)``, ``uint8`` or, in linear light, ``uint16``."""


@dataclass(frozen=True)
class Colours:
    """How colours are kept while a frame is drawn.

    Attributes:
        linear: Whether in linear light.
    """

    linear: bool = False

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        """The numbers that levels are kept in."""
        return np.uint16 if self.linear else np.uint8

    def encode(self, texture: NDArray[np.uint8]) -> Layer:
        """RGB, or premultiplied RGBA as stored, ``uint8``, in the form for drawing."""
        if texture.shape[2] == 3:
            texture = cv2.cvtColor(texture, cv2.COLOR_RGB2RGBA)
        if not self.linear:
            return texture
        alpha = texture[..., 3:].astype(np.float32) / 255
        straight = np.rint(texture[..., :3] / np.maximum(alpha, 1 / 255)).clip(0, 255)
        light = _to_light()[straight.astype(np.uint8)] * alpha
        return np.rint(np.dstack([light, alpha]) * 65535).astype(np.uint16)

    def rgb(self, frame: Layer) -> NDArray[np.uint8]:
        """An opaque frame as RGB ``uint8`` ``(h, w, 3)``."""
        opaque = cv2.cvtColor(frame, cv2.COLOR_RGBA2RGB)
        return _from_light()[opaque] if self.linear else opaque

    def rgba(self, frame: Layer) -> NDArray[np.uint8]:
        """A frame as RGBA ``uint8`` ``(h, w, 4)``, not premultiplied."""
        top = 65535 if self.linear else 255
        alpha = frame[..., 3:].astype(np.float32)
        straight = frame[..., :3] * (top / np.maximum(alpha, 1))
        straight = np.rint(straight).clip(0, top).astype(frame.dtype)
        if self.linear:
            straight = _from_light()[straight]
        return np.dstack([straight, np.rint(alpha * (255 / top)).astype(np.uint8)])

    def scaled(self, layer: Layer, share: NDArray[np.float32]) -> Layer:
        """A layer with a share 0..1 of itself at each pixel."""
        top = 65535 if self.linear else 255
        weight = np.rint(top * share).astype(layer.dtype)
        return cv2.multiply(layer, cv2.merge((weight,) * 4), scale=1 / top)


def over(frame: Layer, layer: Layer) -> None:
    """Lay a layer over a frame, in place (Porter and Duff 1984)."""
    clear = cv2.bitwise_not(cv2.extractChannel(layer, 3))
    scale = 1 / np.iinfo(frame.dtype).max
    cv2.multiply(frame, cv2.merge((clear,) * 4), dst=frame, scale=scale)
    cv2.add(frame, layer, dst=frame)


@cache
def _to_light() -> NDArray[np.float32]:
    """Linear light 0..1 of the 256 sRGB levels (IEC 61966-2-1)."""
    level = np.arange(256) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


@cache
def _from_light() -> NDArray[np.uint8]:
    """The sRGB level of each of the 65536 levels of linear light."""
    light = np.arange(65536) / 65535
    level = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(level * 255).astype(np.uint8)
