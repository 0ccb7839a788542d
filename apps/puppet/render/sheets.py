"""The sheets of a rig as layers to paint: their textures at the scale of the frames."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.render.layers import Layer
from apps.puppet.render.raster import cover
from apps.puppet.rig import Rig, Sheet

__all__ = ["rig_layers"]


def rig_layers(rig: Rig, scale: float = 1.0) -> list[Layer]:
    """The layers of a rig, one for each sheet.

    Args:
        rig: The rig.
        scale: Of the frames against the picture. Textures are shrunk to it, by area; they are not
            enlarged.
    """
    layers = []
    for sheet in rig.sheets:
        texture, corner = _own(sheet, rig.mesh.vertices_xy)
        height, width = texture.shape[:2]
        size = (width, height)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        ratio = np.array([size[0] / width, size[1] / height])
        layers.append(Layer(sheet.triangles, (rig.mesh.vertices_xy - corner) * ratio, texture))
    return layers


def _own(sheet: Sheet, vertices_xy: NDArray[np.float64]) -> tuple[NDArray[np.uint8], list[int]]:
    """The texture of a sheet as far as its triangles cover it in rest, and where it lies.

    So nothing else of it can be seen beyond a cut when the sheet bends.
    """
    height, width = sheet.texture.shape[:2]
    inside = cover(vertices_xy - sheet.origin_xy, sheet.triangles, (width, height))
    mask = np.zeros((height, width, 1), np.uint8)
    mask[inside.y, inside.x] = 1
    texture = sheet.texture * mask
    left, top, box_width, box_height = cv2.boundingRect(texture[..., 3])
    if not box_width:
        return np.zeros((1, 1, 4), np.uint8), list(sheet.origin_xy)
    box = np.s_[top : top + box_height, left : left + box_width]
    return np.ascontiguousarray(texture[box]), [sheet.origin_xy[0] + left, sheet.origin_xy[1] + top]
