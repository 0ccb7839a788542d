"""Painting textured triangles layer over layer.

A layer is painted as one: of its own triangles the last one wins, and the pixels that are left are
blended over the layers beneath by the alpha of the texture. This is what both kinds of puppets are
made of: the sheets of a rig, and the parts of a character of Animated Drawings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.render.raster import Cover, cover
from apps.puppet.render.rim import Rim, rim_of
from apps.puppet.render.sample import TexturedTriangles, bilinear, nearest

__all__ = ["Layer", "LayerPainter"]

ORDERS_KEPT = 64
"""How many orders of the layers are kept: a clip has few, which come again and again."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Triangles that are painted as one.

    Attributes:
        triangles: ``(T, 3)``, indices of vertices, in the order in which they are painted.
        texture_xy: ``(V, 2)``: where all vertices lie in the texture, in its pixels; the first
            one's centre is (0.5, 0.5).
        texture: Premultiplied RGBA ``uint8`` ``(h, w, 4)``; outside of it is nothing.
    """

    triangles: NDArray[np.integer]
    texture_xy: NDArray[np.floating]
    texture: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Order:
    """All triangles in an order of the layers."""

    layers: tuple[int, ...]
    triangles: NDArray[np.intp]
    textured: TexturedTriangles
    starts: tuple[int, ...]


class LayerPainter:
    """Paints layers. It keeps what does not change from frame to frame.

    Args:
        layers: At least one.
        rim: How far the texture is shown beyond the outline of each layer, in its pixels, so that
            edges are as soft as the texture makes them; 0 for hard edges.
        hard: Show the nearest pixels of the texture, in full or not at all.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        rim: float = 1.0,
        hard: bool = False,
    ) -> None:
        self._hard = hard
        unique = {id(layer.texture): layer.texture for layer in layers}
        prepared = {key: _hardened(each) if hard else each for key, each in unique.items()}
        self._textures = [prepared[id(layer.texture)] for layer in layers]
        # Each layer has its own copies of its vertices, as they may lie elsewhere in the texture.
        own = [np.unique(layer.triangles) for layer in layers]
        firsts = np.cumsum([0, *map(len, own)])
        triangles = [
            np.searchsorted(vertices, layer.triangles).reshape(-1, 3) + first
            for vertices, layer, first in zip(own, layers, firsts, strict=False)
        ]
        self._source = np.concatenate(own).astype(np.intp)
        places = np.concatenate(
            [np.asarray(layer.texture_xy)[mine] for mine, layer in zip(own, layers, strict=True)]
        ).astype(np.float64)
        rims: list[Rim] = []
        if rim > 0:
            for index, mine in enumerate(triangles):
                edge = rim_of(mine, places, rim, sum(map(len, rims)) + int(firsts[-1]))
                triangles[index] = np.concatenate([edge.triangles, mine])
                rims.append(edge)
        self._rim = Rim.joined(rims) if rims else None
        self._places = places if self._rim is None else self._rim.extend(places)
        self._triangles = triangles
        self._orders: dict[tuple[int, ...], _Order] = {}

    def paint(
        self,
        canvas: NDArray[np.uint8],
        points_xy: NDArray[np.floating],
        order: Sequence[int] | None = None,
        *,
        supersample: int = 1,
    ) -> tuple[int, int, int, int]:
        """Paint the layers over a canvas.

        Args:
            canvas: RGB, or premultiplied RGBA, ``uint8`` ``(H, W, 3 | 4)``; painted in place.
            points_xy: ``(V, 2)``: where the vertices lie on it.
            order: The layers from the back to the front; None takes them as they are.
            supersample: How many times finer edges are, along each axis.

        Returns:
            The box ``(left, top, right, bottom)`` out of which nothing was changed.
        """
        height, width = canvas.shape[:2]
        points = np.asarray(points_xy, np.float64)[self._source] * supersample
        if self._rim is not None:
            points = self._rim.extend(points)
        drawn = self._ordered(order)
        size = (width * supersample, height * supersample)
        covered = cover(points, drawn.triangles, size, drawn.starts)
        if not len(covered):
            return (0, 0, 0, 0)
        colours = self._colours(points, drawn, covered, supersample)
        left, top = (side // supersample for side in covered.box[:2])
        right, bottom = (-(-side // supersample) for side in covered.box[2:])
        area = canvas[top:bottom, left:right]
        _blend(area, colours, covered, (left, top), supersample)
        return left, top, right, bottom

    def _ordered(self, order: Sequence[int] | None) -> _Order:
        key = tuple(range(len(self._triangles)) if order is None else map(int, order))
        if key not in self._orders:
            if len(self._orders) >= ORDERS_KEPT:
                self._orders.clear()
            parts = [self._triangles[index] for index in key]
            starts = np.cumsum([0, *map(len, parts)])[:-1]
            joined = np.concatenate(parts) if parts else np.zeros((0, 3), np.intp)
            textured = TexturedTriangles(joined, self._places - 0.5)
            self._orders[key] = _Order(key, joined, textured, tuple(starts.tolist()) or (0,))
        return self._orders[key]

    def _colours(
        self,
        points: NDArray[np.float64],
        drawn: _Order,
        covered: Cover,
        supersample: int,
    ) -> NDArray[np.uint8]:
        left, top = covered.box[:2]
        maps = drawn.textured.maps(points, (left, top))
        column, row = covered.x - left, covered.y - top
        if supersample > 1:
            # Edges are finer, but colours are those of the middle of the pixel: so the picture
            # stays as sharp as it is.
            column -= covered.x % supersample
            row -= covered.y % supersample
        half = np.float32(supersample / 2)
        x, y = column.astype(np.float32) + half, row.astype(np.float32) + half
        places = maps.at(covered.triangle, x, y)
        sample = nearest if self._hard else bilinear
        colours = np.empty((len(places), 4), np.uint8)
        for layer, start, end in zip(drawn.layers, covered.ends, covered.ends[1:], strict=False):
            colours[start:end] = sample(self._textures[layer], places[start:end])
        return colours


def _hardened(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make what is more opaque than not opaque, and the rest transparent."""
    alpha = texture[..., 3:].astype(np.uint16)
    colour = (texture[..., :3] * np.uint16(255) + alpha // 2) // np.maximum(alpha, 1)
    full = np.dstack([np.minimum(colour, 255).astype(np.uint8), np.full_like(texture[..., 3], 255)])
    return np.where(alpha >= 128, full, np.uint8(0))


def _blend(
    area: NDArray[np.uint8],
    colours: NDArray[np.uint8],
    covered: Cover,
    corner_xy: tuple[int, int],
    supersample: int,
) -> None:
    """Blend the pixels of all layers over an area of the canvas, in place.

    Args:
        area: The part of the canvas.
        colours: Premultiplied RGBA of the covered pixels, ``(P, 4)``.
        covered: Where they lie, on a canvas that is ``supersample`` times as fine.
        corner_xy: Where the area's first pixel lies on the canvas.
        supersample: See :meth:`LayerPainter.paint`.
    """
    height, width, channels = area.shape
    beneath = area if channels == 4 else cv2.cvtColor(area, cv2.COLOR_RGB2RGBA)
    fine_wh = (width * supersample, height * supersample)
    if supersample > 1:
        beneath = cv2.resize(beneath, fine_wh, interpolation=cv2.INTER_NEAREST)
    fine = np.array(beneath, order="C")
    pixels, new = fine.view(np.uint32).reshape(-1), colours.view(np.uint32).reshape(-1)
    offset = (corner_xy[1] * fine_wh[0] + corner_xy[0]) * supersample
    place = np.subtract(covered.y * fine_wh[0] + covered.x, offset, dtype=np.intp)
    alpha = np.ascontiguousarray(colours[:, 3])
    partial = np.flatnonzero(alpha < 255)
    splits = np.searchsorted(partial, covered.ends)
    for layer, (start, end) in enumerate(zip(covered.ends, covered.ends[1:], strict=False)):
        some = partial[splits[layer] : splits[layer + 1]]
        if some.size:
            new[some] = _over(new.take(some), pixels.take(place.take(some)))
        pixels[place[start:end]] = new[start:end]
    if supersample > 1:
        fine = cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA)
    area[:] = fine if channels == 4 else cv2.cvtColor(fine, cv2.COLOR_RGBA2RGB)


def _over(above: NDArray[np.uint32], below: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Blend premultiplied RGBA over others; each pixel is the four bytes of a number."""
    parts = above.view(np.uint8)
    mixed = below.view(np.uint8) * np.repeat(255 - parts[3::4].astype(np.uint16), 4)
    # Divided by 255 and rounded, without a division.
    mixed += 128
    mixed += mixed >> 8
    mixed >>= 8
    return np.add(parts, mixed, dtype=np.uint16).astype(np.uint8).view(np.uint32)
