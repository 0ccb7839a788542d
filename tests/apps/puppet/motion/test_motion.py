"""A motion goes on between its frames, round its end, and in a mirror."""

from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.motion.motion import Motion


def walker(loops: bool, pace: float = 1.0) -> Motion:
    """Eight frames of a root that goes ahead, and a foot that swings."""
    frames = np.arange(8.0)
    root = np.stack([frames * 0, 1 + frames * 0, pace * frames], axis=1)
    foot = root + np.stack(
        [0.5 + 0 * frames, frames * 0 - 1, 2 * np.sin(frames * np.pi / 4)], axis=1
    )
    return Motion(("Hips", "LeftFoot"), (-1, 0), np.stack([root, foot], axis=1), 0.1, loops)


def test_between_frames_it_goes_straight() -> None:
    motion = walker(False)
    np.testing.assert_allclose(motion.at(np.array([0.25]))[0], motion.positions[2:4].mean(axis=0))


def test_before_and_after_it_stands() -> None:
    motion = walker(False)
    found = motion.at(np.array([-1.0, 5.0]))
    np.testing.assert_allclose(found, motion.positions[[0, -1]])
    assert motion.duration == pytest.approx(0.7)


def test_a_loop_goes_on_and_on() -> None:
    motion = walker(True)
    assert motion.duration == pytest.approx(0.8)
    np.testing.assert_allclose(motion.travel, [0, 0, 8])
    found = motion.at(np.array([0.75, 0.8, 1.6, -0.8]))
    np.testing.assert_allclose(found[:, 0, 2], [7.5, 8, 16, -8])
    np.testing.assert_allclose(found[1:] - found[1:, :1], np.stack([_pose(motion)] * 3), atol=1e-9)


def test_what_comes_back_does_not_travel() -> None:
    motion = walker(True)
    there_and_back = motion.positions.copy()
    there_and_back[:, :, 2] -= there_and_back[:, :1, 2]
    there_and_back[:, :, 2] += 3 * np.sin(np.arange(8) * np.pi / 4)[:, None]
    still = Motion(motion.names, motion.parents, there_and_back, 0.1, True)
    np.testing.assert_array_equal(still.travel, 0)


def test_a_mirror_twice_is_the_motion() -> None:
    motion = walker(True)
    other = motion.reversed_sides()
    assert other.names == ("Hips", "RightFoot")
    np.testing.assert_allclose(other.positions[..., 0], -motion.positions[..., 0])
    back = other.reversed_sides()
    assert back.names == motion.names
    np.testing.assert_array_equal(back.positions, motion.positions)


def test_of_joints_with_one_name_the_first_is_meant() -> None:
    motion = Motion(("a", "End Site", "End Site"), (-1, 0, 0), np.zeros((1, 3, 3)), 0.1)
    assert motion.index == {"a": 0, "End Site": 1}


def _pose(motion: Motion) -> np.ndarray:
    return motion.positions[0] - motion.positions[0, :1]
