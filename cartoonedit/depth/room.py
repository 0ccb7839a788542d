"""The empty scene as a stage: a floor, what stands behind it, and the sides of a room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.evidence import EYE, find_boundary, hidden_by
from cartoonedit.depth.perspective import find_perspective

__all__ = ["FLOOR", "Room", "plate_depth", "read_room"]

FLOOR = 0.55
"""Disparity (1 - depth) of the floor at the lower border; the horizon has 0. What is nearer than
the picture's lower border, such as a character cut by it, lies above that."""

WALL = 0.33
"""The most disparity that a back wall has: it must stay well behind whoever stands before it."""

SIDE = 0.35
"""Disparity of a side wall or ceiling at the border of the picture."""

SOFT = 0.02
"""Disparity by which the planes of a room are rounded where they meet, so that nothing creases."""

STEEPEST = 4.0
"""The most that disparity may change along a picture's width. A renderer that looks up where a
point of the surface came from needs the change times the camera's way to stay well below 1."""


@dataclass(frozen=True)
class Room:
    """The layout of a scene; all places are shares of the picture's width or height.

    Attributes:
        horizon: Row at the height of the eyes, where the floor would end if it were endless.
        base: Row where the floor ends: at the wall of a room, or at the horizon.
        centre: Column to which the sides of the room recede.
        left: How sure a wall on the left is, 0..1.
        right: The same on the right.
        ceiling: The same above.
    """

    horizon: float = EYE
    base: float = EYE
    centre: float = 0.5
    left: float = 0.0
    right: float = 0.0
    ceiling: float = 0.0


def read_room(picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]]) -> Room:
    """Infer the stage from the feet of the instances and from what the picture shows.

    A vanishing point tells the horizon and the sides of a room. The edge of the floor tells the
    horizon, too, if sky is above it or if it is as high as eyes are; one that is lower belongs to a
    wall. Where the picture tells nothing, the horizon is where illustrators put it.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks ``uint8`` ``(H, W)`` of the instances.
    """
    height, width = picture.shape[:2]
    highest = _highest_feet(masks, height)
    habit = float(np.clip(min(EYE, highest - 0.15), 0.15, EYE))
    boundary = find_boundary(picture, masks, habit, highest - 0.02)
    grid = (min(width, 96), min(height, 96))
    perspective = find_perspective(picture, hidden_by(masks, grid))
    if perspective is not None and perspective.point[1] < highest - 0.05:
        x, horizon = perspective.point
        base = max(horizon, boundary.row) if boundary.confidence > 0 else horizon
        return Room(horizon, base, x, perspective.left, perspective.right, perspective.ceiling)
    if boundary.confidence == 0:
        return Room(habit, habit)
    if boundary.sky:
        return Room(boundary.row, boundary.row)
    # A floor that shows only a narrow strip is seen from low: else its wall would be too near.
    share = WALL / FLOOR
    return Room(max(min(boundary.row, EYE), (boundary.row - share) / (1 - share)), boundary.row)


def plate_depth(size_wh: tuple[int, int], room: Room | None = None) -> NDArray[np.float32]:
    """Depth of an empty layered scene: planes that meet in soft bends.

    The disparity of a plane grows linearly away from its horizon. The floor has it below, the sides
    and the ceiling away from the vanishing point, and the back wall is where the floor ends. No
    slope is steeper than a renderer can follow.

    Args:
        size_wh: Size of the picture.
        room: The layout; None is a flat land under the sky.

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther.
    """
    room = room or Room()
    width, height = size_wh
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / width - room.centre)[None, :]
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height - room.horizon)[:, None]
    steepest = STEEPEST * height / width  # along the height
    to_floor = max(1 - room.horizon, 0.05)
    floor = min(FLOOR / to_floor, steepest)
    wall = floor * min(max(room.base - room.horizon, 0.0), to_floor)
    planes = [
        np.full_like(rows, wall),
        floor * rows,
        -room.ceiling * min(SIDE / max(room.horizon, 0.05), steepest) * rows,
        -room.left * min(SIDE / max(room.centre, 0.05), STEEPEST) * columns,
        room.right * min(SIDE / max(1 - room.centre, 0.05), STEEPEST) * columns,
    ]
    drawn = planes[:2] + [
        plane
        for plane, sure in zip(planes[2:], (room.ceiling, room.left, room.right), strict=True)
        if sure > 0
    ]
    disparity = drawn[0] / SOFT
    for plane in drawn[1:]:
        disparity = np.logaddexp(disparity, plane / SOFT)
    disparity = np.broadcast_to(np.clip(disparity * SOFT, 0, 1), (height, width))
    return (1 - disparity).astype(np.float32)


def _highest_feet(masks: Sequence[NDArray[np.uint8]], height: int) -> float:
    """The row of the highest feet that may stand on the ground, as a share; 1 if there are none.

    What ends in the upper half flies, hangs or stands on something more often than on the ground.
    """
    ends = [1.0]
    for mask in masks:
        _, y, _, h = cv2.boundingRect((mask >= 128).astype(np.uint8))
        if h and (y + h) / height > 0.5:
            ends.append((y + h) / height)
    return min(ends)
