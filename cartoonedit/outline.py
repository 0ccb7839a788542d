"""Moving the edge of a mask to where the picture has it.

Networks, and people with a lasso, are a pixel or two off the outline that was drawn, and masks
without grey are off by half a pixel everywhere. In a still picture nobody sees that. As soon as a
character moves against its background, a strip of that goes along with it, or a strip of its
outline stays behind.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.inpaint.regions import fringe
from cartoonedit.matte import spread

__all__ = ["snap_outline"]

_ALIKE = 14.0
"""Levels by which colours of one kind differ: flat colour, its shading, and JPEG's noise."""

_APART = 30.0
"""Levels by which two colours must differ before what is mixed of them tells its shares."""

_PLAIN, _CLEAR = 0.3, 0.7
"""Contrast of the two sides of an edge, on average along it: up to the first one there is nothing
to be read from the picture, from the second on it can be relied on."""

_AGREED, _WRONG = 0.3, 0.6
"""Pixels that a mask may be off the picture, on average along its edge: up to the first one it is
better than what can be read from the picture, from the second on it is worse."""


def snap_outline(picture: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Let a mask end where the drawing does.

    Every pixel close to the edge asks those around it that look alike, whether they are of the
    character; so does the dark line round it, most of which a mask has caught. What then lies
    between the two sides gets the share of the two colours in it as its alpha.

    It is done only where the mask turns from nothing to all within a few pixels: a veil, a glow and
    loose hair stay as they are. So does an edge that fits the picture already.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        mask: Alpha ``uint8`` ``(H, W)``.

    Returns:
        A new alpha ``uint8`` ``(H, W)``; the same farther than 0.6 % of the picture's mean side
        from the edge, at least 4 pixels.
    """
    result = mask.copy()
    unit = max(1, round(fringe(mask.shape) / 5))
    x, y, width, height = cv2.boundingRect(mask)
    margin = 12 * unit
    box = np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
    crop, alpha = np.ascontiguousarray(picture[box]), mask[box]
    crisp = _crisp(alpha, 4 * unit)
    if not crisp.any():
        return result
    sides = alpha
    for _ in range(2):
        sides = np.where(crisp, _vote(crop, sides, crisp, unit), sides)
    drawn, contrast = _shares(crop, sides >= 128)
    off = np.abs(drawn - alpha / np.float32(255)) * crisp
    # In pixels: what is off along the edge, by how long the edge is.
    window = (16 * unit + 1,) * 2
    mean = cv2.blur(off, window) / np.maximum(cv2.blur(_edge(alpha), window), 1e-3)
    weight = np.clip((mean - _AGREED) / (_WRONG - _AGREED), 0, 1)
    weight = np.maximum(weight, _hardness(alpha, window)) * crisp
    weight *= _clearness(contrast, window)
    result[box] = np.rint(alpha + weight * (255 * drawn - alpha))
    return result


def _crisp(alpha: NDArray[np.uint8], reach: int) -> NDArray[np.bool_]:
    """Close to an edge at which alpha goes from nothing to all."""
    window = np.ones((2 * reach + 1,) * 2, np.uint8)
    edge = _edge(alpha) > 0
    edge &= (cv2.dilate(alpha, window) >= 240) & (cv2.erode(alpha, window) <= 15)
    return cv2.dilate(edge.astype(np.uint8), window) > 0


def _edge(alpha: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The last pixels on the inside of the line where alpha is half."""
    inside = (alpha >= 128).astype(np.uint8)
    return (inside - cv2.erode(inside, np.ones((3, 3), np.uint8))).astype(np.float32)


def _hardness(alpha: NDArray[np.uint8], window: tuple[int, int]) -> NDArray[np.float32]:
    """1 where an edge has no grey at all, 0 where it has some all along."""
    grey = ((alpha > 15) & (alpha < 240)).astype(np.float32)
    share = cv2.blur(grey, window) / np.maximum(cv2.blur(_edge(alpha), window), 1e-3)
    return np.clip(1 - 2 * share, 0, 1)


def _clearness(contrast: NDArray[np.float32], window: tuple[int, int]) -> NDArray[np.float32]:
    """1 where the two sides of an edge differ well along it, 0 where they hardly do."""
    edge = (contrast >= 0).astype(np.float32)
    mean = cv2.blur(contrast * edge, window) / np.maximum(cv2.blur(edge, window), 1e-3)
    return np.clip((mean - _PLAIN) / (_CLEAR - _PLAIN), 0, 1)


def _vote(
    picture: NDArray[np.uint8], alpha: NDArray[np.uint8], wanted: NDArray[np.bool_], unit: int
) -> NDArray[np.uint8]:
    """The mean alpha of what looks alike around each wanted pixel, drawn apart."""
    reach = 8 * unit
    rows, columns = np.nonzero(wanted)
    colours = cv2.copyMakeBorder(picture, *(reach,) * 4, cv2.BORDER_REFLECT_101).astype(np.float32)
    alphas = cv2.copyMakeBorder(alpha, *(reach,) * 4, cv2.BORDER_REFLECT_101).astype(np.float32)
    width = alphas.shape[1]
    colours, alphas = colours.reshape(-1, 3), alphas.reshape(-1)
    places = (rows + reach) * width + columns + reach
    own = colours[places]
    total, weights = np.zeros((2, len(places)), np.float32)
    for dy in range(-reach, reach + 1, 2 * unit):
        for dx in range(-reach, reach + 1, 2 * unit):
            far = (dx * dx + dy * dy) / reach**2
            if far > 1:
                continue
            other = places + (dy * width + dx)
            differs = np.square(colours[other] - own).sum(axis=1) / (2 * _ALIKE**2)
            weight = np.exp(-differs - np.float32(1.4 * far))
            total += weight * alphas[other]
            weights += weight
    result = alpha.copy()
    # The pixel itself is always among those asked, so there is a weight.
    result[wanted] = np.rint(np.clip((total / weights - 51) / 0.6, 0, 255))
    return result


def _shares(
    picture: NDArray[np.uint8], inside: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Alpha 0..1 of a silhouette, where its edge pixels have the share of the inner colour.

    Returns:
        That, and at edge pixels how much the colours of both sides differ, 0..1; -1 elsewhere.
    """
    alpha = inside.astype(np.float32)
    contrast = np.full_like(alpha, -1)
    outer, inner = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 5) for side in (~inside, inside)
    )
    edge = inner + outer <= 1.5
    front, behind = inside & ~edge, ~inside & ~edge
    if not (edge.any() and front.any() and behind.any()):
        return alpha, contrast
    # A small window: the line round a character is thin.
    own, other = (spread(picture, side, edge, 3).astype(np.float32) for side in (front, behind))
    pixel = picture[edge].astype(np.float32)
    way = own - other
    square = np.square(way).sum(axis=1)
    share = ((pixel - other) * way).sum(axis=1) / np.maximum(square, 1)
    # A third colour tells nothing, nor do two that are alike.
    beside = np.abs(pixel - other - share[:, None] * way).max(axis=1)
    contrast[edge] = square / (square + _APART**2)
    sure = contrast[edge] * np.exp(-np.square(beside / 40))
    soft = cv2.GaussianBlur(alpha, (0, 0), 0.6)[edge]
    alpha[edge] = soft + sure * (np.clip(share, 0, 1) - soft)
    return alpha, contrast
