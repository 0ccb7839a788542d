"""Puppets have the directions of their actors, feet that do not slide, and no gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import apps.puppet
from apps.puppet.motion.bvh import read_bvh
from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import recognise, to_motion
from apps.puppet.poses import Poses
from apps.puppet.retarget import RetargetOptions, projected_directions, retarget
from apps.puppet.retarget.limbs import NEARLY_ZERO, puppet_roles
from apps.puppet.retarget.view import stage
from apps.puppet.skeleton import BUST, Skeleton
from cartoonedit.errors import InvalidInput
from tests.apps.puppet.retarget.actors import (
    CHARACTERS,
    RECORDINGS,
    build,
    character,
    drawn,
    flipped,
    jumper,
    mirror_poses,
    recording,
    walker,
    waver,
)

OWN = sorted((Path(apps.puppet.__file__).parent / "motions").glob("*.bvh"))


def bone_angles(poses: Poses, skeleton: Skeleton, joints: tuple[int, ...]) -> np.ndarray:
    """Clockwise from up, radians."""
    way = (
        poses.joints_xy[:, list(joints)] - poses.joints_xy[:, [skeleton.parents[j] for j in joints]]
    )
    return np.arctan2(way[..., 0], -way[..., 1])


def off(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference of angles, degrees."""
    return float(np.degrees(np.abs(np.angle(np.exp(1j * (one - other))))).max())


def slides(poses: Poses, skeleton: Skeleton, motion: Motion) -> float:
    """How far a foot moves while the actor's stands, at most, as a share of the height."""
    actor = stage(motion, recognise(motion.names, motion.parents), RetargetOptions())
    assert actor.feet is not None
    worst = 0.0
    for joint, role in puppet_roles(skeleton).items():
        if role.endswith("foot"):
            on = actor.feet.on[:, ("left_foot", "right_foot").index(role)]
            edges = np.flatnonzero(np.diff(on.astype(int), prepend=0, append=0))
            for start, end in edges.reshape(-1, 2):
                place = poses.joints_xy[start:end, joint]
                worst = max(worst, float(np.linalg.norm(place - place[0], axis=1).max()))
    return worst / float(np.ptp(skeleton.points_xy[:, 1]))


# ---------------------------------------------------------------- recordings, drawn characters


@pytest.mark.parametrize("name", CHARACTERS)
@pytest.mark.parametrize("motion", RECORDINGS)
def test_limbs_point_as_the_actors_do_and_feet_stay(shared: Path, name: str, motion: str) -> None:
    actor, skeleton = recording(shared, motion), character(shared, name)
    options = RetargetOptions(fps=1 / actor.frame_time)
    poses = retarget(actor, skeleton, options)
    wanted = projected_directions(actor, skeleton, options)
    assert len(poses) == len(actor)
    assert len(wanted.joints) == (8 if name == "char1" else 16)
    assert off(bone_angles(poses, skeleton, wanted.joints), wanted.angles) < 1
    assert slides(poses, skeleton, actor) < 0.005


@pytest.mark.parametrize("name", CHARACTERS)
@pytest.mark.parametrize("file", OWN, ids=lambda file: file.stem)
def test_so_they_do_for_all_motions_that_are_shipped(shared: Path, name: str, file: Path) -> None:
    actor, skeleton = to_motion(read_bvh(file), file.stem), character(shared, name)
    options = RetargetOptions(fps=1 / actor.frame_time)
    poses = retarget(actor, skeleton, options)
    wanted = projected_directions(actor, skeleton, options)
    assert off(bone_angles(poses, skeleton, wanted.joints), wanted.angles) < 1
    assert slides(poses, skeleton, actor) < 0.005


ARM = (("shoulder", "elbow"), ("elbow", "hand"))
LEG = (("hip", "knee"), ("knee", "foot"))


