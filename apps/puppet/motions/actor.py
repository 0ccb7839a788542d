"""The actor of our motions: how his limbs stand, from how a choreography says it.

He is 170 cm tall, stands on y = 0, faces +Z, and his left is +X. In rest his arms are stretched out
to the sides. All angles are in degrees.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.bvh import END_SITE, Bvh
from apps.puppet.motions.curves import FPS, Curve

__all__ = ["ANKLE", "BALL", "LEG", "SIDES", "STAND", "Arm", "Foot", "Pose", "perform", "reach"]

SIDES = {"Left": 1.0, "Right": -1.0}
STAND = 94.7
"""Height of the hips of one who stands at ease, his knees not quite straight."""
THIGH, SHIN, HIP_OUT, HIP_DOWN = 42.0, 41.0, 9.0, 4.0
LEG = THIGH + SHIN
ANKLE = 8.0
"""Height of the ankle of a foot that stands flat."""
BALL = (13.0, 2.0)
"""Where the ball of a flat foot is, in front of the ankle and above the ground."""
HEEL = (-5.0, 0.0)

_TRUNK = (
    ("Hips", None, (0, 95, 0)),
    ("Spine", "Hips", (0, 10, 0)),
    ("Chest", "Spine", (0, 15, 0)),
    ("Neck", "Chest", (0, 21, 0)),
    ("Head", "Neck", (0, 9, 1)),
)
_ARM = (
    ("Shoulder", "Chest", (4, 16, 0)),
    ("Arm", "Shoulder", (14, 0, 0)),
    ("ForeArm", "Arm", (28, 0, 0)),
    ("Hand", "ForeArm", (25, 0, 0)),
)
_LEG = (
    ("UpLeg", "Hips", (HIP_OUT, -HIP_DOWN, 0)),
    ("Leg", "UpLeg", (0, -THIGH, 0)),
    ("Foot", "Leg", (0, -SHIN, 0)),
    ("Toe", "Foot", (0, BALL[1] - ANKLE, BALL[0])),
)
_ENDS = {"Head": (0, 22, 0), "Hand": (16, 0, 0), "Toe": (0, 0, 7)}
# The first axis is the outermost. These keep each kind of limb away from its gimbal lock.
_ORDERS = {"trunk": "YXZ", "arm": "ZYX", "leg": "XZY"}


@dataclass
class Arm:
    """How an arm is held, against the chest.

    Attributes:
        out: Of the upper arm: 0 hangs, 90 points to the side, 180 up.
        front: How far it points to the front of that plane.
        elbow: How much further out than the upper arm the forearm points; less than 0 brings the
            hand before the body.
        hand_front: How far the forearm points to the front.
        wrist: How much further out the hand points.
        shrug: How far the shoulder is lifted.
    """

    out: Curve | float = 8.0
    front: Curve | float = 0.0
    elbow: Curve | float = -6.0
    hand_front: Curve | float = 12.0
    wrist: Curve | float = 0.0
    shrug: Curve | float = 0.0


@dataclass
class Foot:
    """How a foot stands, and where its knee points.

    Attributes:
        x: To the actor's left, of the ankle of the foot if it stands flat.
        z: To the front.
        lift: Above the ground.
        roll: The heel is lifted, and the foot stands on its ball; less than 0, it stands on the
            heel.
        yaw: It is turned to the actor's left.
        knee_out: How far the knee points to the outside, against the foot.
    """

    x: Curve | float = 0.0
    z: Curve | float = 0.0
    lift: Curve | float = 0.0
    roll: Curve | float = 0.0
    yaw: Curve | float = 0.0
    knee_out: Curve | float = 0.0


@dataclass
class Pose:
    """How the whole actor stands, frame by frame.

    Angles called ``bend`` go to the front, ``lean`` to the actor's left, ``turn`` to his left.
    """

    x: Curve | float = 0.0
    y: Curve | float = STAND
    z: Curve | float = 0.0
    turn: Curve | float = 0.0
    bend: Curve | float = 0.0
    lean: Curve | float = 0.0
    back_turn: Curve | float = 0.0
    back_bend: Curve | float = 0.0
    back_lean: Curve | float = 0.0
    head_turn: Curve | float = 0.0
    head_bend: Curve | float = 0.0
    head_lean: Curve | float = 0.0
    arms: dict[str, Arm] = field(default_factory=lambda: {side: Arm() for side in SIDES})
    feet: dict[str, Foot] = field(
        default_factory=lambda: {side: Foot(x=10 * sign) for side, sign in SIDES.items()}
    )


# ---------------------------------------------------------------- rotations


def _turn(axis: str, degrees: Curve | float, frames: int) -> NDArray[np.float64]:
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler(
        axis, np.broadcast_to(degrees, frames)[:, None], degrees=True
    ).as_matrix()


def _arc(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The shortest rotations from unit vectors to unit vectors, ``(F, 3, 3)``."""
    axis = np.cross(start, end)
    cosine = np.einsum("fi,fi->f", start, end)
    cross = np.zeros((len(start), 3, 3))
    cross[:, [2, 0, 1], [1, 2, 0]] = axis
    cross[:, [1, 2, 0], [2, 0, 1]] = -axis
    return np.eye(3) + cross + cross @ cross / np.maximum(1 + cosine, 1e-9)[:, None, None]


