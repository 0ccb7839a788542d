from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.mesh.bones import BoneFrames
from apps.puppet.mesh.deform import Deformer
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.ownership import bone_map
from apps.puppet.mesh.triangulate import triangulate
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.mesh.masks import HARD, figure, noise
from tests.apps.puppet.mesh.test_arap import rotated, square, together
from tests.apps.puppet.mesh.test_ownership import FIGURE

Points = NDArray[np.float64]


def bones_of(mesh: Mesh, mask: NDArray[np.bool_], skeleton: Skeleton) -> NDArray[np.int32]:
    """The bone of the nearest pixel of the mask."""
    owners = bone_map(mask, skeleton)
    rows, columns = np.nonzero(mask)
    pixels = np.stack([columns, rows], axis=1) + 0.5
    far = [np.abs(pixels - vertex).sum(axis=1).argmin() for vertex in mesh.vertices_xy]
    return owners[rows, columns][far]


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return triangulate(figure(), 12)


@pytest.fixture(scope="module")
def bones(mesh: Mesh) -> NDArray[np.int32]:
    return bones_of(mesh, figure(), FIGURE)


@pytest.fixture(scope="module")
def deformer(mesh: Mesh, bones: NDArray[np.int32]) -> Deformer:
    return Deformer(mesh, bones, FIGURE)


def turned(name: str, degrees: float) -> Points:
    """The joints of the figure, with all that hangs from one of them turned about it."""
    joints = FIGURE.points_xy.copy()
    waiting = [FIGURE.index[name]]
    while waiting:
        joint = waiting.pop()
        pivot = FIGURE[name]
        joints[joint] = pivot + rotated(joints[joint] - pivot, degrees)
        waiting += FIGURE.children[joint]
    return joints


def test_rest_is_rest(deformer: Deformer, mesh: Mesh) -> None:
    frames = np.stack([FIGURE.points_xy, turned("left_elbow", 40), FIGURE.points_xy])
    moved = deformer.deform(frames)
    assert (moved[0] == mesh.vertices_xy).all() and (moved[2] == mesh.vertices_xy).all()
    nearly = deformer.deform(frames[:1] + 1e-9)
    np.testing.assert_allclose(nearly[0], mesh.vertices_xy, atol=1e-7)


@pytest.mark.parametrize("degrees", [0, 25, 180, -100])
def test_the_whole_moves_rigidly(deformer: Deformer, mesh: Mesh, degrees: float) -> None:
    moved = deformer.deform(rotated(FIGURE.points_xy, degrees, (12, -30))[None])[0]
    np.testing.assert_allclose(moved, rotated(mesh.vertices_xy, degrees, (12, -30)), atol=1e-6)


@pytest.mark.parametrize(
    ("joint", "bone"), [("left_elbow", "left_hand"), ("right_knee", "right_foot")]
)
@pytest.mark.parametrize("degrees", [60, -60])
def test_a_limb_turns_and_the_rest_stays(
    deformer: Deformer, mesh: Mesh, bones: NDArray[np.int32], joint: str, bone: str, degrees: float
) -> None:
    moved = deformer.deform(turned(joint, degrees)[None])[0]
    pivot, end = FIGURE[joint], FIGURE[bone]
    outer = np.linalg.norm(mesh.vertices_xy - end, axis=1) < 15
    expected = pivot + rotated(mesh.vertices_xy[outer] - pivot, degrees)
    np.testing.assert_allclose(moved[outer], expected, atol=2)
    still = np.isin(bones, [FIGURE.index[name] for name in ("torso", "neck", "left_shoulder")])
    np.testing.assert_allclose(moved[still], mesh.vertices_xy[still], atol=2)


def test_a_head_stays_rigid_while_the_neck_turns_and_grows(deformer: Deformer, mesh: Mesh) -> None:
    joints = turned("torso", 30)
    joints[FIGURE.index["neck"]] += 0.2 * (joints[FIGURE.index["neck"]] - FIGURE["torso"])
    moved = deformer.deform(joints[None])[0]
    head = mesh.vertices_xy[:, 1] < 60
    expected = joints[FIGURE.index["neck"]] + rotated(mesh.vertices_xy[head] - FIGURE["neck"], 30)
    np.testing.assert_allclose(moved[head], expected, atol=1.5)


def test_a_limb_that_grows_stretches_and_its_end_does_not(deformer: Deformer, mesh: Mesh) -> None:
    joints = FIGURE.points_xy.copy()
    joints[FIGURE.index["left_foot"]] += 0.5 * (FIGURE["left_foot"] - FIGURE["left_knee"])
    moved = deformer.deform(joints[None])[0]
    foot = (mesh.vertices_xy[:, 1] > 284) & (mesh.vertices_xy[:, 0] > 100)
    shift = joints[FIGURE.index["left_foot"]] - FIGURE["left_foot"]
    np.testing.assert_allclose(moved[foot], mesh.vertices_xy[foot] + shift, atol=3)


