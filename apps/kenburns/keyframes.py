"""Key frames: a camera path that a person wrote down, as YAML or JSON.

    - time: 0
    - time: 2.5
      position: [0.1, 0, 0.2]
      target: character-2
      zoom: 1.1
    - time: 4
      target: [820, 400]
      easing: smooth

``time`` is in seconds. ``position`` is how far the camera is to the right, down and forward, in
picture widths, where 1 forward is the distance of the nearest plane. ``target``, the name of a
character or a pixel of the picture, is shown in the middle of the frame; without one the lens looks
straight ahead. ``zoom`` magnifies. ``easing`` says how the camera comes to a key frame from the one
before: by default in one smooth sweep through all of them. ``focus`` is what depth of field keeps
sharp there, a character or a depth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from apps.kenburns.camera import Pose
from apps.kenburns.path import Path
from apps.kenburns.stage import Stage
from apps.kenburns.timing import EASINGS
from cartoonedit.errors import InvalidInput, shown
from cartoonedit.fields import number, numbers
from cartoonedit.yaml_file import read_yaml

__all__ = ["KeyFrame", "keyframe_path", "read_keyframes"]

MOST_BYTES, MOST_KEYS = 1_000_000, 5000
MOST_ZOOM = 8.0
"""A pose that needs to be magnified more than that to fill the frame has left the picture."""

SWEEP = "sweep"


@dataclass(frozen=True)
class KeyFrame:
    """One key frame; see the module.

    Attributes:
        time: Seconds.
        position: To the right, down, forward, in picture widths.
        target: Name of an instance, or a pixel ``(x, y)`` of the picture; None looks straight on.
        zoom: Magnification by the lens.
        easing: ``sweep`` or a name in :data:`apps.kenburns.timing.EASINGS`.
        focus: Name of an instance, or a depth in 0..1; None leaves it to the clip's options.
    """

    time: float
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    target: str | tuple[float, float] | None = None
    zoom: float = 1.0
    easing: str = SWEEP
    focus: str | float | None = None


# ---------------------------------------------------------------- files


def read_keyframes(path: str | FilePath) -> list[KeyFrame]:
    """Read key frames from a YAML or JSON file: a list, or a mapping with a list ``keyframes``.

    Raises:
        InvalidInput: The file cannot be read, or says something that makes no sense; the text names
            the key frame.
    """
    path = FilePath(path).expanduser()
    try:
        data = read_yaml(path, "file", most_bytes=MOST_BYTES)
    except InvalidInput as error:
        raise InvalidInput(f"keyframes: {error}") from error
    if isinstance(data, Mapping):
        data = data.get("keyframes")
    if not isinstance(data, list) or not 2 <= len(data) <= MOST_KEYS:
        raise InvalidInput(
            f"keyframes: {path} must hold a list of two key frames or more, up to {MOST_KEYS}; got"
            f" {len(data) if isinstance(data, list) else shown(data)}."
        )
    keys = [_parse(entry, f"{path}, key frame {index}") for index, entry in enumerate(data, 1)]
    for index, (before, after) in enumerate(pairwise(keys), 2):
        if after.time <= before.time:
            raise InvalidInput(
                f"{path}, key frame {index}: its time, {after.time:g} s, must be later than that of"
                f" the one before, {before.time:g} s."
            )
    return keys


def _parse(entry: Any, where: str) -> KeyFrame:
    known = KeyFrame.__dataclass_fields__
    if not isinstance(entry, Mapping) or "time" not in entry or entry.keys() - known.keys():
        raise InvalidInput(
            f"{where} must have a time and may have {', '.join(list(known)[1:])};"
            f" got {shown(entry)}."
        )
    position = numbers(entry.get("position", (0, 0, 0)), f"{where}: position", 3)
    target = entry.get("target")
    if target is not None and not isinstance(target, str):
        x, y = numbers(target, f"{where}: target", 2)
        target = (x, y)
    easing = entry.get("easing", SWEEP)
    if easing != SWEEP and not (isinstance(easing, str) and easing in EASINGS):
        names = ", ".join([SWEEP, *EASINGS])
        raise InvalidInput(f"{where}: easing must be one of {names}; got {shown(easing)}.")
    focus = entry.get("focus")
    if focus is not None and not isinstance(focus, str):
        focus = number(focus, f"{where}: focus", 0, 1)
    return KeyFrame(
        time=number(entry["time"], f"{where}: time", 0, 3600),
        position=(position[0], position[1], position[2]),
        target=target,
        zoom=number(entry.get("zoom", 1), f"{where}: zoom", 0.1, MOST_ZOOM),
        easing=easing,
        focus=focus,
    )


# ---------------------------------------------------------------- the path


def keyframe_path(
    stage: Stage, keys: Sequence[KeyFrame], targets: Mapping[int, tuple[float, float]]
) -> Path:
    """The path through key frames; the share ``s`` of it is the share of the time.

    Args:
        stage: What the frame must stay inside of. A pose that shows what is not picture is
            magnified until it does not.
        keys: Two or more.
        targets: For each key frame whose target is a pixel, by its index, that point in picture
            widths from the picture's middle.

    Raises:
        InvalidInput: A target is not there, or a camera is outside of the world.
    """
    poses = [_pose(stage, key, targets.get(index), index) for index, key in enumerate(keys)]
    start, length = keys[0].time, keys[-1].time - keys[0].time
    knots = tuple((key.time - start) / length for key in keys)
    sweep = _sweep(knots, poses)

    def at(s: float) -> Pose:
        index = min(max(int(np.searchsorted(knots, s, side="right")) - 1, 0), len(keys) - 2)
        easing = keys[index + 1].easing
        if easing == SWEEP:
            return sweep(s)
        share = (s - knots[index]) / (knots[index + 1] - knots[index])
        return poses[index].mix(poses[index + 1], EASINGS[easing](min(max(share, 0.0), 1.0)))

    some = poses[:: math.ceil(len(poses) / 64)]  # of very many, neighbours are alike
    pairs = [(one, other) for i, one in enumerate(some) for other in some[i + 1 :]]
    extremes = max(pairs, key=lambda pair: stage.parallax(*pair))
    return Path(at, extremes, knots, kept=all(stage.keeps(pose) for pose in poses))


def _pose(stage: Stage, key: KeyFrame, point: tuple[float, float] | None, index: int) -> Pose:
    x, y, z = key.position
    pose = Pose(x=x, y=y, z=z, zoom=key.zoom)
    if not stage.in_front(pose):
        raise InvalidInput(
            f"key frame {index + 1}: with {z:g} forward the camera is behind what it should show."
            f" Up to {stage.most_forward():.2f} is possible in this scene."
        )
    if key.target is not None:
        u, v, q = stage.place(key.target, point)
        at = pose.project(u, v, q)
        pose = replace(pose, shift_x=-at[0], shift_y=-at[1])
    fitted, _ = stage.fit(pose, keep=False)
    if not (stage.shortfall(fitted) <= 1 + 1e-6 and fitted.zoom <= MOST_ZOOM * key.zoom):
        raise InvalidInput(
            f"key frame {index + 1}: from position {list(key.position)} the camera sees too little"
            " of the picture to fill a frame. Stay nearer to [0, 0, 0]; 0.3 is a long way."
        )
    return fitted


def _sweep(knots: Sequence[float], poses: Sequence[Pose]) -> Any:
    """One smooth curve through all poses that never overshoots and rests at both ends."""
    from scipy.interpolate import PchipInterpolator

    rows = [
        (pose.x, pose.y, pose.z, math.log(pose.zoom), pose.shift_x, pose.shift_y) for pose in poses
    ]
    curve = PchipInterpolator(knots, np.array(rows), axis=0)
    ease = EASINGS["smooth"]

    def at(s: float) -> Pose:
        # The ends are eased in and out over their segments, where the curve alone would start.
        first, last = knots[1], knots[-2]
        if len(knots) == 2:
            s = ease(s)
        elif s < first:
            s = first * _start(s / first)
        elif s > last:
            s = 1 - (1 - last) * _start((1 - s) / (1 - last))
        x, y, z, zoom, shift_x, shift_y = (float(value) for value in curve(s))
        return Pose(x, y, z, math.exp(zoom), shift_x, shift_y)

    return at


def _start(t: float) -> float:
    """From 0, resting, to 1 with speed 1."""
    return t * t * (2 - t)
