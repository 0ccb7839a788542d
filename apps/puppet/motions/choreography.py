"""What the actor does on the spot: six short acts, each of which may be repeated for ever.

They are meant for flat puppets, which show a limb's direction from the front, or that of a leg from
the side, and little depth. So arms act in the frontal plane. Legs stand a little apart, each a
straight line in the front view: knees give way to the front, and turn out no further than over the
feet, for shoes are drawn on shins and shins that lean inwards turn them over. Weight that goes from
one foot to the other moves the hips by little while both feet stand.
"""

from __future__ import annotations

import numpy as np

from apps.puppet.motions.actor import SIDES, STAND, Arm, Foot, Pose
from apps.puppet.motions.curves import FPS, Loop

__all__ = ["bow", "dance", "idle", "nod", "stance", "sway", "wave"]


def stance(
    width: float = 13.5, *, knee_out: float = 3.0, toes_out: float = 14.0
) -> dict[str, Foot]:
    """Feet that stand side by side.

    Args:
        width: Of each, from the middle; the hips are 9 wide.
        knee_out: How far the knees point to the outside, from straight ahead.
        toes_out: How far the feet do.
    """
    return {
        side: Foot(x=sign * width, yaw=sign * toes_out, knee_out=knee_out - toes_out)
        for side, sign in SIDES.items()
    }


def idle() -> tuple[Loop, Pose]:
    """Breathe twice, with the weight on one leg and then on the other."""
    loop = Loop(6.0)
    breath = loop.keys((0, 0), (1.15, 1), (1.5, 0.95), (3.0, 0), (4.2, 0.85), (4.5, 0.8))
    shift = loop.keys((0, -1), (1.0, -1), (2.6, 1), (4.3, 1), (5.8, -1))
    trunk = loop.follow(shift, 0.9, 0.6)
    look = loop.keys((0, 0), (0.7, 0), (1.4, 1), (2.7, 1), (3.4, -0.6), (4.6, -0.6), (5.4, 0))
    look = loop.follow(look, 2.2, 0.7)
    pose = Pose(
        x=2.6 * shift,
        y=STAND - 2.2 + 1.7 * breath,
        lean=-1.6 * shift,
        back_lean=2.2 * shift - 1.2 * trunk,
        back_bend=2 - 2.5 * breath,
        back_turn=2 * trunk,
        head_bend=-1 + 3 * loop.follow(breath, 1.4, 0.6),
        head_lean=-2 * trunk + 3.5 * look,
        head_turn=9 * look,
        feet=stance(),
    )
    hang = loop.follow(breath, 1.2, 0.4)
    for side, sign in SIDES.items():
        lag = loop.follow(sign * shift, 0.8, 0.35)
        pose.arms[side] = Arm(
            out=9 + 4.5 * hang - 2.5 * lag,
            front=-2 + 2 * hang,
            elbow=-7 - 3 * loop.follow(hang, 1.1, 0.4) + 1.5 * lag,
            hand_front=10.0,
            shrug=4 * breath,
            wrist=-3 - 4 * lag,
        )
    return loop, pose


def wave() -> tuple[Loop, Pose]:
    """Notice somebody, swing an arm up, wave it four times, and let it fall."""
    loop = Loop(4.0)
    up = loop.keys(
        (0.25, 0),
        (0.45, -0.08),
        (0.95, 1.08),
        (1.15, 1),
        (2.75, 1),
        (2.95, 1.04),
        (3.55, -0.04),
        (3.8, 0),
    )
    beats = loop.keys(
        (0.8, 0), (1.08, 0.9), (1.32, -1), (1.58, 1), (1.84, -1), (2.1, 1), (2.36, -1),
        (2.62, 0.7), (2.95, 0)
    )  # fmt: skip
    body = loop.follow(up, 2.0, 0.6)
    sway = loop.follow(beats, 3.0, 0.5)
    hand = loop.follow(beats, 4.5, 0.35)
    smile = loop.follow(loop.keys((0.1, 0), (0.5, 1), (3.0, 1), (3.6, 0)), 2.2, 0.55)
    dip = loop.keys((0.2, 0), (0.45, 1), (0.9, -0.2), (1.2, 0), (3.2, 0), (3.6, 0.6), (3.9, 0))
    pose = Pose(
        x=3.2 * body + 0.5 * sway,
        y=STAND - 1.2 - 5.0 * dip,
        lean=-2.0 * body,
        back_lean=7.5 * body + 1.5 * sway,
        back_turn=-3 * body,
        head_lean=-11 * smile - 2.5 * sway,
        head_turn=-6 * smile,
        head_bend=3 * dip - 2 * smile,
        feet=stance(),
    )
    pose.arms["Right"] = Arm(
        out=8 + 112 * up + 7 * sway,
        front=4 * up,
        elbow=-7 + loop.follow(45 * up, 3.2, 0.5) + 27 * beats,
        hand_front=12 - 4 * up,
        wrist=14 * hand,
        shrug=14 * body,
    )
    free = loop.follow(up, 1.3, 0.3)
    pose.arms["Left"] = Arm(
        out=9 + 13 * free + 3 * sway,
        elbow=-8 - 10 * free - 3 * hand,
        wrist=6 * free,
    )
    return loop, pose


