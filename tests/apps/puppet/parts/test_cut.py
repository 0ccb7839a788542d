"""Meshes that are slit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts.cut import cut_mesh, extend, neighbours
from apps.puppet.parts.limbs import find_limbs
from apps.puppet.parts.seams import Seams
from apps.puppet.skeleton import Skeleton

# A strip of squares, two triangles each, in two rows: the upper one an arm, the lower one a body.
COLUMNS = 6


def strip() -> Mesh:
    x, y = np.meshgrid(np.arange(COLUMNS + 1) * 10.0, np.arange(3) * 10.0)
    triangles = []
    for row in range(2):
        for column in range(COLUMNS):
            a = row * (COLUMNS + 1) + column
            b, c, d = a + 1, a + COLUMNS + 1, a + COLUMNS + 2
            triangles += [(a, b, c), (b, d, c)]
    return Mesh(np.column_stack([x.ravel(), y.ravel()]), np.array(triangles, np.int32))


def most_triangles_of_an_edge(triangles: NDArray[np.int32]) -> int:
    edges = Counter(
        frozenset((int(t[i]), int(t[i - 1])))
        for t in np.unique(triangles, axis=0)
        for i in range(3)
    )
    return max(edges.values())


@pytest.fixture
def arm_on_body() -> tuple[Skeleton, NDArray[np.int32], NDArray[np.int32]]:
    skeleton = Skeleton.build(
        {"root": (30, 20), "torso": (3, 15), "elbow": (30, 5), "hand": (60, 5)},
        {"root": None, "torso": "root", "elbow": "torso", "hand": "elbow"},
    )
    bones = np.repeat([skeleton.index["elbow"], skeleton.index["torso"]], 2 * COLUMNS)
    sheets = np.repeat(np.array([[1], [0]], np.int32), [10, 10], axis=0).repeat(60, axis=1)
    return skeleton, bones.astype(np.int32), sheets


def seams_of(skeleton: Skeleton, sheets: NDArray[np.int32], width: float, *, cut: bool) -> Seams:
    return Seams(skeleton, find_limbs(skeleton), sheets, np.full(4, width), cut=cut)


def test_edges_know_both_triangles() -> None:
    mesh = strip()
    pairs = neighbours(mesh.triangles)
    assert len(pairs) == 12 + 10 + 6  # within squares, beside them, and between the rows
    for one, other in pairs:
        ends = [{int(v) for v in mesh.triangles[side[0], side[1:]]} for side in (one, other)]
        assert ends[0] == ends[1]
        assert one[0] != other[0]


@pytest.mark.parametrize("cut", [True, False])
def test_only_what_is_not_joined_is_slit(arm_on_body, cut: bool) -> None:  # type: ignore[no-untyped-def]
    skeleton, bones, sheets = arm_on_body
    bones[:] = [skeleton.index["hand"] if b == skeleton.index["elbow"] else b for b in bones]
    pieces = cut_mesh(strip(), bones, seams_of(skeleton, sheets, 10.0, cut=cut))
    twice = Counter(pieces.origin.tolist())
    doubled = sorted(int(strip().vertices_xy[v, 0]) for v, n in twice.items() if n == 2)
    # Around the joint at x = 3 they stay together.
    assert doubled == ([30, 40, 50, 60] if cut else [])
    assert max(twice.values()) <= 2
    assert len(pieces.triangles) == len(strip().triangles)


@pytest.mark.parametrize("shared", [True, False])
def test_a_sheet_reaches_beyond_a_slit_on_triangles_of_its_own(arm_on_body, shared: bool) -> None:  # type: ignore[no-untyped-def]
    skeleton, bones, sheets = arm_on_body
    bones[:] = [skeleton.index["hand"] if b == skeleton.index["elbow"] else b for b in bones]
    pieces = cut_mesh(strip(), bones, seams_of(skeleton, sheets, 10.0, cut=True))
    before = len(pieces.triangles)
    own = bones == skeleton.index["hand"]
    wanted = np.flatnonzero(~own)
    nearest = np.full(len(wanted), skeleton.index["hand"], np.int32)
    got = extend(pieces, own, wanted, nearest, np.full(len(wanted), shared))
    places = strip().vertices_xy[strip().triangles[wanted]]
    np.testing.assert_array_equal(pieces.vertices_xy[got], places)
    assert most_triangles_of_an_edge(pieces.triangles) == 2
    body = set(pieces.triangles[:before][~own].ravel().tolist())
    beyond = got[pieces.vertices_xy[got][..., 0].min(axis=1) > 30]
    assert (len(pieces.triangles) == before) is shared
    assert set(beyond.ravel().tolist()).isdisjoint(body) is not shared
