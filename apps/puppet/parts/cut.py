"""Cutting a mesh open, and giving each sheet triangles under its neighbours.

Each triangle belongs to one bone. Where two that share an edge are not joined, the mesh is slit:
their vertices become two. A sheet reaches beyond its own triangles, by the soft edge of a cut or by
what a limb uncovers. Across a slit it gets copies of its neighbour's triangles that hang from its
own side of the slit; where it is joined it uses the same triangles. So no edge has more than two
triangles, and rigid solvers need not know about sheets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts.seams import Seams

__all__ = ["Pieces", "cut_mesh", "extend", "neighbours"]


@dataclass(eq=False)
class Pieces:
    """A mesh that grows while sheets get their triangles.

    Attributes:
        vertices_xy: ``float64`` ``(V, 2)``.
        triangles: ``int32`` ``(T, 3)``.
        bones: ``int32`` ``(V,)``, of the vertices.
        origin: ``int32`` ``(V,)``: the vertex of the uncut mesh at that place.
        edges: How many triangles have each edge, its smaller vertex first.
    """

    vertices_xy: NDArray[np.float64]
    triangles: NDArray[np.int32]
    bones: NDArray[np.int32]
    origin: NDArray[np.int32]
    edges: Counter[tuple[int, int]]


def neighbours(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """The edges that two triangles share.

    Returns:
        ``int32`` ``(E, 2, 3)``: for each of the two, the triangle and which corners, the smaller
        vertex first.
    """
    count = len(triangles)
    corners = np.array([(0, 1), (1, 2), (2, 0)])
    ends = triangles[:, corners].reshape(-1, 2)
    order = np.argsort(ends, axis=1, kind="stable")
    ends = np.take_along_axis(ends, order, axis=1)
    places = np.take_along_axis(np.tile(corners, (count, 1)), order, axis=1)
    rows = np.column_stack([np.repeat(np.arange(count), 3), places])
    by_edge = np.lexsort((ends[:, 1], ends[:, 0]))
    same = (ends[by_edge][1:] == ends[by_edge][:-1]).all(axis=1)
    first = np.flatnonzero(same)
    return np.stack([rows[by_edge[first]], rows[by_edge[first + 1]]], axis=1).astype(np.int32)


def cut_mesh(mesh: Mesh, bones: NDArray[np.int32], seams: Seams) -> Pieces:
    """Slit a mesh where triangles touch that are not joined.

    Args:
        mesh: Over the silhouette.
        bones: ``int32`` ``(T,)``, of its triangles.
        seams: Tell what is joined.

    Returns:
        Its triangles in the same order. Vertices that no triangle uses are left out.
    """
    triangles = mesh.triangles
    corner = np.arange(triangles.size).reshape(triangles.shape)
    pairs = neighbours(triangles)
    one, other = pairs[:, 0], pairs[:, 1]
    middle = mesh.vertices_xy[triangles[one[:, 0, None], one[:, 1:]]].mean(axis=1)
    kept = seams.joined(bones[one[:, 0]], bones[other[:, 0]], middle)
    # Corners at one vertex stay together where a way of joined edges leads around it.
    ends = [corner[side[kept, 0], side[kept, k]] for k in (1, 2) for side in (one, other)]
    start, stop = np.concatenate(ends[::2]), np.concatenate(ends[1::2])
    graph = coo_matrix((np.ones(len(start)), (start, stop)), shape=(triangles.size,) * 2)
    count, fans = connected_components(graph, directed=False)
    origin = np.zeros(count, np.int32)
    origin[fans] = triangles.reshape(-1)
    cut = fans.reshape(triangles.shape).astype(np.int32)
    votes = coo_matrix(
        (np.ones(cut.size), (cut.reshape(-1), np.repeat(bones, 3))),
        shape=(count, int(bones.max(initial=0)) + 1),
    )
    of_vertex = np.asarray(votes.toarray().argmax(axis=1), np.int32)
    edges = Counter(edge for triangle in cut.tolist() for edge in _edges(triangle))
    return Pieces(mesh.vertices_xy[origin], cut, of_vertex, origin, edges)


def _edges(triangle: Sequence[int]) -> list[tuple[int, int]]:
    a, b, c = sorted(triangle)
    return [(a, b), (a, c), (b, c)]


def extend(
    pieces: Pieces,
    own: NDArray[np.bool_],
    wanted: NDArray[np.intp],
    nearest: NDArray[np.int32],
    shared: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """Give a sheet the triangles that it reaches into.

    Args:
        pieces: Grow by the copies.
        own: ``bool`` ``(T,)``: which triangles of the cut mesh are the sheet's own.
        wanted: ``(N,)``: triangles of others.
        nearest: ``int32`` ``(N,)``: the bone of the sheet that is nearest to each.
        shared: ``bool`` ``(N,)``: whether the sheet is joined with it.

    Returns:
        ``int32`` ``(N, 3)``, the triangles for the sheet in place of the wanted ones.
    """
    uncut = pieces.origin[pieces.triangles[: len(own)]]
    mine: dict[int, int] = {}
    for vertex in np.unique(pieces.triangles[: len(own)][own]):
        mine.setdefault(int(pieces.origin[vertex]), int(vertex))
    result = pieces.triangles[wanted].copy()
    bones: list[int] = []
    origin: list[int] = []
    count = len(pieces.origin)
    for row in np.flatnonzero(~shared):
        corners = uncut[wanted[row]].tolist()
        fresh = {
            v: count + len(origin) + i for i, v in enumerate(v for v in corners if v not in mine)
        }
        copy = [fresh.get(vertex, mine.get(vertex, -1)) for vertex in corners]
        # At the end of a slit both sides still have an edge in common: there is no room between.
        same = sum(a == b for a, b in zip(copy, result[row], strict=True)) >= 2
        if same or any(pieces.edges[edge] >= 2 for edge in _edges(copy)):
            continue
        mine |= fresh
        origin += fresh
        bones += [int(nearest[row])] * len(fresh)
        pieces.edges.update(_edges(copy))
        result[row] = copy
    if origin:
        first = {int(vertex): place for place, vertex in reversed(list(enumerate(pieces.origin)))}
        places = pieces.vertices_xy[[first[vertex] for vertex in origin]]
        pieces.vertices_xy = np.concatenate([pieces.vertices_xy, places])
        pieces.bones = np.concatenate([pieces.bones, np.array(bones, np.int32)])
        pieces.origin = np.concatenate([pieces.origin, np.array(origin, np.int32)])
    copies = (result != pieces.triangles[wanted]).any(axis=1)
    pieces.triangles = np.concatenate([pieces.triangles, result[copies]])
    return result
