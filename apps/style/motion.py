"""Motion from one frame to the next: where everything was before, and where that can be told.

Dense inverse search (Kroeger et al. 2016) in both directions. Cartoons are flat for the most part,
and there a search follows the noise of the codec; so flat places move as the lines near them do
(normalised convolution, Knutsson and Westin 1993). Where the way back does not lead to the start,
something came into sight (Sundaram et al. 2010); where it does, and the colours are others all the
same, something else happened. Neither place is explained by motion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion", "motion_between"]

_MOST = 960  # pixels of the longer side at which motion is searched
_LEAST = 16  # of the shorter one; smaller pictures have no room for the patches that are searched
_CHANGE = 24.0  # levels; what moves changes less than that from one frame to the next
_CUT = 0.4  # less of a frame is explained by motion only if another scene has begun
_GRAIN = 1.5  # pixels over which the noise of a codec is evened out
_SLOPE = 1.5  # levels per pixel that make a line
_LINES = 2.0  # pixels around a line in which the search is sure of itself
_REACH = 8.0  # pixels to which it tells flat places how to move
_STILL = 0.003  # weight of no motion, for places farther from any line
_SOFT = 2.0  # pixels over which trust begins


@dataclass(frozen=True)
class Motion:
    """What moved where.

    Attributes:
        shift_xy: From each pixel to where it was in the frame before; float32 ``(H, W, 2)``.
        explained: Whether the same thing is seen there, ``bool`` ``(H, W)``.
    """

    shift_xy: NDArray[np.float32]
    explained: NDArray[np.bool_]

    @property
    def is_cut(self) -> bool:
        """Whether another scene has begun."""
        return float(self.explained.mean()) < _CUT

    @property
    def trust(self) -> NDArray[np.float32]:
        """How far what was before may be taken over, 0..1 ``(H, W)``; 0 where not explained."""
        near = cv2.GaussianBlur(self.explained.astype(np.float32), (0, 0), _SOFT)
        return np.asarray(np.clip(2 * near - 1, 0, 1) * self.explained, np.float32)

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """An image ``(H, W)`` or ``(H, W, 3)`` of the frame before, moved to where it is now."""
        return _moved(image, self.shift_xy)


def motion_between(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> Motion:
    """Find what moved where.

    Args:
        before: RGB ``uint8`` ``(H, W, 3)``.
        now: Of the same size.
    """
    height, width = now.shape[:2]
    scale = min(1.0, _MOST / max(height, width))
    if scale == 1:
        return _search(before, now)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    small = _search(*(cv2.resize(each, size_wh, interpolation=cv2.INTER_AREA)
                      for each in (before, now)))  # fmt: skip
    shift = cv2.resize(small.shift_xy, (width, height)) * np.float32(1 / scale)
    whole = cv2.resize(small.explained.astype(np.float32), (width, height))
    return Motion(shift, whole > 0.5)


def _search(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> Motion:
    shape = now.shape[:2]
    back = forth = np.zeros((*shape, 2), np.float32)
    lines = np.zeros(shape, np.float32)
    if min(shape) >= _LEAST:
        old, new = (cv2.GaussianBlur(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), (0, 0), _GRAIN)
                    for each in (before, now))  # fmt: skip
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        lines = _lines(new)
        back = _steady(search.calc(new, old, None), lines)
        forth = _steady(search.calc(old, new, None), _lines(old))
    came = _places(back)
    inside = ((came > -1) & (came < shape[::-1])).all(axis=2)
    returned = _moved(forth, back)
    error = np.square(back + returned).sum(axis=2)
    length = np.square(back).sum(axis=2) + np.square(returned).sum(axis=2)
    consistent = (error < 0.01 * length + 0.5) | (lines < 0.5)  # in a flat place all ways are one
    change = cv2.GaussianBlur(_moved(before, back).astype(np.float32) - now, (0, 0), 1)
    return Motion(back, inside & consistent & (np.abs(change).max(axis=2) < _CHANGE))


def _lines(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How sure a search is of itself, 0..1 ``(H, W)``: 1 at lines, 0 in flat places."""
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1, scale=1 / 8)
    energy = cv2.GaussianBlur(across * across + down * down, (0, 0), _LINES)
    return np.square(energy / (energy + np.float32(_SLOPE**2)))


def _steady(shift: NDArray[np.float32], lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Motion that is as found at lines, and in flat places that of the lines near by."""
    weight = lines[..., None]
    near = cv2.GaussianBlur(shift * weight, (0, 0), _REACH)
    near = near / (cv2.GaussianBlur(lines, (0, 0), _REACH) + np.float32(_STILL))[..., None]
    return np.asarray(weight * shift + (1 - weight) * near, np.float32)


def _places(shift_xy: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.mgrid[: shift_xy.shape[0], : shift_xy.shape[1]]
    return np.dstack([columns, rows]).astype(np.float32) + shift_xy


def _moved(image: NDArray[Any], shift_xy: NDArray[np.float32]) -> NDArray[Any]:
    places = _places(shift_xy)
    return cv2.remap(image, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
