"""Moving the edges of a depth map to where the masks say that the characters end.

Networks draw soft ramps around a character, and not where its outline is. Pooled, the ramp inside
the mask pushes the character back; outside, the ramp is a fringe of ground that moves with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["snap_edges"]

REACH = 0.02
"""How far a ramp may reach from an outline, as a share of the picture's size: that of networks
which see it at 400 to 500 pixels."""

TOLERANCE = 0.005
"""A difference of depth below this is texture; from twice this on it is taken to be the ramp."""

STEEPEST = 3.0
"""The steepest ground, in depth per height of the picture, that is continued under a ramp."""


def snap_edges(
    depth: NDArray[np.float32], masks: Sequence[NDArray[np.uint8]], reach: int | None = None
) -> NDArray[np.float32]:
    """Let every character's depth end at its outline.

    Outside all masks, what is nearer than the background beyond the ramp takes the depth of that,
    continued with its slope: a floor that comes up to the feet stays what it is. Inside a mask,
    what is farther than its inside takes the depth of that; beside another character, what is
    nearer, too.

    Args:
        depth: ``float32`` ``(H, W)``, larger = farther.
        masks: Alpha ``uint8`` ``(H, W)``; the outline is where alpha is half.
        reach: How many pixels from an outline a ramp may end; None takes 2 % of the picture's
            size, at least 4.

    Returns:
        A new ``float32`` ``(H, W)`` array.

    Raises:
        InvalidInput: A mask has another size than the depth map, or ``reach`` is below 1.
    """
    if any(mask.shape != depth.shape for mask in masks):
        raise InvalidInput(f"all masks must be of the size of the depth map, {depth.shape}.")
    if reach is not None and reach < 1:
        raise InvalidInput(f"reach must be at least 1 pixel; got {reach}.")
    steps = reach or max(4, round(REACH * math.sqrt(depth.size)))
    solid = [mask >= 128 for mask in masks]
    result = depth.astype(np.float32)
    if not any(mask.any() for mask in solid):
        return result
    owners = np.zeros(depth.shape, np.uint8)
    for mask in solid:
        owners += mask
    box = _around(owners > 0, 4 * steps)
    result[box] = _without_fringe(depth[box], owners[box] > 0, steps)
    for mask in solid:
        if mask.any():
            box = _around(mask, 1)
            others = owners[box] > mask[box]
            inside = _without_bleeding(depth[box], mask[box], others, steps)
            result[box] = np.where(mask[box], inside, result[box])
    return result


def _without_fringe(
    depth: NDArray[np.float32], inside: NDArray[np.bool_], reach: int
) -> NDArray[np.float32]:
    """Outside the masks: put what is nearer than the background beyond onto that background."""
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    band = ~inside & (distance <= reach)
    known = distance > reach
    if not band.any() or not known.any():
        return depth.copy()
    background, _ = _continued(depth, known, band, reach)
    # A slope that ends, as a floor does at its wall, must not be carried on beyond.
    own = np.where(known, depth, np.float32(-1))
    farthest = cv2.dilate(own, np.ones((4 * reach + 1,) * 2, np.uint8))[band]
    background = np.minimum(background, np.where(farthest >= 0, farthest, background))
    result = depth.copy()
    values = depth[band]
    result[band] = values + _surely(background - values) * (background - values)
    return result


def _without_bleeding(
    depth: NDArray[np.float32],
    mask: NDArray[np.bool_],
    others: NDArray[np.bool_],
    reach: int,
) -> NDArray[np.float32]:
    """Inside a mask: put the rim onto the depth of what lies further inside."""
    distance = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    rim = mask & (distance <= reach)
    core = mask & (distance > reach)
    if not rim.any():
        return depth.copy()
    nearest = _nearest_inside(depth, mask, reach)[rim]
    if core.any():
        inner, away = _continued(depth, core, rim, reach)
        inner = np.where(away <= 2 * reach, inner, nearest)  # else a limb too thin for a core
    else:
        inner = nearest
    values = depth[rim]
    farther = values - inner
    beside = cv2.dilate(others.astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8))[rim] > 0
    excess = np.where(beside & core.any(), np.abs(farther), farther)
    result = depth.copy()
    result[rim] = values - _surely(excess) * farther
    return result


def _surely(excess: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much a difference counts as that of a ramp, 0..1; gradual, so that nothing creases."""
    return np.clip(excess / TOLERANCE - 1, 0, 1)


def _continued(
    depth: NDArray[np.float32], known: NDArray[np.bool_], wanted: NDArray[np.bool_], reach: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Continue depth from known pixels: each takes the value of the nearest one, and its slope.

    Returns:
        For each ``wanted`` pixel, in order, its depth and how far away the known one is.
    """
    distance, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place_of = np.zeros(int(labels.max()) + 1, np.int64)
    place_of[labels[known]] = np.flatnonzero(known)
    source = place_of[labels[wanted]]
    away = distance[wanted]
    rows, columns = np.nonzero(wanted)
    from_rows, from_columns = np.divmod(source, depth.shape[1])
    slope_x, slope_y = _slopes(depth, known, reach)
    rise = slope_x.ravel()[source] * (columns - from_columns)
    rise += slope_y.ravel()[source] * (rows - from_rows)
    return (depth.ravel()[source] + rise).astype(np.float32), away


def _slopes(
    depth: NDArray[np.float32], known: NDArray[np.bool_], reach: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The slope of the known depth along x and y, per pixel, averaged over about ``reach``.

    It is found on a coarse grid; steps count for no more than the steepest ground.
    """
    height, width = depth.shape
    cell = max(1, reach // 4)
    grid = (max(1, width // cell), max(1, height // cell))
    weight = known.astype(np.float32)
    share = cv2.resize(weight, grid, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(depth * weight, grid, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)
    slopes = []
    for axis, cells, size in ((1, grid[0], width), (0, grid[1], height)):
        full = np.zeros_like(mean)
        sure = np.zeros_like(mean)
        ahead = (slice(None),) * axis + (slice(2, None),)
        behind = (slice(None),) * axis + (slice(None, -2),)
        middle = (slice(None),) * axis + (slice(1, -1),)
        both = (share[ahead] > 0.99) & (share[behind] > 0.99)
        per_pixel = (mean[ahead] - mean[behind]) * (cells / (2 * size))
        steepest = STEEPEST / max(height, width)
        full[middle] = np.where(both, np.clip(per_pixel, -steepest, steepest), 0)
        sure[middle] = both
        sigma = max(1.0, reach / cell / 2)
        total = cv2.GaussianBlur(sure, (0, 0), sigma)
        average = cv2.GaussianBlur(full, (0, 0), sigma) / np.maximum(total, 1e-3)
        slopes.append(cv2.resize(average, (width, height), interpolation=cv2.INTER_LINEAR))
    return slopes[0], slopes[1]


def _nearest_inside(
    depth: NDArray[np.float32], mask: NDArray[np.bool_], reach: int
) -> NDArray[np.float32]:
    """The nearest depth within ``reach`` that belongs to the same mask."""
    own = np.where(mask, depth, np.float32(np.inf))
    return cv2.erode(own, np.ones((2 * reach + 1,) * 2, np.uint8))


def _around(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.s_[max(0, y - margin) : y + height + margin, max(0, x - margin) : x + width + margin]
