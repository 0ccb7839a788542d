"""What belongs to a hole, what is beside it, and what is around it."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FAINT", "fringe", "grow", "pad", "resize", "resize_hole", "scaled", "surroundings"]

FAINT = 8
"""Alpha below this (3 %) is a network's doubt rather than a part of the character."""


def fringe(shape: tuple[int, ...]) -> int:
    """How many pixels beside a silhouette may still hold its colours, by the picture's shape."""
    return max(2, round(0.006 * math.sqrt(shape[0] * shape[1])))


def grow(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Every pixel within ``radius`` pixels of ``mask``; a large radius costs no more."""
    if radius <= 0 or not mask.any():
        return mask.copy()
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance <= radius


def surroundings(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The box of the hole and half as much again on every side, at least 64 pixels."""
    x, y, width, height = cv2.boundingRect(hole.astype(np.uint8))
    margin = max(64, max(width, height) // 2)
    return np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def scaled(size_wh: tuple[int, ...], scale: float) -> tuple[int, int]:
    """Width and height times ``scale``, in whole pixels, at least 1."""
    width, height = (max(1, round(side * scale)) for side in size_wh)
    return width, height


def resize(image: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture in another size: averaged when it shrinks, sharp when it grows."""
    if size_wh == image.shape[1::-1]:
        return image
    shrinks = size_wh[0] < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
    return cv2.resize(image, size_wh, interpolation=how)


def resize_hole(hole: NDArray[np.bool_], size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """A hole in another size; a pixel that is any part hole stays one."""
    shrinks = size_wh[0] < hole.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(hole.astype(np.float32), size_wh, interpolation=how) > 0


def pad(array: NDArray[Any], multiple: int, least: int) -> NDArray[Any]:
    """Mirror an array below and to the right, so that its sides suit a network.

    Args:
        array: ``(H, W)`` or ``(H, W, C)``.
        multiple: Both sides become multiples of this.
        least: And are not smaller than this, itself such a multiple.
    """
    height, width = (max(least, -(-side // multiple) * multiple) for side in array.shape[:2])
    below, right = height - array.shape[0], width - array.shape[1]
    rest = [(0, 0)] * (array.ndim - 2)
    return np.pad(array, [(0, below), (0, right), *rest], mode="symmetric")
