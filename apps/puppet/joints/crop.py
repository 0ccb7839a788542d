"""A character cut out in the size that a pose network takes, and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.instance import Instance

__all__ = ["Crop", "cut_out"]

_MARGIN = 1.25  # a box is widened by that before it is cut out, as in training
_HIDDEN = 255  # what lies around a character; most drawings that networks saw are on white


@dataclass(frozen=True, eq=False)
class Crop:
    """A piece of a picture in another size.

    Attributes:
        image: RGB ``uint8`` ``(h, w, 3)``.
        scale: Its pixels for one of the picture.
        corner_xy: The point of the picture at its upper left corner.
    """

    image: NDArray[np.uint8]
    scale: float
    corner_xy: tuple[float, float]

    def to_picture(self, points_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the crop in pixels of the picture."""
        return np.asarray(points_xy, np.float64) / self.scale + np.asarray(self.corner_xy)


def cut_out(picture: NDArray[np.uint8], instance: Instance, size_wh: tuple[int, int]) -> Crop:
    """Cut out a character, whole and with a margin, in the middle of a given size.

    What is around the character is white: its neighbours would be taken for it.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        instance: The character.
        size_wh: Of the result.
    """
    x1, y1, x2, y2 = instance.bounds_xyxy
    width, height = size_wh
    scale = min(width / max(1, x2 - x1), height / max(1, y2 - y1)) / _MARGIN
    middle = np.array([x1 + x2, y1 + y2]) / 2
    corner = middle - np.array(size_wh) / (2 * scale)
    alpha = instance.mask[y1:y2, x1:x2, None].astype(np.float32) / 255
    own = picture[y1:y2, x1:x2] * alpha + _HIDDEN * (1 - alpha)
    # Reduced with a filter first, since warpAffine has none; it then only shifts.
    reduced = cv2.resize(own, _at_most(own, scale), interpolation=cv2.INTER_AREA)
    shrink = np.array([reduced.shape[1] / (x2 - x1), reduced.shape[0] / (y2 - y1)])
    stretch = scale / shrink
    # Of a pixel whose index is i the centre lies at i + 0.5.
    shift = (np.array([x1, y1]) - corner) * scale + 0.5 * stretch - 0.5
    matrix = np.array([[stretch[0], 0, shift[0]], [0, stretch[1], shift[1]]])
    image = cv2.warpAffine(
        reduced, matrix, size_wh, flags=cv2.INTER_LINEAR, borderValue=(_HIDDEN,) * 3
    )
    image = np.rint(np.clip(image, 0, 255)).astype(np.uint8)
    return Crop(image, float(scale), (float(corner[0]), float(corner[1])))


def _at_most(image: NDArray[np.floating], scale: float) -> tuple[int, int]:
    """The size to reduce an image to; its own if it is to be enlarged."""
    factor = min(1.0, scale)
    return max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor))
