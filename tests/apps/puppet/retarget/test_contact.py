"""Feet stand when they are low and slow, in any unit."""

from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import recognise
from apps.puppet.retarget.contact import eased, nearest
from apps.puppet.retarget.legs import find_legs, mend, spots
from apps.puppet.retarget.options import RetargetOptions
from apps.puppet.retarget.view import stage
from tests.apps.puppet.retarget.actors import build, drawn, jumper, walker, waver


def feet(motion: Motion) -> np.ndarray:
    made = stage(motion, recognise(motion.names, motion.parents), RetargetOptions()).feet
    assert made is not None
    return made.on


def test_one_who_stands_stands() -> None:
    assert feet(waver()).all()


def test_one_who_jumps_does_not_stand_in_the_air() -> None:
    on = feet(jumper())
    assert on[:30].all()
    assert not on[36:54].any()
    assert on[60:].all()


def test_one_who_walks_stands_on_one_foot_after_the_other() -> None:
    on = feet(walker())
    assert on.any(axis=1).mean() > 0.7
    assert (on[:, 0] != on[:, 1]).mean() > 0.5


def test_a_leg_that_is_held_up_does_not_stand() -> None:
    lifted = np.full(60, -1.2)
    lifted[:20] = 0
    on = feet(build(60, {"LeftUpLeg": ("x", lifted)}))
    assert not on[25:, 0].any()
    assert on[25:, 1].all()


@pytest.mark.parametrize("scale", [1e-3, 100.0])
def test_the_unit_does_not_matter(scale: float) -> None:
    motion = walker()
    other = Motion(motion.names, motion.parents, motion.positions * scale, motion.frame_time)
    np.testing.assert_array_equal(feet(other), feet(motion))


def test_the_nearest_stand_is_found_round_the_end_of_a_loop() -> None:
    on = np.array([False, False, True, False, False, False])
    at, away = nearest(on, False)
    np.testing.assert_array_equal(at, 2)
    np.testing.assert_array_equal(away, [2, 1, 0, 1, 2, 3])
    at, away = nearest(np.roll(on, 3), True)
    np.testing.assert_array_equal(at, 5)
    np.testing.assert_array_equal(away, [1, 2, 3, 2, 1, 0])


def test_weight_goes_over_smoothly() -> None:
    share = eased(np.arange(0, 6.0), 30)
    assert share[0] == 0
    assert share[-1] == 1
    assert (np.diff(share) >= 0).all()


def test_a_stand_has_one_spot_even_over_the_end_of_a_loop() -> None:
    on = np.array([True, True, False, False, True, True])
    x = np.array([6.0, 7, 0, 0, 4, 5]) - np.array([5, 5, 0, 0, 0, 0.0])
    np.testing.assert_allclose(spots(x, on, True, 5.0)[[4, 5, 0, 1]], [5.5, 5.5, 0.5, 0.5])
    np.testing.assert_allclose(spots(x, on, False, 0.0)[on], [1.5, 1.5, 4.5, 4.5])
    np.testing.assert_allclose(spots(x, np.ones(6, bool), True, 0.0), x.mean())


@pytest.mark.parametrize("missing", [(0, 4), (1, 0), (1, -6), (0, 0)])
def test_a_leg_reaches_its_spot_with_straight_bones(missing: tuple[float, float]) -> None:
    skeleton = drawn(lambda points: points.update(left_knee=(230, 268)))
    leg = next(leg for leg in find_legs(skeleton) if skeleton.names[leg.foot] == "left_foot")
    joints = skeleton.points_xy[None]
    found = mend(joints, leg, np.array([missing], float), 0.2)
    np.testing.assert_allclose(found[0, leg.foot] - joints[0, leg.foot], missing, atol=0.15)
    for upper, lower in zip(leg.chain, leg.chain[1:], strict=False):
        one, other = (each[0, lower] - each[0, upper] for each in (joints, found))
        turn = np.degrees(np.arctan2(one[0] * other[1] - one[1] * other[0], one @ other))
        assert abs(turn) < 0.95
        assert abs(np.linalg.norm(other) / np.linalg.norm(one) - 1) <= 0.2 + 1e-9


def test_a_leg_that_must_not_give_keeps_its_length() -> None:
    skeleton = drawn()
    leg = find_legs(skeleton)[0]
    joints = skeleton.points_xy[None]
    found = mend(joints, leg, np.array([[3.0, 30.0]]), 0.0)
    lengths = [
        np.linalg.norm(np.diff(j[0, list(leg.chain)], axis=0), axis=1) for j in (joints, found)
    ]
    np.testing.assert_allclose(*lengths)
