"""Key frames of joints: a motion that a person wrote down, as YAML or JSON.

    loop: true
    keyframes:
      - time: 0
      - time: 0.6
        easing: smooth
        joints:
          left_hand: {at: [412, 96]}
          right_hand: {move: [0, -40]}
          root: {move_share: [0, -0.05]}
          neck: {turn: 12}
      - time: 1.2
        joints:
          left_hand: rest

``time`` is in seconds. A joint is put somewhere (``at``, a pixel of the picture; a list alone means
the same), or taken from where it would be (``move``, in pixels to the right and down, or
``move_share``, in heights of the character), or its bone is turned against rest (``turn``, degrees
counter-clockwise as seen; a number alone means the same), with all that hangs from it. ``depth``
beside one of these brings it to the front (1) or the back (-1). A hand or a foot that is put or
moved bends its limb. Joints that are not named ride along.

A key frame that does not name a joint has no say in it, but for the first: what that one does not
name is in rest there. ``easing`` says how joints come to a key frame from the one before: by
default in one smooth sweep through all of them. A motion that loops goes back to the first key
frame, which comes again at ``duration``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from apps.kenburns.timing import EASINGS
from apps.puppet.motion.pull import Floats, Pull, pull_joints
from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput, shown
from cartoonedit.fields import number
from cartoonedit.yaml_file import read_yaml

__all__ = [
    "JointKey",
    "JointKeyFrame",
    "JointKeys",
    "parse_joint_keys",
    "play_keys",
    "read_joint_keys",
]

MOST_KEYS = 5000
MOST_SECONDS = 3600.0
SHORTEST = 1e-3
MOST_FRAMES = 200_000
SWEEP = "sweep"
KINDS = {"at": 2, "move": 2, "move_share": 2, "turn": 1}
REST = "rest"


@dataclass(frozen=True)
class JointKey:
    """What a key frame says of one joint; see the module.

    Attributes:
        kind: ``at``, ``move``, ``move_share``, ``turn`` or ``rest``.
        values: Two numbers, or one for ``turn``, or none for ``rest``.
        depth: 0 leaves it where it is in the picture.
    """

    kind: str
    values: tuple[float, ...] = ()
    depth: float = 0.0


@dataclass(frozen=True)
class JointKeyFrame:
    """One key frame.

    Attributes:
        time: Seconds.
        joints: By name.
        easing: ``sweep`` or a name in :data:`apps.kenburns.timing.EASINGS`.
    """

    time: float
    joints: Mapping[str, JointKey]
    easing: str = SWEEP


@dataclass(frozen=True)
class JointKeys:
    """A motion in key frames.

    Attributes:
        frames: One or more, by time.
        loop: Whether it goes back to the first.
        duration: Seconds; for a loop, when the first comes again.
        source: Where it is from, for messages.
    """

    frames: tuple[JointKeyFrame, ...]
    loop: bool
    duration: float
    source: str = "the key frames"


# ---------------------------------------------------------------- files


def read_joint_keys(path: str | Path) -> JointKeys:
    """Read key frames from a YAML file, or a JSON file (``.json``).

    Raises:
        InvalidInput: The file cannot be read, or says something that makes no sense; the text names
            the key frame and the joint.
    """
    file = Path(path).expanduser()
    return parse_joint_keys(read_yaml(file, "key frames"), str(file))


def parse_joint_keys(data: Any, source: str = "the key frames") -> JointKeys:
    """Key frames from plain data: a list of them, or a mapping with a list ``keyframes``.

    Args:
        data: See the module.
        source: Where it is from, for messages.

    Raises:
        InvalidInput: It says something that makes no sense.
    """
    known = {"keyframes", "loop", "duration"}
    whole = data if isinstance(data, Mapping) else {"keyframes": data}
    if whole.keys() - known:
        stray = shown(sorted(map(str, whole.keys() - known))[0])
        raise InvalidInput(f"{source} may say {', '.join(sorted(known))}; got {stray}.")
    entries = whole.get("keyframes")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MOST_KEYS:
        got = len(entries) if isinstance(entries, list) else shown(entries)
        raise InvalidInput(
            f"{source} must hold a list of key frames, of 1 to {MOST_KEYS}; got {got}."
        )
    frames = tuple(
        _parse_frame(each, f"{source}, key frame {i}") for i, each in enumerate(entries, 1)
    )
    for nth, (before, after) in enumerate(pairwise(frames), 2):
        if after.time - before.time < SHORTEST:
            raise InvalidInput(
                f"{source}, key frame {nth}: its time, {after.time:g} s, must be {SHORTEST:g} s"
                f" or more after that of the one before, {before.time:g} s."
            )
    loop = whole.get("loop", False)
    if not isinstance(loop, bool):
        raise InvalidInput(f"{source}: loop must be true or false; got {shown(loop)}.")
    _check_kinds(frames, source)
    return JointKeys(frames, loop, _duration(whole.get("duration"), frames, loop, source), source)


def _duration(given: Any, frames: Sequence[JointKeyFrame], loop: bool, source: str) -> float:
    """When the motion ends: as said, or at the last key frame, or back at the first."""
    last = frames[-1].time
    if given is not None:
        low = last + SHORTEST if loop and not _closed(frames) else last
        return number(given, f"{source}: duration", low, MOST_SECONDS)
    if not loop or _closed(frames):
        return last
    return last + (last - frames[-2].time if len(frames) > 1 else 1.0)


def _closed(frames: Sequence[JointKeyFrame]) -> bool:
    """Whether the last key frame says the same as the first."""
    if len(frames) < 2:
        return False
    resting = JointKey(REST)
    names = {name for frame in frames for name in frame.joints}
    first, last = frames[0].joints, frames[-1].joints
    return all(last.get(name) == first.get(name, resting) for name in names)


def _parse_frame(entry: Any, where: str) -> JointKeyFrame:
    known = set(JointKeyFrame.__dataclass_fields__)
    if not isinstance(entry, Mapping) or "time" not in entry or entry.keys() - known:
        raise InvalidInput(
            f"{where} must have a time and may have joints and easing; got {shown(entry)}."
        )
    easing = entry.get("easing", SWEEP)
    if easing != SWEEP and not (isinstance(easing, str) and easing in EASINGS):
        names = ", ".join([SWEEP, *EASINGS])
        raise InvalidInput(f"{where}: easing must be one of {names}; got {shown(easing)}.")
    joints = entry.get("joints") or {}
    if not isinstance(joints, Mapping):
        raise InvalidInput(
            f"{where}: joints must be names with what becomes of them, such as"
            f" left_hand: {{move: [0, -40]}}; got {shown(joints)}."
        )
    parsed = {str(name): _parse_joint(each, f"{where}, {name}") for name, each in joints.items()}
    return JointKeyFrame(number(entry["time"], f"{where}: time", 0, MOST_SECONDS), parsed, easing)


def _parse_joint(value: Any, where: str) -> JointKey:
    if value == REST:
        return JointKey(REST)
    if isinstance(value, list | tuple):
        value = {"at": value}
    elif not isinstance(value, Mapping):
        value = {"turn": value}
    said = [kind for kind in KINDS if kind in value]
    if len(said) != 1 or value.keys() - KINDS.keys() - {"depth"}:
        raise InvalidInput(
            f"{where} must be rest, or one of {', '.join(KINDS)}, and may have a depth; got"
            f" {shown(value)}."
        )
    kind = said[0]
    numbers = value[kind] if KINDS[kind] > 1 else [value[kind]]
    if not isinstance(numbers, list | tuple) or len(numbers) != KINDS[kind]:
        raise InvalidInput(f"{where}: {kind} must be two numbers [x, y]; got {shown(numbers)}.")
    values = tuple(number(each, f"{where}: {kind}", -1e6, 1e6) for each in numbers)
    return JointKey(kind, values, number(value.get("depth", 0), f"{where}: depth", -1e3, 1e3))


def _check_kinds(frames: Sequence[JointKeyFrame], source: str) -> None:
    """See that no joint is put in one key frame and turned in another: nothing is between them."""
    first: dict[str, tuple[str, int]] = {}
    for nth, frame in enumerate(frames, 1):
        for name, key in frame.joints.items():
            kind = "move" if key.kind == "move_share" else key.kind
            if kind == REST:
                continue
            before, where = first.setdefault(name, (kind, nth))
            if before != kind:
                raise InvalidInput(
                    f"{source}, key frame {nth}, {name}: it has {kind} here and {before} in key"
                    f" frame {where}. Use one of them for a joint throughout; rest goes with any."
                )


# ---------------------------------------------------------------- playing


def play_keys(
    keys: JointKeys, skeleton: Skeleton, fps: float = 30.0, *, height: float | None = None
) -> Poses:
    """The poses of a puppet that does what key frames say.

    Args:
        keys: The key frames.
        skeleton: Of the puppet, in rest.
        fps: Frames a second, more than 0.
        height: Of the character in pixels, for ``move_share``; by default from its highest joint to
            its lowest.

    Returns:
        Of a loop, the frame after the last would be the first.

    Raises:
        InvalidInput: A joint is not there, or there would be far too many frames.
    """
    _check_joints(keys, skeleton)
    start = keys.frames[0].time if keys.loop else 0.0
    length = keys.duration - start
    if not (math.isfinite(fps) and fps > 0 and length * fps <= MOST_FRAMES):
        raise InvalidInput(
            f"{keys.source}: {length:g} s at {fps:g} frames a second make no clip of 1 to"
            f" {MOST_FRAMES} frames."
        )
    count = max(1, round(length * fps)) if keys.loop else round(length * fps) + 1
    # A loop is a whole number of frames long, so that it is as smooth there as anywhere.
    step = length / count if keys.loop else 1 / fps
    times: Floats = start + step * np.arange(count, dtype=np.float64)
    size = float(np.ptp(skeleton.points_xy[:, 1])) if height is None else height
    pulls: dict[int, Pull] = {}
    depth = np.zeros((count, len(skeleton)))
    for name in dict.fromkeys(name for frame in keys.frames for name in frame.joints):
        joint = skeleton.index[name]
        said = _said(keys, name)
        kind = next((key.kind for _, key, _ in said if key.kind != REST), REST)
        if kind != REST:
            rows = [_row(key, kind, skeleton[name], size) for _, key, _ in said]
            curve = _curve(keys, said, np.array(rows, np.float64), times)
            turn = kind == "turn"
            pulls[joint] = Pull(
                "move" if kind == "move_share" else kind,
                -np.radians(curve[:, 0]) if turn else curve,  # as seen, where y is down
            )
        depths = np.array([[key.depth] for _, key, _ in said], np.float64)
        depth[:, joint] = _curve(keys, said, depths, times)[:, 0]
    return Poses(pull_joints(skeleton, pulls, count), depth, float(fps), keys.loop)


def _check_joints(keys: JointKeys, skeleton: Skeleton) -> None:
    for nth, frame in enumerate(keys.frames, 1):
        for name in frame.joints:
            if name not in skeleton:
                raise InvalidInput(
                    f"{keys.source}, key frame {nth}: there is no joint {shown(name)}; there is"
                    f" {', '.join(skeleton.names)}."
                )


def _said(keys: JointKeys, name: str) -> list[tuple[float, JointKey, str]]:
    """Time, key and easing of all key frames that have a say in a joint."""
    first = keys.frames[0]
    start = (first.time, first.joints.get(name, JointKey(REST)), first.easing)
    later = [(f.time, f.joints[name], f.easing) for f in keys.frames[1:] if name in f.joints]
    return [start, *later]


def _row(key: JointKey, kind: str, rest: Floats, height: float) -> tuple[float, ...]:
    if key.kind == REST:
        return tuple(rest.tolist()) if kind == "at" else (0.0,) * KINDS[kind]
    scale = height if key.kind == "move_share" else 1.0
    return tuple(scale * value for value in key.values)


def _curve(
    keys: JointKeys, said: Sequence[tuple[float, JointKey, str]], rows: Floats, times: Floats
) -> Floats:
    """The values of one joint at all times, ``(F, dims)``, smooth through its keys."""
    from scipy.interpolate import PchipInterpolator

    knots = np.array([time for time, _, _ in said])
    easings = [easing for _, _, easing in said]
    if keys.loop:
        if keys.duration - knots[-1] <= 1e-9 and len(knots) > 1:  # the last stands for the first
            easings = [easings[-1], *easings[1:-1]]
            knots, rows = knots[:-1], rows[:-1]
        rounds = np.arange(-2, 3) * (keys.duration - knots[0])
        knots = (knots + rounds[:, None]).ravel()
        rows, easings = np.tile(rows, (5, 1)), easings * 5
    else:  # at rest before and after
        knots = np.array([knots[0] - 1, *knots, knots[-1] + 1])
        rows, easings = np.vstack([rows[:1], rows, rows[-1:]]), [SWEEP, *easings, SWEEP]
    times = np.clip(times, knots[0], knots[-1])
    made = np.asarray(PchipInterpolator(knots, rows)(times), np.float64)
    segment = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
    for frame, index in enumerate(segment):
        easing = easings[index + 1]
        if easing != SWEEP:
            share = (times[frame] - knots[index]) / (knots[index + 1] - knots[index])
            done = EASINGS[easing](min(max(float(share), 0.0), 1.0))
            made[frame] = rows[index] + done * (rows[index + 1] - rows[index])
    return made
