"""Text that lies over a frame: a row of small separate parts of one height and colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["has_caption"]

Picture = npt.NDArray[np.uint8]

LOOK_HEIGHT = 540
"""Frames are looked at in about this height, in pixels."""

MIN_LETTER, MAX_LETTER = 6, 64
"""Heights of letters in pixels of that."""

LEAST_ALPHAS = (127, 225)
"""Compression smears colour, and letters with it; their cores stay apart."""

MIN_LETTERS = 6
MAX_STRAY = 40.0
"""Most that the colours of letters of one row stray from each other, in levels."""


@dataclass(frozen=True)
class _Part:
    left: int
    top: int
    right: int
    bottom: int
    colour: npt.NDArray[np.float32]

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def follows(self, other: _Part) -> bool:
        """Whether it could be the next letter of the same row."""
        gap = self.left - other.right
        tall = max(self.height, other.height)
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return (
            -0.3 * tall <= gap <= 1.2 * tall
            and shared >= 0.6 * min(self.height, other.height)
            and tall <= 2.2 * min(self.height, other.height)
            and float(np.abs(self.colour - other.colour).max()) < MAX_STRAY
        )


def has_caption(rgba: Picture) -> bool:
    """Whether a keyed frame shows a line of text beside its subjects.

    Args:
        rgba: the frame ``(H, W, 4)``, alpha 0 where the key is bare.
    """
    scale = min(1.0, LOOK_HEIGHT / rgba.shape[0])
    if scale < 1:
        rgba = cv2.resize(rgba, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(
            np.uint8
        )
    for least in LEAST_ALPHAS:
        parts = sorted(_letters(rgba, least), key=lambda part: part.left)
        if _longest_row(parts) >= MIN_LETTERS:
            return True
    return False


def _letters(rgba: Picture, least: int) -> list[_Part]:
    """Separate parts above an alpha that may be letters by their size."""
    # What lies closely above each other is one letter; letters beside each other stay apart.
    solid = (rgba[..., 3] > least).astype(np.uint8)
    joined = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((5, 1), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=4)
    letters = []
    for label in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[label])
        if not (MIN_LETTER <= height <= MAX_LETTER and width <= 2 * height):
            continue
        if area < 0.15 * width * height:
            continue
        window = np.s_[top : top + height, left : left + width]
        inside = (labels[window] == label) & (rgba[window][..., 3] > 200)
        if inside.any():
            colour = np.median(rgba[window][inside][:, :3], axis=0).astype(np.float32)
            letters.append(_Part(left, top, left + width, top + height, colour))
    return letters


def _longest_row(parts: list[_Part]) -> int:
    """Number of letters in the longest row; ``parts`` from left to right."""
    lengths: list[int] = []
    for number, part in enumerate(parts):
        before = [lengths[n] for n in range(number) if part.follows(parts[n])]
        lengths.append(1 + max(before, default=0))
    return max(lengths, default=0)
