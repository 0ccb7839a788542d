from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.classic.canonical import canonical_motion, forward_fill
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.classic.actors import MOTION, NAMES, OFFSETS, actor

YAW = st.floats(-720, 720)


def test_one_that_faces_z_is_turned_to_x() -> None:
    motion = canonical_motion(actor([[5, 8, 7], [6, 9, 11]]), MOTION)
    # Scale 0.5: left is -z, the feet are on the ground, and it went 4 ahead and 1 to its left.
    assert np.allclose(motion.positions[0, NAMES.index("LeftLeg")], [0, 0, -0.5])
    assert np.allclose(motion.positions[1, NAMES.index("Head")], [0, 3, 0])
    assert np.allclose(motion.facing, [[1, 0, 0]] * 2)
    assert np.allclose(motion.root_path, [[0, 4, 0], [2, 4.5, -0.5]])


@settings(max_examples=30, deadline=None)
@given(YAW, st.lists(YAW, min_size=3, max_size=3))
def test_each_frame_is_turned_by_itself(first: float, yaws: list[float]) -> None:
    bent = {"LeftLeg": [[0, 30, 0], [0, 60, 10], [0, 0, 0], [0, -20, 5]]}
    places = [[0, 8, 0]] * 4
    straight = canonical_motion(actor(places, bent), MOTION)
    turned = canonical_motion(
        actor(places, bent | {"Hips": [[yaw, 0, 0] for yaw in (first, *yaws)]}), MOTION
    )
    assert np.allclose(turned.positions, straight.positions)
    angles = -np.radians(np.array([first, *yaws]) - first)
    expected = np.stack([np.cos(angles), np.zeros(4), np.sin(angles)], axis=-1)
    assert np.allclose(turned.facing, expected)


@settings(max_examples=30, deadline=None)
@given(YAW, st.tuples(*[st.floats(-100, 100)] * 3))
def test_where_it_stands_and_looks_at_first_does_not_matter(
    yaw: float, at: tuple[float, float, float]
) -> None:
    path = np.array([[0, 8, 0], [1, 9, 4], [-3, 7, 5]], float)
    angle = np.radians(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    expected = canonical_motion(actor(path), MOTION)
    got = canonical_motion(actor(path @ turn.T + at, {"Hips": [[yaw, 0, 0]]}), MOTION)
    assert np.allclose(got.positions, expected.positions)
    assert np.allclose(got.root_path, expected.root_path, atol=1e-9)


def test_one_that_faces_exactly_backwards() -> None:
    offsets = np.array(OFFSETS, float)[:, [2, 1, 0]]  # its left is +z
    motion = canonical_motion(replace(actor([[0, 8, 0], [-2, 8, 0]]), offsets=offsets), MOTION)
    assert np.allclose(motion.facing, [[1, 0, 0]] * 2)
    assert np.allclose(motion.positions[:, NAMES.index("LeftLeg")], [0, 0, -0.5])
    assert np.allclose(motion.root_path[1], [1, 4, 0])


def test_up_may_be_z() -> None:
    expected = canonical_motion(actor([[0, 8, 0], [1, 9, 4]]), MOTION)
    bvh = actor([[0, 0, 8], [4, 1, 9]])  # y, z, x of the file become x, y, z
    bvh = replace(bvh, offsets=np.array(OFFSETS, float)[:, [2, 0, 1]])
    got = canonical_motion(bvh, replace(MOTION, up="+z"))
    assert np.allclose(got.positions, expected.positions)
    assert np.allclose(got.root_path, expected.root_path)


def test_an_actor_without_a_side_looks_where_it_did() -> None:
    # In the first and the last frame it lies on its side: the legs are one above the other.
    lies = {"Hips": [[0, 0, 90], [0, 0, 0], [90, 0, 0], [90, 0, 90]]}
    motion = canonical_motion(actor([[0, 8, 0]] * 4, lies), MOTION)
    assert np.allclose(motion.facing, [[1, 0, 0], [1, 0, 0], [0, 0, -1], [0, 0, -1]])
    point = replace(actor([[0, 8, 0]] * 2), offsets=np.zeros((6, 3)))
    motion = canonical_motion(point, MOTION)
    assert np.allclose(motion.facing, [1, 0, 0])
    assert np.isfinite(motion.positions).all()


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [(0, None, [0, 1, 2, 3]), (1, 3, [1, 2]), (3, None, [3]), (0, 4, [0, 1, 2, 3])],
)
def test_frames_that_are_kept(start: int, end: int | None, kept: list[int]) -> None:
    bvh = actor([[0, 8, 0], [0, 9, 0], [0, 10, 0], [0, 11, 0]])
    config = replace(MOTION, start_frame_idx=start, end_frame_idx=end)
    heights = canonical_motion(bvh, config).root_path[:, 1]
    assert np.allclose(heights, 4 + 0.5 * (np.array(kept) - kept[0]))


def test_frames_that_are_not_there(caplog: pytest.LogCaptureFixture) -> None:
    bvh = actor([[0, 8, 0], [0, 9, 0]])
    with caplog.at_level(logging.WARNING):
        assert len(canonical_motion(bvh, replace(MOTION, end_frame_idx=9))) == 2
    assert "has 2 frames, not 9" in caplog.text
    with pytest.raises(InvalidInput, match=r"start_frame_idx is 2, but dance\.bvh has 2 frames"):
        canonical_motion(bvh, replace(MOTION, start_frame_idx=2))


def test_the_time_of_a_frame() -> None:
    bvh = actor([[0, 8, 0]])
    assert canonical_motion(bvh, MOTION).frame_time == 0.1
    assert canonical_motion(bvh, replace(MOTION, frame_time=0.02)).frame_time == 0.02


def test_joints_by_name() -> None:
    bvh = actor([[0, 8, 0]])
    prefixed = replace(bvh, names=tuple(f"mixamorig:{name}" for name in bvh.names))
    motion = canonical_motion(prefixed, MOTION)
    assert motion.index("Head") == motion.index("mixamorig:Head") == 1
    with pytest.raises(InvalidInput, match=r"no joint 'LeftLeq'\. Perhaps LeftLeg .* It has Hips"):
        canonical_motion(bvh, replace(MOTION, groundplane_joint="LeftLeq"))
    with pytest.raises(InvalidInput, match="no joint 'None'"):
        canonical_motion(bvh, replace(MOTION, forward_perp_joint_vectors=(("Hips", "None"),)))
    twice = replace(bvh, names=("Hips", "End Site", "LeftLeg", "LeftFoot", "RightLeg", "End Site"))
    assert canonical_motion(twice, MOTION).index("End Site") == 1


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ([1, 1, 1, 1], [0, 1, 2, 3]),
        ([0, 1, 0, 1], [1, 1, 1, 3]),
        ([1, 0, 0, 0], [0, 0, 0, 0]),
        ([0, 0, 0, 1], [3, 3, 3, 3]),
        ([0, 0, 0, 0], [9, 9, 9, 9]),
    ],
)
def test_what_is_not_known_is_as_before(known: list[int], expected: list[float]) -> None:
    got = forward_fill(np.arange(4.0), np.array(known, bool), 9)
    assert got.tolist() == expected
