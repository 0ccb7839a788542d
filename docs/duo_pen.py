"""The pen that ``make_duo.py`` draws with: splines, limbs, and a canvas to fill them on.

Points are written as in ``"0,150 48,160! 60,200"``, where ! marks a corner. Everything is drawn
four times as large as the picture, without smoothing, and made smaller at the end.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

WIDTH, HEIGHT, FINER = 1280, 720, 4
LINE, LINE_WIDTH = "#33263f", 2.6

Point = tuple[float, float]
Points = Sequence[Point]
Outline = NDArray[np.float64]


def points(text: str) -> list[Point]:
    """Read points; a corner comes out twice."""
    found: list[Point] = []
    for word in text.split():
        x, y = word.rstrip("!").split(",")
        found += [(float(x), float(y))] * (2 if word.endswith("!") else 1)
    return found


def spline(through: str | Points, closed: bool = True, steps: int = 24) -> Outline:
    """A Catmull-Rom curve through points; one that is there twice is a corner."""
    p = np.array(points(through) if isinstance(through, str) else through, float)
    ends = (p[-1:], p[:2]) if closed else (p[:1], p[-1:])
    p = np.concatenate([ends[0], p, ends[1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    a, b, c, d = (p[k : len(p) - 3 + k, None] for k in range(4))
    curve = b + (c - a) * t / 2 + (a - 2.5 * b + 2 * c - d / 2) * t**2
    curve = curve + (1.5 * (b - c) + (d - a) / 2) * t**3
    curve = curve[(b != c).any(axis=(1, 2))]
    return np.concatenate([curve.reshape(-1, 2), p[-2:-1]])


def symmetric(half: str) -> Outline:
    """A spline of its right half, given from the top to the bottom."""
    right = points(half)
    return spline([*right, *((-x, y) for x, y in reversed(right))])


def placed(outline: Outline, x: float, y: float = 0, side: float = 1) -> Outline:
    """The outline, mirrored where ``side`` is -1, and moved."""
    return np.asarray(np.add(outline * (side, 1), (x, y)))


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Outline:
    """An ellipse, or a circle."""
    angle = np.linspace(0, 2 * np.pi, 72)
    return np.stack([x + rx * np.cos(angle), y + (ry or rx) * np.sin(angle)], 1)


def limb(through: Points, widths: Sequence[float]) -> Outline:
    """A tube along a curve through points, of half ``widths`` there, with round ends."""
    middle = spline(through, closed=False)
    half = np.interp(np.linspace(0, len(widths) - 1, len(middle)), np.arange(len(widths)), widths)
    ahead = np.gradient(middle, axis=0)
    angle = np.arctan2(ahead[:, 1], ahead[:, 0])
    turn = np.linspace(np.pi / 2, -np.pi / 2, 16)
    way = [angle + np.pi / 2, angle[-1] + turn, angle[::-1] - np.pi / 2, angle[0] + np.pi + turn]
    order = np.r_[: len(middle), [-1] * 16, -1 : -1 - len(middle) : -1, [0] * 16]
    around = np.concatenate(way)
    return middle[order] + half[order, None] * np.stack([np.cos(around), np.sin(around)], 1)


def smaller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """From the canvas to the picture's size."""
    return np.asarray(cv2.resize(pixels, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


class Canvas:
    """The large picture, and where it was drawn on since :meth:`begin`."""

    def __init__(self) -> None:
        self.pixels = np.zeros((HEIGHT * FINER, WIDTH * FINER, 3), np.uint8)
        self.begin(0)

    def begin(self, middle: float) -> None:
        """Start a new thing with its middle line at ``middle``."""
        self.middle = middle
        self.touched = np.zeros(self.pixels.shape[:2], np.uint8)

    def shape(
        self,
        outlines: Outline | Sequence[Outline],
        colour: str,
        shade: str | None = None,
        light: Point = (-7, -4),
        line: str | None = LINE,
        within: Outline | None = None,
    ) -> None:
        """Fill one or more outlines as one, with a line around and a shade away from the light."""
        group = [outlines] if isinstance(outlines, np.ndarray) else outlines
        curves = [self._curve(outline) for outline in group]
        if line:
            self._lines(curves, line, 2 * LINE_WIDTH, closed=True)
        left, top = np.min([c.min((0, 1)) for c in curves], 0).tolist()
        right, bottom = (np.max([c.max((0, 1)) for c in curves], 0) + 1).tolist()
        inside = _filled(curves, (bottom - top, right - left), (-left, -top))
        if within is not None:
            inside &= _filled([self._curve(within)], inside.shape, (-left, -top))
        moved = np.array([[1, 0, light[0] * FINER], [0, 1, light[1] * FINER]], float)
        lit = cv2.warpAffine(inside, moved, inside.shape[::-1], flags=cv2.INTER_NEAREST)
        # What is beyond the picture counts for the shade, but is not painted.
        box = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        pixels, touched = self.pixels[box], self.touched[box]
        seen = slice(max(-top, 0), None), slice(max(-left, 0), None)
        inside, lit = (a[seen][: len(pixels), : pixels.shape[1]] for a in (inside, lit))
        pixels[inside > 0] = ImageColor.getrgb(colour)
        pixels[(inside > 0) & (lit == 0)] = ImageColor.getrgb(shade or colour)
        touched |= inside

    def plain(
        self,
        outlines: Outline | Sequence[Outline],
        colour: str,
        shade: str | None = None,
        light: Point = (-7, -4),
        within: Outline | None = None,
    ) -> None:
        """A shape without a line around."""
        self.shape(outlines, colour, shade, light, line=None, within=within)

    def stroke(self, through: str | Points, width: float, colour: str = LINE) -> None:
        """Draw an open curve."""
        self._lines([self._curve(spline(through, closed=False))], colour, width, closed=False)

    def _curve(self, outline: Outline) -> NDArray[np.int32]:
        return np.rint(placed(outline, self.middle) * FINER).astype(np.int32)[:, None]

    def _lines(
        self, curves: list[NDArray[np.int32]], colour: str, width: float, closed: bool
    ) -> None:
        thick = round(width * FINER)
        cv2.polylines(self.pixels, curves, closed, ImageColor.getrgb(colour), thick)
        cv2.polylines(self.touched, curves, closed, 255, thick)


def _filled(
    curves: list[NDArray[np.int32]], size: tuple[int, ...], corner: tuple[int, int]
) -> NDArray[np.uint8]:
    area = np.zeros(size, np.uint8)
    for curve in curves:
        cv2.fillPoly(area, [curve], 255, offset=corner)
    return area