@pytest.mark.parametrize(
    ("motion", "bones"),
    [("dab", ARM + LEG), ("jumping_jacks", ARM + LEG), ("zombie", ARM)],  # seen from the front
    ids=["dab", "jumping_jacks", "zombie"],
)
def test_the_directions_are_those_of_the_projection(
    shared: Path, motion: str, bones: tuple[tuple[str, str], ...]
) -> None:
    """Against a projection that is written out here: the actor's own axes, frame by frame."""
    actor, skeleton = recording(shared, motion), character(shared, "char1")
    options = RetargetOptions(fps=1 / actor.frame_time)
    found = projected_directions(actor, skeleton, options)
    roles = recognise(actor.names, actor.parents)
    place = {role: actor.positions[:, joint] for role, joint in roles.items()}
    across = sum(
        way / np.linalg.norm(way, axis=1, keepdims=True)
        for way in (
            place["left_hip"] - place["right_hip"],
            place["left_shoulder"] - place["right_shoulder"],
        )
    )
    across[:, 1] = 0
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    for side in ("left", "right"):
        for start, end in bones:
            way = place[f"{side}_{end}"] - place[f"{side}_{start}"]
            x, up = (way * across).sum(axis=1), way[:, 1]
            seen = np.hypot(x, up) > NEARLY_ZERO * np.linalg.norm(way, axis=1)
            column = found.joints.index(skeleton.index[f"{side}_{end}"])
            assert seen.any()
            assert off(found.angles[seen, column], np.arctan2(x, up)[seen]) < 0.01


def test_arms_do_not_inherit_what_the_neck_does(shared: Path) -> None:
    """Whatever head and torso do, arms point where they should."""
    actor, skeleton = recording(shared, "dab"), character(shared, "char1")
    nodding = actor.positions.copy()
    head = actor.names.index("Head")
    nodding[:, head] += 3 * np.sin(np.arange(len(actor)))[:, None]
    other = Motion(actor.names, actor.parents, nodding, actor.frame_time)
    options = RetargetOptions(fps=1 / actor.frame_time)
    wanted = projected_directions(actor, skeleton, options)
    poses = retarget(other, skeleton, options)
    assert off(bone_angles(poses, skeleton, wanted.joints), wanted.angles) < 1


def test_bones_keep_their_lengths_but_for_what_legs_give(shared: Path) -> None:
    actor, skeleton = recording(shared, "jumping_jacks"), character(shared, "char1")
    poses = retarget(actor, skeleton, RetargetOptions(fps=30, give=0, foreshorten_legs=0))
    parents = [max(parent, 0) for parent in skeleton.parents]
    drawn_lengths = np.linalg.norm(skeleton.points_xy - skeleton.points_xy[parents], axis=1)
    lengths = np.linalg.norm(poses.joints_xy - poses.joints_xy[:, parents], axis=2)
    np.testing.assert_allclose(lengths, np.tile(drawn_lengths, (len(poses), 1)), atol=1e-6)


def test_who_bends_his_knees_to_the_front_sinks_as_far_as_his_legs_get_shorter() -> None:
    bend = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(60) / 60)  # radians
    hips = np.stack([0 * bend, 0.9 * np.cos(bend), 0 * bend], axis=1)
    turns = {
        f"{side}{bone}": ("x", sign * bend)
        for side in ("Left", "Right")
        for bone, sign in (("UpLeg", -1), ("Leg", 2))
    }
    skeleton = drawn()
    roots = {}
    for share in (0.0, 0.5, 1.0):
        options = RetargetOptions(legs="front", foreshorten_legs=share)
        poses = retarget(build(60, turns, hips, loops=True), skeleton, options)
        roots[share] = np.ptp(poses.joints_xy[:, skeleton.root, 1])
    leg = 90.6
    for share, sank in roots.items():
        assert sank == pytest.approx(share * (1 - np.cos(1)) * leg, abs=0.5)


def test_one_who_walks_there_and_back_comes_back(shared: Path) -> None:
    actor, skeleton = recording(shared, "zombie"), character(shared, "char1")
    x = retarget(actor, skeleton, RetargetOptions(fps=30)).joints_xy[:, skeleton.root, 0]
    height = np.ptp(skeleton.points_xy[:, 1])
    assert x.max() - x[0] > 2 * height
    assert abs(x[-1] - x[0]) < 0.5 * height


