from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.puppet.classic.canonical import CanonicalMotion, canonical_motion
from apps.puppet.classic.config import ProjectionGroup
from apps.puppet.classic.projection import (
    Plane,
    bone_orientations,
    group_planes,
    joint_depths,
    joint_planes,
    root_motion,
)
from apps.puppet.classic.rigpose import rest_rig
from apps.puppet.motion.bvh import Bvh
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.classic.actors import MOTION, RETARGET, SIZE_WH, SKELETON, actor

STANDS = [[0.0, 8, 0]]
POINTS = rest_rig(SKELETON, SIZE_WH).points
BONE = ("LeftLeg", "LeftFoot")


def moving(bvh: Bvh) -> CanonicalMotion:
    return canonical_motion(bvh, MOTION)


@pytest.mark.parametrize(
    ("turns", "plane"),
    [
        ([[0, -80, 0], [0, 0, 0], [0, 80, 0]], "sagittal"),
        ([[0, 0, 80], [0, 0, 0], [0, 0, -80]], "frontal"),
    ],
    ids=["kicks ahead", "kicks sideways"],
)
def test_legs_are_seen_from_where_they_move_most(turns: list[list[float]], plane: str) -> None:
    motion = moving(actor(STANDS * 3, {"LeftLeg": turns, "RightLeg": turns}))
    assert group_planes(motion, RETARGET.projection_groups) == {"Trunk": "frontal", "Legs": plane}


def test_a_named_side_is_taken_and_the_last_group_of_a_joint_counts() -> None:
    groups = [
        ProjectionGroup("a", "sagittal", ("Hips", "Head")),
        ProjectionGroup("b", "frontal", ("Head", "LeftLeg")),
    ]
    planes = group_planes(moving(actor(STANDS)), groups)
    assert planes == {"a": "sagittal", "b": "frontal"}
    assert joint_planes(groups, planes) == {
        "Hips": "sagittal",
        "Head": "frontal",
        "LeftLeg": "frontal",
    }
    with pytest.raises(InvalidInput, match="no joint 'Nose'"):
        group_planes(moving(actor(STANDS)), [ProjectionGroup("a", "pca", ("Nose",))])


@pytest.mark.parametrize(
    ("plane", "turn", "degrees", "depth"),
    [
        ("frontal", [0, 0, 0], 180, 0),  # hangs down
        ("frontal", [0, 0, 90], 270, 0),  # to its left: right on paper
        ("frontal", [0, 0, -90], 90, 0),
        ("frontal", [0, 0, 180], 0, 0),
        ("frontal", [0, -30, 0], 180, 2),  # ahead, to the viewer
        ("frontal", [0, 30, 0], 180, -2),
        ("sagittal", [0, -90, 0], 270, -0.5),  # ahead: right on paper; the left leg is behind
        ("sagittal", [0, 90, 0], 90, -0.5),
        ("sagittal", [0, 0, -30], 180, 1.5),
    ],
)
def test_where_a_bone_points_and_how_near_it_is(
    plane: Plane, turn: list[float], degrees: float, depth: float
) -> None:
    motion = moving(actor(STANDS, {"LeftLeg": [turn]}))
    planes: dict[str, Plane] = {"LeftFoot": plane}
    got = bone_orientations(motion, [BONE], planes)
    assert np.allclose((got - degrees + 180) % 360, 180)
    assert (got >= 0).all() and (got <= 360).all()
    assert np.allclose(joint_depths(motion, ["LeftFoot"], planes), depth)


def test_the_bone_is_seen_as_the_joint_it_leads_to() -> None:
    motion = moving(actor(STANDS, {"LeftLeg": [[0, -45, 45]]}))
    planes: dict[str, Plane] = {"LeftLeg": "frontal", "LeftFoot": "sagittal"}
    there, back = bone_orientations(motion, [BONE, BONE[::-1]], planes)[0]
    assert abs(there + 180 - back) > 1


