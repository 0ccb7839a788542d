"""The paper's first fill: PatchMatch, which copies patches from around the hole."""

from __future__ import annotations

import logging
import math
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.inpaint.regions import scaled, surroundings
from cartoonedit.inpaint.smooth import fill_smooth, rounded, smooth_fill
from cartoonedit.inpaint.tone import match_tone

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
        size_wh = scaled(crop_hole.shape[::-1], scale)
        # No colour from the hole may leak into the reduced surroundings, so it is painted out
        # first.
        clean = rounded(fill_smooth(crop.astype(np.float32), crop_hole))
        small = cv2.resize(clean, size_wh, interpolation=cv2.INTER_AREA)
        share = cv2.resize(crop_hole.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
        filled = _run_patchmatch(small, share > 0, seed)
        filled = cv2.resize(filled, crop_hole.shape[::-1], interpolation=cv2.INTER_LANCZOS4)
    result[inside] = match_tone(filled, crop, crop_hole)
    return result


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
