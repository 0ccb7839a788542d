"""Meshes of Spine: the sheets of a rig, whose vertices follow several bones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from apps.puppet.export.spine_bones import setup_frames
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.rig import Sheet
from apps.puppet.skeleton import Skeleton

__all__ = ["hull", "mesh_attachment", "vertex_weights"]

_BLEND = 4
"""Over how many rings of triangles the influence of one bone turns into that of the next."""

_MOST_BONES, _FAINT = 4, 0.02


def vertex_weights(mesh: Mesh, bones: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """How much each vertex follows each bone: its own, and over edges those of its neighbours.

    Args:
        mesh: Vertices and triangles.
        bones: ``int32`` ``(V,)``, the bone of each vertex.
        count: Of bones.

    Returns:
        ``(V, count)``; at most four of a row are not 0, and its sum is 1.
    """
    size = len(bones)
    weights = np.zeros((size, count))
    weights[np.arange(size), bones] = 1
    ends = mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    ends = np.concatenate([ends, ends[:, ::-1], np.repeat(np.arange(size)[:, None], 2, axis=1)])
    near = sparse.coo_matrix((np.ones(len(ends)), tuple(ends.T)), shape=(size, size)).tocsr()
    near.data[:] = 1
    near = sparse.diags(1 / np.asarray(near.sum(axis=1)).ravel()) @ near
    for _ in range(_BLEND):
        weights = near @ weights
    if count > _MOST_BONES:
        least = np.partition(weights, -_MOST_BONES, axis=1)[:, -_MOST_BONES, None]
        weights[weights < least] = 0
    weights[weights < _FAINT] = 0
    # Ties could leave more than four.
    for row in np.flatnonzero((weights > 0).sum(axis=1) > _MOST_BONES):
        weights[row, np.argsort(-weights[row], kind="stable")[_MOST_BONES:]] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def mesh_attachment(
    sheet: Sheet,
    mesh: Mesh,
    vertices: NDArray[np.float64],
    weights: NDArray[np.float64],
    skeleton: Skeleton,
    rest: NDArray[np.float64],
) -> dict[str, Any]:
    """A sheet as an attachment.

    Args:
        sheet: With triangles of the mesh.
        mesh: In pixels of the picture.
        vertices: ``(V, 2)``, the same in Spine's space.
        weights: ``(V, J)``.
        skeleton: Its tree.
        rest: ``(J, 2)``, its joints in Spine's space.
    """
    outline = hull(sheet.triangles)
    rest_of_them = np.setdiff1d(np.unique(sheet.triangles), outline)
    used = np.concatenate([outline, rest_of_them]).astype(np.int64)
    number = np.full(len(vertices), -1, np.int64)
    number[used] = np.arange(len(used))
    height, width = sheet.texture.shape[:2]
    uvs = (mesh.vertices_xy[used] - sheet.origin_xy) / (width, height)
    return {
        "type": "mesh",
        "uvs": np.round(uvs, 5).reshape(-1).tolist(),
        "triangles": number[sheet.triangles].reshape(-1).tolist(),
        "vertices": _weighted(vertices[used], weights[used], skeleton, rest),
        "hull": len(outline),
        "width": width,
        "height": height,
    }


def _weighted(
    vertices: NDArray[np.float64],
    weights: NDArray[np.float64],
    skeleton: Skeleton,
    rest: NDArray[np.float64],
) -> list[float]:
    """For each vertex how many bones it follows, and for each its place in it, and how much."""
    starts, angles, _ = setup_frames(skeleton, rest)
    place_of = {joint: place for place, joint in enumerate(skeleton.depth_first)}
    c, s = np.cos(angles), np.sin(angles)
    away = vertices[:, None] - starts
    local = np.stack(
        [c * away[..., 0] + s * away[..., 1], c * away[..., 1] - s * away[..., 0]], axis=-1
    )
    written: list[float] = []
    for row in range(len(vertices)):
        bones = np.flatnonzero(weights[row])
        written.append(len(bones))
        for bone in bones:
            x, y = local[row, bone]
            share = weights[row, bone]
            written += [place_of[int(bone)], round(x, 3), round(y, 3), round(share, 5)]
    return [float(value) if isinstance(value, float) else int(value) for value in written]


def hull(triangles: NDArray[np.int32]) -> NDArray[np.int64]:
    """The vertices of the longest outline of a mesh, in order.

    Args:
        triangles: ``(T, 3)``, which turn the same way round.
    """
    ends = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    known = {(int(a), int(b)) for a, b in ends}
    following: dict[int, list[int]] = {}
    for a, b in ends.tolist():
        if (b, a) not in known:
            following.setdefault(a, []).append(b)
    longest: list[int] = []
    while following:
        start = next(iter(following))
        loop, here = [], start
        while here in following:
            loop.append(here)
            choices = following[here]
            there = choices.pop()
            if not choices:
                del following[here]
            here = there
        # Where outlines touch, a vertex may come twice; a hull names each once.
        loop = list(dict.fromkeys(loop))
        if len(loop) > len(longest):
            longest = loop
    return np.array(longest, np.int64)