@pytest.mark.parametrize("motion", RECORDINGS)
def test_the_root_never_jumps(shared: Path, motion: str) -> None:
    actor, skeleton = recording(shared, motion), character(shared, "char1")
    poses = retarget(actor, skeleton, RetargetOptions(fps=1 / actor.frame_time))
    steps = np.linalg.norm(np.diff(poses.joints_xy[:, skeleton.root], axis=0), axis=1)
    jerks = np.linalg.norm(np.diff(poses.joints_xy[:, skeleton.root], 2, axis=0), axis=1)
    height = np.ptp(skeleton.points_xy[:, 1])
    assert steps.max() < 0.06 * height
    assert jerks.max() < 0.05 * height


# ---------------------------------------------------------------- made actors


def test_a_walker_from_the_side_walks_and_turns_back() -> None:
    skeleton = drawn()
    x = retarget(walker(240, there_and_back=True), skeleton).joints_xy[:, skeleton.root, 0]
    assert x[100] - x[0] > 100
    assert x[120] - x[-1] > 100
    left = retarget(walker(), skeleton, RetargetOptions(faces="left")).joints_xy[
        :, skeleton.root, 0
    ]
    assert left[-1] - left[0] < -100


def test_it_starts_where_it_is_drawn() -> None:
    skeleton = drawn()
    for motion in (walker(), waver(), jumper()):
        first = retarget(motion, skeleton).joints_xy[0, skeleton.root]
        assert first[0] == pytest.approx(200)
        assert first[1] == pytest.approx(220, abs=5)


def test_a_jump_leaves_the_ground_and_lands_without_a_jolt() -> None:
    skeleton = drawn()
    poses = retarget(jumper(), skeleton)
    feet = poses.joints_xy[:, [skeleton.index["left_foot"], skeleton.index["right_foot"]], 1]
    assert feet[:30].min() == pytest.approx(315, abs=1)
    leg = 90.6  # 0.5 of the actor's 0.9 of a leg
    assert 315 - feet.min() == pytest.approx(leg * 0.5 / 0.9, rel=0.05)
    actor = jumper().positions[:, 0, 1] * leg / 0.9
    assert np.abs(np.diff(feet, 2, axis=0)).max() < 1.2 * np.abs(np.diff(actor, 2)).max()
    np.testing.assert_allclose(feet[-20:], 315, atol=1)


def test_loops_close_and_repeat() -> None:
    skeleton = drawn()
    once = retarget(waver(), skeleton)
    assert once.loops
    assert len(once) == 30
    twice = retarget(waver(), skeleton, RetargetOptions(duration=2))
    assert twice.loops
    np.testing.assert_allclose(twice.joints_xy[:30], twice.joints_xy[30:], atol=1e-6)
    step = np.abs(np.diff(once.joints_xy, axis=0)).max()
    assert np.abs(once.joints_xy[0] - once.joints_xy[-1]).max() < 1.5 * step


def test_a_phase_is_a_start_in_the_middle() -> None:
    skeleton = drawn()
    straight = retarget(waver(), skeleton).joints_xy
    shifted = retarget(waver(), skeleton, RetargetOptions(phase=0.5)).joints_xy
    np.testing.assert_allclose(np.roll(straight, -15, axis=0), shifted, atol=0.2)


@pytest.mark.parametrize("motion", [walker(), waver(), jumper()])
def test_a_mirror_shows_the_motion_in_a_mirror(motion: Motion) -> None:
    skeleton = drawn()
    mirrored = retarget(motion, skeleton, RetargetOptions(mirror=True))
    plain = retarget(motion, flipped(skeleton))
    np.testing.assert_allclose(
        mirrored.joints_xy, mirror_poses(plain.joints_xy, skeleton), atol=1e-6
    )


