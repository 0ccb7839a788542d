from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.classic.rigpose import mapping_after_checks, pose_rig, rest_rig
from apps.puppet.skeleton import STANDARD, Skeleton
from tests.apps.puppet.classic.actors import SIZE_WH, SKELETON

ARM = Skeleton.build(
    {
        "root": (50, 150),
        "hip": (50, 150),
        "torso": (50, 100),
        "neck": (50, 60),
        "left_shoulder": (70, 100),
        "left_elbow": (90, 100),
        "left_hand": (110, 100),
    }
)


def bones(xy: np.ndarray, names: tuple[str, ...], tree: Skeleton) -> dict[str, float]:
    """Where each bone points, in degrees from up."""
    found = {}
    for name, parent in tree.tree.items():
        if parent is not None:
            x, y = xy[names.index(name)] - xy[names.index(parent)]
            found[name] = float(np.degrees(np.arctan2(y, x)) - 90) % 360
    return found


def test_a_rig_at_rest() -> None:
    rig = rest_rig(SKELETON, SIZE_WH)
    assert rig.names == ("root", "torso", "left_hip", "left_foot", "right_hip", "right_foot")
    assert rig.parents == (-1, 0, 0, 2, 0, 4)
    assert rig.xy.tolist()[:4] == [[0.25, 0.5], [0.25, 0.75], [0.3, 0.5], [0.3, 0.1]]
    assert np.allclose(rig.theta, [0, 0, 270, 180, 90, 180])
    shuffled = Skeleton(("a", "b", "c", "d"), (2, 0, -1, 2), np.zeros((4, 2)))
    rig = rest_rig(shuffled, (10, 10))
    assert (rig.names, rig.parents) == (("c", "a", "b", "d"), (-1, 0, 1, 0))
    assert rig.theta.tolist() == [0, 270, 270, 270]


def test_nothing_turns_by_itself() -> None:
    rig = rest_rig(ARM, (120, 160))
    root = np.array([[0.0, 0], [1, 2]])
    posed = pose_rig(rig, {}, root)
    assert np.allclose(posed.xy, root[:, None] + rig.xy - rig.xy[0])
    rest = {name: np.full(2, angle) for name, angle in zip(rig.names, rig.theta, strict=True)}
    assert np.allclose(pose_rig(rig, rest, root).xy, posed.xy)


def test_bones_of_one_chain_point_where_they_shall() -> None:
    rig = rest_rig(SKELETON, SIZE_WH)
    for left, right in ((180, 180), (120, 300), (0, 90)):
        angles = {"left_foot": np.array([left]), "right_foot": np.array([right])}
        got = bones(pose_rig(rig, angles, np.zeros((1, 2))).xy[0], rig.names, SKELETON)
        assert got == pytest.approx(
            {"torso": 0, "left_hip": 270, "left_foot": left, "right_hip": 90, "right_foot": right}
        )


def test_arms_are_off_by_what_the_neck_turns() -> None:
    rig = rest_rig(ARM, (120, 160))
    angles = {"torso": 20.0, "neck": 35.0, "left_elbow": 300.0, "left_hand": 10.0}
    posed = pose_rig(rig, {k: np.array([v]) for k, v in angles.items()}, np.zeros((1, 2)))
    got = bones(posed.xy[0], rig.names, ARM)
    # The neck's bone goes straight up at rest, so it turns by 35.
    assert {name: got[name] for name in angles} == pytest.approx(
        {"torso": 20, "neck": 35, "left_elbow": 300 + 35, "left_hand": 10 + 35}
    )
    del angles["neck"]  # as after a check: then it is the torso's turn that stays
    posed = pose_rig(rig, {k: np.array([v]) for k, v in angles.items()}, np.zeros((1, 2)))
    got = bones(posed.xy[0], rig.names, ARM)
    assert got["left_elbow"] == pytest.approx(320)


def test_of_several_children_the_last_decides() -> None:
    rig = rest_rig(SKELETON, SIZE_WH)
    angles = {"torso": 30.0, "left_hip": 270.0, "right_hip": 100.0}
    posed = pose_rig(rig, {k: np.array([v]) for k, v in angles.items()}, np.zeros((1, 2)))
    got = bones(posed.xy[0], rig.names, SKELETON)
    assert (got["torso"], got["left_hip"], got["right_hip"]) == pytest.approx((10, 280, 100))


def test_a_root_that_is_mapped_and_directions_that_are_not_known_change_nothing() -> None:
    rig = rest_rig(SKELETON, SIZE_WH)
    unknown = {"root": np.array([45.0]), "left_foot": np.array([np.nan])}
    assert np.allclose(pose_rig(rig, unknown, rig.xy[:1]).xy[0], rig.xy)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=16, max_size=16), st.data()
)
def test_bones_keep_their_lengths(points: list[tuple[int, int]], data: st.DataObject) -> None:
    skeleton = Skeleton.build(dict(zip(STANDARD, points, strict=True)))  # many coincide
    rig = rest_rig(skeleton, (4, 4))
    mapped = data.draw(st.sets(st.sampled_from(sorted(STANDARD))))
    angles = {name: np.array([data.draw(st.floats(0, 360))]) for name in sorted(mapped)}
    xy = pose_rig(rig, angles, np.zeros((1, 2))).xy[0]
    parents = list(rig.parents[1:])
    got = np.linalg.norm(xy[1:] - xy[parents], axis=1)
    assert np.allclose(got, np.linalg.norm(rig.xy[1:] - rig.xy[parents], axis=1))


# ---------------------------------------------------------------- checks

CHECK = ("above", "neck", "right_shoulder", "left_shoulder")


@pytest.mark.parametrize(
    ("neck", "kept"),
    [((0.5, 0.9), True), ((0.5, 0.5), True), ((0.5, 0.49), False), ((5, 0.4), False)],
    ids=["above", "on the line", "below", "below and beside"],
)
def test_a_joint_below_the_line_does_not_follow(neck: tuple[float, float], kept: bool) -> None:
    points = {"right_shoulder": (0, 0.5), "left_shoulder": (1, 0.5), "neck": neck, "torso": (0, 0)}
    got = mapping_after_checks(
        {"torso": 1, "neck": 2, "tail": 3}, [CHECK], {k: np.array(v) for k, v in points.items()}
    )
    assert got == ({"torso": 1, "neck": 2} if kept else {"torso": 1})


def test_checks_of_joints_that_are_not_there_are_passed_over() -> None:
    points = {"right_shoulder": np.zeros(2), "neck": np.array([0.0, -1])}
    assert mapping_after_checks({"neck": 1}, [CHECK], points) == {"neck": 1}
    points["left_shoulder"] = np.array([1.0, 0])
    assert mapping_after_checks({}, [CHECK], points) == {}
    assert mapping_after_checks({"neck": 1}, [CHECK, CHECK], points) == {}
