"""A blurred continuation of what is around a hole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_smooth", "rounded", "smooth_fill"]


def smooth_fill(image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int) -> NDArray[np.uint8]:
    """A blurred continuation of the surroundings; instant, and enough for flat backgrounds."""
    return rounded(fill_smooth(image.astype(np.float32), hole))


def fill_smooth(values: NDArray[np.float32], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Continue values smoothly into a hole, like a membrane spanned across it.

    Averages on ever coarser grids give a first fill, which is relaxed on each grid on the way back.

    Args:
        values: ``float32`` ``(H, W)`` or ``(H, W, C)``.
        hole: ``bool`` ``(H, W)``; values there are ignored.

    Returns:
        ``values`` with the hole filled, within the range of the known values. Zeros if none is
        known.
    """
    known = (~hole).astype(np.float32)
    flat = values.reshape(*hole.shape, -1).astype(np.float32)
    return _pull_push(flat * known[..., None], known).reshape(values.shape)


def _pull_push(weighted: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """``weighted`` holds values times ``weight`` (0..1); the result has a value at every pixel."""
    height, width = weight.shape
    known = (weighted / np.maximum(weight, 1e-6)[..., None]).astype(np.float32)
    if max(height, width) == 1 or weight.min() >= 1:
        return known
    half = (max(1, width // 2), max(1, height // 2))
    small_weight = cv2.resize(weight, half, interpolation=cv2.INTER_AREA)
    small = _channels(cv2.resize(weighted, half, interpolation=cv2.INTER_AREA), weighted)
    # A cell counts as known as soon as half of it is: the fill then keeps to what is near.
    trust = np.minimum(1, 2 * small_weight) / np.maximum(small_weight, 1e-6)
    coarse = _pull_push(small * trust[..., None], small_weight * trust)
    coarse = _channels(
        cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), weighted
    )
    free = 1 - np.minimum(weight, 1)[..., None]
    result = known + (coarse - known) * free
    for _ in range(8 if weight.size > 1 << 16 else 32):  # the coarse grids cost nearly nothing
        smooth = _channels(cv2.blur(result, (3, 3), borderType=cv2.BORDER_REPLICATE), weighted)
        result += (smooth - result) * free
    return result


def _channels(result: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """OpenCV drops a single channel; put it back."""
    return result.reshape(*result.shape[:2], like.shape[2])


def rounded(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Colours as whole levels in 0..255."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
