"""Actors and characters for tests: a walker, a stander, a jumper, and drawn skeletons."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from apps.puppet.motion.bvh import read_bvh
from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import to_motion
from apps.puppet.skeleton import STANDARD, Skeleton

Array = np.ndarray

CHARACTERS = ("char1", "char5")
RECORDINGS = ("dab", "jumping_jacks", "zombie")

_TREE = {
    "Hips": None,
    "Spine": "Hips",
    "Neck": "Spine",
    "Head": "Neck",
    **{
        f"{side}{joint}": f"{side}{parent}" if parent[0] in "AFLU" else parent
        for side in ("Left", "Right")
        for joint, parent in {
            "Arm": "Spine",
            "ForeArm": "Arm",
            "Hand": "ForeArm",
            "UpLeg": "Hips",
            "Leg": "UpLeg",
            "Foot": "Leg",
        }.items()
    },
}
_OFFSETS = {
    "Hips": (0, 0, 0),
    "Spine": (0, 0.5, 0),
    "Neck": (0, 0.1, 0),
    "Head": (0, 0.15, 0),
    "Arm": (0.2, 0.0, 0),
    "ForeArm": (0, -0.3, 0),
    "Hand": (0, -0.25, 0),
    "UpLeg": (0.1, 0, 0),
    "Leg": (0, -0.45, 0),
    "Foot": (0, -0.45, 0),
}


def build(
    frames: int,
    turns: dict[str, tuple[str, Array]],
    hips: Array | None = None,
    heading: Array | None = None,
    fps: float = 30,
    loops: bool = False,
) -> Motion:
    """A motion of simple joints.

    Args:
        frames: How many.
        turns: Joint to an axis, x or z, and the angles ``(F,)`` of all that hangs from it.
        hips: ``(F, 3)``; by default they stand.
        heading: ``(F,)``, about the vertical; 0 faces +z.
        fps: Frames a second.
        loops: Whether it does.
    """
    names = tuple(_TREE)
    parents = tuple(-1 if p is None else names.index(p) for p in _TREE.values())
    heading = np.zeros(frames) if heading is None else heading
    hips = np.tile([0.0, 0.9, 0.0], (frames, 1)) if hips is None else hips
    places = np.zeros((frames, len(names), 3))
    frame_of: list[Array] = []
    for joint, name in enumerate(names):
        side = -1.0 if name.startswith("Right") else 1.0
        x, y, z = _OFFSETS[name.removeprefix("Left").removeprefix("Right")]
        above = _rotation("y", heading) if parents[joint] < 0 else frame_of[parents[joint]]
        start = hips if parents[joint] < 0 else places[:, parents[joint]]
        places[:, joint] = start + np.einsum("fij,j->fi", above, np.array([side * x, y, z]))
        axis, angles = turns.get(name, ("x", np.zeros(frames)))
        frame_of.append(above @ _rotation(axis, angles))
    return Motion(names, parents, places, 1 / fps, loops, "made")


def _rotation(axis: str, angles: Array) -> Array:
    i = "xyz".index(axis)
    one, other = (i + 1) % 3, (i + 2) % 3
    made = np.zeros((len(angles), 3, 3))
    made[:, i, i] = 1
    made[:, one, one] = made[:, other, other] = np.cos(angles)
    made[:, other, one] = np.sin(angles)
    made[:, one, other] = -np.sin(angles)
    return made


def walker(frames: int = 120, there_and_back: bool = False, loops: bool = False) -> Motion:
    """One who walks along +x with stiff legs, a step every half a second, or there and back."""
    time = np.arange(frames) / 30
    swing = 0.4 * np.sin(2 * np.pi * time)
    # The foot that goes back in the body's frame is the one that stands.
    left = np.cos(2 * np.pi * time) > 0
    reach = 0.9 * np.sin(np.where(left, swing, -swing))
    steps = np.abs(np.diff(reach, append=reach[-1:]))
    steps[np.diff(left.astype(int), append=int(left[-1])) != 0] = 0.0
    heading = np.full(frames, np.pi / 2)
    if there_and_back:
        share = np.clip((np.arange(frames) - frames / 2 + 8) / 16, 0, 1)
        heading = np.pi / 2 + np.pi * share
        steps = steps * (np.abs(np.arange(frames) - frames / 2) > 9)
    way = np.stack([np.sin(heading), np.zeros(frames), np.cos(heading)], axis=1)
    hips = np.concatenate([np.zeros((1, 3)), np.cumsum(way * steps[:, None], axis=0)[:-1]])
    hips[:, 1] = 0.9 * np.cos(swing)
    turns = {
        "LeftUpLeg": ("x", swing),
        "RightUpLeg": ("x", -swing),
        "LeftArm": ("x", -swing),
        "RightArm": ("x", swing),
    }
    return build(frames, turns, hips, heading, loops=loops)


def waver(loops: bool = True) -> Motion:
    """One who stands and waves the left arm to the side."""
    angle = 1.4 + 0.5 * np.sin(2 * np.pi * np.arange(30) / 30)
    return build(30, {"LeftArm": ("z", angle)}, loops=loops)


def jumper() -> Motion:
    """One who stands, jumps for a second, and stands."""
    time = np.arange(90) / 30
    height = np.clip(1 - ((time - 1.5) / 0.4) ** 2, 0, None) * 0.5
    hips = np.stack([0 * time, 0.9 + height, 0 * time], axis=1)
    arms = np.clip(height * 4, 0, 2)
    return build(90, {"LeftArm": ("z", arms), "RightArm": ("z", -arms)}, hips)


def recording(shared: Path, name: str) -> Motion:
    return to_motion(read_bvh(shared / "fixtures/puppet/motions" / f"{name}.bvh"), name)


def character(shared: Path, name: str) -> Skeleton:
    file = shared / "fixtures/puppet/characters" / name / "char_cfg.yaml"
    joints = yaml.safe_load(file.read_text(encoding="utf-8"))["skeleton"]
    return Skeleton.build(
        {joint["name"]: joint["loc"] for joint in joints},
        {joint["name"]: joint["parent"] for joint in joints},
    )


def drawn(edit: Callable[[dict[str, tuple[float, float]]], None] | None = None) -> Skeleton:
    """A standing figure in a picture of 400 x 400, with arms and legs a little apart."""
    points: dict[str, tuple[float, float]] = {
        "root": (200, 220),
        "hip": (200, 220),
        "torso": (203, 150),
        "neck": (205, 115),
    }
    for side, sign in (("left", 1), ("right", -1)):
        points |= {
            f"{side}_shoulder": (203 + sign * 25, 152),
            f"{side}_elbow": (203 + sign * 40, 185),
            f"{side}_hand": (203 + sign * 50, 215),
            f"{side}_hip": (200 + sign * 15, 225),
            f"{side}_knee": (200 + sign * 20, 270),
            f"{side}_foot": (200 + sign * 24, 315),
        }
    if edit is not None:
        edit(points)
    return Skeleton.build(points, STANDARD)


def flipped(skeleton: Skeleton, width: float = 400) -> Skeleton:
    """The picture in a mirror: left is right."""
    names = [
        name.replace("left", "?").replace("right", "left").replace("?", "right")
        for name in skeleton.names
    ]
    order = [names.index(name) for name in skeleton.names]
    return skeleton.moved((np.array([width, 0]) + skeleton.points_xy * [-1, 1])[order])


def mirror_poses(joints_xy: Array, skeleton: Skeleton, width: float = 400) -> Array:
    """Poses in a mirror, in the order of the joints."""
    names = [
        name.replace("left", "?").replace("right", "left").replace("?", "right")
        for name in skeleton.names
    ]
    order = [names.index(name) for name in skeleton.names]
    return (np.array([width, 0]) + joints_xy * [-1, 1])[:, order]
