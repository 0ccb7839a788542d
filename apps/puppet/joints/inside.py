"""Joints brought into the character, and apart from each other: what a rig can hold on to."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["inside", "pull_in", "separate"]

_DEPTH = 0.012  # how far inside a joint is put, of the longer side of the character
_LEAST_BONE = 0.004  # length that every bone gets, alike
_DIRECTIONS = 16
_TIE = 1e-4


def inside(skeleton: Skeleton, mask: NDArray[np.uint8]) -> Skeleton:
    """A skeleton that a rig can be made of: all joints inside, no bone without a length.

    Args:
        skeleton: In pixels of the picture.
        mask: Alpha of the character, ``uint8`` ``(H, W)``.
    """
    return separate(pull_in(skeleton, mask), mask)


def pull_in(skeleton: Skeleton, mask: NDArray[np.uint8]) -> Skeleton:
    """Move the joints outside of the character to the nearest place well inside.

    Those inside stay where they are, to the bit; so do all where the mask is empty.
    """
    solid, corner = _solid(mask)
    if solid is None:
        return skeleton
    if all(_holds(solid, corner, point) for point in skeleton.points_xy):
        return skeleton
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, cv2.DIST_MASK_5)
    edges, _ = cv2.findContours(solid, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    edge = np.concatenate(edges)[:, 0].astype(np.float64)  # (x, y) of the outermost pixels
    wanted = max(1.5, _DEPTH * max(solid.shape))
    points = skeleton.points_xy.copy()
    for index, point in enumerate(points):
        if not _holds(solid, corner, point):
            far = ((edge + 0.5 + corner - point) ** 2).sum(axis=1)
            nearest = edge[int(np.argmin(far))]
            points[index] = _deeper(depth, nearest.astype(int), wanted) + 0.5 + corner
    return skeleton.moved(points)


def separate(skeleton: Skeleton, mask: NDArray[np.uint8]) -> Skeleton:
    """Move joints that lie on the one they hang from a little away, so that every bone points.

    The ``hip`` may lie on the root: it does so by definition. A joint goes on in the direction of
    the bone before, or else to where it stays inside of the character. What hangs from it stays.
    """
    solid, corner = _solid(mask)
    side = max(solid.shape) if solid is not None else max(mask.shape)
    least = max(1.0, _LEAST_BONE * side)
    points = skeleton.points_xy.copy()
    for joint in skeleton.depth_first:
        parent = skeleton.parents[joint]
        by_definition = skeleton.names[joint] == "hip" and parent == skeleton.root
        if parent < 0 or by_definition or np.hypot(*(points[joint] - points[parent])) >= least:
            continue
        before = skeleton.parents[parent]
        along = points[parent] - points[before] if before >= 0 else np.zeros(2)
        places = points[parent] + least * _fan(along)
        free = (place for place in places if solid is None or _holds(solid, corner, place))
        points[joint] = next(free, places[0])
    return skeleton.moved(points)


def _solid(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8] | None, NDArray[np.float64]]:
    """What is more inside than outside, cut to its box with an empty rim, and its corner."""
    _, solid = cv2.threshold(mask, 127, 1, cv2.THRESH_BINARY)
    if not cv2.countNonZero(solid):
        _, solid = cv2.threshold(mask, 0, 1, cv2.THRESH_BINARY)
    x, y, width, height = cv2.boundingRect(solid)
    if not width:
        return None, np.zeros(2)
    return np.pad(solid[y : y + height, x : x + width], 1), np.array([x - 1.0, y - 1.0])


def _holds(
    solid: NDArray[np.uint8], corner: NDArray[np.float64], point_xy: NDArray[np.float64]
) -> bool:
    x, y = np.clip(np.floor(point_xy) - corner, -1, 1e9).astype(int)
    return bool(0 <= y < solid.shape[0] and 0 <= x < solid.shape[1] and solid[y, x])


def _deeper(
    depth: NDArray[np.float32], pixel_xy: NDArray[np.intp], wanted: float
) -> NDArray[np.intp]:
    """Climb from a pixel at the edge to a place that is deep enough, or the middle of a limb."""
    x, y = pixel_xy
    while depth[y, x] < wanted:
        around = depth[y - 1 : y + 2, x - 1 : x + 2]  # the rim is empty, so there is one
        # Of ways that are as good the one that leads least far away.
        far = (np.arange(x - 1, x + 2) - pixel_xy[0]) ** 2 + (
            np.arange(y - 1, y + 2)[:, None] - pixel_xy[1]
        ) ** 2
        dy, dx = np.unravel_index(int((around - _TIE * far).argmax()), around.shape)
        if depth[y + dy - 1, x + dx - 1] <= depth[y, x]:
            break
        x, y = x + dx - 1, y + dy - 1
    return np.array([x, y])


def _fan(along: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions to try: that of ``along`` (upwards if it has none) first, then away from it."""
    first = np.arctan2(along[1], along[0]) if np.hypot(*along) > 1e-9 else -np.pi / 2
    turns = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    turns = np.array(sorted(np.where(turns > np.pi, turns - 2 * np.pi, turns), key=abs))
    return np.column_stack((np.cos(first + turns), np.sin(first + turns)))
