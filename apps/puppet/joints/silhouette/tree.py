"""Limbs of a silhouette: the paths from its middle to the ends that stick out farthest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from apps.puppet.joints.silhouette.shape import Shape

__all__ = ["Branch", "branches"]

_STEPS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5))
_MOST = 14
_CENTRED = 0.8  # how strongly paths keep to the middle of a limb


@dataclass(frozen=True, eq=False)
class Branch:
    """A path through a limb.

    Attributes:
        path_xy: ``float64`` ``(N, 2)`` cells, from where it leaves the rest to its tip.
        width: Distance to the outside where it leaves the rest: half of what it hangs from.
        length: Of the path, less that distance: how far it sticks out.
    """

    path_xy: NDArray[np.float64]
    width: float
    length: float

    @property
    def leaves(self) -> int:
        """Index of the point of its path where it leaves the inside of the rest."""
        outside = np.hypot(*(self.path_xy - self.path_xy[0]).T) >= 0.8 * self.width
        return int(outside.argmax()) if outside.any() else 0

    @property
    def tip(self) -> NDArray[np.float64]:
        """Its end."""
        return self.path_xy[-1]


def branches(
    shape: Shape,
    body: NDArray[np.bool_],
    spine_xy: tuple[tuple[float, float], tuple[float, float]],
    least: float,
) -> list[Branch]:
    """The limbs, the longest first.

    All cells are joined to the lower end of the spine by paths that keep to the middle. The spine
    is taken first, then, again and again, the path that leaves those taken for longest. What
    sticks out by less than the width of its base is no limb but a part of the outline.

    Args:
        shape: The silhouette.
        body: ``(h, w)``: the cells to search, not empty; what is joined to the rest through others
            only, such as hair, is not found.
        spine_xy: A cell in the middle of the body, and one in the neck; the nearest ones are taken.
        least: Length of the shortest limb to find, in cells.
    """
    ys, xs = np.nonzero(body)
    origin, neck = (int(np.argmin((xs - x) ** 2 + (ys - y) ** 2)) for x, y in spine_xy)
    parents, order, step = _paths(shape, ys, xs, origin)
    distance = shape.distance[ys, xs]
    length = np.zeros(len(xs))
    for node in order:  # parents first
        if parents[node] >= 0:
            length[node] = length[parents[node]] + step[node]
    taken = np.zeros(len(xs), np.bool_)
    taken[origin] = True
    if parents[neck] >= 0:
        taken[_way(neck, taken, parents)] = True
    leaves_at = _last_taken(taken, parents)
    found: list[Branch] = []
    for _ in range(_MOST):
        out = length - length[leaves_at] - distance[leaves_at]
        tip = int(np.argmax(out))
        if out[tip] < least:
            break
        path = _way(tip, taken, parents)
        taken[path] = True
        nodes = np.array(path[::-1])
        points = np.column_stack((xs[nodes], ys[nodes])).astype(np.float64)
        found.append(Branch(points, float(distance[nodes[0]]), float(out[tip])))
        leaves_at = _last_taken(taken, parents)
    return found


def _paths(
    shape: Shape, ys: NDArray[np.intp], xs: NDArray[np.intp], origin: int
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.float64]]:
    """For each cell the next one towards the origin; cells, near ones first; length of the step."""
    index = np.full(shape.inside.shape, -1)  # has an empty rim
    index[ys, xs] = np.arange(len(xs))
    cost = 1 / (0.5 + shape.distance) ** _CENTRED
    rows, columns, weights = [], [], []
    for dy, dx, far in _STEPS:
        other = index[ys + dy, xs + dx]
        joined = other >= 0
        rows.append(np.flatnonzero(joined))
        columns.append(other[joined])
        mean = (cost[ys, xs] + cost[ys + dy, xs + dx])[joined] / 2
        weights.append(far * mean)
    graph = sparse.coo_array(
        (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns))),
        shape=(len(xs), len(xs)),
    ).tocsr()
    far, parents = csgraph.dijkstra(graph, directed=False, indices=origin, return_predecessors=True)
    order = np.argsort(far, kind="stable")
    order = order[np.isfinite(far[order])]
    above = np.maximum(parents, 0)
    step = np.hypot(xs - xs[above], ys - ys[above])
    return parents, order, step


def _way(node: int, taken: NDArray[np.bool_], parents: NDArray[np.int32]) -> list[int]:
    """From a cell to the first one that is taken."""
    path = [node]
    while not taken[path[-1]]:
        path.append(int(parents[path[-1]]))
    return path


def _last_taken(taken: NDArray[np.bool_], parents: NDArray[np.int32]) -> NDArray[np.intp]:
    """For each cell the first one that is taken on its way to the origin."""
    last = np.where(taken, np.arange(len(taken)), np.maximum(parents, 0))
    while not taken[last].all():  # doubles the reach in every round
        following = last[last]
        if (following == last).all():  # pieces that touch by no edge
            break
        last = following
    return last
