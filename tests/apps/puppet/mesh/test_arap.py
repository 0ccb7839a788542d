from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from apps.puppet.mesh.arap import Arap, mesh_edges, moving_similarity
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.pins import Pins, pins_inside, vertex_pins
from apps.puppet.mesh.triangulate import triangulate
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.mesh.masks import figure, noise

Points = NDArray[np.float64]


def square(count: int = 6, origin: float = 0) -> Mesh:
    """A grid of ``count`` x ``count`` vertices, one pixel apart."""
    column, row = np.meshgrid(np.arange(count), np.arange(count))
    index = (row * count + column)[:-1, :-1].ravel()
    lower = np.stack([index, index + 1, index + count], axis=1)
    upper = np.stack([index + 1, index + count + 1, index + count], axis=1)
    points = np.stack([column.ravel(), row.ravel()], axis=1) + origin
    return Mesh(points.astype(np.float64), np.concatenate([lower, upper]).astype(np.int32))


def together(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0] + [len(mesh.vertices_xy) for mesh in meshes])
    return Mesh(
        np.concatenate([mesh.vertices_xy for mesh in meshes]),
        np.concatenate([m.triangles + s for m, s in zip(meshes, starts, strict=False)]).astype(
            np.int32
        ),
    )


def rotated(points: Points, degrees: float, shift: tuple[float, float] = (0, 0)) -> Points:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cos, sin], [-sin, cos]]) + shift


@pytest.mark.parametrize("case", ["test1", "test2", "test3", "rand60", "rand300"])
def test_small_meshes_as_in_animated_drawings(shared: Path, case: str) -> None:
    with np.load(shared / "fixtures/puppet/arap.npz") as known:
        data = {key.removeprefix(f"{case}_"): known[key] for key in known if case in key}
    mesh = Mesh(data["vertices"], data["triangles"])
    pins, inside = pins_inside(mesh, data["pins"])
    assert (inside == data["pin_mask"]).all()
    for to_origin in (True, False):
        arap = Arap(mesh, pins, to_origin=to_origin)
        moved = arap.solve(data["targets"][None, inside])[0]
        np.testing.assert_allclose(moved, data["out_f64"], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("char1_dab", 1e-4),
        ("char1_jumping_jacks", 1e-4),
        ("char1_zombie", 1e-4),
        ("char1_zombie_spf", 1e-4),
        ("char5_six_arms_dab", 3e-4),  # the pull to the origin shows at its feelers
    ],
)
def test_characters_as_in_animated_drawings(shared: Path, name: str, bare: float) -> None:
    with np.load(shared / f"fixtures/puppet/{name}.npz") as known:
        mesh = Mesh(known["mesh_vertices"].astype(np.float64), known["mesh_triangles"])
        rest, targets, expected = known["rest_xy"], known["pins"], known["arap_f64"]
        mask = known["pin_mask"]
    pins, inside = pins_inside(mesh, rest)
    assert (inside == mask).all()
    used = np.unique(mesh.triangles)
    for to_origin, tolerance in ((True, 1e-7), (False, bare)):
        moved = Arap(mesh, pins, to_origin=to_origin).solve(targets[:, inside])
        np.testing.assert_allclose(moved[:, used], expected[:, used], atol=tolerance)


def least_squares(mesh: Mesh, pins: Pins, targets: Points) -> Points:
    """Both steps of the method, row by row, for one frame."""
    rest, edges = mesh.vertices_xy, mesh_edges(mesh)
    count = len(rest)
    near = [set[int]() for _ in rest]
    for i, j in edges:
        near[i].add(int(j))
        near[j].add(int(i))
    first, turns = np.zeros((2 * len(edges), 2 * count)), []
    for row, (i, j) in enumerate(edges):
        others = [j, *(near[i] & near[j])]
        known = np.concatenate([[[x, y], [y, -x]] for x, y in rest[others] - rest[i]])
        moves = np.zeros((2 * len(others), 2 * count))
        for k, other in enumerate(others):
            for axis in (0, 1):
                moves[2 * k + axis, 2 * other + axis] += 1
                moves[2 * k + axis, 2 * i + axis] -= 1
        turns.append(np.linalg.pinv(known) @ moves)
        x, y = rest[j] - rest[i]
        first[2 * row : 2 * row + 2] = moves[:2] - np.array([[x, y], [y, -x]]) @ turns[-1]
    hold = np.zeros((len(pins), count))
    for row, (corners, shares) in enumerate(zip(pins.vertices, pins.barycentric, strict=True)):
        hold[row, corners] += 1000 * shares
    rows = np.concatenate([first, np.kron(hold, np.eye(2))])
    goal = np.concatenate([np.zeros(len(first)), 1000 * targets.ravel()])
    moved = np.linalg.lstsq(rows, goal)[0]
    ends, wanted = np.zeros((len(edges), count)), np.zeros((len(edges), 2))
    for row, (i, j) in enumerate(edges):
        ends[row, j], ends[row, i] = 1, -1
        c, s = turns[row] @ moved / np.linalg.norm(turns[row] @ moved)
        wanted[row] = np.array([[c, s], [-s, c]]) @ (rest[j] - rest[i])
    rows, goals = np.concatenate([ends, hold]), np.concatenate([wanted, 1000 * targets])
    return np.linalg.lstsq(rows, goals)[0]


