from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.classic.mesh import square_mask
from apps.puppet.classic.ownership import UNREACHED, classic_owners, far_to_near
from apps.puppet.mesh.mesh import Mesh
from tests.apps.puppet.classic.test_mesh import KNOWN, load_mask
from tests.apps.puppet.mesh.masks import noise


@pytest.mark.parametrize(("character", "case"), KNOWN)
def test_the_owners_and_the_order_of_animated_drawings(
    shared: Path, character: str, case: str
) -> None:
    mask = load_mask(shared, character)
    with np.load(shared / f"fixtures/puppet/{case}.npz") as file:
        known = dict(file)
    names = known["cfg_joint_names"].tolist()
    parents = [names.index(name) if name else -1 for name in known["cfg_joint_parents"]]
    joints = known["cfg_joint_loc01"] * [1, -1] + [0, 1]
    mesh = Mesh(known["mesh_vertices"].astype(np.float64), known["mesh_triangles"])
    owners, distances = classic_owners(square_mask(mask), joints, parents, mesh)
    assert (owners == known["tri_owner"]).all()
    order = far_to_near(owners, distances)
    assert [names[joint] for joint in order] == known["jt_names"].tolist()
    assert np.concatenate(list(order.values())).tolist() == known["jt_tri"].tolist()


def pixel_by_pixel(
    inside: NDArray[np.bool_], joints: NDArray[np.float64], parents: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The flood with one queue, as it is described."""
    size = len(inside)
    best = np.full((size, size), UNREACHED)
    owners = np.full((size, size), len(parents) - 1)
    queue: list[tuple[float, int, int, int]] = []
    for joint, parent in enumerate(parents):
        if parent >= 0:
            line = np.linspace(joints[joint], joints[parent], 20, endpoint=False) * size
            queue += [(0.0, joint, int(x), int(y)) for x, y in np.round(line)]
    while queue:
        distance, joint, x, y = heapq.heappop(queue)
        for dx in (-1, 0, 1):
            for dy in (-1, 0, 1):
                to = x + dx, y + dy
                if not (dx or dy) or min(to) < 0 or max(to) >= size or not inside[to]:
                    continue
                new = distance + (1.414 if dx and dy else 1.0)
                if best[to] > new:
                    best[to], owners[to] = int(new), joint
                    heapq.heappush(queue, (new, joint, *to))
    return owners, best


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 5), st.sampled_from([0, 2, 4]))
def test_the_same_as_one_pixel_at_a_time(seed: int, count: int, blur: float) -> None:
    rng = np.random.default_rng(seed)
    size = 30
    inside = noise(rng.uniform(0.3, 1), size, blur, seed)
    joints = rng.uniform(0.02, 0.96, (count, 2))
    parents = [-1, *(int(rng.integers(0, joint)) for joint in range(1, count))]
    # A triangle about the centre of each pixel.
    pixels = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"), axis=-1)
    around = np.array([[0.2, 0], [-0.1, 0.15], [-0.1, -0.15]])
    corners = (pixels.reshape(-1, 1, 2) + around).reshape(-1, 2) / size
    mesh = Mesh(corners, np.arange(len(corners), dtype=np.int32).reshape(-1, 3))
    owners, distances = classic_owners(inside * np.uint8(255), joints, parents, mesh)
    expected = pixel_by_pixel(inside, joints, parents)
    assert (owners.reshape(size, size) == expected[0]).all()
    assert (distances.reshape(size, size) == expected[1]).all()


def test_what_is_not_reached_goes_to_the_last_joint() -> None:
    inside = np.zeros((20, 20), np.uint8)
    inside[:5, :5] = inside[15:, 15:] = 255
    mesh = Mesh(np.array([[0.8, 0.8], [0.9, 0.8], [0.8, 0.9]]), np.array([[0, 1, 2]], np.int32))
    joints = np.array([[0.1, 0.1], [0.1, 0.2], [-40.0, 0.1]])
    owners, distances = classic_owners(inside, joints, [-1, 0, 0], mesh)
    assert owners.tolist() == [2] and distances.tolist() == [UNREACHED]


def test_a_lone_root_owns_everything() -> None:
    mesh = Mesh(np.array([[0.2, 0.2], [0.9, 0.2], [0.2, 0.9]]), np.array([[0, 1, 2]], np.int32))
    full = np.full((9, 9), 255, np.uint8)
    owners, _ = classic_owners(full, np.array([[0.5, 0.5]]), [-1], mesh)
    assert owners.tolist() == [0]


def test_triangles_are_drawn_from_far_to_near() -> None:
    order = far_to_near(np.array([2, 1, 2, 1, 2]), np.array([3, 7, 9, 7, 3]))
    assert {joint: each.tolist() for joint, each in order.items()} == {2: [2, 0, 4], 1: [1, 3]}
    assert list(order) == [2, 1]
