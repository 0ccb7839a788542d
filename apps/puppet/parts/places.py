"""Which pixels lie in which triangle, and so which bone each triangle belongs to."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts.cut import neighbours

__all__ = ["Places", "without_specks"]

_SPECK = 2
"""Triangles that lie apart from the rest of their sheet, so few, go with what is around them."""

_SUBPIXEL = 4
"""Bits of a pixel's fraction with which OpenCV draws."""

_SAMPLES = np.array(
    [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (1 / 3,) * 3]
)
"""Places in a triangle, barycentric, whose pixels count as its own however thin it is."""


class Places:
    """The pixels of each triangle of a mesh.

    Attributes:
        drawn: ``int32`` ``(H, W)``: the triangle at each pixel, -1 for none.
    """

    def __init__(self, mesh: Mesh, shape: tuple[int, ...]) -> None:
        """Find them, in a picture of that shape."""
        drawn = np.full(shape, -1, np.int32)
        # OpenCV counts from the centre of the first pixel.
        corners = mesh.vertices_xy[mesh.triangles]
        rounded = np.rint((corners - 0.5) * 2**_SUBPIXEL).astype(np.int32)
        for number, triangle in enumerate(rounded):
            cv2.fillConvexPoly(drawn, triangle, number, cv2.LINE_8, _SUBPIXEL)
        samples = np.floor(np.einsum("sc,tcd->tsd", _SAMPLES, corners)).astype(int)
        x, y = np.clip(samples.reshape(-1, 2), 0, np.array(shape[::-1]) - 1).T
        filled = np.flatnonzero(drawn >= 0)
        self.drawn = drawn
        self._count = len(corners)
        # Drawing gives a pixel to one triangle, so that thin ones may come away empty-handed.
        self._pixels = np.concatenate([filled, y * shape[1] + x])
        sampled = np.repeat(np.arange(self._count), len(_SAMPLES))
        self._triangles = np.concatenate([drawn.reshape(-1)[filled].astype(np.int64), sampled])

    def votes(
        self, labels: NDArray[np.int32], chosen: NDArray[np.bool_], count: int
    ) -> NDArray[np.int64]:
        """How many of some pixels in each triangle have each label.

        Args:
            labels: ``int32`` ``(H, W)``.
            chosen: ``bool`` ``(H, W)``: the pixels.
            count: Of labels.

        Returns:
            ``(T, count)``.
        """
        counted = chosen.reshape(-1)[self._pixels]
        pairs = self._triangles[counted] * count + labels.reshape(-1)[self._pixels[counted]]
        return np.bincount(pairs, minlength=self._count * count).reshape(self._count, count)

    def owners(self, bones: NDArray[np.int32]) -> NDArray[np.int32]:
        """The bone that owns most of each triangle.

        Args:
            bones: ``int32`` ``(H, W)``.

        Returns:
            ``int32`` ``(T,)``.
        """
        counts = self.votes(bones, np.ones(bones.shape, np.bool_), int(bones.max()) + 1)
        return counts.argmax(axis=1).astype(np.int32)


def without_specks(
    mesh: Mesh, bones: NDArray[np.int32], of_joint: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Bones of triangles, where a few apart from all others of their sheet take those around them.

    Args:
        mesh: Its triangles.
        bones: ``int32`` ``(T,)``.
        of_joint: ``int32`` ``(J,)``: the sheet of each bone.

    Returns:
        ``int32`` ``(T,)``.
    """
    pairs = neighbours(mesh.triangles)[:, :, 0]
    sheets = of_joint[bones]
    same = sheets[pairs[:, 0]] == sheets[pairs[:, 1]]
    graph = coo_matrix((np.ones(int(same.sum())), tuple(pairs[same].T)), shape=(len(bones),) * 2)
    count, parts = connected_components(graph, directed=False)
    sizes = np.bincount(parts, minlength=count)
    result = bones.copy()
    beside = np.concatenate([pairs[~same], pairs[~same][:, ::-1]])
    speck = (sizes[parts[beside[:, 0]]] <= _SPECK) & (sizes[parts[beside[:, 1]]] > _SPECK)
    for one, other in beside[speck]:
        result[parts == parts[one]] = bones[other]
    return result