@pytest.mark.parametrize("seed", range(6))
def test_without_loose_vertices_it_is_the_very_minimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (40, 2))
    points[:8, 0] += 4 * rng.random()  # thin parts
    mesh = Mesh(points, Delaunay(points).simplices.astype(np.int32))
    pins, _ = pins_inside(mesh, rng.uniform(0.3, 0.7, (4, 2)))
    targets = pins.points_xy(points) + rng.normal(0, 0.2, (len(pins), 2))
    moved = Arap(mesh, pins).solve(targets[None])[0]
    np.testing.assert_allclose(moved, least_squares(mesh, pins, targets), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(0, 8),
    blur=st.sampled_from([0, 2, 5]),
    degrees=st.floats(-180, 180),
)
def test_any_mask_with_any_pins_rests_and_moves_rigidly(
    seed: int, count: int, blur: float, degrees: float
) -> None:
    rng = np.random.default_rng(seed)
    mesh = triangulate(noise(rng.uniform(0.02, 0.7), 40, blur, seed), spacing=6)
    joints = rng.uniform(-5, 45, (count, 2)).round(int(rng.integers(0, 3)))
    pins, _ = pins_inside(mesh, joints)
    rest = pins.points_xy(mesh.vertices_xy)
    turned = rotated(rest, degrees, (30, -7))
    crazy = rng.uniform(-100, 100, rest.shape)
    at_rest, turn, torn = Arap(mesh, pins).solve(np.stack([rest, turned, crazy]))
    np.testing.assert_allclose(at_rest, mesh.vertices_xy, atol=1e-6)
    assert np.isfinite(torn).all()
    if len(np.unique(rest.round(6), axis=0)) >= 2:
        expected = rotated(mesh.vertices_xy, degrees, (30, -7))
        np.testing.assert_allclose(turn, expected, atol=1e-3)


@pytest.mark.parametrize("far", [30, 300])
def test_an_island_without_pins_follows_those_that_are_near(far: float) -> None:
    mesh = together(square(), square(3, origin=far))
    pins, _ = pins_inside(mesh, np.array([[1.2, 1.1], [4.1, 3.9]]))
    rest = pins.points_xy(mesh.vertices_xy)
    moved = Arap(mesh, pins).solve(rotated(rest, 90, (3, 4))[None])[0]
    np.testing.assert_allclose(moved, rotated(mesh.vertices_xy, 90, (3, 4)), atol=1e-4 * far)


@pytest.mark.parametrize("points", [[[2.2, 2.3]], [[2.2, 2.3], [2.2, 2.3]]])
def test_pins_at_one_point_move_everything_alike(points: list[list[float]]) -> None:
    mesh = square()
    pins, _ = pins_inside(mesh, np.array(points))
    moved = Arap(mesh, pins).solve(np.array(points)[None] + np.array([5, -3]))[0]
    np.testing.assert_allclose(moved, mesh.vertices_xy + np.array([5, -3]), atol=1e-6)


def test_without_pins_everything_rests() -> None:
    mesh = square()
    pins, _ = pins_inside(mesh, np.array([[-3.0, 40.0]]))
    assert len(pins) == 0
    np.testing.assert_allclose(
        Arap(mesh, pins).solve(np.zeros((2, 0, 2))), np.stack([mesh.vertices_xy] * 2), atol=1e-9
    )


