"""Where a mesh is held: points inside of its triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh

__all__ = ["Pins", "barycentric", "containing", "pins_inside", "vertex_pins"]


@dataclass(frozen=True, eq=False)
class Pins:
    """Points of a mesh, each a weighted mean of three vertices.

    Attributes:
        vertices: ``int64`` ``(P, 3)``.
        barycentric: ``float64`` ``(P, 3)``; each row adds up to 1. With a negative one the pin
            lies outside of its triangle.
        weights: ``float64`` ``(P,)``: how strongly each is held; an edge of the mesh has 1.
    """

    vertices: NDArray[np.int64]
    barycentric: NDArray[np.float64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vertices)

    def points_xy(self, vertices_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where the pins are, ``(..., P, 2)``, on a mesh with vertices ``(..., V, 2)``."""
        return np.einsum("...pkc,pk->...pc", vertices_xy[..., self.vertices, :], self.barycentric)

    def joined(self, other: Pins) -> Pins:
        """These pins, then the other ones."""
        return Pins(
            np.concatenate([self.vertices, other.vertices]),
            np.concatenate([self.barycentric, other.barycentric]),
            np.concatenate([self.weights, other.weights]),
        )


def vertex_pins(vertices: NDArray[np.integer], weights: NDArray[np.floating] | float) -> Pins:
    """Pins at vertices ``(P,)``."""
    of = np.repeat(np.asarray(vertices, np.int64)[:, None], 3, axis=1)
    barycentric = np.tile(np.array([1.0, 0.0, 0.0]), (len(of), 1))
    return Pins(of, barycentric, np.broadcast_to(np.asarray(weights, np.float64), len(of)).copy())


def pins_inside(
    mesh: Mesh, points_xy: NDArray[np.floating], weight: float = 1000.0
) -> tuple[Pins, NDArray[np.bool_]]:
    """Pin the points that lie in a mesh, as Animated Drawings does.

    Args:
        mesh: In rest.
        points_xy: ``(N, 2)``.
        weight: Of each pin.

    Returns:
        The pins, and which of the points they are, ``bool`` ``(N,)``.
    """
    points = np.asarray(points_xy, np.float64)
    triangle = containing(mesh, points)
    inside = triangle >= 0
    vertices = mesh.triangles[triangle[inside]].astype(np.int64)
    weights = barycentric(mesh.vertices_xy[vertices], points[inside])
    return Pins(vertices, weights, np.full(len(vertices), float(weight))), inside


def containing(mesh: Mesh, points_xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """The first triangle around each point, else the first that has it on its border, else -1."""
    found = np.full(len(points_xy), -1, np.int64)
    corners = mesh.vertices_xy[mesh.triangles]
    ends = np.roll(corners, -1, axis=1)
    flat = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) == 0
    for index, point in enumerate(points_xy):
        side = _cross(ends - corners, point - corners)
        low, high = side.min(axis=1), side.max(axis=1)
        around = np.flatnonzero((low > 0) | (high < 0))
        if not len(around):
            around = np.flatnonzero(((low >= 0) | (high <= 0)) & ~flat)
        if len(around):
            found[index] = around[0]
    return found


def barycentric(
    corners_xy: NDArray[np.float64], points_xy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights ``(N, 3)`` of the corners ``(N, 3, 2)`` that give the points ``(N, 2)``.

    The weights of a triangle without area are a third each.
    """
    a, b, c = np.moveaxis(corners_xy, 1, 0)
    area = _cross(b - a, c - a)
    safe = np.where(area == 0, 1.0, area)
    at_b = _cross(points_xy - a, c - a) / safe
    at_c = _cross(b - a, points_xy - a) / safe
    weights = np.stack([1 - at_b - at_c, at_b, at_c], axis=1)
    return np.where((area == 0)[:, None], 1 / 3, weights)


def _cross(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    return one[..., 0] * two[..., 1] - one[..., 1] * two[..., 0]
