"""Finding a drawing on paper: what is inked, and what ink encloses, is the character.

The mask step of Animated Drawings (Smith et al. 2023, section 3.2): no network, only thresholds,
closing and flooding.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.images import resize

__all__ = ["drawing_mask", "find_drawings"]

WORKING_SIDE = 1000
"""The longer side, in pixels, at which the thresholds were chosen; larger pictures are reduced."""

_BLOCK, _OFFSET = 115, 8  # of the adaptive threshold: pixels, grey levels
_SEED_STEP = 10  # pixels along the border from one seed of the flood to the next
_SQUARE = np.ones((3, 3), np.uint8)


def drawing_mask(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest drawing of a picture, filled.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``: a drawing whose lines are darker than the paper, with
            some paper around it.

    Returns:
        ``uint8`` ``(H, W)``, 0 or 255; all 0 where nothing is drawn.
    """
    figure = _drawn(picture)
    largest = np.zeros(figure.shape, np.uint8)
    best = 0
    for filled in _outlines(figure):
        count = int(np.count_nonzero(filled))
        if count > best:
            best, largest = count, filled
    return _without_holes(largest) * np.uint8(255)


def find_drawings(picture: NDArray[np.uint8], smallest: float = 0.01) -> list[NDArray[np.uint8]]:
    """Every drawing on a sheet of paper, each with a mask of its own.

    Args:
        picture: As for :func:`drawing_mask`, of any size.
        smallest: The share of the paper that a drawing covers at least; less is a stain.

    Returns:
        Masks ``uint8`` ``(H, W)``, 0 or 255, left to right.

    Raises:
        InvalidInput: Nothing is drawn, or what is drawn fills the whole picture.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = picture if scale == 1 else cv2.resize(picture, size_wh, interpolation=cv2.INTER_LINEAR)
    figure = _drawn(small).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(figure, connectivity=8)
    wanted = [
        index
        for index in range(1, count)
        if stats[index, cv2.CC_STAT_AREA] >= smallest * figure.size
    ]
    if not wanted:
        raise InvalidInput(
            "no drawing was found on the paper. Its lines must be darker than the paper, closed,"
            " and away from the edges of the picture; or hand in a mask."
        )
    wanted.sort(key=lambda index: float(centres[index][0]))
    masks = (_without_holes((labels == index).astype(np.uint8)) * 255 for index in wanted)
    return [_enlarged(mask.astype(np.uint8), (width, height)) for mask in masks]


def _drawn(picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What the border of the picture does not reach without crossing ink."""
    darkest = picture.min(axis=2)
    paper = cv2.adaptiveThreshold(
        darkest, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, _BLOCK, _OFFSET
    )
    ink = cv2.bitwise_not(paper)
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, _SQUARE, iterations=2)
    ink = cv2.dilate(ink, _SQUARE, iterations=2)
    _, labels = cv2.connectedComponents((ink == 0).astype(np.uint8), connectivity=4)
    height, width = labels.shape
    columns, rows = np.arange(0, width - 1, _SEED_STEP), np.arange(0, height - 1, _SEED_STEP)
    seeds = (labels[0, columns], labels[-1, columns], labels[rows, 0], labels[rows, -1])
    reached = np.unique(np.concatenate(seeds))
    drawn: NDArray[np.bool_] = ~np.isin(labels, reached[reached > 0])
    drawn[[0, -1]] = drawn[:, [0, -1]] = False
    return drawn


def _outlines(figure: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """What each outline of a figure encloses."""
    contours, _ = cv2.findContours(
        figure.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    for contour in contours:
        filled = np.zeros(figure.shape, np.uint8)
        yield cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)


def _without_holes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(mask), contours, -1, 1, cv2.FILLED)


def _enlarged(mask: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    """A mask at the size of the picture, its edge smooth rather than in steps."""
    if (mask.shape[1], mask.shape[0]) == size_wh:
        return mask
    return resize(mask, size_wh)
