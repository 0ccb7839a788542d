"""What a limb in front of the body hides: completed from the rest of the body.

The estimate of where the body goes on beneath is a careful one: where the way across the limb, the
shortest one, leads from the trunk to the trunk. A limb that sticks out, or hangs at the side,
hides nothing.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.parts.limbs import TRUNK
from cartoonedit.inpaint import grow, inpaint
from cartoonedit.inpaint.regions import surroundings
from cartoonedit.matte import spread

__all__ = ["complete_colours", "hidden_trunk"]

_WORKING_SIDE = 256
_DIRECTIONS = 8
_NOTCH = 8
"""Half of the width of notches, at the working side, that no body has."""

_FILL_PIXELS = 40_000
"""PatchMatch fills at this many pixels at most, in a third of a second."""

_RIM = 2
"""Pixels of the trunk next to a limb that may show its outline: nothing is continued from them."""

_OUTLINE = 0.012
"""The same next to where the character ends, as a share of its size."""


def hidden_trunk(
    sheets: NDArray[np.int32], inside: NDArray[np.bool_], legs: int = 0
) -> NDArray[np.bool_]:
    """Where the trunk goes on beneath limbs.

    Args:
        sheets: ``int32`` ``(H, W)``: 0 for the trunk, 1 for the first limb...
        inside: ``bool`` ``(H, W)``: the character.
        legs: How many limbs, the first ones, others lie before: beneath those the trunk goes on
            to them, too.

    Returns:
        ``bool`` ``(H, W)``, only pixels of limbs.
    """
    limb, trunk = inside & (sheets != TRUNK), inside & (sheets == TRUNK)
    if not limb.any() or not trunk.any():
        return np.zeros(inside.shape, np.bool_)
    scale = min(1.0, _WORKING_SIDE / max(inside.shape))
    size_wh = tuple(max(1, round(side * scale)) for side in inside.shape[::-1])
    kinds = np.where(limb, 2, trunk.astype(np.uint8)).astype(np.uint8)
    kinds = cv2.resize(kinds, size_wh, interpolation=cv2.INTER_NEAREST)
    hidden = _between(kinds)
    if legs:
        behind = np.where(limb & (sheets <= legs), 3, 0).astype(np.uint8)
        behind = cv2.resize(behind, size_wh, interpolation=cv2.INTER_NEAREST)
        hidden |= _between(np.maximum(kinds, behind))
    hidden |= _notches(hidden, kinds)
    soft = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), 1.5)
    # The Gaussian must not eat the rim, where the fill has to meet the trunk.
    known = cv2.GaussianBlur((kinds == 2).astype(np.float32), (0, 0), 1.5)
    share = soft / np.maximum(known, 1e-6) * (kinds == 2)
    full = cv2.resize(share, inside.shape[::-1], interpolation=cv2.INTER_LINEAR)
    weight = cv2.resize(
        (kinds == 2).astype(np.float32), inside.shape[::-1], interpolation=cv2.INTER_LINEAR
    )
    return limb & (full >= 0.5 * np.maximum(weight, 0.05))


def _between(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the shortest way across limbs leads from the body to the body."""
    across = np.stack([_way_across(kinds, turn) for turn in range(_DIRECTIONS)])
    shortest = np.abs(across).argmin(axis=0)[None]
    return (np.take_along_axis(across, shortest, axis=0)[0] > 0) & (kinds == 2)


def _notches(hidden: NDArray[np.bool_], kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the body, beneath limbs, would have a notch next to what they hide."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _NOTCH + 1,) * 2)
    body = (hidden | (kinds == 1)).astype(np.uint8)
    closed = cv2.morphologyEx(body, cv2.MORPH_CLOSE, disc) > 0
    near = cv2.dilate(hidden.astype(np.uint8), disc) > 0
    return closed & near & (kinds == 2)


def _way_across(kinds: NDArray[np.uint8], turn: int) -> NDArray[np.float32]:
    """How long the way in one direction is through limbs, from what lies before to behind.

    Args:
        kinds: ``uint8`` ``(h, w)``: 0 nothing, 1 trunk, 2 limb, 3 what else the trunk leads to.
        turn: Which of the directions.

    Returns:
        ``float32`` ``(h, w)``: positive where the trunk lies on both ends, or on one and what
        it leads to on the other, else negative.
    """
    height, width = kinds.shape
    side = math.ceil(math.hypot(height, width)) + 3
    angle = 180 * turn / _DIRECTIONS
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    matrix[:, 2] += (side - width) / 2, (side - height) / 2
    turned = cv2.warpAffine(kinds, matrix, (side, side), flags=cv2.INTER_NEAREST)
    turned[:, [0, -1]] = 0
    column = np.arange(side)
    stops = turned != 2
    before = np.maximum.accumulate(np.where(stops, column, 0), axis=1)
    after = np.minimum.accumulate(np.where(stops, column, side - 1)[:, ::-1], axis=1)[:, ::-1]
    ends = np.stack([np.take_along_axis(turned, end, 1) for end in (before, after)])
    both = (ends != 0).all(axis=0) & (ends == 1).any(axis=0)
    signed = ((after - before) * np.where(both, 1, -1)).astype(np.float32)
    back = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    # Where rotating missed a limb's pixel there is no way at all: such a one must not be shortest.
    signed[stops] = -4 * side
    return cv2.warpAffine(signed, matrix, (width, height), flags=back)


def complete_colours(
    colours: NDArray[np.uint8],
    trunk: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Continue the trunk beneath limbs, with nothing but colours of its own.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``.
        trunk: ``bool`` ``(H, W)``: where it is seen.
        hidden: ``bool`` ``(H, W)``: where it is not.
        seed: Of PatchMatch.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``, changed where it is hidden.
    """
    rim = max(_RIM, round(_OUTLINE * math.sqrt(int(trunk.sum()))))
    clear = trunk & ~grow(hidden, _RIM) & ~grow(~(trunk | hidden), rim)
    if not hidden.any() or not clear.any():
        return colours
    box = surroundings(hidden)
    image, clear, hole = colours[box].copy(), clear[box], hidden[box]
    if not clear.any():
        return colours
    image[~clear] = spread(image, clear, ~clear)
    fill = grow(hole, _RIM) & ~clear
    scale = min(1.0, math.sqrt(_FILL_PIXELS / hole.size))
    size_wh = tuple(max(1, round(side * scale)) for side in hole.shape[::-1])
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    unknown = cv2.resize(fill.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA) > 0
    filled = inpaint(small, unknown, seed=seed)
    if scale < 1:
        filled = cv2.resize(filled, hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    result = colours.copy()
    result[box] = np.where(hole[..., None], filled, colours[box])
    return result
