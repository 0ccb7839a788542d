"""Detail: what a picture has to show where the camera comes closer than its frames are large.

Layers have the scale of the frames, and would get soft where they are magnified, though the picture
has more pixels. So a second set, made at twice the scale, takes over as a layer grows, as the next
level of a mip map does (Williams 1983). Near the scale of the frames the first set is the better
one: it is not finer than a frame can show, so nothing shimmers.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from apps.kenburns.camera import Pose
from apps.kenburns.canvas import Canvas
from apps.kenburns.colours import Colours, Layer
from apps.kenburns.layers import CutOut, Layers, Surface
from apps.kenburns.painter import DENSITY
from apps.kenburns.stage import Stage

__all__ = ["FINER", "fine_textures", "has_detail", "share"]

FINER = 2
"""How many times finer the second set is."""

FROM, TO = 1.05, 1.5
"""Magnifications between which it takes over."""

WORTH = 1.3
"""The least by which the picture must be finer than the frames, and be magnified somewhere."""


def has_detail(canvas: Canvas, stage: Stage, poses: Iterable[Pose]) -> bool:
    """Whether a move comes closer than the frames' own scale to a picture that has more pixels."""
    closest = max(pose.scale(stage.near_plane()) for pose in poses)
    return canvas.scale * WORTH <= 1 and closest >= WORTH


def share(magnification: float) -> float:
    """How much of the second set shows, 0..1."""
    return min(max((magnification - FROM) / (TO - FROM), 0.0), 1.0)


def fine_textures(coarse: Layers, fine: Layers, colours: Colours) -> list[Layer | None]:
    """The textures of the second set on the grid of those of the first, one for each layer.

    Args:
        coarse: Layers at the scale of the frames.
        fine: The same scene at a larger scale.
        colours: How they are to be kept.

    Returns:
        Textures at :data:`DENSITY` pixels for one of the coarse canvas; None where the second set
        lacks a layer.
    """
    if coarse.plates != fine.plates:
        return [None] * len(coarse.stack)
    by_name = {layer.name: layer for layer in fine.stack if isinstance(layer, CutOut)}
    textures: list[Layer | None] = []
    for index, layer in enumerate(coarse.stack):
        other: CutOut | Surface | None
        if isinstance(layer, CutOut):
            other = by_name.get(layer.name)
        else:
            other = fine.stack[index] if index < fine.plates else None
        if other is None:
            textures.append(None)
            continue
        textures.append(_resampled(layer, other, coarse, fine, colours))
    return textures


def _resampled(
    layer: CutOut | Surface,
    other: CutOut | Surface,
    coarse: Layers,
    fine: Layers,
    colours: Colours,
) -> Layer:
    height, width = layer.texture.shape[:2]
    ratio = fine.canvas_wh[0] / coarse.canvas_wh[0]
    start, origin = (one.origin_xy if isinstance(one, CutOut) else (0, 0) for one in (layer, other))
    matrix = np.zeros((2, 3))
    for axis in range(2):
        # The middles of both canvases are one point.
        middle, fine_middle = coarse.canvas_wh[axis] / 2, fine.canvas_wh[axis] / 2
        matrix[axis, axis] = ratio / DENSITY
        matrix[axis, 2] = (start[axis] + 0.5 - middle) * ratio + fine_middle - 0.5 - origin[axis]
    flat = isinstance(other, CutOut)
    dense = cv2.warpAffine(
        colours.encode(other.texture),
        matrix,
        (DENSITY * (width - 1) + 1, DENSITY * (height - 1) + 1),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT if flat else cv2.BORDER_REPLICATE,
    )
    return np.minimum(dense, dense[..., 3:])
