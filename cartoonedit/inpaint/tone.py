"""The tone of a fill, brought to that of what is around it."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.inpaint.regions import grow
from cartoonedit.inpaint.smooth import fill_smooth, rounded

__all__ = ["match_tone"]


def match_tone(
    filled: NDArray[np.uint8], image: NDArray[np.uint8], hole: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Remove the change of tone at the rim of a fill, which shows as an outline in the sky.

    PatchMatch copies whole colours, of which a gradient has none that fits: behind a blended rim
    the fill settles on another tone. Networks are off by a shade, too. The difference, measured
    across the rim, is continued smoothly inwards, fades out there, and is added. One too large to
    be a matter of tone is an edge of the picture and stays.
    """
    unit, largest = max(3.0, 0.008 * math.sqrt(hole.size)), 24.0
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    rim = (depth > 0) & (depth <= 1)
    inner = (depth > unit) & (depth <= 3 * unit)
    outer = ~hole & grow(hole, round(2 * unit))
    window = 2 * round(3 * unit) + 1
    inner_mean, inner_known = _mean_over(filled, inner, window)
    outer_mean, outer_known = _mean_over(image, outer, window)
    rim &= inner_known & outer_known
    if not rim.any():
        return filled
    step = outer_mean - inner_mean
    step *= np.exp(-np.square(step / largest).sum(axis=2, keepdims=True))
    step = fill_smooth(step, ~rim)
    fade = np.minimum(1, depth / (1.5 * unit)) * np.exp(-depth / (15 * unit))
    return np.where(hole[..., None], rounded(filled + step * fade[..., None]), filled)


def _mean_over(
    image: NDArray[np.uint8], where: NDArray[np.bool_], window: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The mean colour in a window of the pixels in ``where``, and whether there are any."""
    weight = where.astype(np.float32)
    total = cv2.blur(image * weight[..., None], (window, window))
    share = cv2.blur(weight, (window, window))
    return total / np.maximum(share, 1e-6)[..., None], share > 1e-4
