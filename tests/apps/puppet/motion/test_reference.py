from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.motion.reference import Keypoints, follow_keypoints
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.motion.figures import bust, figure

FIGURE = figure()
NAMES = {
    0: "neck", 5: "left_shoulder", 6: "right_shoulder", 7: "left_elbow", 8: "right_elbow",
    9: "left_hand", 10: "right_hand", 11: "left_hip", 12: "right_hip", 13: "left_knee",
    14: "right_knee", 15: "left_foot", 16: "right_foot",
}  # fmt: skip


def keypoints_of(skeleton: Skeleton, frames: int = 1, scale: float = 1.0) -> Keypoints:
    """A person who stands as a skeleton does, of another size, and somewhere else."""
    points, scores = np.zeros((frames, 17, 2)), np.zeros((frames, 17))
    for number, name in NAMES.items():
        if name in skeleton:
            points[:, number] = 31 + scale * skeleton[name]
            scores[:, number] = 0.9
    # The figure's hips lie a little lower than its root; those of people do not.
    for number in (11, 12):
        points[:, number, 1] = 31 + scale * 120
    return Keypoints(points, scores, 30.0)


def bones(poses_xy: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    return np.linalg.norm(poses_xy[:, 1:] - poses_xy[:, list(skeleton.parents[1:])], axis=2)


def with_points(keypoints: Keypoints, points: np.ndarray) -> Keypoints:
    return Keypoints(points, keypoints.scores, keypoints.fps)


def test_a_person_who_stands_alike_gives_rest() -> None:
    poses = follow_keypoints(keypoints_of(FIGURE, 4, 2.5), FIGURE)
    assert np.abs(poses.joints_xy - FIGURE.points_xy).max() < 2.1  # the hips
    arms = [FIGURE.index[name] for name in ("left_hand", "right_elbow", "neck", "torso")]
    np.testing.assert_allclose(poses.joints_xy[:, arms], [FIGURE.points_xy[arms]] * 4, atol=1e-9)
    assert (poses.fps, len(poses), poses.loops) == (30, 4, False)


def test_limbs_point_where_the_persons_do() -> None:
    keypoints = keypoints_of(FIGURE, 1, 3.0)
    points = keypoints.points.copy()
    points[0, 7] = points[0, 5] + (50, 0)
    points[0, 9] = points[0, 7] + (0, -70)
    made = follow_keypoints(with_points(keypoints, points), FIGURE).joints_xy[0]
    shoulder, elbow, hand = (
        made[FIGURE.index[f"left_{part}"]] for part in ("shoulder", "elbow", "hand")
    )
    np.testing.assert_allclose(elbow - shoulder, [np.hypot(10, 30), 0], atol=1e-9)
    np.testing.assert_allclose(hand - elbow, [0, -np.hypot(2, 30)], atol=1e-9)


def test_the_root_goes_as_far_as_the_puppet_is_large() -> None:
    keypoints = keypoints_of(FIGURE, 3, 2.0)
    points = keypoints.points + np.array([[0, 0], [40, -20], [0, 0]])[:, None]
    moving = with_points(keypoints, points)
    root = follow_keypoints(moving, FIGURE, smooth=0).joints_xy[:, FIGURE.root]
    np.testing.assert_allclose(root - FIGURE["root"], [[0, 0], [20, -10], [0, 0]], atol=0.6)
    still = follow_keypoints(moving, FIGURE, smooth=0, travel=False)
    np.testing.assert_allclose(still.joints_xy[:, FIGURE.root], [FIGURE["root"]] * 3)


def test_what_is_not_seen_moves_on_meanwhile() -> None:
    keypoints = keypoints_of(FIGURE, 5)
    points, scores = keypoints.points.copy(), keypoints.scores.copy()
    points[:, 9, 0] += np.arange(5) * 6.0
    hidden = points.copy()
    hidden[2, 9] = (-500, 900)
    scores[2, 9] = 0.1
    seen = follow_keypoints(with_points(keypoints, points), FIGURE, smooth=0)
    filled = follow_keypoints(Keypoints(hidden, scores, 30.0), FIGURE, smooth=0)
    np.testing.assert_allclose(filled.joints_xy, seen.joints_xy, atol=1e-9)


def test_jitter_is_smoothed() -> None:
    keypoints = keypoints_of(FIGURE, 40)
    noise = np.random.default_rng(1).normal(0, 2, keypoints.points.shape)
    shaky = with_points(keypoints, keypoints.points + noise)
    raw, smooth = (
        np.abs(np.diff(follow_keypoints(shaky, FIGURE, smooth=s).joints_xy, axis=0)).mean()
        for s in (0, 0.1)
    )
    assert smooth < raw / 4


@pytest.mark.parametrize("frames", [1, 6])
def test_a_bust_follows_with_what_it_has(frames: int) -> None:
    keypoints = keypoints_of(FIGURE, frames)
    points = keypoints.points.copy()
    points[:, 0] = points[:, 5:7].mean(axis=1) + np.array([10, -20])
    skeleton = bust()
    poses = follow_keypoints(with_points(keypoints, points), skeleton)
    lean = poses.joints_xy[0, skeleton.index["neck"]] - poses.joints_xy[0, skeleton.index["torso"]]
    np.testing.assert_allclose(lean / np.linalg.norm(lean), np.array([10, -20]) / 500**0.5)


def test_a_person_without_hips_moves_the_rest() -> None:
    keypoints = keypoints_of(FIGURE, 3)
    scores = keypoints.scores.copy()
    scores[:, 11:] = 0
    points = keypoints.points + np.array([[0, 0], [12, 0], [0, 0]])[:, None]
    poses = follow_keypoints(Keypoints(points, scores, 30.0), FIGURE, smooth=0)
    moved = poses.joints_xy[1] - poses.joints_xy[0]
    np.testing.assert_allclose(moved, [[12, 0]] * len(FIGURE), atol=0.5)


def test_shoulders_ride_with_the_trunk_of_one_who_turns() -> None:
    keypoints = keypoints_of(FIGURE, 2)
    points = keypoints.points.copy()
    points[1, 5], points[1, 6] = points[0, 6], points[0, 5]
    made = follow_keypoints(with_points(keypoints, points), FIGURE, smooth=0).joints_xy
    shoulders = [FIGURE.index["left_shoulder"], FIGURE.index["right_shoulder"]]
    np.testing.assert_allclose(made[1, shoulders], made[0, shoulders], atol=1e-9)


def test_a_person_of_whom_nothing_is_known_is_refused() -> None:
    keypoints = keypoints_of(FIGURE, 2)
    with pytest.raises(InvalidInput, match="shows no bone of the puppet"):
        follow_keypoints(keypoints, FIGURE, min_score=0.95)


@given(
    st.lists(
        st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0, 1)),
        min_size=34, max_size=34,
    ),
    st.booleans(),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_any_keypoints_give_numbers_and_keep_bones(
    rows: list[tuple[float, float, float]], same: bool
) -> None:
    table = np.array(rows).reshape(2, 17, 3)
    points = np.full((2, 17, 2), 7.0) if same else table[..., :2]
    try:
        poses = follow_keypoints(Keypoints(points, table[..., 2], 12.0), FIGURE)
    except InvalidInput:
        return
    assert np.isfinite(poses.joints_xy).all()
    rest = bones(FIGURE.points_xy[None], FIGURE)
    np.testing.assert_allclose(bones(poses.joints_xy, FIGURE), np.tile(rest, (2, 1)), atol=1e-6)
