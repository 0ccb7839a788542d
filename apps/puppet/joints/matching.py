"""Which joints belong to which character, by where they lie."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Instance

__all__ = ["check_fit", "fit", "match"]

_NEAR = 0.05  # joints that close to the mask fit, of the longer side of its box
_LEAST_FIT = 0.5
_SIDE = 256  # masks are looked up in this size


def fit(points_xy: NDArray[np.floating], instance: Instance) -> float:
    """The share of points that lie in the mask of a character, or close to it, 0..1.

    Args:
        points_xy: ``(N, 2)``, in pixels of the picture.
        instance: The character.
    """
    x1, y1, x2, y2 = instance.bounds_xyxy
    if x2 <= x1 or not len(points_xy):
        return 0.0
    crop = (instance.mask[y1:y2, x1:x2] > 127).astype(np.uint8)
    scale = min(1.0, _SIDE / max(crop.shape))
    size = max(1, round(crop.shape[1] * scale)), max(1, round(crop.shape[0] * scale))
    small = cv2.resize(crop * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
    rim = max(1, round(_NEAR * max(small.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    near = cv2.dilate(np.pad(small.astype(np.uint8), rim), kernel)
    shrink = np.array(size) / (x2 - x1, y2 - y1)
    # Far outside is outside: nothing overflows.
    places = np.clip((np.asarray(points_xy) - (x1, y1)) * shrink + rim, -1, 4 * _SIDE)
    columns, rows = np.floor(places).astype(int).T
    there = (rows >= 0) & (rows < near.shape[0]) & (columns >= 0) & (columns < near.shape[1])
    return float(near[rows[there], columns[there]].sum() / len(points_xy))


def match(
    skeletons: Sequence[Skeleton], instances: Sequence[Instance]
) -> dict[int, tuple[int, float]]:
    """Give each character the skeleton that fits it best, each skeleton once.

    Returns:
        For instances that got one, by index: the skeleton's index, and how well it fits.
    """
    fits = np.array([[fit(each.points_xy, one) for one in instances] for each in skeletons])
    found: dict[int, tuple[int, float]] = {}
    fits = fits.reshape(len(skeletons), len(instances))
    while fits.size and fits.max() >= _LEAST_FIT:
        row, column = (int(i) for i in np.unravel_index(int(fits.argmax()), fits.shape))
        found[column] = row, float(fits[row, column])
        fits[row, :] = fits[:, column] = -1
    return found


def check_fit(skeleton: Skeleton, instance: Instance, source: str) -> None:
    """Refuse joints of another character.

    Raises:
        InvalidInput: Most of the joints lie outside of the character.
    """
    share = fit(skeleton.points_xy, instance)
    if share < _LEAST_FIT:
        count = len(skeleton)
        low, high = np.rint(skeleton.points_xy.min(0)), np.rint(skeleton.points_xy.max(0))
        raise InvalidInput(
            f"{source} does not fit the character {instance.name!r}: {count - round(share * count)}"
            f" of its {count} joints lie outside of it. They reach from {low.astype(int).tolist()}"
            f" to {high.astype(int).tolist()}, the character from"
            f" {list(instance.bounds_xyxy[:2])} to {list(instance.bounds_xyxy[2:])}. Give the"
            " joints of this character, in pixels of this picture."
        )
