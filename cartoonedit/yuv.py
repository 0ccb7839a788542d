"""RGB frames as BT.709 luma and halved chroma (4:2:0), as video encoders take them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Yuv420"]

_RED, _BLUE = 0.2126, 0.0722
"""Shares of the luma, ITU-R BT.709-6, item 3.2; green has the rest."""


def _matrix() -> NDArray[np.float32]:
    """Full-range 8-bit RGB to limited-range Y, Cb, Cr, ``(3, 4)``; BT.709-6, items 3.2 to 3.4."""
    luma = np.array([_RED, 1 - _RED - _BLUE, _BLUE])
    blue, red = np.eye(3)[2] - luma, np.eye(3)[0] - luma
    rows = [219 * luma, 112 * blue / (1 - _BLUE), 112 * red / (1 - _RED)]
    return np.column_stack([np.array(rows) / 255, [16, 128, 128]]).astype(np.float32)


class Yuv420:
    """Turns frames of one size into planes: Y, then Cb, then Cr (``yuv420p`` of ffmpeg).

    A chroma value is the mean of four pixels and lies in the middle between them. Half the bytes of
    RGB, in less time than ffmpeg takes for it.

    Args:
        size_wh: Width and height of the frames, both even.
    """

    def __init__(self, size_wh: tuple[int, int]) -> None:
        width, height = size_wh
        self._half_wh = width // 2, height // 2
        self._matrix = _matrix()
        # Fresh memory for each frame would take as long as all the rest.
        self._packed = np.empty((height, width, 3), np.uint8)
        self._planes = np.empty(width * height * 3 // 2, np.uint8)
        luma, *chroma = np.split(self._planes, [width * height, width * height * 5 // 4])
        self._full = [luma.reshape(height, width), *np.empty((2, height, width), np.uint8)]
        self._chroma = [plane.reshape(height // 2, width // 2) for plane in chroma]

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The planes of an RGB ``uint8`` frame ``(H, W, 3)``, one after the other.

        Returns:
            ``uint8`` ``(H * W * 3 / 2,)``; valid until the next frame is asked for.
        """
        cv2.transform(frame, self._matrix, self._packed)
        cv2.split(self._packed, self._full)
        for full, plane in zip(self._full[1:], self._chroma, strict=True):
            cv2.resize(full, self._half_wh, plane, interpolation=cv2.INTER_AREA)
        return self._planes
