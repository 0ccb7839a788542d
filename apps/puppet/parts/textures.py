"""The textures of the sheets: taken off a picture from the front to the back.

Each sheet takes what it owns, and its soft edge a share of what lies behind. Whatever is then left
is for the sheets behind, so in rest all of them together give the picture back. Beneath what is
opaque nothing is left to give back: there a sheet goes on as suits it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.parts.seams import Seams
from cartoonedit.matte import nearest_places, spread

__all__ = ["Reach", "peel", "reach_of"]

_FEATHER = 1.5
"""Pixels from a sheet at which its soft edge over a cut has ended."""

_UNDER = 2.0
"""The same, where it lies beneath."""

_ASKED = 6
"""Pixels beyond its joined parts in which a triangle may lie that a sheet touches."""


@dataclass(frozen=True, eq=False)
class Reach:
    """How far a sheet goes.

    Attributes:
        weight: ``float32`` ``(H, W)``, 0..1; 1 where the sheet owns the picture.
        colours: RGB ``uint8`` ``(H, W, 3)``: what it shows beneath others.
        bones: ``int32`` ``(H, W)``: the bone of the sheet that is nearest.
        joined: ``bool`` ``(H, W)``: whether it is joined with what owns the pixel, as far as it
            goes.
    """

    weight: NDArray[np.float32]
    colours: NDArray[np.uint8]
    bones: NDArray[np.int32]
    joined: NDArray[np.bool_]


def reach_of(
    sheet: int,
    sheets: NDArray[np.int32],
    bones: NDArray[np.int32],
    colours: NDArray[np.uint8],
    seams: Seams,
    extension: float,
) -> Reach:
    """How far a sheet goes beyond what it owns.

    Args:
        sheet: Its number; those with larger ones lie before it.
        sheets: ``int32`` ``(H, W)``, who owns each pixel, -1 for nobody; this one owns some.
        bones: ``int32`` ``(H, W)``, the same for bones.
        colours: RGB ``uint8`` ``(H, W, 3)``.
        seams: Tell where it is joined with its neighbours.
        extension: How far it goes there beneath them, in pixels.
    """
    weight = np.zeros(sheets.shape, np.float32)
    near, joined, shown = bones.copy(), np.ones(sheets.shape, np.bool_), colours
    box = _around(sheets == sheet, math.ceil(extension) + 2 * _ASKED)
    own, away = sheets[box] == sheet, _away(sheets[box] == sheet)
    if not own.all():
        near[box][~own] = bones[box].reshape(-1)[nearest_places(own, ~own)[0]]
        # Farther away nobody asks.
        rows, columns = np.nonzero(~own & (away <= extension + _ASKED))
        rows, columns = rows + box[0].start, columns + box[1].start
        points = np.column_stack([columns + 0.5, rows + 0.5])
        joined[rows, columns] = seams.joined(near[rows, columns], bones[rows, columns], points)
    reach = np.where(joined[box], extension + 1, _UNDER)
    reach = np.where(sheets[box] < sheet, _FEATHER, reach) - away
    weight[box] = np.clip(np.where(own, 1, reach), 0, 1)
    beyond = ~joined[box] & (weight[box] > 0)
    if beyond.any():
        shown = colours.copy()
        shown[box][beyond] = spread(colours[box], own, beyond, 3)
    return Reach(weight, shown, near, joined)


def _around(own: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """The box of some pixels and a margin, inside of the picture."""
    x, y, width, height = cv2.boundingRect(own.astype(np.uint8))
    top, left = max(0, y - margin), max(0, x - margin)
    bottom, right = (
        min(own.shape[0], y + height + margin),
        min(own.shape[1], x + width + margin),
    )
    return slice(top, bottom), slice(left, right)


def _away(own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far each pixel is from some of them."""
    return cv2.distanceTransform((~own).astype(np.uint8), cv2.DIST_L2, 5)


def peel(
    colours: NDArray[np.uint8], alpha: NDArray[np.uint8], reaches: list[Reach]
) -> list[NDArray[np.uint8]]:
    """Take a character apart.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``, of the character alone.
        alpha: ``uint8`` ``(H, W)``.
        reaches: From the back to the front. Each pixel has one of weight 1.

    Returns:
        Premultiplied RGBA ``uint8`` ``(H, W, 4)``, from the back to the front, which over each
        other give the premultiplied character back to within one level.
    """
    share = alpha[..., None].astype(np.float32) / 255
    left = np.dstack([colours * share, alpha.astype(np.float32)])
    hidden = np.zeros(alpha.shape, np.bool_)
    textures = []
    for reach in reversed(reaches):
        textures.append(np.zeros((*alpha.shape, 4), np.uint8))
        x, y, width, height = cv2.boundingRect((reach.weight > 0).astype(np.uint8))
        box = np.s_[y : y + height, x : x + width]
        textures[-1][box] = _taken(left[box], hidden[box], reach.weight[box], reach.colours[box])
    return textures[::-1]


def _taken(
    left: NDArray[np.float32],
    hidden: NDArray[np.bool_],
    weight: NDArray[np.float32],
    colours: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """What a sheet takes of what is left, which changes, as does what it hides."""
    wanted = left * weight[..., None]
    free = hidden & (weight > 0)
    beneath = np.column_stack([colours[free], np.full(int(free.sum()), 255.0)])
    wanted[free] = beneath * weight[free][:, None]
    texture = np.rint(wanted).astype(np.uint8)
    texture[..., :3] = np.minimum(texture[..., :3], texture[..., 3:])
    gone = (weight >= 1) | hidden
    left[gone] = 0
    # Elsewhere, what is behind shows through, and has to make up for what is in front.
    soft = ~gone & (weight > 0)
    through = 1 - texture[soft][:, 3:].astype(np.float32) / 255
    rest = (left[soft] - texture[soft]) / np.maximum(through, 1 / 255)
    left[soft] = np.clip(rest, 0, 255)
    hidden |= texture[..., 3] == 255
    return texture
