"""Depth from the layout of a scene alone: the embedded estimator, which needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["instance_layout", "layered_depth", "plate_depth"]

FLOOR = 0.55
"""Disparity (1 - depth) of the floor at the lower border in a layered scene; the horizon has 0.
What is nearer than the picture's lower border, such as a character cut by it, lies above that."""


def layered_depth(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth from the layout alone: a floor that recedes, and instances that stand on it.

    An instance whose lower end lies inside the picture gets the depth of the floor it touches
    there. One that is cut by the lower border stands nearer than any floor in the picture, the
    larger the nearer. Where two instances touch, the one that covers the other is nearer.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``; only its size counts.
        masks: Alpha masks ``uint8`` ``(H, W)``.
        device: Not used.

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther; constant inside each instance.
    """
    size_wh = (picture.shape[1], picture.shape[0])
    horizon, disparities = instance_layout(masks, size_wh)
    depth = plate_depth(size_wh, horizon)
    for index in np.argsort(disparities, kind="stable"):  # far to near
        depth[masks[index] >= 128] = 1 - disparities[index]
    return depth


def plate_depth(size_wh: tuple[int, int], horizon: float) -> NDArray[np.float32]:
    """Depth of an empty layered scene: a far wall or sky above ``horizon``, a flat floor below.

    The disparity of a plane grows linearly below its horizon; a soft bend replaces the corner
    there, so that nothing creases when the camera moves.

    Args:
        size_wh: Size of the picture.
        horizon: Row of the horizon as a share of the height, 0..1.
    """
    width, height = size_wh
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    bend = 0.04
    slope = np.logaddexp(0, (rows - horizon) / bend) * bend / max(1 - horizon, 0.05)
    depth = 1 - FLOOR * np.minimum(slope, 1.1)
    return np.repeat(depth[:, None].astype(np.float32), width, axis=1)


def instance_layout(
    masks: Sequence[NDArray[np.uint8]], size_wh: tuple[int, int]
) -> tuple[float, list[float]]:
    """Where the horizon lies, and how near each instance stands.

    Returns:
        The horizon as a share of the height, and the disparity (1 - depth) of each instance in
        0..1.
    """
    width, height = size_wh
    boxes = [cv2.boundingRect((mask >= 128).astype(np.uint8)) for mask in masks]
    contacts = [(y + h) / height for _, y, _, h in boxes]
    # A border of 1 % absorbs masks that end a pixel or two before the picture does.
    cut = [contact > 0.99 for contact in contacts]
    horizon = _horizon([c for c, is_cut in zip(contacts, cut, strict=True) if not is_cut])
    floor = 1 - plate_depth((1, height), horizon)[:, 0]
    disparities = []
    for (_, _, w, h), contact, is_cut in zip(boxes, contacts, cut, strict=True):
        size = min(1.0, (w * h / (width * height)) ** 0.5)
        # The floor a little below the contact, so that no floor at the silhouette is nearer.
        row = min(height - 1, round((contact + 0.01) * height))
        ground = float(floor[row]) if h else 0.0
        if is_cut:
            disparities.append(FLOOR + 0.05 + 0.4 * size)
        elif contact < horizon + 0.05:  # it flies, or stands on something
            disparities.append(max(ground, 0.2 + 0.4 * size))
        else:
            disparities.append(ground)
    return horizon, _order_by_cover(masks, boxes, contacts, disparities)


def _horizon(contacts: Sequence[float]) -> float:
    """Eye height in most illustrations is a little above the middle, and above every foot."""
    return float(np.clip(min([0.45, *(contact - 0.15 for contact in contacts)]), 0.15, 0.45))


def _order_by_cover(
    masks: Sequence[NDArray[np.uint8]],
    boxes: Sequence[Sequence[int]],
    contacts: Sequence[float],
    disparities: Sequence[float],
) -> list[float]:
    """Make whoever covers another one nearer than it, by at least a step that the eye can see."""
    step, ordered = 0.06, list(disparities)
    pairs = [
        _front_and_rear(first, second, masks, boxes, contacts)
        for first in range(len(masks))
        for second in range(first + 1, len(masks))
    ]
    for _ in masks:  # each round settles one more link of the longest chain
        for pair in pairs:
            if pair is None:
                continue
            front, rear = pair
            if ordered[front] < ordered[rear] + step:
                middle = (ordered[front] + ordered[rear]) / 2
                ordered[front] = min(1.0, middle + step / 2)
                ordered[rear] = ordered[front] - step
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
    in its
    outline: its convex hull reaches into the other. If that does not tell, the larger one is in
        front.
    """
    (x1, y1, w1, h1), (x2, y2, w2, h2) = boxes[first], boxes[second]
    reach = 4
    left, top = max(x1, x2) - reach, max(y1, y2) - reach
    right, bottom = min(x1 + w1, x2 + w2) + reach, min(y1 + h1, y2 + h2) + reach
    if min(w1, w2, right - left, bottom - top) <= 0:
        return None
    window = np.s_[max(0, top) : bottom, max(0, left) : right]
    near = cv2.dilate((masks[first][window] >= 128).astype(np.uint8), np.ones((2 * reach + 1,) * 2))
    if not (near.astype(bool) & (masks[second][window] >= 128)).any():
        return None
    if abs(contacts[first] - contacts[second]) > 0.03:
        lower = contacts[first] > contacts[second]
    else:
        bites = _bite(masks[first], masks[second]), _bite(masks[second], masks[first])
        areas = cv2.countNonZero(masks[first]), cv2.countNonZero(masks[second])
        lower = areas[0] > areas[1] if bites[0] == bites[1] else bites[0] < bites[1]
    return (first, second) if lower else (second, first)


def _bite(mask: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """How many pixels of ``other`` lie inside the convex hull of ``mask``."""
    hull = cv2.convexHull(cv2.findNonZero((mask >= 128).astype(np.uint8)))
    inside = cv2.fillConvexPoly(np.zeros_like(mask), hull, 1)
    return int(np.count_nonzero(inside.astype(bool) & (other >= 128)))
