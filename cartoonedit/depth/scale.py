"""Bringing depth of unknown scale and offset into 0..1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalise"]


def normalise(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map the 1st..99th percentile to 0..1: one wild pixel must not flatten all others."""
    low, high = np.percentile(values, (1, 99))
    if high - low <= 1e-6 * max(1.0, abs(float(high))):
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full_like(values, 0.5, dtype=np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)
