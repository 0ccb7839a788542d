"""Moving the mesh of a puppet with its skeleton."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from apps.puppet.mesh.arap import Arap, mesh_edges
from apps.puppet.mesh.bones import BoneFrames
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.pins import Pins, barycentric, containing, vertex_pins
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput, shown

__all__ = ["STIFFNESS", "Deformer"]

STIFFNESS: Mapping[str, float] = {"neck": 0.6, "head": 0.6, "torso": 0.25, "hip": 0.25}
"""How stiffly bones carry what is around them; 0 is like rubber, 1 like wood."""

LIMB = 0.12
"""The stiffness of all others."""

JOINT = 10.0
"""Weight of a joint, where an edge has 1."""

BONE = 1.0
"""Weight of the points along a bone, which keep limbs straight."""

STIFF = 0.5
"""From this stiffness on the last bone of a branch does not stretch: a head keeps its face."""

BEND = 0.2
"""The share of a bone at either end that may bend."""


class Deformer:
    """A mesh that follows a skeleton.

    Each vertex is drawn to where its own bone carries it, as strongly as the bone is stiff, and
    all of them move as rigidly as possible. A joint holds each sheet that one of its bones owns a
    part of, and nothing else: a hand before the trunk does not take hold of the trunk.

    Args:
        mesh: In rest, in pixels of the picture. It may be of several sheets, over each other too,
            and of any number of islands.
        bones: ``(V,)``: the joint at the far end of the bone that each vertex belongs to.
        skeleton: In rest.
        stiffness: Of bones by name, 0 to 1; for those not in it :data:`STIFFNESS` holds.

    Raises:
        InvalidInput: There is not one bone for each vertex, a bone is not in the skeleton, or a
            stiffness is out of range.
    """

    def __init__(
        self,
        mesh: Mesh,
        bones: NDArray[np.integer],
        skeleton: Skeleton,
        stiffness: Mapping[str, float] | None = None,
    ) -> None:
        bones = np.asarray(bones)
        _check(mesh, bones, skeleton, stiffness or {})
        self._rest, self._skeleton = mesh.vertices_xy.copy(), skeleton
        stiff = np.array([(stiffness or {}).get(n, STIFFNESS.get(n, LIMB)) for n in skeleton.names])
        leaves = np.array([not below for below in skeleton.children], np.bool_)
        self._rigid = leaves & (stiff >= STIFF)
        self._rigid[skeleton.root] = True
        soft = vertex_pins(np.arange(len(bones)), np.maximum(stiff, 0.01)[bones])
        hard, of_bone = _hard_pins(mesh, bones, skeleton)
        pins = soft.joined(hard)
        self._points = pins.points_xy(mesh.vertices_xy)
        self._bones = np.concatenate([bones, of_bone]).astype(np.int64)
        self._arap = Arap(mesh, pins, to_origin=False)
        at_rest = self._solve(skeleton.points_xy[None])[0]
        self._error = at_rest - self._rest

    def deform(self, joints_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Move the mesh, for many frames at once.

        Args:
            joints_xy: ``(F, J, 2)``: where the joints are, in the order of the skeleton.

        Returns:
            ``float64`` ``(F, V, 2)``: where the vertices are. Joints in rest give the very mesh.

        Raises:
            InvalidInput: The joints are not of that shape or not finite.
        """
        joints = np.asarray(joints_xy, np.float64)
        if joints.ndim != 3 or joints.shape[1:] != (len(self._skeleton), 2):
            raise InvalidInput(
                f"joints must have the shape (F, {len(self._skeleton)}, 2); got {joints.shape}."
            )
        if not np.isfinite(joints).all():
            raise InvalidInput("joints must have finite coordinates; got one that has not.")
        moved = np.empty((len(joints), *self._rest.shape))
        chunk = max(1, (1 << 18) // max(1, len(self._points)))
        for start in range(0, len(joints), chunk):
            part = joints[start : start + chunk]
            moved[start : start + chunk] = self._solve(part) - self._error
        moved[(joints == self._skeleton.points_xy).all(axis=(1, 2))] = self._rest
        return moved

    def _solve(self, joints_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        frames = BoneFrames(self._skeleton, joints_xy, self._rigid)
        return self._arap.solve(frames.carry(self._points, self._bones))


def _check(
    mesh: Mesh, bones: NDArray[np.integer], skeleton: Skeleton, stiffness: Mapping[str, float]
) -> None:
    count = len(mesh.vertices_xy)
    if bones.shape != (count,) or not np.issubdtype(bones.dtype, np.integer):
        raise InvalidInput(
            f"bones must hold an integer for each of {count} vertices; got {bones.shape} of"
            f" {bones.dtype}."
        )
    if count and not (bones.min() >= 0 and bones.max() < len(skeleton)):
        raise InvalidInput(
            f"bones must be indices of the {len(skeleton)} joints; got {bones.min()} to"
            f" {bones.max()}."
        )
    for name, value in stiffness.items():
        if not 0 <= value <= 1:
            raise InvalidInput(f"the stiffness of {name!r} must be 0 to 1; got {shown(value)}.")


# ---------------------------------------------------------------- what holds the mesh


def _hard_pins(
    mesh: Mesh, bones: NDArray[np.integer], skeleton: Skeleton
) -> tuple[Pins, NDArray[np.int64]]:
    """Pins at the joints and along the bones, one in each island there; and the bone of each."""
    places = _places(mesh, skeleton)
    of_corner, island = bones[mesh.triangles], _islands(mesh)[mesh.triangles[:, 0]]
    vertices, points, owners, weights = [], [], [], []
    for owner, touching, weight, where in places:
        candidates = np.flatnonzero(np.isin(of_corner, touching).all(axis=1))
        for each in np.unique(island[candidates]):
            there = mesh.triangles[candidates[island[candidates] == each]]
            triangle = containing(Mesh(mesh.vertices_xy, there), where)
            found = triangle >= 0
            vertices.append(there[triangle[found]])
            points.append(where[found])
            owners.append(np.full(np.count_nonzero(found), owner))
            weights.append(np.full(np.count_nonzero(found), weight))
    if not vertices:
        nothing = np.zeros((0, 3))
        return Pins(nothing.astype(np.int64), nothing, nothing[:, 0]), np.zeros(0, np.int64)
    corners = np.concatenate(vertices).astype(np.int64)
    shares = barycentric(mesh.vertices_xy[corners], np.concatenate(points))
    return Pins(corners, shares, np.concatenate(weights)), np.concatenate(owners)


def _places(
    mesh: Mesh, skeleton: Skeleton
) -> list[tuple[int, list[int], float, NDArray[np.float64]]]:
    """Bone, bones whose triangles may be held, weight and points, for each joint and each bone."""
    edges = mesh_edges(mesh)
    step = np.linalg.norm(np.diff(mesh.vertices_xy[edges], axis=1)[:, 0], axis=1)
    typical = float(np.median(step)) if len(step) else 1.0
    places = []
    for joint, parent in enumerate(skeleton.parents):
        end = skeleton.points_xy[joint]
        # Coincident joints are held once.
        if not (skeleton.points_xy[:joint] == end).all(axis=1).any():
            same = np.flatnonzero((skeleton.points_xy == end).all(axis=1))
            touching = [*same, *(child for each in same for child in skeleton.children[each])]
            places.append((joint, touching, JOINT, end[None]))
        if parent < 0:
            continue
        start = skeleton.points_xy[parent]
        count = min(20, int(np.linalg.norm(end - start) / typical))
        if count:
            along = np.linspace(BEND, 1 - BEND, count)[:, None]
            places.append((joint, [joint], BONE, start + (end - start) * along))
    return places


def _islands(mesh: Mesh) -> NDArray[np.int32]:
    """The number of the island of each vertex."""
    edges, count = mesh_edges(mesh), len(mesh.vertices_xy)
    joined = sparse.csr_array((np.ones(len(edges)), tuple(edges.T)), (count, count))
    return connected_components(joined, directed=False)[1]
