"""The vanishing point of a picture, and which sides of a room its lines draw."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Perspective", "find_perspective"]

WIDTH = 480
"""Width at which lines are looked for."""

SHORTEST = 0.035
"""The shortest line that counts, in widths."""

OBLIQUE = 7.0
"""Degrees from the level and the upright within which a line tells nothing of depth."""

AIM = 2.0
"""Degrees by which a line that runs to the vanishing point may miss it."""

AGREED = 0.35
"""The share of all oblique lines, by length, that must run to one point."""

ENOUGH = 1.5
"""Length of the lines, in widths, that must run there."""

SIDE = 0.4
"""Length of such lines, in widths, that draws one side of a room beyond doubt."""


@dataclass(frozen=True)
class Perspective:
    """A one-point perspective.

    Attributes:
        point: The vanishing point, as shares of width and height.
        left: How surely there is a wall on the left, 0..1.
        right: The same on the right.
        ceiling: The same above.
    """

    point: tuple[float, float]
    left: float
    right: float
    ceiling: float


def find_perspective(picture: NDArray[np.uint8], hidden: NDArray[np.bool_]) -> Perspective | None:
    """Find the point to which the receding lines of a picture run; None if they do not agree.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        hidden: Where something hides the scene, on a grid of any size.
    """
    height = max(8, round(picture.shape[0] * WIDTH / picture.shape[1]))
    if height > 4 * WIDTH:
        return None
    starts, ends = _lines(
        cv2.resize(picture, (WIDTH, height), interpolation=cv2.INTER_AREA), hidden
    )
    if len(starts) < 8:
        return None
    middles, along = (starts + ends) / 2, ends - starts
    lengths = np.hypot(*along.T)
    top = height / WIDTH
    columns, rows = np.meshgrid(np.linspace(0.1, 0.9, 41), np.linspace(0.2, 0.7, 31) * top)
    points = np.stack([columns.ravel(), rows.ravel()], axis=1)
    miss = _miss(points, middles, along)
    votes = np.where(miss < 3 * AIM, np.exp(-np.square(miss / AIM)), 0) * lengths
    # Lines on both sides of a point make it sure; a single sheaf of parallels does not.
    best = int(_balanced(votes, points, middles).argmax())
    agreed = votes[best]
    if agreed.sum() < max(ENOUGH, AGREED * lengths.sum()):
        return None
    x, y = points[best]
    offset = (middles - points[best]) / (1, top)
    steep = np.abs(offset[:, 1]) > np.abs(offset[:, 0])
    side = {
        "left": ~steep & (offset[:, 0] < 0) & (offset[:, 1] < 0.02),
        "right": ~steep & (offset[:, 0] > 0) & (offset[:, 1] < 0.02),
        "ceiling": steep & (offset[:, 1] < 0),
    }
    drawn = {name: float(agreed[where].sum()) / SIDE for name, where in side.items()}
    sure = {name: min(1.0, share) if share > 0.3 else 0.0 for name, share in drawn.items()}
    return Perspective((float(x), float(y / top)), **sure)


def _lines(
    small: NDArray[np.uint8], hidden: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends of every oblique line that nothing hides, in widths."""
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    if found is None:
        return np.zeros((0, 2)), np.zeros((0, 2))
    lines = found.reshape(-1, 4).astype(np.float64)
    middles = (lines[:, :2] + lines[:, 2:]) / 2
    grid = np.array(hidden.shape[::-1]) / small.shape[1::-1]
    columns, rows = np.clip((middles * grid).astype(int), 0, np.array(hidden.shape[::-1]) - 1).T
    angle = np.degrees(np.arctan2(*np.abs(lines[:, 2:] - lines[:, :2]).T[::-1]))
    keep = (
        ~hidden[rows, columns]
        & (angle > OBLIQUE)
        & (angle < 90 - OBLIQUE)
        & (np.hypot(*(lines[:, 2:] - lines[:, :2]).T) > SHORTEST * WIDTH)
    )
    return lines[keep, :2] / WIDTH, lines[keep, 2:] / WIDTH


def _miss(
    points: NDArray[np.float64], middles: NDArray[np.float64], along: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Degrees between each line and the way from its middle to each point; 90 close to it."""
    way = points[:, None] - middles[None]
    far = np.hypot(way[..., 0], way[..., 1])
    cross = np.abs(way[..., 0] * along[:, 1] - way[..., 1] * along[:, 0])
    sine = cross / np.maximum(far * np.hypot(*along.T), 1e-9)
    return np.where(far > 0.06, np.degrees(np.arcsin(np.minimum(sine, 1))), 90)


def _balanced(
    votes: NDArray[np.float64], points: NDArray[np.float64], middles: NDArray[np.float64]
) -> NDArray[np.float64]:
    right = middles[None, :, 0] > points[:, None, 0]
    both = np.stack([(votes * right).sum(axis=1), (votes * ~right).sum(axis=1)])
    return both.sum(axis=0) + 2 * both.min(axis=0)
