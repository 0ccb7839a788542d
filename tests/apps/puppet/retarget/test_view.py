"""Actors are turned to face the viewer, and from the side they turn when they walk back."""

from __future__ import annotations

import numpy as np
import pytest

from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import recognise
from apps.puppet.retarget.options import RetargetOptions
from apps.puppet.retarget.view import Actor, seen, stage
from tests.apps.puppet.retarget.actors import build, walker, waver

STILL: dict[str, tuple[str, np.ndarray]] = {}


def staged(motion: Motion, **options: object) -> Actor:
    roles = recognise(motion.names, motion.parents)
    return stage(motion, roles, RetargetOptions(**options))


@pytest.mark.parametrize("facing", [0.0, 0.5, np.pi / 2, np.pi, -2.0])
def test_all_are_turned_to_face_the_viewer(facing: float) -> None:
    actor = staged(build(3, STILL, heading=np.full(3, facing)))
    np.testing.assert_allclose(actor.own["left_hip"][0], [0.1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(actor.own["right_hand"][0], [-0.2, -0.05, 0], atol=1e-9)


def test_a_dancer_who_spins_stays_a_front_view_with_continuous_heading() -> None:
    actor = staged(build(60, STILL, heading=np.linspace(0, 4 * np.pi, 60)))
    np.testing.assert_allclose(actor.own["left_hip"], np.tile([0.1, 0, 0], (60, 1)), atol=1e-9)
    np.testing.assert_allclose(actor.heading, np.linspace(0, 4 * np.pi, 60), atol=1e-6)


def test_a_spin_that_loops_gains_whole_turns() -> None:
    actor = staged(build(60, STILL, heading=np.arange(60) / 60 * 2 * np.pi, loops=True))
    assert actor.heading_gain == pytest.approx(2 * np.pi)


def test_a_cartwheel_does_not_turn_the_actor() -> None:
    motion = build(60, STILL)
    roll = np.linspace(0, 2 * np.pi, 60)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    place = motion.positions - motion.positions[:, :1]
    x, y = place[..., 0] * cos - place[..., 1] * sin, place[..., 0] * sin + place[..., 1] * cos
    wheel = Motion(motion.names, motion.parents, np.stack([x, y, place[..., 2]], -1), 1 / 30)
    np.testing.assert_allclose(staged(wheel).heading, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("view", "faces", "mirror", "turn"),
    [
        ("front", "right", False, 0),
        ("side", "right", False, 90),
        ("side", "left", False, -90),
        ("side", "right", True, -90),
    ],
)
def test_views(view: str, faces: str, mirror: bool, turn: float) -> None:
    actor = staged(waver(), arms=view, faces=faces, mirror=mirror)
    np.testing.assert_allclose(np.degrees(actor.turns["arms"]), turn, atol=1e-6)


def test_the_side_view_shows_the_right_side_of_one_who_looks_to_the_right() -> None:
    right_and_ahead = np.array([[-1.0, 0.0, 2.0]])
    x, up, near = seen(right_and_ahead, np.array([np.pi / 2]))
    assert (x[0], up[0], near[0]) == pytest.approx((2, 0, 1))


def test_auto_sees_walkers_from_the_side_and_wavers_from_the_front() -> None:
    assert staged(walker()).turns["legs"].any()
    assert not staged(waver()).turns["arms"].any()


def test_one_who_walks_back_is_turned_once() -> None:
    turns = np.degrees(staged(walker(240, there_and_back=True), arms="side").turns["arms"])
    assert turns[0] == pytest.approx(90, abs=1)
    assert turns[-1] == pytest.approx(270, abs=1)
    assert (np.diff(turns) > -1e-9).all()
    assert np.abs(np.diff(turns)).max() < 25


def test_one_who_stands_across_does_not_turn_to_and_fro() -> None:
    rng = np.random.default_rng(3)
    heading = np.concatenate([np.zeros(60), np.pi / 2 + rng.normal(0, 0.1, 60)])
    hips = np.tile([0.0, 0.9, 0.0], (120, 1))
    hips[:60, 2] = np.arange(60) * 0.05
    hips[60:, 2] = 3
    turns = np.degrees(staged(build(120, STILL, hips, heading), arms="side").turns["arms"])
    assert np.ptp(turns) < 1


def twister(heading: np.ndarray, hips: np.ndarray | None = None, loops: bool = False) -> Motion:
    """One who turns on feet that stay as they are, wide apart, one before the other."""
    count = len(heading)
    legs = {"LeftUpLeg": ("x", np.full(count, -0.3)), "RightUpLeg": ("x", np.full(count, 0.3))}
    turning = build(count, legs, hips, heading, loops=loops)
    still = build(count, legs, hips)
    feet = [joint for joint, name in enumerate(turning.names) if name.endswith(("Leg", "Foot"))]
    feet = [joint for joint in feet if not turning.names[joint].endswith("UpLeg")]
    turning.positions[:, feet] = still.positions[:, feet]
    return turning


ROUND = np.sin(np.arange(60) / 60 * 2 * np.pi)


@pytest.mark.parametrize("loops", [False, True])
def test_a_camera_waits_where_feet_that_stand_would_slide(loops: bool) -> None:
    """One who twists on both feet is shown twisting."""
    actor = staged(twister(0.5 * ROUND, loops=loops), legs="front")
    assert actor.feet is not None
    assert actor.feet.on.all()
    camera = actor.turns["legs"] - actor.heading
    np.testing.assert_allclose(camera, 0, atol=1e-9)  # in the middle of both ends
    np.testing.assert_array_equal(actor.turns["arms"], 0)


def test_a_camera_does_not_wait_where_legs_make_up_for_it() -> None:
    actor = staged(twister(0.08 * ROUND), legs="front")
    np.testing.assert_allclose(actor.turns["legs"], 0, atol=1e-12)


@pytest.mark.parametrize("loops", [False, True])
def test_a_camera_halts_before_and_moves_on_after(loops: bool) -> None:
    heading = np.concatenate([np.zeros(30), np.linspace(0, 1, 60), np.ones(30)])
    hips = np.tile([0.0, 0.9, 0.0], (120, 1))
    hips[:30, 2] = (np.arange(30) - 29) * 0.1  # it slides: no foot stands
    hips[90:, 2] = (np.arange(30) + 1) * 0.1
    motion = twister(heading, hips)
    if loops:  # the stand goes on from the last frame to the first
        places = np.roll(motion.positions - motion.positions[:1, :1] * [0, 0, 1], 60, axis=0)
        motion = Motion(motion.names, motion.parents, places, motion.frame_time, loops=True)
    actor = staged(motion, legs="front")
    assert actor.feet is not None
    stands = np.flatnonzero(actor.feet.on.all(axis=1))
    camera = actor.turns["legs"] - actor.heading
    assert len(stands) > 50
    np.testing.assert_allclose(camera[stands], camera[stands[0]], atol=1e-9)
    assert np.ptp(actor.heading[stands]) > 0.9
    away = np.roll(actor.turns["legs"], -60 if loops else 0)[[0, -1]]
    np.testing.assert_allclose(away, 0, atol=1e-9)
    steps = np.diff(np.roll(camera, -60 if loops else 0))
    assert np.abs(steps).max() < 0.25
