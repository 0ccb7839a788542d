"""What is in front stays in front until it clearly is not."""

from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.retarget import RetargetOptions, retarget
from tests.apps.puppet.retarget.actors import Array, build, drawn, waver

SKELETON = drawn()


def hand_depth(forward: Array) -> Array:
    """Depth of the left hand of one who holds the stiff left arm out by angles, from the front."""
    motion = build(len(forward), {"LeftArm": ("x", -forward)})
    options = RetargetOptions(arms="front", legs="front")
    return retarget(motion, SKELETON, options).depth[:, SKELETON.index["left_hand"]]


@pytest.mark.parametrize(("angle", "front"), [(0.0, True), (1.5, True), (-0.15, True), (-1, False)])
def test_hands_are_in_front_unless_clearly_behind(angle: float, front: bool) -> None:
    depth = hand_depth(np.full(10, angle))
    assert ((depth > 0) == front).all()


def test_what_trembles_does_not_flicker() -> None:
    noise = np.random.default_rng(4).normal(0, 0.04, 200)
    for middle in (-0.1, -0.3, 0.0, 0.5):
        signs = np.diff(hand_depth(middle + noise) > 0)
        assert signs.sum() <= 1


def test_what_swings_through_goes_in_front_and_behind_once_each() -> None:
    swing = 0.9 * np.sin(2 * np.pi * np.arange(60) / 60)
    assert np.diff(hand_depth(swing) > 0).sum() == 2


def test_nearer_is_larger() -> None:
    depth = hand_depth(np.linspace(0, 1.5, 20))
    assert (np.diff(depth) >= -1e-9).all()
    assert depth[-1] - depth[0] == pytest.approx(0.55 / 1.8, abs=0.04)  # an arm, in body heights


def test_limbs_are_of_one_depth_and_the_trunk_of_none() -> None:
    poses = retarget(waver(), SKELETON)
    column = SKELETON.index
    np.testing.assert_array_equal(
        poses.depth[:, column["left_elbow"]], poses.depth[:, column["left_hand"]]
    )
    for name in ("root", "torso", "neck", "left_shoulder", "right_hip"):
        np.testing.assert_array_equal(poses.depth[:, column[name]], 0)


def test_from_the_side_the_far_arm_is_behind() -> None:
    poses = retarget(waver(), SKELETON, RetargetOptions(arms="side"))
    assert (poses.depth[:, SKELETON.index["right_hand"]] > 0).all()
    assert (poses.depth[:, SKELETON.index["left_hand"]] < 0).all()
