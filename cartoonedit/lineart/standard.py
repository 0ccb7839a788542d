"""Lines without a network: what is darker than its surroundings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["standard_lines"]

_SIDE = 512  # the shorter side at which the numbers below hold
_SIGMA = 6.0  # pixels
_FAINT = 8  # levels; a weaker difference is shading rather than a line
_LEAST_SCALE = 16  # levels; where all lines are weak, they are not blown up


def standard_lines(picture: NDArray[np.uint8], device: str = "auto") -> NDArray[np.uint8]:
    """The "standard" line art of ControlNet's preprocessors.

    What is darker than its blurred surroundings in all three colours is a line. The median line
    becomes half white, whatever the contrast of the picture. The reference does this at a shorter
    side of 512 pixels and enlarges the outcome; here the blur has the size of the picture instead,
    so the lines keep its resolution.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        device: Does not matter.

    Returns:
        ``uint8`` ``(H, W)``, 0 = paper, 255 = line.
    """
    colours = picture.astype(np.float32)
    darker = (_blurred(colours) - colours).min(axis=2).clip(min=0)
    strong = darker[darker > _FAINT]
    scale = max(_LEAST_SCALE, float(np.median(strong))) if strong.size else _LEAST_SCALE
    return (darker / scale * 127).clip(max=255).astype(np.uint8)


def _blurred(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = colours.shape[:2]
    scale = min(height, width) / _SIDE
    if scale <= 2:
        return cv2.GaussianBlur(colours, (0, 0), _SIGMA * scale)
    # Reduced first, so wide a blur looks the same and costs a fraction.
    reduced = (round(width / scale), round(height / scale))
    small = cv2.resize(colours, reduced, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), _SIGMA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
