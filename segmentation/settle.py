"""After the second stage: masks that both stages and the lines of the drawing agree on.

Cartoons have lines and flat colours, of which a graph cut makes more than a small network does.
GrabCut (Rother, Kolmogorov and Blake, 2004) models the colours inside and outside of a character
and cuts where it is cheapest, along lines. The networks' probability, in which colours have had a
say, tells it what is certainly inside and outside, and still counts where the cut decides. What is
surely another character is outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.runtime import cpu_count
from segmentation.colours import has_colours, is_ink_on_paper, with_colours
from segmentation.guided import guided_filter
from segmentation.hints import Rough
from segmentation.refine import RGB, Alpha, Refined, RefineSettings, resample, shrunk_size

__all__ = ["averaged", "settled", "snapped"]

Probability = NDArray[np.float32]

SIDE = 352
"""Crops are cut at most this large, in pixels: as large as the embedded model refines them."""

SHARP_SIDE = 4 * SIDE
"""Larger crops are sharpened at this size: what the filter holds grows with the area."""

REACH, EPSILON = 3, 1e-4
"""Edges of larger crops may follow the picture so far, in pixels of the cut, and the variance of
colours in 0..1 from which there is an edge."""

SURE_OUTSIDE, SURE_INSIDE = 0.1, 0.9
ITERATIONS = 2
LEAST_CONTRAST = 0.1
LEAST_PIXELS = 64
"""The five colours of either side cannot be told from fewer pixels."""

SURE_OTHER, CLEARLY = 0.7, 0.3
"""A pixel is another character's if that one's probability is so high, and higher by so much."""

SURE_CHARACTER = 0.3
"""Score from which a character keeps others out of its pixels."""

SAME = 0.6
"""Two masks that share more of the smaller one show the same character."""
_COMPARED_SIDE = 128  # masks are compared at this size


def settled(
    picture: RGB, roughs: Sequence[Rough], refined: Sequence[Refined], settings: RefineSettings
) -> list[Refined]:
    """What rough mask, refined mask and the lines of the picture agree on, for each character.

    Args:
        picture: RGB `(H, W, 3)`.
        roughs: What the second stage started from.
        refined: What it made of them.
        settings: Of its weights; say how much each counts.

    Returns:
        Masks in their order.
    """
    mixed = [
        mask
        if rough.probability is None  # a person gave it
        else averaged(mask, rough.probability, settings.rough_share)
        for mask, rough in zip(refined, roughs, strict=True)
    ]
    scores = [rough.score for rough in roughs]
    return snapped(picture, mixed, scores, settings.snap, settings.threshold)


def averaged(refined: Refined, rough: Alpha, share: float) -> Refined:
    """A refined mask mixed with the rough one that it was made of: two views err less than one.

    Args:
        refined: Of a part of the picture.
        rough: Probability 0..255 of the whole picture, `(H, W)`.
        share: Of the rough mask, 0..1.
    """
    if not share:
        return refined
    x, y = refined.origin_xy
    height, width = refined.probability.shape
    part = rough[y : y + height, x : x + width].astype(np.float32) / np.float32(255)
    mixed = (1 - share) * refined.probability + share * part
    return replace(refined, probability=mixed.astype(np.float32))


def snapped(
    picture: RGB,
    masks: Sequence[Refined],
    scores: Sequence[float],
    strength: float,
    threshold: float = 0.5,
) -> list[Refined]:
    """Draw the edges of a picture's masks to its lines.

    Args:
        picture: RGB `(H, W, 3)`.
        masks: Of its characters.
        scores: Of each, 0..1.
        strength: Weight of the cut against the probability, 0..1.
        threshold: Probability above which a pixel is likely inside.

    Returns:
        The masks in their order. The same input gives the same result, bit for bit.
    """
    if not strength or not masks:
        return list(masks)
    in_colours = has_colours(picture)
    if not in_colours and is_ink_on_paper(picture):
        return list(masks)  # in a print lines and dots are everywhere
    same = _same_character(masks, picture.shape[:2])
    keepers = [i for i, score in enumerate(scores) if score >= SURE_CHARACTER]
    with ThreadPoolExecutor(cpu_count()) as threads:
        coloured = list(masks)
        if in_colours:
            coloured = list(threads.map(partial(_coloured, picture), masks))

        def one(number: int) -> Refined:
            others = [coloured[k] for k in keepers if k != number and not same[number, k]]
            return _snapped(picture, coloured[number], others, strength, threshold)

        return list(threads.map(one, range(len(masks))))


def _coloured(picture: RGB, mask: Refined) -> Refined:
    """A mask in which colours have had a say; one that is empty, or full, stays."""
    (x, y), (height, width) = mask.origin_xy, mask.probability.shape
    size_wh = shrunk_size(width, height, SIDE)
    small = resample(mask.probability, size_wh)
    if small.max() - small.min() < LEAST_CONTRAST:
        return mask
    part = resample(picture[y : y + height, x : x + width], size_wh)
    return replace(mask, probability=resample(with_colours(part, small), (width, height)))


def _snapped(
    picture: RGB, mask: Refined, others: Sequence[Refined], strength: float, threshold: float
) -> Refined:
    (x, y), (height, width) = mask.origin_xy, mask.probability.shape
    size_wh = shrunk_size(width, height, SIDE)
    small = resample(mask.probability, size_wh)
    labels = _labels(small, _other(mask, others, size_wh), threshold)
    is_inside = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    if min(is_inside.sum(), (~is_inside).sum()) < LEAST_PIXELS:
        return mask
    colours = np.ascontiguousarray(resample(picture[y : y + height, x : x + width], size_wh))
    cv2.setRNGSeed(0)  # the first colours are drawn by chance; the generator is this thread's own
    cv2.grabCut(
        colours, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ITERATIONS,
        cv2.GC_INIT_WITH_MASK,
    )  # fmt: skip
    cut = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.float32)
    mixed: Probability = np.asarray(
        (1 - strength) * mask.probability + strength * resample(cut, (width, height)), np.float32
    )
    if size_wh != (width, height):
        mixed = _sharpened(picture[y : y + height, x : x + width], mixed)
    return replace(mask, probability=mixed)


def _sharpened(part: RGB, probability: Probability) -> Probability:
    """A mask that was cut on fewer pixels than the picture has, carried to the picture's edges."""
    height, width = probability.shape
    size_wh = shrunk_size(width, height, SHARP_SIDE)
    radius = math.ceil(REACH * max(size_wh) / SIDE)
    small = guided_filter(resample(part, size_wh), resample(probability, size_wh), radius, EPSILON)
    return resample(small.clip(0, 1), (width, height))


