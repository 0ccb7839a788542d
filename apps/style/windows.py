"""Windows: which piece of a picture a part is worked on in, and how much it is enlarged for it.

Networks were trained at one size, and small characters are mush at theirs. So each is worked on at
a scale that suits the network, in a window that shows it with some of what is around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "fit_window", "plane_size", "whole_window"]

CELL = 8  # pixels on a side of a latent cell, in both families of networks

_STEP = 64
"""Working sizes are multiples of this many pixels, which networks take without padding."""

_SLACK = 1.25
"""By this factor a box of a clip may be too large or too small before its scale changes."""

_FINEST = 3
"""Enlarging by more than 2^3 shows a network nothing but blur."""


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture and the scale that it is worked on at.

    Attributes:
        left: In pixels of the picture; it may end outside of the picture, on the right and below.
        top: Likewise.
        width: In pixels of the picture.
        height: Likewise.
        level: It is worked on at 2^level times the picture's resolution.
    """

    left: int
    top: int
    width: int
    height: int
    level: int

    @property
    def scale(self) -> float:
        """Working pixels for each pixel of the picture, on each axis."""
        return 2.0**self.level

    @property
    def size_wh(self) -> tuple[int, int]:
        """The working size in pixels."""
        return round(self.width * self.scale), round(self.height * self.scale)

    @property
    def cells(self) -> tuple[int, int, int, int]:
        """Top, left, rows and columns on the latent grid of its level."""
        per_pixel = self.scale / CELL
        top, left, rows, columns = (
            round(value * per_pixel) for value in (self.top, self.left, self.height, self.width)
        )
        return top, left, rows, columns

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What an image ``(H, W)`` or ``(H, W, 3)`` shows in it, at the working size.

        The image's last rows and columns go on outside of it.
        """
        height, width = image.shape[:2]
        inside = image[self.top : self.top + self.height, self.left : self.left + self.width]
        below = max(0, self.top + self.height - height)
        right = max(0, self.left + self.width - width)
        if below or right:
            inside = cv2.copyMakeBorder(inside, 0, below, 0, right, cv2.BORDER_REPLICATE)
        return _resize(inside, self.size_wh)

    def place(self, worked: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What was worked on at the picture's scale, ``(height, width, 3)``."""
        return _resize(worked, (self.width, self.height))


def whole_window(size_wh: tuple[int, int], side: int, most: int) -> Window:
    """The window that shows a whole picture.

    Args:
        size_wh: Of the picture.
        side: Smaller pictures are enlarged to about this, in pixels.
        most: Larger pictures are reduced to this or less, unless they are long and narrow.
    """
    level = _level(size_wh, side, most)
    width, height = (_ceil(length, _unit(level)) for length in size_wh)
    return Window(0, 0, width, height, level)


def fit_window(
    box_xyxy: tuple[int, int, int, int],
    size_wh: tuple[int, int],
    side: int,
    most: int,
    before: int | None = None,
) -> Window:
    """A window around a box, with some of its surroundings.

    Args:
        box_xyxy: In pixels; right and bottom are exclusive.
        size_wh: Of the picture.
        side: As for :func:`whole_window`.
        most: Likewise.
        before: The level in the frame before of a clip. It stays as long as it suits about as well
            as another, since what a network draws jumps when the scale does.

    Returns:
        It lies in the picture, or in its :func:`whole_window` where the picture is small.
    """
    x1, y1, x2, y2 = box_xyxy
    longest = max(x2 - x1, y2 - y1)
    level = _level((x2 - x1, y2 - y1), side, most)
    if before is not None and before in _levels_near((x2 - x1, y2 - y1), size_wh, side, most):
        level = before if longest * 2.0**before <= most else min(before, level)
    # What is around a character tells the network what it is: a quarter of it, and at least a
    # square of half the network's size.
    margin = max(longest / 8, 32 / 2**level)
    least = side / 2 / 2**level
    spans = [
        _span(low, high, margin, least, length, _unit(level))
        for low, high, length in ((x1, x2, size_wh[0]), (y1, y2, size_wh[1]))
    ]
    (left, width), (top, height) = spans
    return Window(left, top, width, height, level)


def plane_size(size_wh: tuple[int, int], side: int, most: int) -> tuple[int, int]:
    """Rows and columns of latent cells, at the picture's own scale, that hold every window of it.

    They depend on the picture alone, so the noise is the same whichever parts are worked on.
    """
    unit = _unit(min(0, _level(size_wh, side, most)))
    return _ceil(size_wh[1], unit) // CELL, _ceil(size_wh[0], unit) // CELL


def _level(size_wh: tuple[int, int], side: int, most: int) -> int:
    longest, shortest = max(size_wh), min(size_wh)
    if longest > most:
        # A long strip is not made so narrow that nothing can be seen; it is cut into tiles.
        enough = max(0, math.floor(math.log2(2 * shortest / side)))
        return -min(math.ceil(math.log2(longest / most)), enough)
    return min(max(0, round(math.log2(side / longest))), _FINEST)


def _levels_near(
    box_wh: tuple[int, int], size_wh: tuple[int, int], side: int, most: int
) -> set[int]:
    """The levels of boxes that are a little smaller and larger, each of which will do."""

    def resized(share: float) -> tuple[int, int]:
        width, height = (
            max(1, min(round(share * length), limit))
            for length, limit in zip(box_wh, size_wh, strict=True)
        )
        return width, height

    return {_level(resized(share), side, most) for share in (1 / _SLACK, _SLACK)}


def _unit(level: int) -> int:
    """Pixels of the picture in one step of working sizes."""
    return round(_STEP / 2**level)


def _span(
    low: int, high: int, margin: float, least: float, length: int, unit: int
) -> tuple[int, int]:
    """Start and extent along one axis, both in whole units where the picture has room."""
    whole = _ceil(length, unit)
    extent = min(whole, _ceil(max(high - low + 2 * margin, least), unit))
    # The grid of cells is finer than that of sizes: eight to a unit.
    cell = unit * CELL // _STEP
    start = math.floor(((low + high - extent) / 2) / cell) * cell
    return min(max(start, 0), whole - extent), extent


def _ceil(value: float, unit: int) -> int:
    return max(1, math.ceil(value / unit)) * unit


def _resize(image: NDArray[np.uint8], size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[1::-1] == size_wh:
        return image
    shrinks = size_wh[0] < image.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size_wh, interpolation=method), np.uint8)
