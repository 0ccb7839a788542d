"""Which pixels lie in which triangle, and so which bone each triangle belongs to."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts.cut import neighbours

__all__ = ["bones_of_triangles", "triangle_map", "votes", "without_specks"]

_SPECK = 2
"""Triangles that lie apart from the rest of their sheet, so few, go with what is around them."""

_SUBPIXEL = 4
"""Bits of a pixel's fraction with which OpenCV draws."""


def triangle_map(mesh: Mesh, shape: tuple[int, int]) -> NDArray[np.int32]:
    """The triangle at each pixel of a picture.

    Returns:
        ``int32`` ``(H, W)``; -1 for none. On edges, it is either of the two.
    """
    result = np.full(shape, -1, np.int32)
    # OpenCV counts from the centre of the first pixel.
    corners = (mesh.vertices_xy[mesh.triangles] - 0.5) * 2**_SUBPIXEL
    for number, triangle in enumerate(np.rint(corners).astype(np.int32)):
        cv2.fillConvexPoly(result, triangle, number, cv2.LINE_8, _SUBPIXEL)
    return result


def votes(
    places: NDArray[np.int32],
    labels: NDArray[np.int32],
    chosen: NDArray[np.bool_],
    shape: tuple[int, int],
) -> NDArray[np.int64]:
    """How many of some pixels in each triangle have each label.

    Args:
        places: ``int32`` ``(H, W)``, the triangle at each pixel, or -1.
        labels: ``int32`` ``(H, W)``.
        chosen: ``bool`` ``(H, W)``: the pixels.
        shape: Number of triangles and of labels.

    Returns:
        Counts, of that shape.
    """
    counted = chosen & (places >= 0)
    pairs = places[counted].astype(np.int64) * shape[1] + labels[counted]
    return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)


def bones_of_triangles(
    mesh: Mesh, places: NDArray[np.int32], bones: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The bone that owns most of each triangle; of a triangle that holds no pixel, its middle.

    Returns:
        ``int32`` ``(T,)``.
    """
    shape = (len(mesh.triangles), int(bones.max()) + 1)
    counts = votes(places, bones, np.ones(bones.shape, np.bool_), shape)
    result = counts.argmax(axis=1)
    thin = np.flatnonzero(counts.sum(axis=1) == 0)
    middle = np.floor(mesh.vertices_xy[mesh.triangles[thin]].mean(axis=1)).astype(int)
    x, y = np.clip(middle, 0, np.array(bones.shape[::-1]) - 1).T
    result[thin] = bones[y, x]
    return result.astype(np.int32)


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
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

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