def test_a_motion_mirrored_twice_gives_the_same_poses() -> None:
    motion, skeleton = walker(), drawn()
    back = motion.reversed_sides().reversed_sides()
    plain = retarget(motion, skeleton)
    again = retarget(back, skeleton)
    np.testing.assert_array_equal(again.joints_xy, plain.joints_xy)
    np.testing.assert_array_equal(again.depth, plain.depth)


def test_blending_in_starts_as_drawn() -> None:
    skeleton = drawn()
    poses = retarget(waver(False), skeleton, RetargetOptions(blend_in=0.5))
    np.testing.assert_allclose(poses.joints_xy[0], skeleton.points_xy, atol=1e-6)
    whole = retarget(waver(False), skeleton)
    np.testing.assert_allclose(poses.joints_xy[20:], whole.joints_xy[20:], atol=1e-6)
    assert np.abs(np.diff(poses.joints_xy, axis=0)).max() < 25


def test_more_arms_and_legs_follow_those_of_their_side() -> None:
    tree = {
        "root": None,
        "torso": "root",
        "neck": "torso",
        "tail": "root",
        **{
            f"{side}_{part}{end}": "torso" if part == "shoulder" else f"{side}_{above}{end}"
            for side in ("left", "right")
            for part, above, ends in (
                ("shoulder", "", "12"),
                ("elbow", "shoulder", "12"),
                ("hand", "elbow", "12"),
            )
            for end in ends
        },
        **{
            f"{side}_{part}_{end}": "root" if part == "hip" else f"{side}_{above}_{end}"
            for side in ("left", "right")
            for part, above in (("hip", ""), ("knee", "hip"), ("foot", "knee"))
            for end in "fb"
        },
    }
    rng = np.random.default_rng(2)
    skeleton = Skeleton.build({name: tuple(rng.uniform(0, 300, 2)) for name in tree}, tree)
    wanted = projected_directions(waver(), skeleton)
    names = [skeleton.names[joint] for joint in wanted.joints]
    assert len(names) == 16
    for one, other in (("left_hand1", "left_hand2"), ("right_foot_f", "right_foot_b")):
        np.testing.assert_array_equal(
            wanted.angles[:, names.index(one)], wanted.angles[:, names.index(other)]
        )
    poses = retarget(waver(), skeleton)
    tail = poses.joints_xy[:, skeleton.index["tail"]] - poses.joints_xy[:, skeleton.root]
    np.testing.assert_allclose(
        tail, np.tile(skeleton["tail"] - skeleton["root"], (30, 1)), atol=1e-6
    )


def test_a_bust_sways_and_stays() -> None:
    whole = drawn()
    bust = Skeleton.build({name: tuple(whole[name]) for name in BUST}, BUST)
    poses = retarget(walker(), bust)
    moved = poses.joints_xy[:, bust.root] - bust["root"]
    assert 0.1 < np.abs(moved).max() < 0.15 * np.ptp(bust.points_xy[:, 1])


def test_an_arm_that_points_at_the_viewer_goes_on_smoothly() -> None:
    angles = np.linspace(-0.6, 0.6, 61)  # forward, through the direction to the viewer
    motion = build(61, {"LeftArm": ("x", -np.pi / 2 + angles)})
    skeleton = drawn()
    found = projected_directions(motion, skeleton, RetargetOptions(arms="front"))
    column = found.joints.index(skeleton.index["left_hand"])
    assert found.share[30, column] < NEARLY_ZERO
    assert np.degrees(np.abs(np.diff(found.angles[:, column]))).max() < 30


def test_roles_that_are_given_count_and_must_be_enough() -> None:
    motion, skeleton = waver(), drawn()
    roles = recognise(motion.names, motion.parents)
    crossed = {
        role.replace("left", "?").replace("right", "left").replace("?", "right"): joint
        for role, joint in roles.items()
    }
    plain, other = (retarget(motion, skeleton, None, each) for each in (roles, crossed))
    np.testing.assert_array_equal(plain.joints_xy, retarget(motion, skeleton).joints_xy)
    assert np.abs(plain.joints_xy - other.joints_xy).max() > 5
    armless = {role: joint for role, joint in roles.items() if role != "left_hand"}
    arms = retarget(motion, skeleton, None, armless)
    elbow = arms.joints_xy[:, skeleton.index["left_elbow"]]
    assert np.ptp(elbow, axis=0).max() < 1  # half an arm is none: it rides with the torso
    for few in ({}, {"hips": 0}, {k: v for k, v in armless.items() if k != "left_hip"}):
        with pytest.raises(InvalidInput, match="roles"):
            retarget(motion, skeleton, None, few)


