"""Depth from the layout of a scene alone: the embedded estimator, which needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.layout import instance_layout
from cartoonedit.depth.room import plate_depth, read_room

__all__ = ["layered_depth"]


def layered_depth(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth from the layout alone: a stage that recedes, and instances that stand on it.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks ``uint8`` ``(H, W)``.
        device: Not used.

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther; constant inside each instance.
    """
    depth = plate_depth((picture.shape[1], picture.shape[0]), read_room(picture, masks))
    disparities = instance_layout(masks, depth)
    for index in np.argsort(disparities, kind="stable"):  # far to near
        depth[masks[index] >= 128] = 1 - disparities[index]
    return depth