def test_a_hand_before_the_trunk_does_not_take_hold_of_it() -> None:
    # Two sheets over each other; the arm's joints lie over the trunk.
    trunk, arm = square(12), square(4, origin=4)
    mesh = together(trunk, arm)
    skeleton = Skeleton(
        ("root", "torso", "shoulder", "hand"),
        (-1, 0, 1, 2),
        np.array([[5.5, 10.5], [5.5, 0.5], [4.2, 4.3], [6.8, 6.7]]),
    )
    bones = np.repeat([1, 3], [len(trunk.vertices_xy), len(arm.vertices_xy)])
    joints = skeleton.points_xy.copy()
    joints[2:] += (40, 5)
    moved = Deformer(mesh, bones, skeleton).deform(joints[None])[0]
    expected = mesh.vertices_xy + np.where(bones == 3, 1, 0)[:, None] * np.array([40, 5])
    np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_an_island_follows_its_bone_though_no_joint_lies_in_it(mesh: Mesh) -> None:
    hat = square(5, origin=0)
    both = together(mesh, Mesh(hat.vertices_xy + np.array([98, 2]), hat.triangles))
    bones = np.concatenate(
        [bones_of(mesh, figure(), FIGURE), np.full(len(hat.vertices_xy), FIGURE.index["neck"])]
    )
    moved = Deformer(both, bones, FIGURE).deform(turned("torso", 45)[None])[0]
    pivot = FIGURE["torso"]
    # The shoulders turn as well, but the neck turns about the same point.
    expected = pivot + rotated(both.vertices_xy[-25:] - pivot, 45)
    np.testing.assert_allclose(moved[-25:], expected, atol=1e-3)


@pytest.mark.parametrize("name", HARD)
def test_no_mask_and_no_joints_give_anything_infinite(name: str) -> None:
    mesh = triangulate(HARD[name], 12)
    rng = np.random.default_rng(0)
    size = np.array(HARD[name].shape)[::-1]
    skeleton = FIGURE.moved(rng.uniform(-0.2, 1.2, (len(FIGURE), 2)) * size)
    bones = rng.integers(0, len(FIGURE), len(mesh.vertices_xy))
    frames = np.stack(
        [
            skeleton.points_xy,
            np.zeros((len(FIGURE), 2)),
            rng.uniform(-1e4, 1e4, (len(FIGURE), 2)),
        ]
    )
    moved = Deformer(mesh, bones, skeleton).deform(frames)
    assert np.isfinite(moved).all() and (moved[0] == mesh.vertices_xy).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.floats(-180, 180), st.booleans())
def test_any_puppet_rests_and_moves_rigidly(
    seed: int, count: int, degrees: float, coarse: bool
) -> None:
    rng = np.random.default_rng(seed)
    mask = noise(rng.uniform(0.05, 0.6), 40, 3, seed)
    mesh = triangulate(mask, 8)
    points = rng.uniform(0, 40, (count, 2))
    if coarse:  # joints that coincide
        points = points // 20 * 20
    parents = (-1, *(int(rng.integers(0, joint)) for joint in range(1, count)))
    skeleton = Skeleton(tuple(map(str, range(count))), parents, points)
    bones = bones_of(mesh, mask, skeleton)
    frames = np.stack([points, rotated(points, degrees, (3, 4)), points + np.array([7, 8])])
    at_rest, turn, shifted = Deformer(mesh, bones, skeleton).deform(frames)
    assert (at_rest == mesh.vertices_xy).all()
    np.testing.assert_allclose(shifted, mesh.vertices_xy + np.array([7, 8]), atol=1e-4)
    if len(np.unique(points, axis=0)) > 1:
        np.testing.assert_allclose(turn, rotated(mesh.vertices_xy, degrees, (3, 4)), atol=1e-4)


@pytest.mark.parametrize(
    ("bones", "joints", "stiffness", "says"),
    [
        (np.zeros(35, np.int32), None, None, "36 vertices"),
        (np.zeros(36), None, None, "integer"),
        (np.full(36, 16), None, None, "16 joints"),
        (np.zeros(36, np.int32), None, {"neck": 2.0}, "neck"),
        (np.zeros(36, np.int32), np.zeros((16, 2)), None, "shape"),
        (np.zeros(36, np.int32), np.full((1, 16, 2), np.inf), None, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(
    bones: NDArray, joints: Points | None, stiffness: dict[str, float] | None, says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        Deformer(square(), bones, FIGURE, stiffness).deform(
            FIGURE.points_xy[None] if joints is None else joints
        )


BENT = Skeleton(
    ("root", "hip", "a", "b"), (-1, 0, 1, 2), np.array([[0, 0], [0, 0], [10, 0], [20, 0]])
)


@pytest.mark.parametrize(
    ("posed", "rigid", "bone", "point", "expected"),
    [
        # turns
        ([[0, 0], [0, 0], [0, 10], [0, 20]], False, 2, (5, 1), (-1, 5)),
        # stretches between its joints only
        ([[0, 0], [0, 0], [20, 0], [30, 0]], False, 2, (5, 1), (10, 1)),
        ([[0, 0], [0, 0], [20, 0], [30, 0]], False, 2, (12, 1), (22, 1)),
        ([[0, 0], [0, 0], [20, 0], [30, 0]], False, 2, (-3, 1), (-3, 1)),
        # a rigid one goes with its far end
        ([[0, 0], [0, 0], [10, 0], [30, 0]], True, 3, (18, 1), (28, 1)),
        # one without length turns as its neighbour
        ([[0, 0], [0, 0], [0, 10], [0, 20]], False, 1, (1, 0), (0, 1)),
        ([[0, 0], [0, 0], [0, 10], [0, 20]], False, 0, (1, 0), (0, 1)),
        # and one that has lost its length too
        ([[0, 0], [0, 0], [0, 10], [0, 10]], False, 3, (20, 1), (-1, 10)),
    ],
)
def test_bones_carry_points(
    posed: list[list[float]],
    rigid: bool,
    bone: int,
    point: tuple[float, float],
    expected: tuple[float, float],
) -> None:
    frames = BoneFrames(BENT, np.array([posed]), np.full(4, rigid))
    carried = frames.carry(np.array([point]), np.array([bone]))
    np.testing.assert_allclose(carried, [[expected]], atol=1e-12)
