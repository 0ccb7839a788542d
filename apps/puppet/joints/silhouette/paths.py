"""Paths through limbs: places along them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.shape import Shape

__all__ = ["along", "end_joint"]


def along(path_xy: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """The point at a share of the length of a path."""
    steps = np.hypot(*np.diff(path_xy, axis=0).T)
    length = np.concatenate(([0.0], np.cumsum(steps)))
    place = share * length[-1]
    return np.array([np.interp(place, length, path_xy[:, axis]) for axis in (0, 1)])


def end_joint(
    shape: Shape, path_xy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle of a hand or foot, a little before the end of a limb, and the path up to there."""
    steps = np.hypot(*np.diff(path_xy[::-1], axis=0).T)
    back = np.concatenate(([0.0], np.cumsum(steps)))[::-1]
    columns, rows = np.rint(path_xy).astype(int).T
    thick = shape.distance[rows, columns]
    inner = np.flatnonzero(back >= np.maximum(1.3 * thick, 1.0))
    last = int(inner[-1]) if len(inner) else 0
    return path_xy[last], path_xy[: last + 1]
