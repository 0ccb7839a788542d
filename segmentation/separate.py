"""One mask per character and one character per pixel: what happens after refinement."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from segmentation.refine import Alpha, bounds_xyxy, tidy

__all__ = ["one_owner_per_pixel", "without_duplicates"]

# Masks are compared at this size: their overlap does not depend on single pixels.
_COMPARED_SIDE = 512
_CONTAINED = 0.9
_UNSURE = 0.6
_LEFT_OVER = 0.3


def without_duplicates(alphas: Sequence[Alpha], scores: Sequence[float], iou: float) -> list[int]:
    """Which of some masks to keep so that no character is there twice.

    Two masks show the same character if they overlap by more than `iou`, or if nearly all of one
    lies inside of the other and one is much less certain. The better one stays. Two that are both
    certain stay, one inside of the other or not: a child may sit before its mother.

    Args:
        alphas: `(H, W)` each, best first.
        scores: of each.
        iou: 0..1; 1 keeps all.

    Returns:
        Indices, in order.
    """
    if iou >= 1 or len(alphas) < 2:
        return list(range(len(alphas)))
    small = np.stack([_reduced(alpha).ravel() for alpha in alphas]).astype(np.float32)
    shared = small @ small.T
    areas = shared.diagonal()
    kept: list[int] = []
    for i in range(len(alphas)):
        smaller = np.maximum(np.minimum(areas[kept], areas[i]), 1)
        union = np.maximum(areas[kept] + areas[i] - shared[i, kept], 1)
        unsure = scores[i] < _UNSURE * np.array([scores[k] for k in kept])
        inside = (shared[i, kept] > _CONTAINED * smaller) & unsure
        same = (shared[i, kept] > iou * union) | inside
        if not same.any():
            kept.append(i)
    return kept


def _reduced(alpha: Alpha) -> NDArray[np.bool_]:
    """The inside pixels, at a size at which many masks can be compared quickly."""
    height, width = alpha.shape
    scale = min(1.0, _COMPARED_SIDE / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(alpha, size_wh, interpolation=cv2.INTER_AREA) >= 128


def one_owner_per_pixel(
    alphas: Sequence[Alpha], scores: Sequence[float] | None = None
) -> list[Alpha | None]:
    """Give every pixel to the mask with the largest alpha there, and to no other.

    Alphas count by the scores of their masks, so that an unsure character bites nothing out of a
    certain one.

    Args:
        alphas: `(H, W)` each, best first: of equals the first one wins.
        scores: of each, 0..1; all equal if left out.

    Returns:
        The masks; None in place of one of which next to nothing is left.
    """
    if not alphas:
        return []
    largest = np.zeros(alphas[0].shape, np.float32)
    owner = np.full(alphas[0].shape, -1, np.int16)
    boxes = [bounds_xyxy(alpha > 0) for alpha in alphas]
    for i, (alpha, box) in enumerate(zip(alphas, boxes, strict=True)):
        if box is None:
            continue
        part = np.s_[box[1] : box[3], box[0] : box[2]]
        claim = alpha[part] * np.float32(1.0 if scores is None else scores[i])
        wins = claim > largest[part]
        largest[part][wins] = claim[wins]
        owner[part][wins] = i
    return [_what_is_left(alpha, owner == i) for i, alpha in enumerate(alphas)]


def _what_is_left(alpha: Alpha, owned: NDArray[np.bool_]) -> Alpha | None:
    left = tidy(np.where(owned, alpha, 0).astype(np.uint8))
    before, after = np.count_nonzero(alpha >= 128), np.count_nonzero(left >= 128)
    return left if after and after >= _LEFT_OVER * before else None