def _towards(
    above: NDArray[np.float64], rest: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A limb's rotation that points its rest direction somewhere, as little turned as can be."""
    return np.asarray(_arc(above @ rest, direction) @ above)


def _apply(turned: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum("fij,fj->fi", turned, vectors)


def _stack(*parts: Curve | float, frames: int) -> NDArray[np.float64]:
    return np.stack([np.broadcast_to(part, frames) for part in parts], axis=-1)


# ---------------------------------------------------------------- the pose, limb by limb


def perform(pose: Pose, frames: int) -> Bvh:
    """The motion of an actor who takes these poses.

    Args:
        pose: Of each frame, or for all.
        frames: How many.
    """
    turned = _trunk(pose, frames)
    for side, sign in SIDES.items():
        turned |= _arm(pose.arms[side], side, sign, turned["Chest"], frames)
        turned |= _leg(pose, side, turned["Hips"], frames)
    return _bvh(_stack(pose.x, pose.y, pose.z, frames=frames), turned)


def _hips(pose: Pose, frames: int) -> NDArray[np.float64]:
    return _bent(pose.turn, pose.bend, pose.lean, frames)


def _bent(
    turn: Curve | float, bend: Curve | float, lean: Curve | float, frames: int
) -> NDArray[np.float64]:
    aside = _turn("z", -np.asarray(lean), frames)
    return np.asarray(_turn("y", turn, frames) @ _turn("x", bend, frames) @ aside)


def _trunk(pose: Pose, frames: int) -> dict[str, NDArray[np.float64]]:
    made = {"Hips": _hips(pose, frames)}
    back = (pose.back_turn, pose.back_bend, pose.back_lean)
    head = (pose.head_turn, pose.head_bend, pose.head_lean)
    above = "Hips"
    for name, angles, share in (
        ("Spine", back, 0.5),
        ("Chest", back, 0.5),
        ("Neck", head, 0.5),
        ("Head", head, 0.5),
    ):
        turn, bend, lean = (share * np.asarray(angle) for angle in angles)
        local = _bent(turn, bend, lean, frames)
        made[name] = made[above] @ local
        above = name
    return made


def _arm(
    arm: Arm, side: str, sign: float, chest: NDArray[np.float64], frames: int
) -> dict[str, NDArray[np.float64]]:
    rest = np.array([sign, 0.0, 0.0])

    def pointing(out: Curve | float, front: Curve | float) -> NDArray[np.float64]:
        out, front = np.radians(out), np.radians(front)
        across = _stack(
            sign * np.sin(out) * np.cos(front),
            -np.cos(out) * np.cos(front),
            np.sin(front),
            frames=frames,
        )
        return _apply(chest, across)

    lower = np.asarray(arm.out) + arm.elbow
    shoulder = chest @ _turn("z", sign * np.asarray(arm.shrug), frames)
    upper_arm = _towards(shoulder, rest, pointing(arm.out, arm.front))
    forearm = _towards(upper_arm, rest, pointing(lower, arm.hand_front))
    hand = _towards(forearm, rest, pointing(lower + arm.wrist, arm.hand_front))
    return {
        f"{side}Shoulder": shoulder,
        f"{side}Arm": upper_arm,
        f"{side}ForeArm": forearm,
        f"{side}Hand": hand,
    }


def _ankle(foot: Foot, frames: int) -> NDArray[np.float64]:
    """Where the ankle is: the foot rolls over its ball, or over its heel."""
    roll = np.radians(np.broadcast_to(foot.roll, frames))
    yaw = np.radians(np.broadcast_to(foot.yaw, frames))
    forward, up = (np.where(roll > 0, BALL[i], HEEL[i]) for i in (0, 1))
    back, above = -forward, ANKLE - up
    along = forward + back * np.cos(roll) + above * np.sin(roll)
    height = up - back * np.sin(roll) + above * np.cos(roll)
    return np.stack(
        [foot.x + along * np.sin(yaw), foot.lift + height, foot.z + along * np.cos(yaw)], axis=-1
    )


def _hip(pose: Pose, side: str, frames: int) -> NDArray[np.float64]:
    place = np.array([HIP_OUT * SIDES[side], -HIP_DOWN, 0])
    return _stack(pose.x, pose.y, pose.z, frames=frames) + _hips(pose, frames) @ place


def reach(pose: Pose, side: str, frames: int) -> Curve:
    """How far the ankle is from the hip, as a share of the length of the leg; 1 is too far."""
    way = _ankle(pose.feet[side], frames) - _hip(pose, side, frames)
    return np.asarray(np.linalg.norm(way, axis=1)) / LEG


def _leg(
    pose: Pose, side: str, hips: NDArray[np.float64], frames: int
) -> dict[str, NDArray[np.float64]]:
    """Two-bone inverse kinematics: the knee lies where both bones meet, to where it points."""
    foot, sign = pose.feet[side], SIDES[side]
    way = _ankle(foot, frames) - _hip(pose, side, frames)
    distance = np.linalg.norm(way, axis=1)
    along = way / distance[:, None]
    distance = np.clip(distance, abs(THIGH - SHIN) + 1.0, LEG * 0.9998)
    knee_yaw = np.radians(np.broadcast_to(foot.yaw + sign * np.asarray(foot.knee_out), frames))
    pole = _stack(np.sin(knee_yaw), 0.0, np.cos(knee_yaw), frames=frames)
    pole = pole - np.einsum("fi,fi->f", pole, along)[:, None] * along
    pole /= np.linalg.norm(pole, axis=1)[:, None]
    cosine = (THIGH**2 + distance**2 - SHIN**2) / (2 * THIGH * distance)
    sine = np.sqrt(np.clip(1 - cosine**2, 0, 1))
    knee = THIGH * (cosine[:, None] * along + sine[:, None] * pole)
    down = np.array([0.0, -1.0, 0.0])
    thigh = _towards(hips, down, knee / THIGH)
    shin = _towards(thigh, down, (distance[:, None] * along - knee) / SHIN)
    heading = _turn("y", foot.yaw, frames)
    roll = np.broadcast_to(foot.roll, frames)
    # Toes lie flat while the foot stands on its ball, and point once it is in the air.
    airborne = np.clip(np.broadcast_to(foot.lift, frames) / 8, 0, 1)
    toes = np.where(roll > 0, roll * airborne, roll)
    return {
        f"{side}UpLeg": thigh,
        f"{side}Leg": shin,
        f"{side}Foot": heading @ _turn("x", roll, frames),
        f"{side}Toe": heading @ _turn("x", toes, frames),
    }


# ---------------------------------------------------------------- the file


def _joints() -> list[tuple[str, str | None, tuple[float, float, float], str]]:
    """All joints: name, parent, offset, and the order of the channels."""
    found: list[tuple[str, str | None, tuple[float, float, float], str]] = []

    def add(name: str, parent: str | None, offset: tuple[float, ...], kind: str) -> None:
        x, y, z = (float(value) for value in offset)
        found.append((name, parent, (x, y, z), _ORDERS[kind]))

    for name, parent, offset in _TRUNK:
        add(name, parent, offset, "trunk")
    for kind, limb, trunk in (("arm", _ARM, "Chest"), ("leg", _LEG, "Hips")):
        for side, sign in SIDES.items():
            for name, above, (x, y, z) in limb:
                parent = above if above == trunk else side + above
                add(side + name, parent, (sign * x, y, z), kind)
    return found


def _bvh(places: NDArray[np.float64], turned: dict[str, NDArray[np.float64]]) -> Bvh:
    from scipy.spatial.transform import Rotation

    names: list[str] = []
    parents: list[int] = []
    offsets: list[tuple[float, float, float]] = []
    channels: list[tuple[str, ...]] = []
    columns = [places]
    for name, above, offset, order in _joints():
        parents.append(-1 if above is None else names.index(above))
        names.append(name)
        offsets.append(offset)
        moves = () if above else ("Xposition", "Yposition", "Zposition")
        channels.append((*moves, *(f"{axis}rotation" for axis in order)))
        local = turned[name] if above is None else turned[above].swapaxes(1, 2) @ turned[name]
        angles = Rotation.from_matrix(local).as_euler(order, degrees=True)
        columns.append(np.unwrap(angles, period=360, axis=0))
        end = _ENDS.get(name.removeprefix("Left").removeprefix("Right"))
        if end is not None:
            mirror = -1.0 if name.startswith("Right") else 1.0
            parents.append(len(names) - 1)
            names.append(END_SITE)
            offsets.append((mirror * end[0], float(end[1]), float(end[2])))
            channels.append(())
    values = np.asarray(np.round(np.hstack(columns), 2) + 0.0, np.float64)  # never -0
    return Bvh(
        tuple(names),
        tuple(parents),
        np.array(offsets, np.float64),
        tuple(channels),
        values,
        1 / FPS,
    )
