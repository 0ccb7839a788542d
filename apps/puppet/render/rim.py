"""A narrow rim around triangles, so that the soft edge of their texture is seen to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rim", "rim_of"]


@dataclass(frozen=True, eq=False)
class Rim:
    """Points beside the edges of an outline, which follow the edges, and triangles between.

    Attributes:
        edges: ``(E, 2)``: indices of the points at both ends.
        out: ``(E,)``: how far, as a share of the edge's length in rest, the rim is from it; its
            sign says to which side.
        along: ``(E,)``: how far, in the same measure, it is longer at each end.
        triangles: ``(2 E, 3)``; two new points for each edge.
        length: ``(E,)``: of the edges in rest.
    """

    edges: NDArray[np.intp]
    out: NDArray[np.float64]
    along: NDArray[np.float64]
    triangles: NDArray[np.intp]
    length: NDArray[np.float64]

    def __len__(self) -> int:
        """How many points it has."""
        return 2 * len(self.edges)

    @classmethod
    def joined(cls, rims: Sequence[Rim]) -> Rim:
        """Several rims as one, their points one after the other."""
        return cls(
            np.concatenate([rim.edges for rim in rims]),
            np.concatenate([rim.out for rim in rims]),
            np.concatenate([rim.along for rim in rims]),
            np.concatenate([rim.triangles for rim in rims]),
            np.concatenate([rim.length for rim in rims]),
        )

    def extend(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add the points of the rim to the points of the triangles ``(V, 2)``, wherever those are.

        An edge that is stretched more than others does not have a wider rim.
        """
        place = np.ascontiguousarray(points_xy).view(np.complex128).ravel()
        start, end = place[self.edges[:, 0]], place[self.edges[:, 1]]
        with np.errstate(all="ignore"):  # points at infinity are not painted
            way = end - start
            size = np.abs(way)
            sound = np.isfinite(size)
            scale = size[sound].sum() / max(self.length[sound].sum(), 1e-9)
            way *= self.length * scale / np.where(size > 0, size, 1)
            out, along = way * (1j * self.out), way * self.along
            rim = np.stack([start + out - along, end + out + along], axis=1).ravel()
        return np.concatenate([place, rim]).view(np.float64).reshape(-1, 2)


def rim_of(
    triangles: NDArray[np.integer], points_xy: NDArray[np.floating], width: float, first: int
) -> Rim:
    """Find the outline of triangles, the edges that only one of them has, and put a rim around it.

    Args:
        triangles: ``(T, 3)``, either way round.
        points_xy: ``(V, 2)``: where they are in rest.
        width: Of the rim.
        first: Index that its first point will have.
    """
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    across = np.concatenate([triangles[:, 2], triangles[:, 0], triangles[:, 1]])
    ends = np.sort(sides, axis=1).astype(np.int64)
    key = ends[:, 0] * (int(ends.max(initial=0)) + 1) + ends[:, 1]
    _, index, count = np.unique(key, return_index=True, return_counts=True)
    index = index[count == 1]
    start, end = (np.asarray(points_xy, np.float64)[sides[index, side]] for side in (0, 1))
    way, inside = end - start, np.asarray(points_xy, np.float64)[across[index]] - start
    turn = way[:, 0] * inside[:, 1] - way[:, 1] * inside[:, 0]
    length = np.hypot(way[:, 0], way[:, 1])
    good = (turn != 0) & (length > 0)
    index, turn, length = index[good], turn[good], length[good]
    edges = sides[index].astype(np.intp)
    out = -np.sign(turn) * width / length
    one = first + 2 * np.arange(len(edges))
    strip = np.stack([edges[:, 0], edges[:, 1], one, edges[:, 1], one + 1, one], axis=1)
    return Rim(edges, out, np.abs(out) / 2, strip.reshape(-1, 3).astype(np.intp), length)