def _labels(probability: Probability, other: Probability, threshold: float) -> NDArray[np.uint8]:
    """What GrabCut is told of each pixel: certain or likely, inside or outside."""
    labels = np.where(probability > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[probability < SURE_OUTSIDE] = cv2.GC_BGD
    labels[probability > SURE_INSIDE] = cv2.GC_FGD
    labels[(other > SURE_OTHER) & (other > probability + CLEARLY)] = cv2.GC_BGD
    return labels


def _other(mask: Refined, others: Sequence[Refined], size_wh: tuple[int, int]) -> Probability:
    """The highest probability of any other character, on the part that a mask covers, shrunk."""
    (left, top), (height, width) = mask.origin_xy, mask.probability.shape
    highest = np.zeros((height, width), np.float32)
    for other in others:
        (x, y), (high, wide) = other.origin_xy, other.probability.shape
        x0, y0 = max(left, x), max(top, y)
        x1, y1 = min(left + width, x + wide), min(top + height, y + high)
        if x0 < x1 and y0 < y1:
            part = highest[y0 - top : y1 - top, x0 - left : x1 - left]
            np.maximum(part, other.probability[y0 - y : y1 - y, x0 - x : x1 - x], out=part)
    return resample(highest, size_wh)


def _same_character(masks: Sequence[Refined], shape_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Which masks show the same character, `(N, N)`: findings that are doubled."""
    scale = min(1.0, _COMPARED_SIDE / max(shape_hw))
    small = np.stack([_placed(mask, shape_hw, scale).ravel() for mask in masks])
    inside = (small > 0.5).astype(np.float32)
    shared = inside @ inside.T
    areas = shared.diagonal()
    smaller = np.maximum(np.minimum(areas[:, None], areas[None]), 1)
    return shared > SAME * smaller


def _placed(mask: Refined, shape_hw: tuple[int, int], scale: float) -> Probability:
    """A mask of the whole picture, shrunk."""
    height, width = (max(1, round(side * scale)) for side in shape_hw)
    matrix = np.array(
        [[scale, 0, mask.origin_xy[0] * scale], [0, scale, mask.origin_xy[1] * scale]]
    )
    return cv2.warpAffine(mask.probability, matrix, (width, height), flags=cv2.INTER_AREA).astype(
        np.float32
    )
