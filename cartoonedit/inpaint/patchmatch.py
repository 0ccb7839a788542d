"""The paper's first fill: PatchMatch, which copies patches from around the hole."""

from __future__ import annotations

import logging
import math
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.inpaint.regions import grow, surroundings
from cartoonedit.inpaint.smooth import fill_smooth, rounded, smooth_fill

__all__ = ["patchmatch_fill"]

logger = logging.getLogger(__name__)

PATCH_SIZE = 3
"""The paper's patch size (section 6.1), which PyPatchMatch takes as a radius: patches of 7x7
pixels."""

MAX_PIXELS = 700_000
"""PatchMatch fills at this many pixels at most. Its time grows with the pixels it searches, not
with the hole; 0.7 megapixels take 5 to 8 s on two cores, and only a rim of the fill is ever
uncovered."""

_patchmatch_lock = threading.Lock()  # its random seed is global


def patchmatch_fill(
    image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
) -> NDArray[np.uint8]:
    """PatchMatch on the surroundings of the hole, reduced first where they are large."""
    result = image.copy()
    inside = surroundings(hole)
    crop, crop_hole = image[inside], hole[inside]
    scale = math.sqrt(MAX_PIXELS / crop_hole.size)
    if scale >= 1:
        filled = _run_patchmatch(crop, crop_hole, seed)
    else:
        size_wh = tuple(max(1, round(side * scale)) for side in crop_hole.shape[::-1])
        # No colour from the hole may leak into the reduced surroundings, so it is painted out
        # first.
        clean = rounded(fill_smooth(crop.astype(np.float32), crop_hole))
        small = cv2.resize(clean, size_wh, interpolation=cv2.INTER_AREA)
        share = cv2.resize(crop_hole.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
        filled = _run_patchmatch(small, share > 0, seed)
        filled = cv2.resize(filled, crop_hole.shape[::-1], interpolation=cv2.INTER_LANCZOS4)
    result[inside] = _match_tone(filled, crop, crop_hole)
    return result


def _match_tone(
    filled: NDArray[np.uint8], image: NDArray[np.uint8], hole: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Remove the change of tone at the rim of a fill, which shows as an outline in the sky.

    PatchMatch copies whole colours, of which a gradient has none that fits: behind a blended rim
    the fill settles on another tone. The difference, measured across the rim, is continued smoothly
    inwards, fades out there, and is added. One too large to be a matter of tone is an edge of the
    picture and stays.
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


def _run_patchmatch(
    image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
) -> NDArray[np.uint8]:
    import patchmatch

    whole = cv2.erode((~hole).astype(np.uint8), np.ones((2 * PATCH_SIZE + 1,) * 2, np.uint8))
    if not whole.any():  # not one complete patch to copy from
        logger.debug("no %dx%d patch is known; filled smoothly", *(2 * PATCH_SIZE + 1,) * 2)
        return smooth_fill(image, hole, seed)
    with _patchmatch_lock:
        patchmatch.set_random_seed(seed)
        return patchmatch.inpaint(image, hole.astype(np.uint8), patch_size=PATCH_SIZE)
