from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.joints.inside import inside, pull_in, separate
from apps.puppet.skeleton import STANDARD, Skeleton
from tests.apps.puppet.joints.figures import mask_of, skeleton


def holds(mask: np.ndarray, joints: Skeleton) -> np.ndarray:
    x, y = np.floor(joints.points_xy).astype(int).T
    return mask[y, x] >= 128


def box(x1: int, y1: int, x2: int, y2: int, size: tuple[int, int] = (100, 120)) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    mask[y1:y2, x1:x2] = 255
    return mask


def test_what_is_inside_stays_to_the_bit() -> None:
    joints = skeleton()
    np.testing.assert_array_equal(inside(joints, mask_of(joints)).points_xy, joints.points_xy)


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((5, 50), (22, 50)),  # 1.5 pixels deep or more, at the same height
        ((20.9, 50), (20.9, 50)),  # inside, if only just
        ((-1e5, 50), (22, 50)),
        ((50, 5), (50, 12)),
        ((500, 1000), (78, 88)),
    ],
)
def test_the_nearest_place_well_inside(
    point: tuple[float, float], expected: tuple[float, float]
) -> None:
    joints = Skeleton.build({"root": point})
    moved = pull_in(joints, box(20, 10, 80, 90))
    np.testing.assert_allclose(moved["root"], expected, atol=1)


def test_into_the_middle_of_a_thin_limb() -> None:
    mask = box(40, 10, 44, 90)
    moved = pull_in(Skeleton.build({"root": (70, 50)}), mask)
    assert 41 <= moved["root"][0] <= 43 and moved["root"][1] == pytest.approx(50, abs=1)


def test_an_empty_mask_changes_nothing() -> None:
    joints = skeleton()
    moved = pull_in(joints, np.zeros((400, 300), np.uint8))
    np.testing.assert_array_equal(moved.points_xy, joints.points_xy)


def test_faint_masks_count() -> None:
    moved = inside(Skeleton.build({"root": (0, 0)}), box(20, 10, 80, 90) // 4)
    assert moved["root"][0] > 20


@pytest.mark.parametrize(
    ("coincident", "stays"),
    [("hip", True), ("torso", False), ("left_elbow", False), ("right_foot", False)],
)
def test_joints_on_their_parent(coincident: str, stays: bool) -> None:
    parent = STANDARD[coincident]
    assert parent is not None
    joints = skeleton(**{coincident: tuple(skeleton()[parent])})
    moved = separate(joints, mask_of(skeleton()))
    far = np.hypot(*(moved[coincident] - moved[parent]))
    assert (far == 0) if stays else (1 <= far < 4)
    others = [name for name in joints.names if name != coincident]
    for name in others:
        np.testing.assert_array_equal(moved[name], joints[name])


def test_a_bone_goes_on_in_its_direction() -> None:
    joints = Skeleton.build({"root": (60, 50), "left_hip": (70, 50), "left_knee": (70, 50)})
    moved = separate(joints, box(20, 10, 100, 90))
    assert moved["left_knee"][0] > 70 and moved["left_knee"][1] == pytest.approx(50)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=16, max_size=16),
    st.integers(0, 110), st.integers(0, 90), st.integers(1, 60), st.integers(1, 60),
)  # fmt: skip
def test_every_joint_comes_inside(
    points: list[tuple[float, float]], x: int, y: int, width: int, height: int
) -> None:
    mask = box(x, y, x + width, y + height)
    joints = Skeleton.build(dict(zip(STANDARD, points, strict=True)))
    assert holds(mask, pull_in(joints, mask)).all()
    moved = inside(joints, mask)
    for name, parent in STANDARD.items():
        if parent is not None and name != "hip":
            assert np.hypot(*(moved[name] - moved[parent])) > 0.99
    if width > 12 and height > 12:
        assert holds(mask, moved).all()
