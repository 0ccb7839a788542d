"""Colours with transparency: as files have them, and multiplied by their alpha, to be blended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["premultiplied", "unpremultiplied"]


def premultiplied(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA ``(H, W, 4)`` with its colours multiplied by its alpha."""
    alpha = picture[..., 3:]
    colour = (picture[..., :3] * alpha.astype(np.uint16) + 127) // 255
    return np.concatenate([colour.astype(np.uint8), alpha], axis=2)


def unpremultiplied(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Premultiplied RGBA ``(H, W, 4)`` with its own colours, as files have it."""
    result = picture.copy()
    soft = (picture[..., 3] > 0) & (picture[..., 3] < 255)
    some = picture[soft]
    alpha = some[:, 3:].astype(np.uint16)
    some[:, :3] = np.minimum((some[:, :3] * np.uint16(255) + alpha // 2) // alpha, 255)
    result[soft] = some
    return result
