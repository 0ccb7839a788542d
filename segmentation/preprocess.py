"""From a picture to the detector's input, and from its coordinates back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)
PAD_VALUE = 114


@dataclass(frozen=True)
class Letterbox:
    """A picture scaled into the top left corner of a network's input.

    Attributes:
        picture_wh: size of the picture.
        scaled_wh: size of its scaled copy inside the input.
        input_wh: size of the input, padding included.
    """

    picture_wh: tuple[int, int]
    scaled_wh: tuple[int, int]
    input_wh: tuple[int, int]

    @property
    def scale_wh(self) -> tuple[float, float]:
        """Input pixels per picture pixel; the axes differ a little, by rounding."""
        return self.scaled_wh[0] / self.picture_wh[0], self.scaled_wh[1] / self.picture_wh[1]


def letterbox_geometry(picture_wh: tuple[int, int], side: int) -> Letterbox:
    """How a picture goes into a square: its long side fills it, small pictures are enlarged."""
    width, height = picture_wh
    scale = min(side / max(width, height), side / min(width, height))
    # At least one pixel: the reference would round a 12000x200 strip's short side down to nothing.
    scaled = (max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5)))
    return Letterbox(picture_wh, scaled, (side, side))


def letterbox(
    picture: npt.NDArray[np.uint8], side: int, *, averaging: bool = False
) -> tuple[npt.NDArray[np.uint8], Letterbox]:
    """Scale a picture into a square, the rest filled with 114.

    Args:
        picture: ``(H, W, 3)``.
        side: of the square.
        averaging: average over what becomes one pixel when shrinking, so that nothing aliases. The
            published program picks pixels instead.

    Returns:
        The square ``(side, side, 3)``, and how the picture lies in it.
    """
    height, width = picture.shape[:2]
    geometry = letterbox_geometry((width, height), side)
    shrinks = geometry.scaled_wh[0] < width or geometry.scaled_wh[1] < height
    way = cv2.INTER_AREA if averaging and shrinks else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, geometry.scaled_wh, interpolation=way)
    square = np.full((side, side, 3), PAD_VALUE, np.uint8)
    square[: scaled.shape[0], : scaled.shape[1]] = scaled
    return square, geometry


def normalise(pictures: Tensor) -> Tensor:
    """Subtract the mean and divide by the spread of each channel.

    Args:
        pictures: BGR ``(N, 3, H, W)``, 0..255, any dtype.
    """
    mean = torch.tensor(MEAN_BGR, device=pictures.device).view(1, 3, 1, 1)
    std = torch.tensor(STD_BGR, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() - mean) / std
