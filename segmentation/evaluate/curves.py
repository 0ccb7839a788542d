"""A small diagram of precision by recall."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cartoonedit.overlay import PALETTE

__all__ = ["draw_curves"]

_SIDE, _LEFT, _TOP, _BOTTOM, _KEY = 420, 64, 42, 64, 26  # pixels
_FINE = 3  # drawn larger and made smaller, which smooths the lines
_PAPER, _INK, _GRID = (250, 249, 246), (60, 60, 65), (222, 220, 214)


def draw_curves(precision: Mapping[str, npt.NDArray[np.float64]]) -> npt.NDArray[np.uint8]:
    """Draw one line for each name.

    Args:
        precision: 0..1, at equal steps of recall from 0 to 1, by name.

    Returns:
        RGB `uint8` `(H, W, 3)`.
    """
    width = _LEFT + _SIDE + 40
    height = _TOP + _SIDE + _BOTTOM + _KEY * len(precision)
    image = Image.new("RGB", (width * _FINE, height * _FINE), _PAPER)
    draw = ImageDraw.Draw(image)
    for step in np.linspace(0, 1, 6):
        across, down = _place(step, 0)[0], _place(0, step)[1]
        draw.line((across, _TOP * _FINE, across, _place(0, 0)[1]), fill=_GRID, width=_FINE)
        draw.line((_LEFT * _FINE, down, _place(1, 0)[0], down), fill=_GRID, width=_FINE)
        _text(draw, (across, _place(0, 0)[1] + 6 * _FINE), f"{step:.1f}", "ma")
        _text(draw, (_place(0, 0)[0] - 8 * _FINE, down), f"{step:.1f}", "rm")
    _text(draw, (_place(0.5, 0)[0], _place(0, 0)[1] + 28 * _FINE), "recall", "ma")
    _text(draw, (8 * _FINE, 6 * _FINE), "precision", "la")
    for number, (name, values) in enumerate(precision.items()):
        colour = PALETTE[number % len(PALETTE)]
        recall = np.linspace(0, 1, len(values))
        points = [_place(x, y) for x, y in zip(recall, values, strict=True)]
        draw.line(points, fill=colour, width=2 * _FINE, joint="curve")
        y = (_TOP + _SIDE + _BOTTOM + _KEY * number) * _FINE
        draw.line((_LEFT * _FINE, y, (_LEFT + 28) * _FINE, y), fill=colour, width=3 * _FINE)
        shown = name.encode("ascii", "backslashreplace").decode()  # the font is Latin only
        _text(draw, ((_LEFT + 38) * _FINE, y), shown[:48], "lm")
    return np.array(image.resize((width, height), Image.Resampling.LANCZOS))


def _place(recall: float, precision: float) -> tuple[float, float]:
    return (_LEFT + recall * _SIDE) * _FINE, (_TOP + (1 - precision) * _SIDE) * _FINE


def _text(draw: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, anchor: str) -> None:
    font = ImageFont.load_default(14 * _FINE)
    draw.text(xy, text, font=font, fill=_INK, anchor=anchor)