def nod() -> tuple[Loop, Pose]:
    """Nod, with the whole body: a large nod, a smaller one, and a last for good measure."""
    loop = Loop(2.8)
    down = loop.keys(
        (0.2, 0), (0.38, -0.35), (0.68, 1), (0.96, -0.15), (1.22, 0.8), (1.48, -0.05),
        (1.7, 0.35), (2.05, 0)
    )  # fmt: skip
    chest = loop.follow(down, 3.0, 0.5)
    tilt = loop.follow(loop.keys((0.1, 0), (0.7, 1), (1.6, 0.8), (2.4, 0)), 2.0, 0.6)
    pose = Pose(
        y=STAND - 2.4 - 6.5 * chest,
        z=-1.2 * chest,
        bend=3 * chest,
        back_bend=13 * chest,
        back_lean=2.5 * tilt,
        x=1.2 * tilt,
        head_bend=36 * down,
        head_lean=3 * tilt + 4 * chest,
        feet=stance(),
    )
    for side, sign in SIDES.items():
        swing = loop.follow(chest, 1.6, 0.3)
        pose.arms[side] = Arm(
            out=9 + 6 * swing + 2 * sign * tilt,
            elbow=-8 - 8 * loop.follow(swing, 1.8, 0.35),
            shrug=-3 * chest + 4 * tilt,
        )
    return loop, pose


def bow() -> tuple[Loop, Pose]:
    """A player's bow: one arm sweeps over the belly, the other out to the side."""
    loop = Loop(4.6)
    down = loop.keys(
        (0.45, 0), (0.85, -0.1), (1.65, 1.04), (1.95, 1), (2.55, 1), (3.4, -0.05), (3.8, 0)
    )
    trunk = loop.follow(down, 2.2, 0.7)
    head = loop.follow(loop.sooner(down, -0.06), 1.8, 0.55)
    sweep = loop.keys((0.25, 0), (0.75, 1), (1.5, 2), (2.6, 2), (3.3, 0.35), (3.9, 0))
    open_arm = np.interp(sweep, [0, 1, 2], [0, 1, 0.15])
    fold = np.interp(sweep, [0, 1, 2], [0, 0.1, 1])
    open_arm, fold = loop.soften(open_arm, 0.06), loop.soften(fold, 0.06)
    pose = Pose(
        x=-1.8 * trunk,
        y=STAND - 1.0 - 4.0 * trunk + 0.6 * open_arm * (1 - down),
        z=-11 * trunk,
        bend=24 * trunk,
        lean=1.0 * trunk,
        back_bend=30 * trunk - 6 * open_arm * (1 - fold),
        back_lean=9 * trunk - 3 * open_arm,
        head_bend=22 * head - 5 * open_arm,
        head_lean=9 * head - 4 * open_arm,
        feet=stance(14.0),
    )
    # The left arm opens to the side, then folds before the belly; the right one stays out.
    pose.arms["Left"] = Arm(
        out=9 + 66 * open_arm + 24 * fold,
        front=6 * fold,
        elbow=-8 + 14 * open_arm - 112 * loop.follow(fold, 3.0, 0.55),
        hand_front=12 + 14 * fold,
        wrist=12 * loop.follow(open_arm - fold, 2.0, 0.4),
        shrug=8 * open_arm,
    )
    other = loop.follow(loop.keys((0.6, 0), (1.5, 1), (2.7, 1), (3.6, 0)), 2.0, 0.5)
    pose.arms["Right"] = Arm(
        out=9 + 62 * other,
        front=-14 * other,
        elbow=-8 + 12 * loop.follow(other, 1.8, 0.4),
        hand_front=12 - 22 * other,
        wrist=16 * loop.follow(other, 1.5, 0.4),
    )
    return loop, pose


