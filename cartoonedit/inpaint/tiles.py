"""Large pictures in pieces: overlapping tiles, worked on one after the other and blended."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cartoonedit.inpaint.smooth import rounded

__all__ = ["Mosaic", "Tile", "plan_tiles"]

Tile = tuple[slice, slice]
"""Rows and columns."""


def plan_tiles(hole: NDArray[np.bool_], side: int, overlap: int, multiple: int = 8) -> list[Tile]:
    """Tiles that cover a hole, from left to right and top to bottom.

    Args:
        hole: ``bool`` ``(H, W)``; both sides multiples of ``multiple``.
        side: Of a tile in pixels, likewise; the picture's own side where that is smaller.
        overlap: How far neighbours overlap at least, in pixels.
        multiple: Tiles start at multiples of this.

    Returns:
        Those of the tiles that would cover the picture evenly which hold a part of the hole.
    """
    rows, columns = (_spans(length, side, overlap, multiple) for length in hole.shape)
    tiles = [(row, column) for row in rows for column in columns]
    return [tile for tile in tiles if hole[tile].any()]


def _spans(length: int, side: int, overlap: int, multiple: int) -> list[slice]:
    if length <= side:
        return [slice(0, length)]
    count = math.ceil((length - overlap) / (side - overlap))
    # Rounding down makes the gap to the last start larger at times, hence never its overlap.
    starts = np.linspace(0, (length - side) // multiple, count).round().astype(int) * multiple
    return [slice(start, start + side) for start in starts.tolist()]


class Mosaic:
    """A picture whose tiles are replaced one by one, each seeing those before it.

    A tile counts most in its middle and fades out towards its edge, so neighbours blend over their
    whole overlap. The nearer half of it is known to the later one, which therefore goes on with
    what is there; the other half it paints anew.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``, seen wherever no tile was put yet.
        overlap: Over how many pixels a tile fades out.
    """

    def __init__(self, picture: NDArray[np.uint8], overlap: int) -> None:
        self._sum = picture.astype(np.float32)
        self._weight = np.zeros(picture.shape[:2], np.float32)
        self._overlap = overlap

    def look(self, tile: Tile) -> NDArray[np.uint8]:
        """What is there now, RGB ``uint8``."""
        weight = self._weight[tile][..., None]
        return rounded(self._sum[tile] / np.where(weight > 0, weight, 1))

    def open_part(self, tile: Tile, hole: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The part of the hole in a tile that no earlier tile knows better."""
        return hole[tile] & (self._weight[tile] < self._fade(tile))

    def put(self, tile: Tile, colours: NDArray[np.uint8]) -> None:
        """Blend a finished tile in."""
        fade = self._fade(tile)
        fresh = self._weight[tile] == 0
        self._sum[tile] = np.where(fresh[..., None], 0, self._sum[tile]) + colours * fade[..., None]
        self._weight[tile] += fade

    def picture(self) -> NDArray[np.uint8]:
        """The whole picture, RGB ``uint8`` ``(H, W, 3)``."""
        return self.look(np.s_[:, :])

    def _fade(self, tile: Tile) -> NDArray[np.float32]:
        """The weight of a tile's pixels, above 0 and up to 1 in its middle."""
        along = []
        for span in tile:
            place = np.arange(span.stop - span.start, dtype=np.float32) + 0.5
            along.append(np.minimum(1, np.minimum(place, place[::-1]) / self._overlap))
        return np.outer(*along).astype(np.float32)