def test_long_motions_are_quick_and_small() -> None:
    motion = walker(10_000)
    poses = retarget(motion, drawn(), RetargetOptions(room=(0, 0, 400, 400)))
    assert poses.joints_xy.shape == (10_000, 16, 2)
    assert np.isfinite(poses.joints_xy).all()


# ---------------------------------------------------------------- anything

numbers = st.floats(-200, 600, allow_nan=False, width=32)


@st.composite
def skeletons(draw: st.DrawFn) -> Skeleton:
    """The standard joints anywhere, some on one spot, some missing."""
    whole = drawn()
    spots = draw(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6))
    gone = draw(st.sets(st.sampled_from(whole.names[1:]), max_size=6))
    picked = draw(st.lists(st.sampled_from(spots), min_size=16, max_size=16))
    return whole.moved(np.array(picked)).without(gone)


@st.composite
def motions(draw: st.DrawFn) -> Motion:
    """Noise, of any size, with joints that coincide."""
    count = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    plain = build(count, {})
    scale = draw(st.sampled_from([0.0, 1e-6, 1.0, 1e6]))
    noise = rng.normal(0, scale, plain.positions.shape)
    kept = draw(st.sampled_from([0.0, 1.0, 1000.0]))
    still = plain.positions * kept + noise
    if draw(st.booleans()):
        still[:, 4:8] = still[:, :1]
    return Motion(plain.names, plain.parents, still, 1 / 30, draw(st.booleans()))


@settings(max_examples=60, deadline=None)
@given(
    motions(),
    skeletons(),
    st.builds(
        RetargetOptions,
        fps=st.sampled_from([1, 12, 60]),
        speed=st.sampled_from([0.3, 1, 5]),
        phase=st.floats(0, 1),
        duration=st.none() | st.floats(0, 2),
        mirror=st.booleans(),
        arms=st.sampled_from(["auto", "front", "side"]),
        legs=st.sampled_from(["auto", "front", "side"]),
        travel=st.sampled_from(["auto", "free", "in-place"]),
        room=st.none() | st.just((0, 0, 400, 300)),
        foreshorten=st.floats(0, 1),
        foreshorten_legs=st.floats(0, 1),
        give=st.sampled_from([0, 0.2]),
        blend_in=st.sampled_from([0, 0.2]),
    ),
)
def test_nothing_is_ever_not_a_number(
    motion: Motion, skeleton: Skeleton, options: RetargetOptions
) -> None:
    poses = retarget(motion, skeleton, options)
    assert len(poses) >= 1
    assert poses.joints_xy.shape == (len(poses), len(skeleton), 2)
    assert poses.depth.shape == (len(poses), len(skeleton))
    assert np.isfinite(poses.joints_xy).all()
    assert np.isfinite(poses.depth).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_directions_are_exact_for_any_motion(seed: int, loops: bool) -> None:
    rng = np.random.default_rng(seed)
    turns = {
        name: ("xz"[int(rng.integers(2))], np.cumsum(rng.normal(0, 0.2, 40)))
        for name in ("LeftArm", "RightForeArm", "LeftUpLeg", "RightUpLeg", "LeftLeg", "Spine")
    }
    motion = build(40, turns, heading=np.cumsum(rng.normal(0, 0.1, 40)), loops=loops)
    skeleton = drawn()
    poses, wanted = retarget(motion, skeleton), projected_directions(motion, skeleton)
    assert off(bone_angles(poses, skeleton, wanted.joints), wanted.angles) < 1
