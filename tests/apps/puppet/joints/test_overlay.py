from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.joints.overlay import LEFT, MIDDLE, RIGHT, draw_joints
from apps.puppet.skeleton import Skeleton
from tests.apps.puppet.joints.figures import skeleton


def grey(value: int, height: int = 380, width: int = 200) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("value", [0, 128, 255])
@pytest.mark.parametrize(
    ("joint", "colour"), [("left_knee", LEFT), ("right_knee", RIGHT), ("neck", MIDDLE)]
)
def test_a_dot_in_the_colour_of_its_side(
    value: int, joint: str, colour: tuple[int, int, int]
) -> None:
    picture = grey(value)
    drawn = draw_joints(picture, {"a": skeleton()}, names=False)
    x, y = skeleton()[joint].astype(int)
    assert (drawn[y, x] == colour).all()
    assert (picture == value).all() and drawn.shape == picture.shape
    around = drawn[y - 8 : y + 9, x - 8 : x + 9].reshape(-1, 3)
    assert around.max(axis=1).min() < 60  # the rim is dark whatever lies below


def test_bones_join_the_dots() -> None:
    drawn = draw_joints(grey(255), {"a": skeleton()}, names=False)
    x, y = ((skeleton()["left_hip"] + skeleton()["left_knee"]) / 2).astype(int)
    np.testing.assert_allclose(drawn[y, x], LEFT, atol=40)


def test_names_where_there_is_room() -> None:
    large = skeleton().moved(skeleton().points_xy * 3)
    without = draw_joints(grey(255, 1140, 600), {"a": large}, names=False)
    with_names = draw_joints(grey(255, 1140, 600), {"a": large})
    assert (with_names != without).any(axis=2).sum() > 3000
    tiny = skeleton().moved(skeleton().points_xy * 0.2)
    np.testing.assert_array_equal(
        draw_joints(grey(255, 76, 40), {"a": tiny}),
        draw_joints(grey(255, 76, 40), {"a": tiny}, names=False),
    )


@pytest.mark.parametrize("point", [(-1e6, 3), (1e6, 1e6), (0, 0)])
def test_joints_far_outside(point: tuple[float, float]) -> None:
    far = Skeleton.build({"root": (10, 10), "left_hip": point})
    assert draw_joints(grey(255, 30, 30), {"a": far}).shape == (30, 30, 3)
    assert draw_joints(grey(9, 1, 1), {"a": far}).shape == (1, 1, 3)


def test_no_character() -> None:
    np.testing.assert_array_equal(draw_joints(grey(7), {}), grey(7))
