"""How the actor walks and runs: the feet say where they stand, and the body follows from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.puppet.motions.actor import SIDES, STAND, Arm, Foot, Pose
from apps.puppet.motions.curves import Curve, Loop, smoothstep

__all__ = ["run", "walk"]


@dataclass(frozen=True)
class Step:
    """One step of one foot: when it leaves, how long it is in the air, and where it comes down."""

    side: str
    start: float
    seconds: float
    z: float
    yaw: float
    lift: float


def _steps() -> list[Step]:
    """Steps forward, a turn to the left on the spot, steps back, and a turn to the right."""
    made: list[Step] = []
    pace, stride, clock = 0.5, 50.0, 0.1
    for way, start, heading in ((1.0, 0.0, 0.0), (-1.0, 4.0 * stride, 180.0)):
        sides = ("Left", "Right") if way > 0 else ("Right", "Left")
        for count in range(4):
            z = start + way * stride * min(count + 1, 4)
            made.append(Step(sides[count % 2], clock, 0.44, z, heading, 6.0))
            clock += pace
        z = start + way * stride * 4
        made.append(Step(sides[0], clock, 0.36, z, heading + way * 45.0, 3.5))
        turned = (way * 110.0, way * 180.0, way * 180.0)
        outer, inner = sides[1], sides[0]
        for side, more in zip((outer, inner, outer), turned, strict=True):
            clock += 0.4
            made.append(Step(side, clock, 0.34, z, heading + more, 3.5))
        clock += 0.5
    return made


def walk() -> tuple[Loop, Pose]:
    """Walk four steps, turn round, walk back, turn round."""
    steps = _steps()
    loop = Loop(round((steps[-1].start + 0.5) * 30) / 30)
    feet = {side: _foot(loop, [step for step in steps if step.side == side]) for side in SIDES}
    return loop, _carried(loop, feet)


def _foot(loop: Loop, steps: list[Step]) -> dict[str, Curve]:
    """Where one foot is, and how it rolls: from heel to toe while it walks forward."""
    z, yaw = np.full(loop.frames, 0.0), np.full(loop.frames, 0.0)
    lift, roll = np.zeros(loop.frames), np.zeros(loop.frames)
    place, heading = 0.0, 0.0
    for step in steps:
        share = (loop.times - step.start) / step.seconds
        done = smoothstep(share)
        z += (step.z - place) * done
        yaw += (step.yaw - heading) * done
        air = np.clip(share, 0, 1)
        lift += step.lift * np.sin(np.pi * air) ** 2
        length = min(abs(step.z - place) / 90, 1)
        roll += length * loop.keys(
            (step.start - 0.16, 0), (step.start, 34), (step.start + 0.2 * step.seconds, 46),
            (step.start + 0.8 * step.seconds, -20), (step.start + step.seconds, -16),
            (step.start + step.seconds + 0.1, 0),
        )  # fmt: skip
        place, heading = step.z, step.yaw
    return {"z": z, "yaw": yaw, "lift": lift, "roll": roll}


def _carried(loop: Loop, feet: dict[str, dict[str, Curve]]) -> Pose:
    """The body that such feet carry: between them, over the one that stands, arms against legs."""
    left, right = feet["Left"], feet["Right"]
    yaw = loop.soften((left["yaw"] + right["yaw"]) / 2, 0.14)
    heading = np.radians(yaw)
    z = loop.soften((left["z"] + right["z"]) / 2, 0.13)
    ahead = loop.soften((left["z"] - right["z"]) * np.cos(heading), 0.05) / 50
    going = np.abs(loop.soften(np.gradient(z) * 30, 0.2)) / 100
    airy = {side: np.sqrt(np.clip(feet[side]["lift"] / 6, 0, 1)) for side in SIDES}
    over = loop.soften(airy["Right"] - airy["Left"], 0.09)  # 1: all weight is on the left foot
    passing = loop.soften(airy["Left"] + airy["Right"], 0.05)
    aside, drift = 2.4 * over, loop.sooner(yaw, 0.16) - yaw
    pose = Pose(
        x=aside * np.cos(heading),
        z=z - aside * np.sin(heading),
        y=STAND - 1.4 - 4.6 * ahead**2,
        turn=yaw - 9 * ahead,
        lean=2.5 * over,
        bend=2.5 * going,
        back_turn=17 * ahead + 0.35 * drift,
        back_lean=-3.5 * over,
        back_bend=2 * going + 1.5 * (1 - passing),
        head_turn=-8 * ahead + 0.45 * drift,
        head_bend=-2 * going + 2.5 * loop.follow(1 - passing, 3.0, 0.5),
        head_lean=2 * loop.sooner(over, -0.1),
    )
    for side, sign in SIDES.items():
        foot = feet[side]
        across = 9.0 * sign
        pose.feet[side] = Foot(
            x=across * np.cos(np.radians(foot["yaw"])),
            z=foot["z"] - across * np.sin(np.radians(foot["yaw"])),
            lift=foot["lift"], roll=foot["roll"], yaw=foot["yaw"], knee_out=4.0,
        )  # fmt: skip
        swing = loop.follow(-sign * ahead, 2.4, 0.6)
        late = loop.follow(swing, 2.6, 0.5)
        pose.arms[side] = Arm(
            out=18 - 12 * swing,
            front=32 * swing,
            elbow=-15 - 42 * late,
            hand_front=14 + 40 * late,
        )
    return pose


def run() -> tuple[Loop, Pose]:
    """Run on the spot: knees high, arms pumping, off the ground between any two steps."""
    loop = Loop(2.4)
    cycles = 4
    period = loop.seconds / cycles
    phase = {"Left": (loop.times / period) % 1, "Right": (loop.times / period + 0.5) % 1}
    pose = Pose()
    beat = 2 * np.pi * 2 * loop.times / period
    side_beat = 2 * np.pi * loop.times / period
    pose.y = STAND - 1.8 - 4.6 * np.cos(beat - 2 * np.pi * 2 * 0.16)
    pose.bend = 5 + 1.5 * np.sin(beat)
    pose.back_bend = 6 + 2 * np.sin(beat - 0.8)
    pose.turn = 7 * np.cos(side_beat)
    pose.back_turn = -17 * np.cos(side_beat)
    pose.head_turn = 9 * np.cos(side_beat)
    pose.lean = 2.5 * np.sin(side_beat)
    pose.back_lean = -4 * np.sin(side_beat)
    pose.head_bend = -6 + 3 * np.sin(beat - 1.4)
    pose.head_lean = 3 * np.sin(side_beat - 0.5) + 3 * loop.wave(1)
    pose.x = 2.2 * np.sin(side_beat)
    for side, sign in SIDES.items():
        here = phase[side]
        pose.feet[side] = Foot(
            x=7.0 * sign,
            z=_over(here, (0.0, 0), (0.32, 0), (0.48, -26), (0.62, -14), (0.8, 15), (0.92, 5)),
            lift=_over(here, (0.0, 0), (0.32, 0), (0.5, 30), (0.62, 33), (0.78, 30), (0.92, 6)),
            roll=_over(
                here, (0.04, 0), (0.18, 0), (0.32, 36), (0.48, 70), (0.66, 30), (0.8, 0), (0.94, 4)
            ),
            knee_out=4.0,
        )
        swing = -np.cos(2 * np.pi * (here - 0.72))
        late = -np.cos(2 * np.pi * (here - 0.79))
        pose.arms[side] = Arm(
            out=31 + 11 * swing,
            front=36 * swing,
            elbow=-98 - 46 * late,
            hand_front=38 + 8 * late,
            shrug=5 + 4 * swing,
        )
    return loop, pose


def _over(phase: Curve, *keys: tuple[float, float]) -> Curve:
    """A periodic smooth curve over a phase in 0..1, monotone between its keys."""
    from scipy.interpolate import PchipInterpolator

    at = (np.array([key[0] for key in keys]) + np.arange(-2, 3)[:, None]).ravel()
    return np.asarray(PchipInterpolator(at, np.tile([key[1] for key in keys], 5))(phase))
