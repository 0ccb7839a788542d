"""What the actor does off the ground: hips and feet fly on the same parabola."""

from __future__ import annotations

import numpy as np

from apps.puppet.motions.actor import SIDES, STAND, Arm, Foot, Pose
from apps.puppet.motions.curves import Curve, Loop

__all__ = ["cheer", "jump"]

GRAVITY = 900.0
"""In cm/s², a little less than ours: it reads better."""
TIPTOE = 97.0
"""Height of the hips of one who stands on the balls of his feet, legs apart."""
WIDE = 20.5
"""How far each foot stands from the middle: who sinks between his feet keeps his shins upright."""
KNEES_OUT = 13.0
"""More, and shins would lean inwards, and turn the shoes over."""


def _height(
    hops: list[tuple[float, float]], crouches: list[float], rest: float
) -> list[tuple[float, ...]]:
    """Keys of the hips' height in hops: gather, leave, fly on a parabola, land and give way.

    Args:
        hops: Start and length of each time in the air.
        crouches: How low the hips are before each of them, and after the last.
        rest: How high they are at ease.
    """
    keys: list[tuple[float, ...]] = [(hops[0][0] - 0.42, rest), (hops[0][0] - 0.17, crouches[0])]
    for number, (start, seconds) in enumerate(hops):
        if number:
            before = sum(hops[number - 1])
            keys.append((0.45 * before + 0.55 * start, crouches[number]))
        speed = GRAVITY * seconds / 2
        keys += [
            (start, TIPTOE, speed),
            (start + seconds / 2, TIPTOE + speed * seconds / 4, 0.0),
            (start + seconds, TIPTOE, -speed),
        ]
    landed = sum(hops[-1])
    return [*keys, (landed + 0.16, crouches[-1]), (landed + 0.5, rest + 1), (landed + 0.75, rest)]


def _soles(loop: Loop, hops: list[tuple[float, float]], tuck: float) -> tuple[Curve, Curve]:
    """How high the feet are over the ground, and how far their heels are lifted, in hops.

    Args:
        loop: The time.
        hops: Start and length of each.
        tuck: How much the feet are drawn up beyond what the hips rise.
    """
    lift, roll = np.zeros(loop.frames), np.zeros(loop.frames)
    for start, seconds in hops:
        share = np.clip((loop.times - start) / seconds, 0, 1)
        speed = GRAVITY * seconds / 2
        lift += speed * seconds * share * (1 - share) + tuck * np.sin(np.pi * share) ** 2
        roll += loop.keys(
            (start - 0.1, 0), (start, 48), (start + 0.3 * seconds, 62),
            (start + seconds, 30), (start + seconds + 0.1, 0),
        )  # fmt: skip
    return lift, roll


def jump() -> tuple[Loop, Pose]:
    """Two small hops to gather, then a star with arms and legs spread, and a deep landing."""
    loop = Loop(3.4)
    hops = [(0.45, 0.26), (1.0, 0.26), (1.72, 0.5)]
    y = loop.keys(*_height(hops, [83.0, 82.0, 70.0, 70.0], STAND - 2.6))
    lift, roll = _soles(loop, hops, 2.0)
    star = loop.keys((1.76, 0), (1.92, 1), (2.04, 1), (2.19, 0))
    up = loop.keys(
        (0.0, 0.04), (0.28, 0.2), (0.4, 0.1), (0.6, 0.42), (0.88, 0.08), (1.16, 0.5), (1.5, 0.26),
        (1.6, 0.22), (1.9, 1.05), (2.06, 1), (2.36, 0.3), (2.62, 0.0), (2.95, 0.12), (3.2, 0.05),
    )  # fmt: skip
    arms = loop.follow(up, 4.5, 0.5)
    low = np.clip((STAND - y) / 24, -0.3, 1)
    lag = loop.follow(low, 2.6, 0.45)
    pose = Pose(
        y=y,
        z=-9 * low,
        bend=6 * low,
        back_bend=10 * low - 6 * star,
        head_bend=-9 * low + 12 * lag - 6 * star,
        head_lean=3 * loop.wave(1),
    )
    for side, sign in SIDES.items():
        pose.feet[side] = Foot(
            x=sign * (WIDE + 16 * star),
            lift=lift,
            roll=roll,
            yaw=sign * 18,
            knee_out=KNEES_OUT - 18,
        )
        pose.arms[side] = Arm(
            out=14 + 126 * arms,
            elbow=-8 + 4 * arms + 16 * (arms - loop.follow(arms, 3.0, 0.4)) + 12 * low,
            hand_front=14 - 10 * star,
            wrist=12 * (loop.follow(arms, 2.5, 0.4) - arms),
            shrug=16 * np.clip(arms, -0.3, 1),
        )
    return loop, pose


def cheer() -> tuple[Loop, Pose]:
    """Draw the fists in, burst up with both arms, shake them thrice, and hop for joy."""
    loop = Loop(3.2)
    hops = [(0.62, 0.34), (1.42, 0.24), (1.92, 0.24)]
    y = loop.keys(*_height(hops, [74.0, 84.0, 84.0, 82.0], STAND - 2.6))
    lift, roll = _soles(loop, hops, 3.0)
    up = loop.keys(
        (0.1, 0),
        (0.4, -0.1),
        (0.84, 1.06),
        (1.0, 1.0),
        (2.2, 1.0),
        (2.4, 1.03),
        (2.85, 0),
        (3.1, -0.03),
    )
    pull = loop.follow(loop.keys((0.02, 0), (0.38, 1), (0.46, 1), (0.78, 0)), 4.5, 0.75)
    shake = loop.keys((0.95, 0), (1.22, -1), (1.5, 1), (1.75, -1), (2.0, 1), (2.25, -0.6), (2.5, 0))
    low = np.clip((STAND - y) / 24, -0.3, 1)
    joy = loop.follow(shake, 2.4, 0.5)
    pose = Pose(
        y=y,
        z=-7 * low,
        lean=-1.5 * joy,
        bend=4 * low,
        back_bend=9 * low - 7 * up,
        back_lean=6 * joy,
        head_bend=8 * pull - 12 * up + 8 * low,
        head_lean=8 * loop.follow(joy, 2.4, 0.5),
    )
    for side, sign in SIDES.items():
        pose.feet[side] = Foot(
            x=sign * WIDE, lift=lift, roll=roll, yaw=sign * 18, knee_out=KNEES_OUT - 18
        )
        raised = loop.follow(up, 4.0, 0.5)
        pose.arms[side] = Arm(
            out=12 + 130 * raised + 22 * pull + 9 * sign * joy,
            elbow=-8 - 118 * pull + raised * (16 + 20 * sign * shake),
            hand_front=12 + 12 * pull,
            wrist=10 * sign * joy,
            shrug=18 * raised + 8 * pull,
        )
    return loop, pose
