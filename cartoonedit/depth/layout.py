"""How near each instance stands: by its feet, its size, and who covers whom."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.room import FLOOR

__all__ = ["instance_layout"]

CUT = 0.99
"""An instance that ends below this share of the height is cut by the border: masks may end a pixel
or two before the picture does."""

CLEARANCE = 0.01
"""Disparity by which an instance is nearer than all that is right behind it."""

STEP = 0.06
"""Disparity between two instances that touch: what the eye can see when the camera moves."""

LEVEL = 0.03
"""Feet that differ by less than this share of the height stand level."""


def instance_layout(masks: Sequence[NDArray[np.uint8]], plate: NDArray[np.float32]) -> list[float]:
    """How near each instance stands.

    One whose lower end lies inside the picture stands on the plate there. One that is cut by the
    lower border stands nearer than any floor in the picture, the larger the nearer; so does one
    that flies, by its size alone, but less. Where two touch, the one that covers the other is
    nearer. All are nearer than the plate behind them.

    Args:
        masks: Alpha masks ``uint8`` ``(H, W)``.
        plate: Depth of the empty scene, ``float32`` ``(H, W)``.

    Returns:
        The disparity (1 - depth) of each instance, 0..1.
    """
    height, width = plate.shape
    solid = [np.ascontiguousarray(mask >= 128, dtype=np.uint8) for mask in masks]
    boxes = [cv2.boundingRect(mask) for mask in solid]
    contacts = [(y + h) / height for _, y, _, h in boxes]
    disparities = []
    for mask, (x, y, w, h), contact in zip(solid, boxes, contacts, strict=True):
        if h == 0:
            disparities.append(0.0)
            continue
        # The row below the feet, too: no floor at the silhouette may be nearer.
        window = np.s_[y : y + h + max(1, height // 100), x : x + w]
        grown = cv2.dilate(np.pad(mask[window], 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
        behind = 1 - float(plate[window][grown > 0].min())
        size = min(1.0, (w * h / (width * height)) ** 0.5)
        flies = behind - (1 - float(plate[: y + 1, x : x + w].max())) < 0.05
        floor = behind + CLEARANCE
        if contact > CUT:
            floor = max(floor, FLOOR + 0.05 + 0.4 * size)
        elif flies:
            floor = max(floor, 0.2 + 0.4 * size)
        disparities.append(floor)
    return _within_range(_order_by_cover(solid, boxes, contacts, disparities))


def _within_range(disparities: list[float]) -> list[float]:
    """Press what a long chain of covers pushed beyond 1 together, without changing any order."""
    nearest = max(disparities, default=0.0)
    if nearest <= 1:
        return disparities
    bend = FLOOR + CLEARANCE
    return [
        q if q <= bend else bend + (q - bend) * (1 - bend) / (nearest - bend) for q in disparities
    ]


def _order_by_cover(
    masks: Sequence[NDArray[np.uint8]],
    boxes: Sequence[Sequence[int]],
    contacts: Sequence[float],
    disparities: Sequence[float],
) -> list[float]:
    """Bring whoever covers another one forward, by at least a step in front of it."""
    ordered = list(disparities)
    pairs = [
        _front_and_rear(first, second, masks, boxes, contacts)
        for first in range(len(masks))
        for second in range(first + 1, len(masks))
    ]
    for _ in masks:  # each round settles one more link of the longest chain
        for pair in pairs:
            if pair is not None:
                front, rear = pair
                ordered[front] = max(ordered[front], ordered[rear] + STEP)
    return ordered


def _front_and_rear(
    first: int,
    second: int,
    masks: Sequence[NDArray[np.uint8]],
    boxes: Sequence[Sequence[int]],
    contacts: Sequence[float],
) -> tuple[int, int] | None:
    """Which of two instances covers the other; None if they do not touch.

    The one standing lower is in front. Where both stand level, the covered one is known by the bite
    in its outline: its convex hull reaches into the other. If that does not tell, the larger one is
    in front.
    """
    (x1, y1, w1, h1), (x2, y2, w2, h2) = boxes[first], boxes[second]
    reach = 4
    left, top = max(x1, x2) - reach, max(y1, y2) - reach
    right, bottom = min(x1 + w1, x2 + w2) + reach, min(y1 + h1, y2 + h2) + reach
    if min(w1, w2, right - left, bottom - top) <= 0:
        return None
    window = np.s_[max(0, top) : bottom, max(0, left) : right]
    near = cv2.dilate(masks[first][window], np.ones((2 * reach + 1,) * 2, np.uint8))
    if not (near & masks[second][window]).any():
        return None
    if abs(contacts[first] - contacts[second]) > LEVEL:
        lower = contacts[first] > contacts[second]
    else:
        bites = _bite(masks[first], masks[second]), _bite(masks[second], masks[first])
        areas = cv2.countNonZero(masks[first]), cv2.countNonZero(masks[second])
        lower = areas[0] > areas[1] if bites[0] == bites[1] else bites[0] < bites[1]
    return (first, second) if lower else (second, first)


def _bite(mask: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """How many pixels of ``other`` lie inside the convex hull of ``mask``."""
    hull = cv2.convexHull(cv2.findNonZero(mask))
    inside = cv2.fillConvexPoly(np.zeros_like(mask), hull, 1)
    return cv2.countNonZero(inside & other)
