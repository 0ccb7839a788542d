"""A picture of what was found: coloured fills, outlines and names over the original."""

from __future__ import annotations

import math
import re
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cartoonedit.scene import Instance, Scene

__all__ = ["colour_of", "outline", "overlay"]

# Distinct in hue and bright enough for dark pictures; neighbours in the list differ most.
PALETTE = (
    (255, 89, 94), (25, 170, 255), (255, 202, 58), (106, 76, 230), (90, 200, 60), (255, 120, 220),
    (0, 200, 180), (255, 146, 43), (160, 120, 255), (180, 220, 40), (255, 60, 150), (60, 110, 255),
)  # fmt: skip
_FILL = 0.28
_SMALLEST_LABELLED = 64  # pixels of the shorter side; below, a label would hide the picture


def colour_of(name: str) -> tuple[int, int, int]:
    """The RGB colour of an instance by its number, or else its name: the same in every picture."""
    number = re.search(r"(\d+)$", name)
    index = int(number.group(1)[-9:]) - 1 if number else zlib.crc32(name.encode())
    return PALETTE[index % len(PALETTE)]


def overlay(scene: Scene) -> NDArray[np.uint8]:
    """Draw every instance over the picture: a translucent fill, an outline and its name.

    The outline is a coloured line between two dark ones and the name stands on a plaque, so that
    both can be read on any background.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``, the size of the picture.
    """
    canvas = scene.picture.copy()
    width, height = scene.size_wh
    line = max(1, round(math.sqrt(width * height) / 500))
    for instance in scene:
        _fill(canvas, instance)
    for instance in scene:
        outline(canvas, instance.mask >= 128, colour_of(instance.name), line)
    if min(width, height) < _SMALLEST_LABELLED:
        return canvas
    return _labels(canvas, scene, size=max(11, round(math.sqrt(width * height) / 55)))


def outline(
    canvas: NDArray[np.uint8], inside: NDArray[np.bool_], colour: tuple[int, int, int], line: int
) -> None:
    """Draw the border of a mask into a picture, between two dark lines.

    Args:
        canvas: RGB `(H, W, 3)`, drawn into.
        inside: `(H, W)`.
        colour: RGB.
        line: Width in pixels.
    """
    contours, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, (20, 20, 20), 3 * line, cv2.LINE_AA)
    cv2.drawContours(canvas, contours, -1, colour, line, cv2.LINE_AA)


def _fill(canvas: NDArray[np.uint8], instance: Instance) -> None:
    x1, y1, x2, y2 = instance.bounds_xyxy
    share = instance.mask[y1:y2, x1:x2, None] * np.float32(_FILL / 255)
    crop = canvas[y1:y2, x1:x2]
    colour = np.array(colour_of(instance.name), np.float32)
    crop[:] = np.rint(crop + share * (colour - crop)).astype(np.uint8)


def _labels(canvas: NDArray[np.uint8], scene: Scene, size: int) -> NDArray[np.uint8]:
    image = Image.fromarray(canvas)
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(size)
    pad = max(2, size // 3)
    placed: list[tuple[float, float, float, float]] = []
    for number, instance in enumerate(scene, start=1):
        name = instance.name if instance.name.isascii() else f"#{number}"  # the font is Latin only
        text = f"{name}  {instance.score:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        plaque_wh = (right - left + 2 * pad, bottom - top + 2 * pad)
        box = _free_place(instance, plaque_wh, scene.size_wh, placed)
        placed.append(box)
        red, green, blue = colour_of(instance.name)
        draw.rounded_rectangle(
            box, radius=pad, fill=(red, green, blue, 235), outline=(20, 20, 20, 255)
        )
        ink = (20, 20, 20) if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)
        draw.text((box[0] + pad - left, box[1] + pad - top), text, font=font, fill=ink)
    return np.array(image)


def _free_place(
    instance: Instance,
    plaque_wh: tuple[float, float],
    size_wh: tuple[int, int],
    placed: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """A box at the top of the instance, inside the picture, moved down past boxes already there."""
    x1, y1, x2, _ = instance.bounds_xyxy
    width, height = plaque_wh
    x = min(max((x1 + x2 - width) / 2, 0), max(size_wh[0] - width, 0))
    lowest = max(size_wh[1] - height, 0)
    y = min(float(y1), lowest)
    for other in sorted(placed, key=lambda box: box[1]):
        apart = x + width <= other[0] or other[2] <= x or y + height <= other[1] or other[3] <= y
        if not apart and other[3] + 1 <= lowest:
            y = other[3] + 1
    return x, y, x + width, y + height
