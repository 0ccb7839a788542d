"""Colour pictures rendered as manga is printed: grey, line art, dot screens, or all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

LINE_SHARE = 1 / 900
"""Standard deviation of the narrow blur of `line_art`, as a share of the picture's diagonal."""
PITCH_SHARE = 1 / 180
"""Distance of screen dots as a share of the picture's diagonal."""


def grey(rgb: Picture) -> Picture:
    """Luma in all three channels, as in a scanned page of a coloured picture.

    Args:
        rgb: ``(H, W, 3)``.
    """
    return cv2.cvtColor(_luma(rgb), cv2.COLOR_GRAY2RGB).astype(np.uint8)


def line_art(rgb: Picture, width: float = 1.0) -> Picture:
    """Dark lines on white paper: a difference of Gaussians with a soft threshold.

    After Winnemöller, Kyprianidis and Olsen, "XDoG" (2012), equations 6 and 7.

    Args:
        rgb: ``(H, W, 3)``.
        width: of the lines; 1 is `LINE_SHARE` of the diagonal.
    """
    sigma = max(0.5, LINE_SHARE * _diagonal(rgb) * width)
    luma = _luma(rgb).astype(np.float32) / 255
    sharpness, threshold, steepness = 20.0, 0.75, 12.0
    narrow, wide = (cv2.GaussianBlur(luma, (0, 0), s) for s in (sigma, 1.6 * sigma))
    sharpened = narrow + sharpness * (narrow - wide)
    # Dark areas stay white paper: only where tones change is ink wanted.
    response = sharpened - luma + 1
    ink = np.where(response >= threshold, 1, 1 + np.tanh(steepness * (response - threshold)))
    return _as_rgb(255 * ink)


def screentone(rgb: Picture, pitch: float = 1.0, angle: float = 45.0) -> Picture:
    """Tones as a screen of black dots, darkest tones solid and lightest ones bare paper.

    Args:
        rgb: ``(H, W, 3)``.
        pitch: distance of the dots; 1 is `PITCH_SHARE` of the diagonal, at least 2.5 pixels.
        angle: of the screen in degrees.
    """
    height, width = rgb.shape[:2]
    luma = cv2.GaussianBlur(_luma(rgb), (0, 0), 1.0).astype(np.float32) / 255
    period = max(2.5, PITCH_SHARE * _diagonal(rgb) * pitch)
    turn = np.deg2rad(angle)
    y, x = np.mgrid[:height, :width].astype(np.float32) * np.float32(2 * np.pi / period)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    screen = 0.5 + 0.25 * (np.cos(along) + np.cos(across))
    # About half a pixel of softness; steep enough for black and white to have no dots at all.
    paper = 0.5 + (luma - 0.1 - 0.8 * screen) * max(period / 2, 5)
    return _as_rgb(255 * np.clip(paper, 0, 1))


def manga(rgb: Picture, width: float = 1.0, pitch: float = 1.0, angle: float = 45.0) -> Picture:
    """A printed page: lines over a screen, light tones left white.

    Args:
        rgb: ``(H, W, 3)``.
        width: as of `line_art`.
        pitch: as of `screentone`.
        angle: as of `screentone`.
    """
    stretched = np.clip(1.5 * rgb.astype(np.float32) - 20, 0, 255).astype(np.uint8)
    return np.minimum(line_art(rgb, width), screentone(stretched, pitch, angle))


RENDERINGS: dict[str, Callable[[Picture], Picture]] = {
    "grey": grey,
    "lineart": line_art,
    "screentone": screentone,
    "manga": manga,
}
"""Each a pure function of an RGB picture, for measuring how a model does on black and white."""


def _luma(rgb: Picture) -> Picture:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.uint8)


def _diagonal(rgb: Picture) -> float:
    return float(np.hypot(*rgb.shape[:2]))


def _as_rgb(tones: npt.NDArray[Any]) -> Picture:
    return np.repeat(np.rint(tones).astype(np.uint8)[..., None], 3, axis=2)
