"""Deforming a mesh as rigidly as possible.

After T. Igarashi and Y. Igarashi, "Implementing As-Rigid-As-Possible Shape Manipulation and Surface
Flattening", 2009: one linear system finds how each edge turns, a second one where the vertices go.
Points are complex numbers here: a rotation with a scale is one factor, and the first step of the
method, which finds it for each edge, one complex linear system instead of a real one of twice the
size. It is linear in the targets, so all that the frames need of it is a matrix.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.pins import Pins
from cartoonedit.errors import InvalidInput

__all__ = ["Arap", "mesh_edges", "moving_similarity"]

FAINT = 1e-9
"""Weight of the pull on every vertex, too small to be seen: nothing hangs loose at a hinge."""

TO_ORIGIN = 1e-8
"""Its weight in Animated Drawings, which so mends systems that are singular: those of meshes with
a vertex that no triangle has, as the meshes of its drawings have."""

LOOSE = 1e-2
"""Its weight in islands that two pins do not hold."""

FEW = 64
"""Up to as many pins a matrix says at once how they turn the edges; more are solved for."""

CHUNK = 1 << 17
"""Numbers of one kind that are worked on at once; more do not fit the cache."""

Complex = NDArray[np.complex128]


class Arap:
    """A mesh with pins, ready to be deformed.

    Islands with fewer than two pins, and whatever else the pins leave free, follow the pins that
    are near: :func:`moving_similarity`. Without any pin everything rests.

    Args:
        mesh: In rest. Vertices without a triangle and triangles without an area are allowed.
        pins: Where it is held.
        to_origin: Whether the faint pull on islands that are held goes to the origin and is
            :data:`TO_ORIGIN`, as in Animated Drawings, if it would pull at all: that moves the ends
            of long thin parts without a pin by some 0.02 % of the picture.
    """

    def __init__(self, mesh: Mesh, pins: Pins, *, to_origin: bool = True) -> None:
        self._rest = mesh.vertices_xy.copy().view(np.complex128)[:, 0]
        count = len(self._rest)
        held = np.repeat(np.arange(len(pins)), 3), pins.vertices.ravel()
        hold = sparse.csr_array((pins.barycentric.ravel(), held), (len(pins), count))
        first, last = mesh_edges(mesh).T
        self._edges = self._rest[last] - self._rest[first]
        ends = _incidence(first, last, count)
        similarity = _similarities(self._rest, first, last)

        held_fast = _held(ends, pins, hold @ self._rest)
        to_origin = to_origin and len(np.unique(mesh.triangles)) < count
        pull = np.where(held_fast, TO_ORIGIN if to_origin else FAINT, LOOSE)
        follow = np.where(held_fast & to_origin, 0, pull)
        follow[_pinned_alone(pins)] = 0  # in need of no pull
        led = np.flatnonzero(follow)
        towards, shift = moving_similarity(self._rest[led], hold @ self._rest)
        lead = sparse.csr_array((follow[led], (led, np.arange(len(led)))), (count, len(led)))
        pinned = hold.T @ sparse.diags_array(pins.weights**2)
        forces = pinned + lead @ sparse.csr_array(towards)
        self._shift = lead @ shift
        inner = pinned @ hold + sparse.diags_array(pull)
        # Step 1, (vj' - vi') - e g v' = 0.
        residual = ends - sparse.diags_array(self._edges) @ similarity
        first_step = _factorised(residual.conj().T @ residual + inner)
        self._turns: tuple[Complex, Complex] | tuple[sparse.csr_array, SuperLU]
        if len(pins) <= FEW:
            loads = np.column_stack([forces.toarray(), self._shift])
            turn = similarity @ first_step.solve(loads.astype(np.complex128))
            self._turns = turn[:, :-1], turn[:, -1:]
        else:
            self._turns = similarity, first_step
        # Step 2, vj' - vi' = R e.
        self._solve = _factorised(ends.T @ ends + inner)
        self._ends = ends.T.tocsr()
        self._forces = forces.toarray() if len(pins) <= FEW else forces.tocsr()

    def solve(self, targets_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Deform the mesh, for many frames at once.

        Args:
            targets_xy: ``(F, P, 2)``: where the pins shall be.

        Returns:
            ``float64`` ``(F, V, 2)``: where the vertices are.

        Raises:
            InvalidInput: The targets are not of that shape or not finite.
        """
        targets = np.ascontiguousarray(targets_xy, np.float64)
        pins = self._forces.shape[1]
        if targets.ndim != 3 or targets.shape[1:] != (pins, 2):
            raise InvalidInput(
                f"targets must have the shape (F, {pins}, 2); got {np.shape(targets_xy)}."
            )
        if not np.isfinite(targets).all():
            raise InvalidInput("targets of pins must be finite; got a value that is not.")
        points = targets[..., 0] + 1j * targets[..., 1]
        result = np.empty((len(points), len(self._rest), 2))
        chunk = max(1, CHUNK // max(1, len(self._edges), len(self._rest)))
        for start in range(0, len(points), chunk):
            result[start : start + chunk] = self._frames(points[start : start + chunk].T)
        return result

    def _frames(self, targets: Complex) -> NDArray[np.float64]:
        """Targets ``(P, F)`` to vertices ``(F, V, 2)``."""
        pulls = self._forces @ targets + self._shift[:, None]
        first, second = self._turns
        if isinstance(second, np.ndarray):
            factor = first @ targets + second
        else:
            factor = first @ second.solve(pulls)
        size = np.abs(factor)
        lost = size <= 1e-12
        if lost.any():
            factor[lost] = size[lost] = 1
        factor /= size
        factor *= self._edges[:, None]
        forces = self._ends @ factor + pulls
        both = np.concatenate([forces.real, forces.imag], axis=1)
        solved = self._solve.solve(both)
        return np.stack(np.split(solved.T, 2), axis=-1)


def mesh_edges(mesh: Mesh) -> NDArray[np.int64]:
    """The edges ``(E, 2)`` of a mesh, each once, the smaller vertex first, in their order."""
    sides = np.sort(mesh.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1).astype(np.int64)
    sides = sides[sides[:, 0] != sides[:, 1]]
    count = len(mesh.vertices_xy)
    return np.stack(np.divmod(np.unique(sides @ [count, 1]), count), axis=1)


def moving_similarity(rest: Complex, pins: Complex) -> tuple[Complex, Complex]:
    """Where each vertex goes with the pins near it: the similarity that fits them best.

    After S. Schaefer, T. McPhail, J. Warren, "Image Deformation Using Moving Least Squares", 2006.

    Args:
        rest: ``(V,)``, the vertices in rest.
        pins: ``(P,)``, the pins in rest.

    Returns:
        ``C`` ``(V, P)`` and ``c`` ``(V,)``: with pins at ``t`` the vertices go to ``C @ t + c``.
        Pins at one point move everything alike; without pins everything rests.
    """
    if not len(pins):
        return np.zeros((len(rest), 0), np.complex128), rest
    offset = pins[None] - rest[:, None]
    everything = np.concatenate([rest, pins])
    extent = np.ptp(everything.real) + np.ptp(everything.imag) + 1e-30
    weight = 1 / (np.abs(offset) ** 2 + (1e-3 * extent) ** 2)
    weight /= weight.sum(axis=1, keepdims=True)
    centre = (weight * offset).sum(axis=1)  # relative to the vertex
    spread = offset - centre[:, None]
    moment = (weight * np.abs(spread) ** 2).sum(axis=1)
    turns = moment > (1e-6 * extent) ** 2
    # v -> t* + (v - p*) sum w conj(p - p*) t / sum w |p - p*|²
    gain = np.where(turns, -centre / np.where(turns, moment, 1), 0)
    return weight * (1 + gain[:, None] * spread.conj()), np.where(turns, 0, -centre)


def _incidence(first: NDArray[np.int64], last: NDArray[np.int64], count: int) -> sparse.csr_array:
    """Positions of vertices to differences along edges."""
    edges = np.arange(len(first))
    values = np.concatenate([-np.ones(len(first)), np.ones(len(first))])
    place = np.concatenate([edges, edges]), np.concatenate([first, last])
    return sparse.csr_array((values, place), (len(first), count))


def _similarities(
    rest: Complex, first: NDArray[np.int64], last: NDArray[np.int64]
) -> sparse.csr_array:
    """Positions ``(V,)`` to the factor of each edge ``(E,)``.

    It fits the edge (i, j) and the way from i to every vertex that is a neighbour of both.
    """
    count, edges = len(rest), np.arange(len(first))
    both = np.concatenate([first, last]), np.concatenate([last, first])
    adjacent = sparse.csr_array((np.ones(2 * len(first)), both), (count, count))
    opposite = (adjacent[first] * adjacent[last]).tocoo()
    edge = np.concatenate([edges, opposite.coords[0]])
    other = np.concatenate([last, opposite.coords[1]])
    start = first[edge]
    offset = rest[other] - rest[start]
    total = np.bincount(edge, np.abs(offset) ** 2, len(edges))
    factor = offset.conj() / np.where(total > 0, total, 1)[edge]
    place = np.concatenate([edge, edge]), np.concatenate([other, start])
    values = np.concatenate([factor, -factor])
    return sparse.csr_array((values, place), (len(edges), count))


def _held(ends: sparse.csr_array, pins: Pins, points: Complex) -> NDArray[np.bool_]:
    """Which vertices ``(V,)`` are of an island with pins at two points or more."""
    islands, island = connected_components(abs(ends).T @ abs(ends), directed=False)
    of_pin = island[pins.vertices[:, 0]]
    counted = (pins.weights > 0) & (island[pins.vertices] == of_pin[:, None]).all(axis=1)
    spans = []
    for value in (points.real[counted], points.imag[counted]):
        low, high = np.full(islands, np.inf), np.full(islands, -np.inf)
        np.minimum.at(low, of_pin[counted], value)
        np.maximum.at(high, of_pin[counted], value)
        spans.append(high - low)
    typical = np.abs(points - points.mean()).max() if len(points) else 0.0
    return (np.maximum(*spans) > 1e-6 * typical)[island]


def _pinned_alone(pins: Pins) -> NDArray[np.int64]:
    """The vertices at which there is a pin that no other vertex shares."""
    alone = (np.ptp(pins.vertices, axis=1) == 0) & (pins.weights > 1e-3)
    return pins.vertices[alone, 0]


def _factorised(matrix: sparse.csr_array) -> SuperLU:
    options = {"SymmetricMode": True}
    return splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
