from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motion.pull import Pull, bend_side, pull_joints, reached, rotated
from apps.puppet.skeleton import Skeleton
from tests.apps.puppet.motion.figures import figure

FIGURE = figure()


def pulled(skeleton: Skeleton = FIGURE, **pulls: tuple[str, object]) -> dict[str, np.ndarray]:
    given = {
        skeleton.index[name]: Pull(kind, np.array([values], np.float64))
        for name, (kind, values) in pulls.items()
    }
    return dict(zip(skeleton.names, pull_joints(skeleton, given, 1)[0], strict=True))


def length(points: dict[str, np.ndarray], name: str, skeleton: Skeleton = FIGURE) -> float:
    parent = skeleton.names[skeleton.parents[skeleton.index[name]]]
    return float(np.linalg.norm(points[name] - points[parent]))


def rest_length(name: str) -> float:
    return length(dict(zip(FIGURE.names, FIGURE.points_xy, strict=True)), name)


def test_nothing_pulled_is_rest() -> None:
    np.testing.assert_allclose(pull_joints(FIGURE, {}, 3), np.tile(FIGURE.points_xy, (3, 1, 1)))


@pytest.mark.parametrize("name", FIGURE.names)
@pytest.mark.parametrize("kind", ["move", "at", "turn"])
def test_a_pull_by_nothing_is_rest(name: str, kind: str) -> None:
    values = {"move": (0, 0), "at": tuple(FIGURE[name]), "turn": 0}[kind]
    points = pulled(**{name: (kind, values)})
    np.testing.assert_allclose(list(points.values()), FIGURE.points_xy, atol=1e-5)


def test_what_hangs_from_a_turned_bone_turns_with_it() -> None:
    points = pulled(left_elbow=("turn", -np.pi / 2))  # counter-clockwise: outwards
    np.testing.assert_allclose(points["left_elbow"], [150, 50], atol=1e-9)
    np.testing.assert_allclose(points["left_hand"], [180, 52], atol=1e-9)
    np.testing.assert_allclose(points["neck"], FIGURE["neck"])


def test_the_root_takes_all_along() -> None:
    points = pulled(root=("move", (5, -7)))
    np.testing.assert_allclose(list(points.values()), FIGURE.points_xy + np.array([5, -7]))


def test_a_foot_may_stay_while_the_root_goes_down() -> None:
    points = pulled(root=("move", (4, 10)), left_foot=("at", (110, 200)))
    np.testing.assert_allclose(points["left_foot"], [110, 200], atol=1e-9)
    assert length(points, "left_knee") == pytest.approx(rest_length("left_knee"))


@given(st.floats(-150, 150), st.floats(-150, 150), st.sampled_from(["left", "right"]))
@settings(max_examples=150, deadline=None)
def test_pulling_a_hand_bends_the_arm(dx: float, dy: float, side: str) -> None:
    shoulder = FIGURE[f"{side}_shoulder"]
    target = shoulder + np.array([dx, dy])
    points = pulled(**{f"{side}_hand": ("at", target)})
    one, two = (rest_length(f"{side}_{part}") for part in ("elbow", "hand"))
    assert length(points, f"{side}_elbow") == pytest.approx(one)
    assert length(points, f"{side}_hand") == pytest.approx(two)
    distance = np.hypot(dx, dy)
    gap = np.linalg.norm(points[f"{side}_hand"] - target)
    assert gap == pytest.approx(max(distance - one - two, abs(one - two) - distance, 0), abs=1e-6)


def test_an_elbow_stays_on_its_side_as_the_hand_goes_round() -> None:
    around = np.linspace(0, 2 * np.pi, 200)
    path = FIGURE["left_shoulder"] + 45 * np.stack([np.cos(around), np.sin(around)], axis=1)
    pulls = {FIGURE.index["left_hand"]: Pull("at", path)}
    elbow = pull_joints(FIGURE, pulls, 200)[:, FIGURE.index["left_elbow"]]
    assert np.linalg.norm(np.diff(elbow, axis=0), axis=1).max() < 1.5


def test_a_hand_whose_elbow_is_put_goes_where_it_is_put() -> None:
    points = pulled(left_elbow=("at", (150, 60)), left_hand=("at", (200, 20)))
    assert points["left_elbow"].tolist() == [150, 60]
    assert points["left_hand"].tolist() == [200, 20]


@pytest.mark.parametrize(
    ("start", "middle", "end", "side"),
    [
        ((120, 60), (130, 90), (120, 120), (1, 0)),  # as it is bent
        ((120, 60), (110, 90), (120, 120), (-1, 0)),
        ((120, 60), (120, 90), (120, 120), (1, 0)),  # straight down: out
        ((80, 60), (80, 90), (80, 120), (-1, 0)),
        ((120, 60), (150, 60), (180, 60), (0, 1)),  # stretched out: down
        ((80, 60), (50, 60), (20, 60), (0, 1)),
    ],
)
def test_limbs_bend_as_drawn_or_out_and_down(
    start: tuple[float, float],
    middle: tuple[float, float],
    end: tuple[float, float],
    side: tuple[float, float],
) -> None:
    a, b, c = (np.array(each, np.float64) for each in (start, middle, end))
    sign = bend_side(a, b, c, np.array([100.0, 120.0]))
    bent, _ = reached((0.8 * (c - a))[None], (b - a)[None], (c - b)[None], sign)
    middle_of = 0.4 * (c - a)
    assert np.dot(bent[0] - middle_of, side) > 1


@pytest.mark.parametrize("where", ["start", "middle"])
def test_limbs_without_length_give_numbers(where: str) -> None:
    points = {name: FIGURE[name] for name in FIGURE.names}
    points["left_elbow"] = points["left_shoulder" if where == "start" else "left_hand"]
    skeleton = Skeleton.build({name: tuple(each) for name, each in points.items()})
    made = pulled(skeleton, left_hand=("move", (10, -30)), torso=("at", (100, 120)))
    assert np.isfinite(list(made.values())).all()


@pytest.mark.parametrize("way", [(0.0, 0.0), (1e-12, 0.0), (1e9, 1e9)])
def test_extreme_reaches_give_numbers(way: tuple[float, float]) -> None:
    for upper, lower in (((3, 0), (3, 0)), ((3, 0), (-3, 0)), ((1, 0), (0, 5))):
        bent, reach = reached(*(np.array([each], np.float64) for each in (way, upper, lower)), 1.0)
        assert np.isfinite(bent).all()
        assert np.linalg.norm(bent) == pytest.approx(np.linalg.norm(upper))
        assert np.linalg.norm(reach - bent) == pytest.approx(np.linalg.norm(lower))


def test_rotated_turns_x_to_y() -> None:
    np.testing.assert_allclose(
        rotated(np.array([1.0, 0.0]), np.array(np.pi / 2)), [0, 1], atol=1e-12
    )
