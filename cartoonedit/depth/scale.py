"""Bringing what estimators and files call depth onto one convention.

Depth here is 0..1, larger = farther, and ``1 - depth`` is proportional to the disparity, the
inverse of the distance. Three things come in: relative disparity (MiDaS, Depth Anything), distance
(ZoeDepth, Depth Pro), and distance of unknown scale and offset (LeReS, Marigold).
"""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

__all__ = ["from_affine_distance", "from_disparity", "from_distance", "normalise"]

logger = logging.getLogger(__name__)

NEAREST = 0.25
"""Where only differences of distance are known: the nearest thing is taken to be at a quarter of
the distance of the farthest, as in a room or a street seen from within."""


def normalise(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Map the 1st..99th percentile to 0..1: one wild pixel must not flatten all others.

    Args:
        values: Of any range. What is not finite counts for nothing and becomes 0.

    Returns:
        ``float32`` of the same shape; 0.5 throughout if all values are the same.
    """
    finite = np.isfinite(values)
    if not finite.all():
        logger.warning("depth: %d values are not finite; taken as the least", (~finite).sum())
        values = np.where(finite, values, values[finite].min() if finite.any() else 0)
    low, high = np.percentile(values, (1, 99))
    if high - low <= 1e-6 * max(1e-6, abs(float(high))):
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 0.5, dtype=np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def from_disparity(disparity: NDArray[np.floating]) -> NDArray[np.float32]:
    """Depth from disparity of unknown scale and offset, larger = nearer."""
    return 1 - normalise(disparity)


def from_distance(distance: NDArray[np.floating]) -> NDArray[np.float32]:
    """Depth from distances in any unit, larger = farther; infinity is the sky."""
    positive = np.maximum(distance.astype(np.float64), np.finfo(np.float32).tiny)
    return from_disparity(1 / positive)


def from_affine_distance(distance: NDArray[np.floating]) -> NDArray[np.float32]:
    """Depth from distances of which neither scale nor offset is known, larger = farther."""
    distance = NEAREST + (1 - NEAREST) * normalise(distance)
    return (1 - NEAREST * (1 - distance) / (distance * (1 - NEAREST))).astype(np.float32)
