"""A picture of joints: bones, dots and names over the character, to see whether they are right."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from apps.puppet.skeleton import Skeleton

__all__ = ["LEFT", "MIDDLE", "RIGHT", "draw_joints"]

LEFT, RIGHT, MIDDLE = (50, 130, 255), (255, 80, 70), (255, 205, 40)
"""Colours of the character's own left, of its right, and of its middle."""

_DARK = (20, 20, 20)
_SHIFT = 4  # OpenCV takes places in 1/16 pixels
_SMALLEST_FONT = 9  # pixels; smaller names could not be read


def draw_joints(
    picture: NDArray[np.uint8],
    skeletons: Mapping[str, Skeleton],
    *,
    names: bool = True,
) -> NDArray[np.uint8]:
    """Draw skeletons over a picture.

    Bones and dots are coloured with a dark rim, so that they can be seen on any background. Lines
    and letters are as large as suits the picture, and smaller on a small character.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        skeletons: By name of the character, in pixels of the picture.
        names: Write the name of each joint beside it, where there is room for letters.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``.
    """
    canvas = np.ascontiguousarray(picture).copy()
    taken: list[tuple[float, float, float, float]] = []
    for skeleton in skeletons.values():
        _draw_bones(canvas, skeleton, max(1.0, _line(skeleton, canvas.shape)))
    for skeleton in skeletons.values():
        size = round(4.5 * _line(skeleton, canvas.shape) + 5)
        if names and size >= _SMALLEST_FONT:
            canvas = _write_names(canvas, skeleton, size, taken)
    return canvas


def _line(skeleton: Skeleton, shape: tuple[int, ...]) -> float:
    """Width of a bone, in pixels; below 1 it is too small for names."""
    by_picture = math.sqrt(shape[0] * shape[1]) / 300
    by_character = float(np.hypot(*np.ptp(skeleton.points_xy, axis=0))) / 110
    return min(by_picture, by_character, 12.0)


def _draw_bones(canvas: NDArray[np.uint8], skeleton: Skeleton, line: float) -> None:
    places = _places(skeleton, canvas.shape)
    thin, thick = max(1, round(line)), max(3, round(2 * line))
    for colour, width in ((_DARK, thick), (None, thin)):  # first all rims
        for joint in skeleton.depth_first:
            parent = skeleton.parents[joint]
            if parent >= 0:
                tint = colour or _colour(skeleton.names[joint])
                ends = tuple(places[parent]), tuple(places[joint])
                cv2.line(canvas, *ends, tint, width, cv2.LINE_AA, _SHIFT)
    for joint in skeleton.depth_first:
        for colour, radius in ((_DARK, 1.9 * line + 1), (None, 1.9 * line)):
            tint = colour or _colour(skeleton.names[joint])
            reach = round(radius * 2**_SHIFT)
            cv2.circle(canvas, tuple(places[joint]), reach, tint, -1, cv2.LINE_AA, _SHIFT)


def _places(skeleton: Skeleton, shape: tuple[int, ...]) -> list[list[int]]:
    """Points as OpenCV takes them; those far outside are brought to where it does not overflow."""
    most = 4 * max(shape[:2])
    points = np.clip(skeleton.points_xy - 0.5, -most, most)
    return np.rint(points * 2**_SHIFT).astype(int).tolist()


def _colour(name: str) -> tuple[int, int, int]:
    if name.startswith("left"):
        return LEFT
    return RIGHT if name.startswith("right") else MIDDLE


def _write_names(
    canvas: NDArray[np.uint8],
    skeleton: Skeleton,
    size: int,
    taken: list[tuple[float, float, float, float]],
) -> NDArray[np.uint8]:
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    rim = max(1, size // 8)
    gap = 0.6 * size
    dots = [(x - gap / 2, y - gap / 2, x + gap / 2, y + gap / 2) for x, y in skeleton.points_xy]
    for text, (x, y) in _labels(skeleton):
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font, stroke_width=rim)
        width, height = right - left, bottom - top
        box = _free_place((x, y), (width, height), gap, image.size, [*taken, *dots])
        taken.append(box)
        place = box[0] - left, box[1] - top
        draw.text(
            place, text, font=font, fill=_pale(_colour(text)), stroke_width=rim, stroke_fill=_DARK
        )
    return np.array(image)


def _labels(skeleton: Skeleton) -> list[tuple[str, tuple[float, float]]]:
    """A name for each place: joints that lie on each other share one."""
    found: dict[tuple[float, float], str] = {}
    for name, point in zip(skeleton.names, skeleton.points_xy, strict=True):
        place = float(round(point[0])), float(round(point[1]))
        shown = name if name.isascii() else "?"  # the font is Latin only
        found[place] = f"{found[place]}, {shown}" if place in found else shown
    return [(text, place) for place, text in found.items()]


def _free_place(
    point_xy: tuple[float, float],
    size_wh: tuple[float, float],
    gap: float,
    picture_wh: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """A box beside a point that covers as little as possible of what is there already."""
    (x, y), (width, height) = point_xy, size_wh
    best, least = (0.0, 0.0, 0.0, 0.0), math.inf
    for far in (1.0, 2.2, 3.4):
        for dx, dy in ((1, 0), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1), (0, -1), (0, 1)):
            left = x + dx * gap * far + (0.5 * dx - 0.5) * width
            top = y + dy * gap * far + (0.5 * dy - 0.5) * height
            left = min(max(left, 0), max(picture_wh[0] - width, 0))
            top = min(max(top, 0), max(picture_wh[1] - height, 0))
            box = (left, top, left + width, top + height)
            cost = sum(_overlap(box, other) for other in taken) + 0.02 * far * width * height
            if cost < least:
                best, least = box, cost
    return best


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _pale(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = ((channel + 2 * 255) // 3 for channel in colour)
    return red, green, blue