def test_triangles_without_area_and_lone_vertices_do_no_harm() -> None:
    mesh = square()
    extra = np.array([[0, 0], [2, 2], [50, 50]], np.float64)
    flat = np.array([[36, 36, 36], [36, 0, 0], [0, 1, 2], [36, 37, 0]], np.int32)
    mesh = Mesh(np.concatenate([mesh.vertices_xy, extra]), np.concatenate([mesh.triangles, flat]))
    pins, _ = pins_inside(mesh, np.array([[1.2, 1.1], [4.1, 3.9]]))
    rest = pins.points_xy(mesh.vertices_xy)
    moved = Arap(mesh, pins, to_origin=False).solve(np.stack([rest, rotated(rest, 30)]))
    np.testing.assert_allclose(moved[0], mesh.vertices_xy, atol=1e-6)
    np.testing.assert_allclose(moved[1], rotated(mesh.vertices_xy, 30), atol=1e-4)


def test_a_strong_pin_wins_over_a_weak_one() -> None:
    mesh = square()
    strong = vertex_pins(np.array([0, 35]), 100.0)
    pins = strong.joined(vertex_pins(np.array([35]), 1.0))
    rest = pins.points_xy(mesh.vertices_xy)
    moved = Arap(mesh, pins).solve((rest + np.array([[0, 0], [0, 0], [9, 9]]))[None])[0]
    np.testing.assert_allclose(moved[[0, 35]], rest[:2], atol=0.01)


def test_frames_do_not_depend_on_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    mesh = triangulate(figure(), 20)
    pins, _ = pins_inside(mesh, np.array([[100, 50], [100, 170], [20, 165], [140, 270]]))
    rng = np.random.default_rng(0)
    targets = pins.points_xy(mesh.vertices_xy) + rng.normal(0, 20, (7, len(pins), 2))
    arap = Arap(mesh, pins)
    together_ = arap.solve(targets)
    monkeypatch.setattr("apps.puppet.mesh.arap.CHUNK", 1000)
    np.testing.assert_allclose(together_, arap.solve(targets), atol=1e-9)
    np.testing.assert_allclose(together_[3], arap.solve(targets[3:4])[0], atol=1e-9)


@pytest.mark.parametrize(
    "targets", [np.zeros((2, 3, 2)), np.zeros((2, 2)), np.full((1, 2, 2), np.nan)]
)
def test_targets_that_are_none_are_refused(targets: Points) -> None:
    mesh = square()
    pins, _ = pins_inside(mesh, np.array([[1.2, 1.1], [4.1, 3.9]]))
    with pytest.raises(InvalidInput):
        Arap(mesh, pins).solve(targets)


def test_edges_are_there_once() -> None:
    assert mesh_edges(square(2)).tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]


def test_a_similarity_of_all_pins_moves_all_vertices() -> None:
    rng = np.random.default_rng(0)
    rest, pins = (rng.normal(size=(n, 2)).view(np.complex128)[:, 0] for n in (9, 4))
    towards, shift = moving_similarity(rest, pins)
    factor, offset = 1.3 * np.exp(0.7j), 2 - 3j
    np.testing.assert_allclose(towards @ (factor * pins + offset) + shift, factor * rest + offset)


@pytest.mark.parametrize(
    ("point", "expected"),
    [((0.2, 0.2), 0), ((0.8, 0.9), 1), ((0.5, 0.5), 0), ((0, 0), 0), ((1, 1), 1), ((2, 0), None)],
)
def test_a_pin_lies_in_the_first_triangle_around_it(
    point: tuple[float, float], expected: int | None
) -> None:
    mesh = square(2)
    pins, inside = pins_inside(mesh, np.array([point]))
    assert bool(inside[0]) == (expected is not None)
    if expected is not None:
        assert pins.vertices.tolist() == [mesh.triangles[expected].tolist()]
        np.testing.assert_allclose(pins.points_xy(mesh.vertices_xy), [point])


def test_pins_move_with_the_vertices() -> None:
    mesh = square(2)
    pins = Pins(np.array([[0, 1, 2]]), np.array([[0.5, 0.25, 0.25]]), np.ones(1))
    frames = np.stack([mesh.vertices_xy, mesh.vertices_xy * 2 + 1])
    np.testing.assert_allclose(pins.points_xy(frames), [[[0.25, 0.25]], [[1.5, 1.5]]])
