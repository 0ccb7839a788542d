from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.mesh.ownership import bone_map, bone_radii, segment_distance
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.mesh.masks import HARD, figure

# Of masks.figure().
FIGURE = Skeleton.build(
    {
        "root": (100, 175),
        "hip": (100, 175),
        "torso": (100, 95),
        "neck": (100, 50),
        "right_shoulder": (75, 95),
        "right_elbow": (45, 133),
        "right_hand": (15, 170),
        "left_shoulder": (125, 95),
        "left_elbow": (155, 133),
        "left_hand": (185, 170),
        "right_hip": (82, 175),
        "right_knee": (71, 228),
        "right_foot": (60, 280),
        "left_hip": (118, 175),
        "left_knee": (129, 228),
        "left_foot": (140, 280),
    }
)


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize(
    ("x", "y", "bone"),
    [
        (100, 20, "neck"),
        (120, 40, "neck"),
        (100, 130, "torso"),
        (100, 165, "torso"),
        (30, 150, "right_hand"),
        (170, 150, "left_hand"),
        (60, 270, "right_foot"),
        (128, 215, "left_knee"),
        (60, 110, "right_elbow"),
        (10, 10, None),
        (100, 240, None),
    ],
)
def test_the_pixels_of_a_figure_belong_to_the_bones_that_one_expects(
    x: int, y: int, bone: str | None, scale: int
) -> None:
    mask = np.kron(figure(), np.ones((scale, scale), np.bool_))
    owners = bone_map(mask, FIGURE.moved(FIGURE.points_xy * scale))
    expected = -1 if bone is None else FIGURE.index[bone]
    assert owners[y * scale, x * scale] == expected


def test_the_way_leads_inside_the_mask() -> None:
    # Two strips joined at the top: the lower end of the right one is nearer to the left bone.
    mask = np.zeros((100, 60), np.uint8)
    mask[:, :10] = mask[:, 20:30] = mask[:10, :30] = 1
    skeleton = Skeleton(
        ("root", "left", "right"), (-1, 0, 0), np.array([[5, 5], [5, 98], [25, 60]])
    )
    owners = bone_map(mask, skeleton, radii=np.full(3, 5.0))
    assert (owners[15:, 20:30] == 2).all() and (owners[40:, :10] == 1).all()


def test_an_arm_that_hangs_at_the_side_does_not_own_half_of_the_body() -> None:
    mask = np.zeros((120, 140), np.uint8)
    cv2.rectangle(mask, (20, 0), (119, 119), 1, -1)  # 100 wide, the arm its left 20
    skeleton = Skeleton(
        ("root", "torso", "shoulder", "hand"),
        (-1, 0, 1, 2),
        np.array([[70, 115], [70, 5], [30, 5], [30, 115]]),
    )
    owners = bone_map(mask, skeleton)
    assert (owners[60, 22:38] == 3).all() and (owners[60, 46:119] == 1).all()


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(
    "points",
    [
        np.zeros((3, 2)),
        np.array([[-500, 40], [30, 1e6], [30, 1e6]]),
        np.array([[5, 5], [20, 30], [40, 10]]),
    ],
)
def test_each_pixel_of_any_mask_has_a_bone_whatever_the_joints(
    name: str, points: np.ndarray
) -> None:
    owners = bone_map(HARD[name], Skeleton(("root", "a", "b"), (-1, 0, 1), points), max_side=64)
    assert owners.dtype == np.int32 and owners.shape == HARD[name].shape
    assert np.isin(owners[HARD[name]], (1, 2)).all() and (owners[~HARD[name]] == -1).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6))
def test_islands_go_to_the_nearest_bone(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((60, 60), np.uint8)
    mask[50:, 50:] = 1
    parents = (-1, *(int(rng.integers(0, joint)) for joint in range(1, count + 1)))
    points = rng.uniform(0, 45, (count + 1, 2))
    skeleton = Skeleton(tuple(map(str, range(count + 1))), parents, points)
    owner = bone_map(mask, skeleton, radii=np.ones(count + 1))[50, 50]
    corner = np.array([[50.5, 50.5]])
    distances = [np.inf] + [
        segment_distance(corner, points[parents[j]], points[j])[0] for j in range(1, count + 1)
    ]
    assert distances[owner] == pytest.approx(min(distances))


def test_a_lone_root_owns_everything() -> None:
    owners = bone_map(figure(), Skeleton(("root",), (-1,), np.array([[3, 3]])))
    assert (owners[figure()] == 0).all() and (owners[~figure()] == -1).all()


def test_an_empty_mask_has_no_owners() -> None:
    assert (bone_map(np.zeros((4, 5), np.uint8), FIGURE) == -1).all()


def test_thickness_is_that_of_the_limbs() -> None:
    radii = bone_radii(figure(), FIGURE)
    assert radii[FIGURE.index["left_hand"]] == pytest.approx(9, abs=1.5)
    assert radii[FIGURE.index["right_foot"]] == pytest.approx(12, abs=1.5)
    assert 20 <= radii[FIGURE.index["torso"]] <= 31
    assert radii[FIGURE.root] == 0


@pytest.mark.parametrize(
    ("mask", "max_side"), [(np.ones((3, 4, 1), np.uint8), 256), (np.ones((3, 4), np.uint8), 1)]
)
def test_what_is_no_mask_is_refused(mask: np.ndarray, max_side: int) -> None:
    with pytest.raises(InvalidInput):
        bone_map(mask, FIGURE, max_side)
