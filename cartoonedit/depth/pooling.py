"""One depth for a whole instance, so that it moves as one plane (paper section 6.1)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["POOLS", "pool_depth"]

POOLS = ("mean", "median", "base")

BASE = 0.05
"""The lowest share of an instance's height that counts as its ground contact."""


def pool_depth(depth: NDArray[np.float32], mask: NDArray[np.uint8], how: str = "mean") -> float:
    """One depth for a whole instance, so that it moves as one plane (paper section 6.1).

    Args:
        depth: ``float32`` ``(H, W)``, larger = farther.
        mask: Alpha ``uint8`` ``(H, W)``.
        how: ``mean`` (the paper's average pooling, weighted by alpha), ``median``, or ``base``: the
            mean over the lowest 5 % of the instance, where it stands on the ground.

    Returns:
        The pooled depth; 0.5 for an empty mask.

    Raises:
        InvalidInput: ``how`` is none of the three, or the sizes differ.
    """
    if how not in POOLS:
        raise InvalidInput(f"pool must be one of {', '.join(POOLS)}; got {how!r}.")
    if depth.shape != mask.shape:
        raise InvalidInput(f"depth {depth.shape} and mask {mask.shape} must have one size.")
    x, y, width, height = cv2.boundingRect(mask)
    if height == 0:
        return 0.5
    top = y + height - max(1, round(BASE * height)) if how == "base" else y
    inside = np.s_[top : y + height, x : x + width]
    values, alpha = depth[inside], mask[inside].astype(np.float64)
    if how == "median":
        core = alpha >= min(128, alpha.max())
        return float(np.median(values[core]))
    return float((values * alpha).sum() / alpha.sum())