def sway() -> tuple[Loop, Pose]:
    """Sway from side to side like grass in the wind: hips first, then chest, arms and head."""
    loop = Loop(4.0)
    hips = loop.soften(loop.keys((0, -1), (0.35, -1), (1.65, 1), (2.35, 1), (3.65, -1)), 0.12)
    chest, arms, hands, head = (loop.sooner(hips, -late) for late in (0.18, 0.34, 0.52, 0.3))
    dip = hips**2
    pose = Pose(
        x=5.2 * hips,
        y=STAND - 6.0 + 4.0 * dip,
        lean=-3.5 * hips,
        back_lean=3.5 * hips + 9 * chest,
        back_turn=4 * chest,
        turn=-4 * hips,
        head_lean=9 * head,
        head_turn=5 * head,
        head_bend=2 - 3 * dip,
        feet=stance(15.0),
    )
    for side, sign in SIDES.items():
        pose.arms[side] = Arm(
            out=20 + 13 * sign * arms,
            front=2,
            elbow=-6 + 16 * sign * hands,
            hand_front=12,
            wrist=14 * sign * loop.sooner(hands, -0.12),
            shrug=5 * sign * chest + 2,
        )
    return loop, pose


def dance() -> tuple[Loop, Pose]:
    """Eight beats: step and close to both sides with swinging arms, then hands up and kicks."""
    loop = Loop(4.0)
    beat = 0.5
    bounce = 0.5 - 0.5 * np.cos(2 * np.pi * loop.times / beat)  # 0 on the beat, 1 between
    side_path = loop.keys(
        (0, 0.72), (0.5, -1), (1.0, -1), (1.5, 1), (2.0, 1), (2.5, -0.8), (3.0, 0.8), (3.5, -0.8)
    )
    groove = loop.soften(side_path, 0.07)
    chest = loop.sooner(groove, -0.1)
    up = loop.follow(
        loop.keys((0.0, 0.25), (0.3, 0), (1.75, 0), (2.2, 1), (3.5, 1), (3.95, 0.3)), 3.0, 0.55
    )
    pump = loop.follow(np.cos(2 * np.pi * loop.times / 1.0), 3.0, 0.5)
    pose = Pose(
        x=12.0 * groove,
        y=STAND - 4.6 - 8.0 * (1 - bounce),
        lean=-4 * groove,
        turn=5 * chest * (1 - up),
        back_lean=10 * chest,
        back_turn=-6 * groove * (1 - up),
        head_lean=-7 * loop.sooner(groove, -0.16) + 3 * pump,
        head_bend=8 * (1 - loop.sooner(bounce, -0.08)) - 6 * up,
        feet=_dancing_feet(loop),
    )
    for side, sign in SIDES.items():
        swing = sign * loop.sooner(groove, -0.12)
        late = sign * loop.sooner(groove, -0.24)
        low_out, low_elbow = 38 + 36 * swing, -30 + 62 * late
        high_out, high_elbow = 128 + 18 * swing, 30 + 34 * late
        pose.arms[side] = Arm(
            out=(1 - up) * low_out + up * high_out,
            elbow=(1 - up) * low_elbow + up * high_elbow,
            hand_front=16 - 6 * up,
            wrist=16 * sign * loop.sooner(groove, -0.34),
            shrug=4 + 12 * up + 5 * swing,
        )
    return loop, pose


def _dancing_feet(loop: Loop) -> dict[str, Foot]:
    """One foot steps out and the other one closes; later the free one kicks to the side."""
    wide, kick = 22.0, 14.0
    closes = {"Left": ((0.42, 0.92), (1.02, 1.42)), "Right": ((1.42, 1.92), (2.02, 2.36))}
    kicks = {"Left": ((2.37, 0.4), (3.37, 0.4)), "Right": ((2.87, 0.4), (3.83, 0.47))}
    feet = stance(wide, knee_out=5.0, toes_out=18.0)
    for side, sign in SIDES.items():
        out, lift = np.full(loop.frames, wide), np.zeros(loop.frames)
        (close, closed), (leave, there) = closes[side]
        out -= wide * loop.keys(
            (close + 0.04, 0), (closed - 0.04, 1), (leave + 0.04, 1), (there - 0.04, 0)
        )
        for start, end in closes[side]:
            lift += 5.0 * loop.keys((start, 0), ((start + end) / 2, 1), (end, 0))
        for start, seconds in kicks[side]:
            swing = np.roll(loop.keys((0, 0), (seconds / 2, 1), (seconds, 0)), round(start * FPS))
            out, lift = out + kick * swing**1.5, lift + 13.0 * swing  # up before it goes out
        feet[side].x, feet[side].lift = sign * out, lift
    return feet
