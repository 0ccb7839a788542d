"""What belongs to a hole, what is beside it, and what is around it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["FAINT", "fringe", "grow", "surroundings"]

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
