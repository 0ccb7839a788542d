"""Skeletons of all usual conventions are recognised by name and by structure."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.puppet.motion.bvh import Bvh, read_bvh
from apps.puppet.motion.names import mirrored, recognise, to_motion, upright
from apps.puppet.motion.words import read_name
from cartoonedit.errors import InvalidInput

# Convention -> trunk, arm and leg of one side; a star marks what the roles are, in order:
# hips, chest, neck, head; shoulder, elbow, hand; hip, knee, foot. {} is the side, as it is spelled.
CONVENTIONS = {
    "fair1": (
        "Hips* Spine Spine1 Spine2 Spine3* Neck* Head*",
        "{}Shoulder {}Arm* {}ForeArm* {}Hand* {}HandEnd",
        "{}UpLeg* {}Leg* {}Foot* {}ToeBase",
        ("Left", "Right"),
    ),
    "cmu": (
        "Hips* lowerback Chest Chest2* lowerneck* Head*",
        "{}Collar {}Shoulder* {}Elbow* {}Wrist* {}hand",
        "{}HipJoint {}Hip* {}Knee* {}Ankle* {}Toe",
        ("Left", "Right"),
    ),
    "asf": (
        "root* lowerback upperback thorax* lowerneck* head*",
        "{}clavicle {}humerus* {}radius* {}wrist* {}hand {}fingers",
        "{}hipjoint {}femur* {}tibia* {}foot* {}toes",
        ("l", "r"),
    ),
    "mixamo": (
        "mixamorig:Hips* mixamorig:Spine mixamorig:Spine2* mixamorig:Neck* mixamorig:Head*",
        "mixamorig:{}Shoulder mixamorig:{}Arm* mixamorig:{}ForeArm* mixamorig:{}Hand*",
        "mixamorig:{}UpLeg* mixamorig:{}Leg* mixamorig:{}Foot* mixamorig:{}ToeBase",
        ("Left", "Right"),
    ),
    "mixamo1_": (
        "mixamorig1_Hips* mixamorig1_Spine mixamorig1_Spine2* mixamorig1_Neck* mixamorig1_Head*",
        "mixamorig1_{}Shoulder mixamorig1_{}Arm* mixamorig1_{}ForeArm* mixamorig1_{}Hand*",
        "mixamorig1_{}UpLeg* mixamorig1_{}Leg* mixamorig1_{}Foot* mixamorig1_{}Toe_End",
        ("Left", "Right"),
    ),
    "rokoko": (
        "Hips* Spine1 Spine2 Spine3 Spine4* Neck* Head*",
        "{}Shoulder {}Arm* {}ForeArm* {}Hand*",
        "{}Thigh* {}Shin* {}Foot* {}Toe",
        ("Left", "Right"),
    ),
    "xsens": (
        "Pelvis* L5 L3 T12 T8* Neck* Head*",
        "{}Shoulder {}UpperArm* {}ForeArm* {}Hand*",
        "{}UpperLeg* {}LowerLeg* {}Foot* {}Toe",
        ("Left", "Right"),
    ),
    "unreal": (
        "pelvis* spine_01 spine_02 spine_03* neck_01* head*",
        "clavicle_{} upperarm_{}* lowerarm_{}* hand_{}*",
        "thigh_{}* calf_{}* foot_{}* ball_{}",
        ("l", "r"),
    ),
    "blender": (
        "hips* spine chest* neck* head*",
        "shoulder.{} upper_arm.{}* forearm.{}* hand.{}*",
        "hip.{}* knee.{}* foot.{}* toe.{}",
        ("L", "R"),
    ),
    "makehuman": (
        "root* spine05 spine01* neck01* head*",
        "clavicle.{} upperarm01.{}* upperarm02.{} lowerarm01.{}* lowerarm02.{} wrist.{}*",
        "pelvis.{} upperleg01.{}* upperleg02.{} lowerleg01.{}* lowerleg02.{} foot.{}*",
        ("L", "R"),
    ),
    "humanik": (
        "Character1_Hips* Character1_Spine Character1_Spine1* Character1_Neck* Character1_Head*",
        "Character1_{}Shoulder Character1_{}Arm* Character1_{}ArmRoll Character1_{}ForeArm*"
        " Character1_{}Hand*",
        "Character1_{}UpLeg* Character1_{}UpLegRoll Character1_{}Leg* Character1_{}Foot*",
        ("Left", "Right"),
    ),
    "smpl": (
        "Pelvis* Spine1 Spine2 Spine3* Neck* Head*",
        "{}_Collar {}_Shoulder* {}_Elbow* {}_Wrist* {}_Hand",
        "{}_Hip* {}_Knee* {}_Ankle* {}_Foot",
        ("L", "R"),
    ),
    "smpl long": (
        "pelvis* spine1 spine3* neck* head*",
        "{}_collar {}_shoulder* {}_elbow* {}_wrist*",
        "{}_hip* {}_knee* {}_ankle* {}_foot",
        ("left", "right"),
    ),
    "biped": (
        "Bip01 Pelvis*|Bip01 Spine|Bip01 Spine1*|Bip01 Neck*|Bip01 Head*",
        "Bip01 {} Clavicle|Bip01 {} UpperArm*|Bip01 {} Forearm*|Bip01 {} Hand*|Bip01 {} Finger0",
        "Bip01 {} Thigh*|Bip01 {} Calf*|Bip01 {} Foot*|Bip01 {} Toe0",
        ("L", "R"),
    ),
    "daz": (
        "hip pelvis* abdomen chest* neck* head*",
        "{}Collar {}ShldrBend* {}ShldrTwist {}ForearmBend* {}ForearmTwist {}Hand*",
        "{}ThighBend* {}ThighTwist {}Shin* {}Foot* {}Toe",
        ("l", "r"),
    ),
    "kinect": (
        "SpineBase* SpineMid SpineShoulder* Neck* Head*",
        "Shoulder{}* Elbow{}* Wrist{}* Hand{}",
        "Hip{}* Knee{}* Ankle{}* Foot{}",
        ("Left", "Right"),
    ),
    "no hands": (
        "Hips* Spine* Neck* Head*",
        "{}Shoulder {}Arm* {}ForeArm* End#Site*",
        "{}Hip* {}Knee* {}Foot*",
        ("Left", "Right"),
    ),
}


def skeleton(convention: str) -> tuple[list[str], list[int], dict[str, str]]:
    """Names, parents, and the wanted name of each role."""
    trunk, arm, leg, sides = CONVENTIONS[convention]

    def split(text: str, side: str = "") -> list[str]:
        parts = text.split("|") if "|" in text else text.split()
        return [part.replace("{}", side).replace("#", " ") for part in parts]

    names: list[str] = []
    parents: list[int] = []
    wanted: dict[str, str] = {}

    def add(chain: list[str], parent: int, roles: list[str]) -> list[int]:
        made, left = [], iter(roles)
        for name in chain:
            names.append(name.removesuffix("*"))
            parents.append(parent)
            parent = len(names) - 1
            made.append(parent)
            if name.endswith("*"):
                wanted[next(left)] = names[-1]
        return made

    spine = split(trunk)
    made = add(spine, -1, ["hips", "chest", "neck", "head"])
    marks = [place for place, name in zip(made, spine, strict=True) if name.endswith("*")]
    for side, spelled in zip(("left", "right"), sides, strict=True):
        add(split(arm, spelled), marks[1], [f"{side}_{p}" for p in ("shoulder", "elbow", "hand")])
        add(split(leg, spelled), marks[0], [f"{side}_{p}" for p in ("hip", "knee", "foot")])
    return names, parents, wanted


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_recognises_the_usual_conventions(convention: str) -> None:
    names, parents, wanted = skeleton(convention)
    roles = recognise(names, parents)
    assert {role: names[roles[role]] for role in wanted} == wanted


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_helper_joints_are_passed_over(convention: str) -> None:
    names, parents, wanted = skeleton(convention)
    for helper in ("ik_foot_l", "ik_hand_r", "LeftHandThumb1", "calf_twist_01_l", "RightFootIK"):
        names.append(helper)
        parents.append(0)
    roles = recognise(names, parents)
    assert {role: names[roles[role]] for role in wanted} == wanted


def test_legs_alone_and_arms_alone_are_enough() -> None:
    names, parents, _ = skeleton("smpl")
    for without, there in (("_shoulder", "_hip"), ("_hip", "_shoulder")):
        limbs = {"_shoulder": "Shoulder Elbow Wrist", "_hip": "Hip Knee Ankle"}[without].split()
        others = [f"x{i}" if any(limb in n for limb in limbs) else n for i, n in enumerate(names)]
        roles = recognise(others, parents)
        assert f"left{there}" in roles
        assert f"left{without}" not in roles
        assert "head" in roles


def test_what_is_unknown_is_told_with_its_joints() -> None:
    with pytest.raises(InvalidInput) as told:
        recognise(["Bone", "Bone.001", "LeftFoot"], [-1, 0, 1], "crawl.bvh")
    text = str(told.value)
    assert "crawl.bvh" in text
    assert "Bone.001" in text
    assert "left_knee" in text
    assert "left_foot" not in text.split("not found")[1].split(".")[0]
    assert "retarget file" in text


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("LeftArm", "RightArm"),
        ("mixamorig:LeftArm", "mixamorig:RightArm"),
        ("thigh_l", "thigh_r"),
        ("hip.L", "hip.R"),
        ("lfemur", "rfemur"),
        ("LHipJoint", "RHipJoint"),
        ("Bip01 L Thigh", "Bip01 R Thigh"),
        ("left_hip", "right_hip"),
        ("FootLeft", "FootRight"),
        ("Spine", "Spine"),
        ("L5", "L5"),
        ("lowerback", "lowerback"),
        ("End Site", "End Site"),
    ],
)
def test_mirrored(name: str, other: str) -> None:
    assert mirrored(name) == other
    assert mirrored(other) == name


@given(st.text("LRlreftighHpAm_.: 01", max_size=14))
def test_mirrored_twice_is_the_name(name: str) -> None:
    assert mirrored(mirrored(name)) == name
    assert read_name(mirrored(name)).part == read_name(name).part


# ---------------------------------------------------------------- up


def standing() -> tuple[np.ndarray, dict[str, int]]:
    names, parents, _ = skeleton("fair1")
    roles = recognise(names, parents)
    places = np.zeros((3, len(names), 3))
    rng = np.random.default_rng(1)
    places[:] = rng.normal(0, 0.1, places.shape)
    for joint, height in (("head", 1.7), ("hips", 1.0), ("left_foot", 0.1), ("right_foot", 0.1)):
        places[:, roles[joint], 1] = height
    return places, roles


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_upright_turns_any_axis_up(axis: int, sign: int) -> None:
    places, roles = standing()
    turn = np.zeros((3, 3))  # a rotation that brings y to the axis
    turn[axis, 1] = sign
    turn[(axis + 1) % 3, 2] = 1
    turn[:, 0] = np.cross(turn[:, 1], turn[:, 2])
    found = upright(places @ turn.T, roles)
    np.testing.assert_allclose(found[..., 1], places[..., 1], atol=1e-12)
    # Not mirrored: distances and handedness stay.
    one, other = (p[0, 1:4] - p[0, 0] for p in (places, found))
    assert np.linalg.det(one) == pytest.approx(np.linalg.det(other))


def test_one_who_lies_is_set_up_by_the_rest_pose() -> None:
    places, roles = standing()
    rolling = np.concatenate([places[..., [1, 0, 2]] * (s, 1, -s) for s in (1, -1)])
    found = upright(rolling, roles, rest=places[0][:, [0, 2, 1]])
    np.testing.assert_allclose(found[..., 1], rolling[..., 2])


# ---------------------------------------------------------------- files


def bvh(hips: np.ndarray, turns: np.ndarray, all_move: bool = False) -> Bvh:
    """Fair1's skeleton: ``hips`` ``(F, 3)`` and an angle ``(F,)`` of the right arm."""
    names, parents, _ = skeleton("fair1")
    offsets = np.array([[0.0, 1.0, 0.0] if p >= 0 else [0.0, 0, 0] for p in parents])
    for joint, name in enumerate(names):
        if "Leg" in name or "Foot" in name or "Toe" in name:
            offsets[joint] = [0.5 if "Left" in name else -0.5, -1, 0]
    root = ("Xposition", "Yposition", "Zposition", "Zrotation")
    moves = ("Xposition", "Yposition", "Zposition", "Zrotation") if all_move else ("Zrotation",)
    channels = [root if p < 0 else moves for p in parents]
    values = np.zeros((len(hips), sum(map(len, channels))))
    values[:, :3] = hips
    arm = names.index("RightArm")
    values[:, sum(len(c) for c in channels[: arm + 1]) - 1] = turns
    return Bvh(tuple(names), tuple(parents), offsets, tuple(channels), values, 1 / 30)