def test_a_bone_that_points_at_the_viewer_keeps_its_direction() -> None:
    turns = [[0, 90, 0], [0, 0, 90], [0, -90, 0], [0, 0, 0]]
    motion = moving(actor(STANDS * 4, {"LeftLeg": turns}))
    planes: dict[str, Plane] = {"LeftFoot": "frontal"}
    assert np.allclose(bone_orientations(motion, [BONE], planes)[:, 0], [270, 270, 270, 180])
    assert np.isnan(bone_orientations(motion, [("LeftFoot", "LeftFoot")], planes)).all()


# ---------------------------------------------------------------- the root

PATH = [[0.0, 8, 0], [0, 8, 4], [0, 9, 4]]  # ahead, then up
LEFT = [[0.0, 8, 0], [4, 8, 0], [4, 9, 0]]


@pytest.mark.parametrize(
    ("path", "yaws", "plane", "expected"),
    [
        # The leg is 0.4 long in the drawing and 4 in the scene of scale 0.5.
        (PATH, [0, 0, 0], "sagittal", [[0, 0], [0.2, 0], [0.2, 0.05]]),
        (PATH, [0, 0, 0], "frontal", [[0, 0], [0, 0], [0, 0.05]]),
        (LEFT, [0, 0, 0], "frontal", [[0, 0], [0.2, 0], [0.2, 0.05]]),
        (LEFT, [0, 0, 0], "sagittal", [[0, 0], [0, 0], [0, 0.05]]),
        ([PATH[0], PATH[1], PATH[0]], [0, 0, 180], "sagittal", [[0, 0], [0.2, 0], [0.4, 0]]),
        ([PATH[0], PATH[1], PATH[0]], [0, 0, 0], "sagittal", [[0, 0], [0.2, 0], [0, 0]]),
        ([LEFT[0], LEFT[1], LEFT[0]], [0, 0, 180], "frontal", [[0, 0], [0.2, 0], [0.4, 0]]),
    ],
    ids=[
        *("ahead from the side", "ahead from the front", "left from the front"),
        *("left from the side", "there and back", "backwards", "turned, left from the front"),
    ],
)
def test_the_travel_of_the_root(
    path: list[list[float]], yaws: list[float], plane: Plane, expected: list[list[float]]
) -> None:
    motion = moving(actor(path, {"Hips": [[yaw, 0, 0] for yaw in yaws]}))
    got = root_motion(motion, RETARGET.root_offset, plane, POINTS)
    assert np.allclose(got, expected)


def test_the_scale_of_the_scene_does_not_matter() -> None:
    bvh = actor(PATH)
    got = [
        root_motion(
            canonical_motion(bvh, replace(MOTION, scale=scale)),
            RETARGET.root_offset,
            "sagittal",
            POINTS,
        )
        for scale in (0.01, 3.0)
    ]
    assert np.allclose(*got)


def test_chains_are_as_long_as_in_the_last_frame() -> None:
    offset = replace(RETARGET.root_offset, bvh_joints=(("LeftFoot", "RightFoot"),))
    bent = {"LeftLeg": [[0, 0, 60], [0, 0, 60], [0, 0, 0]]}
    motion = moving(actor(PATH, bent))
    got = root_motion(motion, offset, "sagittal", POINTS)
    assert np.allclose(got[1], [0.4 / 1 * 2, 0])  # the feet are 2 * 0.5 apart at the end


def test_a_drawing_that_lacks_the_chains_stays_in_place(caplog: pytest.LogCaptureFixture) -> None:
    motion = moving(actor(PATH))
    for points in ({}, {"left_hip": np.zeros(2)}):
        assert not root_motion(motion, RETARGET.root_offset, "sagittal", points).any()
    point = replace(actor(PATH), offsets=np.zeros((6, 3)))
    assert not root_motion(moving(point), RETARGET.root_offset, "sagittal", POINTS).any()
    assert caplog.text.count("stays in place") == 3
    offset = replace(RETARGET.root_offset, bvh_joints=(("Hips", "Tail"),))
    with pytest.raises(InvalidInput, match="no joint 'Tail'"):
        root_motion(motion, offset, "sagittal", POINTS)
