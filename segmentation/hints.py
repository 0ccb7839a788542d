"""Rough masks from what a person points at (the paper's semi-automatic mode)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_mask
from segmentation.detect import Detections
from segmentation.refine import BoolMask

__all__ = ["Rough", "clipped", "rough_from_boxes", "rough_from_masks", "rough_from_points"]

_POINT_RADIUS = 0.08
"""Share of the picture's longer side that a point stands for where the detector sees nothing."""


@dataclass(frozen=True)
class Rough:
    """Where the second stage starts.

    Attributes:
        mask: bool `(H, W)`.
        score: 0..1; 1 if a person gave it.
        box_xyxy: In pixels, inside of the picture; None if there is none.
        probability: uint8 `(H, W)`, how sure the detector is of each pixel; None if a person gave
            the mask.
    """

    mask: BoolMask
    score: float = 1.0
    box_xyxy: tuple[float, float, float, float] | None = None
    probability: NDArray[np.uint8] | None = None


def clipped(
    box: NDArray[np.float32], size_wh: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The box cut at the picture's border, which the detector's may cross."""
    x1, y1, x2, y2 = np.clip(box, 0, [*size_wh, *size_wh]).tolist()
    return x1, y1, x2, y2


def _table(values: Any, columns: int, what: str) -> NDArray[np.float64]:
    """Numbers `(N, columns)` from a nested sequence; a single row may stand alone."""
    try:
        table = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.size == 0 and np.ndim(values) == 1 and len(values) == 0:
        return np.empty((0, columns))
    if table.ndim == 1:
        table = table[None]
    if table.ndim != 2 or table.shape[1] != columns or not np.isfinite(table).all():
        raise InvalidInput(
            f"{what} must be {columns} finite numbers each, an array of shape (N, {columns});"
            f" got {values!r:.80}."
        )
    return table


def rough_from_boxes(boxes: Any, size_wh: tuple[int, int]) -> list[Rough]:
    """Masks that fill boxes.

    Args:
        boxes: `(N, 4)` left, top, right, bottom in pixels. What reaches outside of the picture is
            cut.
        size_wh: Of the picture.

    Raises:
        InvalidInput: They have another shape, a box is empty, or lies outside of the picture.
    """
    roughs = []
    for number, box in enumerate(_table(boxes, 4, "boxes"), start=1):
        x1, y1 = np.maximum(box[:2], 0)
        x2, y2 = np.minimum(box[2:], size_wh)
        if x1 >= x2 or y1 >= y2:
            raise InvalidInput(
                f"box {number} is {_listed(box)}: it must be left < right and top < bottom, and at"
                f" least partly inside of the picture of {size_wh[0]}x{size_wh[1]} pixels."
            )
        mask = np.zeros((size_wh[1], size_wh[0]), bool)
        mask[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = True
        roughs.append(Rough(mask, box_xyxy=(float(x1), float(y1), float(x2), float(y2))))
    return roughs


def rough_from_points(points: Any, size_wh: tuple[int, int], seen: Detections) -> list[Rough]:
    """One mask for each point: of the likeliest character there, or a disc where none is seen.

    Args:
        points: `(N, 2)` x, y in pixels.
        size_wh: Of the picture.
        seen: What the detector holds possible, at a low threshold.

    Raises:
        InvalidInput: They have another shape, or a point lies outside of the picture.
    """
    roughs = []
    for number, (x, y) in enumerate(_table(points, 2, "points"), start=1):
        if not (0 <= x < size_wh[0] and 0 <= y < size_wh[1]):
            raise InvalidInput(
                f"point {number} is {_listed((x, y))}, outside of the picture of"
                f" {size_wh[0]}x{size_wh[1]} pixels."
            )
        roughs.append(_character_at(x, y, size_wh, seen))
    return roughs


def _character_at(x: float, y: float, size_wh: tuple[int, int], seen: Detections) -> Rough:
    if len(seen):
        on_mask = seen.masks[:, int(y), int(x)]
        if on_mask.any():
            likeliest = int(np.argmax(on_mask * seen.scores))
            return Rough(
                seen.masks[likeliest],
                box_xyxy=clipped(seen.boxes_xyxy[likeliest], size_wh),
                probability=seen.probabilities[likeliest],
            )
    disc = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    radius = max(2, round(_POINT_RADIUS * max(size_wh)))
    cv2.circle(disc, (int(x), int(y)), radius, 1, thickness=-1)
    return Rough(disc.view(bool))


def rough_from_masks(masks: Any, size_wh: tuple[int, int]) -> list[Rough]:
    """Masks that a person drew.

    Args:
        masks: One mask or several: arrays `(H, W)` (bool, uint8 or float 0..1), an array `(N, H,
            W)`, or whatever else `open_mask` reads. Half and more counts as inside.
        size_wh: Of the picture.

    Raises:
        InvalidInput: A mask cannot be read, is empty, or its proportions are not the picture's.
    """
    is_array = isinstance(masks, np.ndarray)
    several: Sequence[Any] = masks if isinstance(masks, list | tuple) else [masks]
    if is_array and masks.ndim == 3 and masks.shape[2] not in (3, 4):
        several = list(masks)
    roughs = []
    for number, mask in enumerate(several, start=1):
        inside = open_mask(mask, size_wh) >= 128
        if not inside.any():
            raise InvalidInput(f"mask {number} has no inside pixel (alpha of 128 or more).")
        roughs.append(Rough(inside))
    return roughs


def _listed(numbers: Any) -> str:
    return f"({', '.join(f'{number:g}' for number in numbers)})"
