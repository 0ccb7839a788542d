from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from apps.puppet.timing import MOST_FRAMES, frame_count, retimed
from cartoonedit.errors import InvalidInput

SKELETON = Skeleton(("root",), (-1,), np.zeros((1, 2)))


def ramp(frames: int, fps: float = 10.0, *, loops: bool = False) -> Poses:
    """One joint that goes one pixel to the right with each frame."""
    joints = np.zeros((frames, 1, 2))
    joints[:, 0, 0] = np.arange(frames)
    return Poses(joints, joints[..., 0] / 100, fps, loops)


@pytest.mark.parametrize(
    ("settings", "loops", "expected"),
    [
        ({"fps": 10, "seconds": 0.4}, False, [0, 1, 2, 3]),
        ({"fps": 20, "seconds": 0.2}, False, [0, 0.5, 1, 1.5]),
        ({"fps": 10, "seconds": 0.4, "speed": 2}, False, [0, 2, 4, 4]),
        ({"fps": 10, "seconds": 0.7}, False, [0, 1, 2, 3, 4, 4, 4]),
        ({"fps": 10, "seconds": 0.7}, True, [0, 1, 2, 3, 4, 0, 1]),
        ({"fps": 10, "seconds": 0.4, "phase": 0.6}, True, [3, 4, 0, 1]),
        ({"fps": 20, "seconds": 0.1, "phase": 0.9}, True, [2, 0]),
        ({"fps": 10, "seconds": 0.01}, False, [0]),
    ],
)
def test_other_times(settings: dict[str, float], loops: bool, expected: list[float]) -> None:
    made = retimed(ramp(5, loops=loops), SKELETON, **settings)
    np.testing.assert_allclose(made.joints_xy[:, 0, 0], expected, atol=1e-12)
    np.testing.assert_allclose(made.depth[:, 0], np.array(expected) / 100, atol=1e-12)
    assert made.fps == settings["fps"]


@pytest.mark.parametrize(("seconds", "closes"), [(0.5, True), (1.0, True), (0.7, False)])
def test_whole_rounds_loop(seconds: float, closes: bool) -> None:
    assert retimed(ramp(5, loops=True), SKELETON, fps=10, seconds=seconds).loops is closes
    assert not retimed(ramp(5), SKELETON, fps=10, seconds=seconds).loops


def test_blending_in_starts_at_rest() -> None:
    poses = ramp(9)
    made = retimed(
        Poses(poses.joints_xy + 50, poses.depth, 10), SKELETON, fps=10, seconds=0.9, blend_in=0.4
    )
    x = made.joints_xy[:, 0, 0]
    assert x[0] == 0
    assert (np.diff(x) > 0).all()
    np.testing.assert_allclose(x[4:], np.arange(4, 9) + 50)


@pytest.mark.parametrize(("seconds", "count"), [(1, 30), (0.001, 1), (0.05, 2)])
def test_frame_count(seconds: float, count: int) -> None:
    assert frame_count(seconds, 30) == count


def test_motions_that_last_for_days_make_no_clip() -> None:
    assert frame_count(3600, 120) == MOST_FRAMES
    with pytest.raises(InvalidInput, match=r"lasts 600000 s.*Give a duration"):
        frame_count(6e5, 30)
