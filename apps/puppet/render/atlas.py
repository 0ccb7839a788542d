"""The textures of all sheets of a rig on one picture, so that one pass samples them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.render.layers import Layer
from apps.puppet.render.raster import cover
from apps.puppet.rig import Rig, Sheet

__all__ = ["Atlas", "atlas_of", "rig_layers"]

GAP = 2
"""Transparent pixels around each texture, which interpolation reads."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Several textures on one.

    Attributes:
        texture: Premultiplied RGBA ``uint8``.
        corners_xy: For each texture, where its first pixel lies.
    """

    texture: NDArray[np.uint8]
    corners_xy: tuple[tuple[int, int], ...]


def atlas_of(textures: Sequence[NDArray[np.uint8]]) -> Atlas:
    """Put textures ``(h, w, 4)`` side by side, the tallest first, in rows of about a square."""
    sizes = [(texture.shape[1] + GAP, texture.shape[0] + GAP) for texture in textures]
    area = sum(width * height for width, height in sizes)
    limit = max([int(np.sqrt(area)), *(width for width, _ in sizes)])
    corners = [(0, 0)] * len(sizes)
    x = y = tallest = 0
    for index in sorted(range(len(sizes)), key=lambda each: -sizes[each][1]):
        width, height = sizes[index]
        if x + width > limit:
            x, y, tallest = 0, y + tallest, 0
        corners[index] = (x + GAP, y + GAP)
        x, tallest = x + width, max(tallest, height)
    texture = np.zeros((y + tallest + GAP, limit + GAP, 4), np.uint8)
    for (left, top), each in zip(corners, textures, strict=True):
        texture[top : top + each.shape[0], left : left + each.shape[1]] = each
    return Atlas(texture, tuple(corners))


def rig_layers(rig: Rig, scale: float = 1.0) -> tuple[NDArray[np.uint8], list[Layer]]:
    """The texture and the layers of a rig, a layer for each sheet.

    Args:
        rig: The rig.
        scale: Of the frames against the picture. Textures are shrunk to it, by area; they are not
            enlarged.
    """
    shrunk, ratios, corners = [], [], []
    for sheet in rig.sheets:
        texture, (left, top) = _own(sheet, rig.mesh.vertices_xy)
        height, width = texture.shape[:2]
        size = (width, height)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            texture = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
        shrunk.append(texture)
        ratios.append((size[0] / width, size[1] / height))
        corners.append((left, top))
    atlas = atlas_of(shrunk)
    layers = [
        Layer(sheet.triangles, (rig.mesh.vertices_xy - corner) * ratio + place)
        for sheet, corner, ratio, place in zip(
            rig.sheets, corners, ratios, atlas.corners_xy, strict=True
        )
    ]
    return atlas.texture, layers


def _own(sheet: Sheet, vertices_xy: NDArray[np.float64]) -> tuple[NDArray[np.uint8], list[int]]:
    """The texture of a sheet as far as its triangles cover it in rest, and where it lies.

    So nothing else of it can be seen beyond a cut when the sheet bends.
    """
    height, width = sheet.texture.shape[:2]
    inside = cover(vertices_xy - sheet.origin_xy, sheet.triangles, (width, height))
    mask = np.zeros(height * width, np.uint8)
    mask[inside.place] = 1
    texture = sheet.texture * mask.reshape(height, width, 1)
    left, top, box_width, box_height = cv2.boundingRect(texture[..., 3])
    if not box_width:
        return np.zeros((1, 1, 4), np.uint8), list(sheet.origin_xy)
    box = np.s_[top : top + box_height, left : left + box_width]
    return texture[box], [sheet.origin_xy[0] + left, sheet.origin_xy[1] + top]