WAVE = 40 * np.sin(2 * np.pi * np.arange(30) / 30)
STILL = np.zeros((30, 3))
WALK = np.outer(np.arange(30), [0.1, 0, 0])


@pytest.mark.parametrize(
    ("turns", "hips", "loops", "frames"),
    [
        (WAVE, STILL, True, 30),
        (WAVE, WALK, True, 30),
        (np.append(WAVE, WAVE[0]), np.zeros((31, 3)), True, 30),
        (WAVE[:20], STILL[:20], False, 20),
        (np.linspace(0, 90, 30), STILL, False, 30),
        (np.zeros(30), STILL, False, 30),
    ],
)
def test_loops_are_found(turns: np.ndarray, hips: np.ndarray, loops: bool, frames: int) -> None:
    motion = to_motion(bvh(hips, turns))
    assert (motion.loops, len(motion)) == (loops, frames)
    assert motion.travel[0] == pytest.approx(3.0 if loops and hips is WALK else 0.0)


def test_a_rest_pose_before_the_motion_is_left_out() -> None:
    motion = to_motion(bvh(np.zeros((31, 3)), np.append(-160, WAVE)))
    assert (len(motion), motion.loops) == (30, True)


def test_positions_of_all_joints_that_are_never_written_do_not_count() -> None:
    wanted = to_motion(bvh(STILL, WAVE)).positions
    np.testing.assert_allclose(to_motion(bvh(STILL, WAVE, all_move=True)).positions, wanted)


def test_a_skeleton_without_size_is_refused() -> None:
    made = bvh(STILL, WAVE)
    flat = Bvh(made.names, made.parents, made.offsets * 0, made.channels, made.values, 1 / 30)
    with pytest.raises(InvalidInput, match="no size"):
        to_motion(flat, "flat.bvh")


@pytest.mark.parametrize("name", ["dab", "zombie", "jumping_jacks"])
def test_recordings_stand_upright(shared: Path, name: str) -> None:
    made = read_bvh(shared / "fixtures/puppet/motions" / f"{name}.bvh")
    motion = to_motion(made, name)
    roles = recognise(motion.names, motion.parents)
    up = motion.positions[..., 1].mean(axis=0)
    for higher, lower in pairwise(["head", "neck", "chest", "hips", "left_knee", "left_foot"]):
        assert up[roles[higher]] >= up[roles[lower]]
    assert not motion.loops
