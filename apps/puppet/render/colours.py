"""Colours with transparency: as files have them, and multiplied by their alpha, to be blended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "premultiplied", "unpremultiplied", "unpremultiply"]

Box = tuple[int, int, int, int]
"""``(left, top, right, bottom)``, the last two just outside."""


def premultiplied(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA ``(H, W, 4)`` with its colours multiplied by its alpha."""
    alpha = picture[..., 3:]
    colour = (picture[..., :3] * alpha.astype(np.uint16) + 127) // 255
    return np.concatenate([colour.astype(np.uint8), alpha], axis=2)


def unpremultiplied(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Premultiplied RGBA ``(H, W, 4)`` with its own colours, as files have it."""
    result = picture.copy()
    soft = (picture[..., 3] > 0) & (picture[..., 3] < 255)
    some = picture[soft]
    alpha = some[:, 3:].astype(np.uint16)
    some[:, :3] = np.minimum((some[:, :3] * np.uint16(255) + alpha // 2) // alpha, 255)
    result[soft] = some
    return result


def unpremultiply(picture: NDArray[np.uint8], boxes: Sequence[Box]) -> None:
    """The same in place, in boxes only; they may overlap."""
    for left, top, right, bottom in _apart(boxes):
        area = picture[top:bottom, left:right]
        area[:] = unpremultiplied(area)


def _apart(boxes: Sequence[Box]) -> list[Box]:
    """Boxes that do not overlap and contain all of those given."""
    found: list[Box] = []
    for box in boxes:
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        while hit := next((other for other in found if _overlap(box, other)), None):
            found.remove(hit)
            left, top = min(box[0], hit[0]), min(box[1], hit[1])
            box = (left, top, max(box[2], hit[2]), max(box[3], hit[3]))
        found.append(box)
    return found


def _overlap(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis + 2] and other[axis] < one[axis + 2] for axis in (0, 1))
