"""Filling holes in a picture, and the plate: the background with every character painted out.

The paper (section 6.1) initialises the fill with PatchMatch at patch size 3; that is the default
here and needs no weights. An inpainter is a callable ``(image, hole, seed) -> image``, chosen by
name from :data:`INPAINTERS`.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["INPAINTERS", "fill_smooth", "fringe", "grow", "inpaint", "make_plate"]

logger = logging.getLogger(__name__)

Inpainter = Callable[[NDArray[np.uint8], NDArray[np.bool_], int], NDArray[np.uint8]]

PATCH_SIZE = 3
"""The paper's patch size (section 6.1), which PyPatchMatch takes as a radius: patches of 7x7
pixels."""

MAX_PIXELS = 700_000
"""PatchMatch fills at this many pixels at most. Its time grows with the pixels it searches, not
with the hole; 0.7 megapixels take 5 to 8 s on two cores, and only a rim of the fill is ever
uncovered."""

FAINT = 8
"""Alpha below this (3 %) is a network's doubt rather than a part of the character."""

_patchmatch_lock = threading.Lock()  # its random seed is global


def inpaint(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8] | NDArray[np.bool_],
    method: str | Inpainter = "patchmatch",
    *,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Fill the hole in a picture. Pixels outside ``mask`` come back identical to the bit.

    Args:
        image: RGB ``uint8`` ``(H, W, 3)``.
        mask: ``(H, W)``; everything that is not zero is the hole.
        method: A name in :data:`INPAINTERS`, or a callable of the same form.
        seed: Same seed, same bytes.

    Returns:
        A new RGB ``uint8`` array ``(H, W, 3)``. Where nothing outside the hole is left to learn
        from, the mean colour of the picture.

    Raises:
        InvalidInput: The sizes differ, or the method is unknown.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InvalidInput(f"image must be RGB uint8 (H, W, 3); got {image.dtype} {image.shape}.")
    if mask.shape != image.shape[:2]:
        raise InvalidInput(f"mask must be (H, W) = {image.shape[:2]}; got {mask.shape}.")
    hole = mask != 0
    fill = _find(method)
    if not hole.any():
        return image.copy()
    if hole.all():
        return np.broadcast_to(_rounded(image.mean(axis=(0, 1))), image.shape).copy()
    # Compositing last makes the promise about the pixels outside hold for every inpainter.
    return np.where(hole[..., None], fill(image, hole, seed), image)


def make_plate(
    picture: NDArray[np.uint8],
    masks: Sequence[NDArray[np.uint8]],
    method: str | Inpainter = "patchmatch",
    *,
    dilate: int | None = None,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Paint every character out of the picture (paper section 6.1).

    The union of the masks is grown before it is filled: the pixels beside a silhouette still hold
    some of its colour, and PatchMatch would carry an outline of that colour into the fill.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks ``uint8`` ``(H, W)``; alpha under 3 % does not count.
        method: As for :func:`inpaint`.
        dilate: How far the union is grown, in pixels; None takes 0.6 % of the picture's mean side
            (5 pixels at 1024x576), at least 2.
        seed: Same seed, same bytes.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``, equal to the picture outside the grown masks.

    Raises:
        InvalidInput: A mask has another size, the method is unknown, or ``dilate`` is negative.
    """
    if dilate is None:
        dilate = fringe(picture.shape)
    if dilate < 0:
        raise InvalidInput(f"dilate must be 0 or more pixels; got {dilate}.")
    union = np.zeros(picture.shape[:2], dtype=bool)
    for mask in masks:
        if mask.shape != union.shape:
            raise InvalidInput(f"every mask must be (H, W) = {union.shape}; got {mask.shape}.")
        union |= mask >= FAINT
    return inpaint(picture, grow(union, dilate), method, seed=seed)


def fringe(shape: tuple[int, ...]) -> int:
    """How many pixels beside a silhouette may still hold its colours, by the picture's shape."""
    return max(2, round(0.006 * math.sqrt(shape[0] * shape[1])))


def grow(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Every pixel within ``radius`` pixels of ``mask``; a large radius costs no more."""
    if radius <= 0 or not mask.any():
        return mask.copy()
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance <= radius


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


# ---------------------------------------------------------------- the inpainters


def _patchmatch(image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int) -> NDArray[np.uint8]:
    """PatchMatch on the surroundings of the hole, reduced first where they are large."""
    result = image.copy()
    inside = _surroundings(hole)
    crop, crop_hole = image[inside], hole[inside]
    scale = math.sqrt(MAX_PIXELS / crop_hole.size)
    if scale >= 1:
        filled = _run_patchmatch(crop, crop_hole, seed)
    else:
        size_wh = tuple(max(1, round(side * scale)) for side in crop_hole.shape[::-1])
        # No colour from the hole may leak into the reduced surroundings, so it is painted out
        # first.
        clean = _rounded(fill_smooth(crop.astype(np.float32), crop_hole))
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
    return np.where(hole[..., None], _rounded(filled + step * fade[..., None]), filled)


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
        return _smooth(image, hole, seed)
    with _patchmatch_lock:
        patchmatch.set_random_seed(seed)
        return patchmatch.inpaint(image, hole.astype(np.uint8), patch_size=PATCH_SIZE)


def _smooth(image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int) -> NDArray[np.uint8]:
    """A blurred continuation of the surroundings; instant, and enough for flat backgrounds."""
    return _rounded(fill_smooth(image.astype(np.float32), hole))


INPAINTERS: dict[str, Inpainter] = {"patchmatch": _patchmatch, "smooth": _smooth}
"""Inpainters by name: ``(image RGB uint8, hole bool (H, W), seed) -> image RGB uint8``."""


def _find(method: str | Inpainter) -> Inpainter:
    if callable(method):
        return method
    if method not in INPAINTERS:
        raise InvalidInput(f"inpainter must be one of {', '.join(INPAINTERS)}; got {method!r}.")
    return INPAINTERS[method]


def _surroundings(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The box of the hole and half as much again on every side, at least 64 pixels."""
    x, y, width, height = cv2.boundingRect(hole.astype(np.uint8))
    margin = max(64, max(width, height) // 2)
    return np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]


def _rounded(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
