from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.classic.config import DrawGroup
from apps.puppet.classic.retarget import ClassicPoses, retarget
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.classic.actors import MOTION, NAMES, RETARGET, SIZE_WH, SKELETON, actor

KICKS = {
    "LeftLeg": [[0, -60, 0], [0, 60, 0], [0, 0, 0]],
    "RightLeg": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
}
FRONTAL = replace(
    RETARGET,
    projection_groups=tuple(replace(each, method="frontal") for each in RETARGET.projection_groups),
)


def posed(config: object = FRONTAL, skeleton: Skeleton = SKELETON) -> ClassicPoses:
    bvh = actor([[0, 8, 0], [4, 8, 0], [4, 8, 0]], KICKS)
    return retarget(bvh, MOTION, config, skeleton, SIZE_WH)  # type: ignore[arg-type]


def test_where_the_drawing_is() -> None:
    poses = posed()
    assert len(poses) == 3
    assert np.allclose(poses.root, [[0.1, 0.2, -0.5], [0.3, 0.2, -0.5], [0.3, 0.2, -0.5]])
    assert np.allclose(poses.joint_xy[:, 0], poses.root[:, :2])
    assert np.allclose(poses.pins, poses.joint_xy - poses.joint_xy[:, :1])
    foot = poses.names.index("left_foot")
    assert np.allclose(poses.pins[2, foot], [0.05, -0.4])
    assert np.allclose(poses.rest_xy[foot], [0.3, 0.1])
    assert poses.mapped == ("torso", "left_foot", "right_foot")


def test_near_groups_are_drawn_last_and_far_ones_from_their_ends() -> None:
    trunk_and_left = FRONTAL.draw_groups[:2]
    groups = (*trunk_and_left, DrawGroup(("right_foot",), ("Hips",)))
    poses = posed(replace(FRONTAL, draw_groups=groups))
    assert (np.sign(poses.group_depth[:2]) == [[0, 1, 0], [0, -1, 0]]).all()
    trunk = ("right_hip", "left_hip", "torso")  # at depth 0, so from its end
    # Groups at the same depth are drawn in the order of the file.
    assert poses.joint_draw_order(0) == (*trunk, "right_foot", "left_foot")
    assert poses.joint_draw_order(1) == ("left_foot", *trunk, "right_foot")


def test_the_depth_of_a_group_is_the_mean_of_its_drivers() -> None:
    group = DrawGroup(("left_hip", "left_foot", "tail"), ("LeftFoot", "Hips"))
    poses = posed(replace(FRONTAL, draw_groups=(group,)))
    near = 0.5 * 8 * np.sin(np.radians(60)) / 2
    assert np.allclose(poses.group_depth[:, 0], [near, -near, 0])
    # In front it is drawn as listed. What the drawing lacks is passed over.
    assert poses.joint_draw_order(0) == ("left_hip", "left_foot")
    assert poses.joint_draw_order(1) == ("left_foot", "left_hip")


@pytest.mark.parametrize(
    ("seconds", "frame"),
    [(-1, 0), (0, 0), (0.04, 0), (0.06, 1), (0.1, 1), (0.19, 2), (0.2, 2), (99, 2)],
)
def test_the_frame_at_a_time(seconds: float, frame: int) -> None:
    assert posed().frame_at(seconds) == frame


def test_a_drawing_may_lack_joints() -> None:
    bust = SKELETON.without(["left_foot", "right_foot", "left_hip", "right_hip"])
    poses = posed(skeleton=bust)
    assert poses.names == ("root", "torso")
    assert poses.mapped == ("torso",)
    assert poses.joint_draw_order(1) == ("torso",)
    assert np.allclose(poses.root[:, :2], [0.1, 0.2])
    alone = posed(skeleton=Skeleton(("root",), (-1,), np.zeros((1, 2))))
    assert alone.joint_draw_order(0) == ()


def test_an_actor_may_not() -> None:
    bvh = replace(actor([[0, 8, 0]]), names=("Hips", "Head", "LeftLeg", "LeftFoot", "a", "b"))
    with pytest.raises(InvalidInput, match="no joint 'RightLeg'"):
        retarget(bvh, MOTION, FRONTAL, SKELETON, SIZE_WH)


COORDINATE = st.sampled_from([0.0, 50.0, 50.5, 300.0])
ANGLE = st.sampled_from([0.0, 45.0, 90.0, 180.0, -90.0])


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(COORDINATE, COORDINATE), min_size=6, max_size=6),
    st.lists(st.tuples(ANGLE, ANGLE, ANGLE), min_size=12, max_size=12),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([FRONTAL, RETARGET]),
)
def test_whatever_coincides_poses_are_finite(
    points: list[tuple[float, float]],
    turns: list[tuple[float, float, float]],
    size: float,
    config: object,
) -> None:
    by_joint = {name: [list(t) for t in turns[2 * i : 2 * i + 2]] for i, name in enumerate(NAMES)}
    bvh = actor([[0, 8, 0], [1, 8, 2]], by_joint)
    bvh = replace(bvh, offsets=bvh.offsets * size)
    skeleton = SKELETON.moved(np.array(points))
    poses = retarget(bvh, MOTION, config, skeleton, SIZE_WH)  # type: ignore[arg-type]
    for values in (poses.joint_xy, poses.root, poses.pins, poses.group_depth):
        assert np.isfinite(values).all()
    assert sorted(poses.group_order[0]) == [0, 1, 2]
