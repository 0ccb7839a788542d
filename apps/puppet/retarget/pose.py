"""From directions of bones to the joints of a puppet, as seen from its root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.cycle import Cycle, sample
from apps.puppet.retarget.legs import find_legs
from apps.puppet.retarget.limbs import Directions, limb_of, projected, puppet_roles
from apps.puppet.retarget.view import Actor, fill, seen
from apps.puppet.skeleton import Skeleton

__all__ = ["Swing", "build", "rest_angles", "swing"]

_OWN_LEAN = np.radians(8)
"""So much may the spine of an actor who stands upright lean all the time: his build, no pose."""
_LEAST = 0.25
"""Share of its length that a bone always keeps."""


@dataclass(frozen=True, eq=False)
class Swing:
    """By how much the trunk is turned against the drawing, radians ``(T,)``, clockwise as seen.

    Attributes:
        root: Of the pelvis and all that hangs from it and has no direction of its own.
        torso: Of the torso, and the shoulders with it.
        neck: Of the head.
    """

    root: NDArray[np.float64]
    torso: NDArray[np.float64]
    neck: NDArray[np.float64]


def swing(skeleton: Skeleton, actor: Actor, cycle: Cycle) -> Swing:
    """How the trunk of an actor swings, seen as he is.

    Arms and legs of a puppet get the actor's directions. The trunk of a drawing has a character of
    its own, though: it leans, it has a head on one side. So its bones are turned by as much as the
    actor's are turned from upright, and keep what is drawn. Upright is vertical, but for a few
    degrees by which an actor leans all the time, which are his build.
    """
    top = _top(actor)
    still = np.zeros(len(cycle.frames))
    torso = still if top is None else _lean(top, actor, cycle)
    neck = torso
    if top is not None and "head" in actor.own:
        neck = _lean(actor.own["head"] - top, actor, cycle)
    root = _roll(skeleton, actor, cycle) if "left_hip" in actor.own else still
    return Swing(root, torso, neck)


def _top(actor: Actor) -> NDArray[np.float64] | None:
    """The upper end of the torso, from the hips: between the shoulders, as it is drawn."""
    if "left_shoulder" in actor.own:
        return np.asarray((actor.own["left_shoulder"] + actor.own["right_shoulder"]) / 2)
    return actor.own.get("chest", actor.own.get("neck"))


def _lean(way: NDArray[np.float64], actor: Actor, cycle: Cycle) -> NDArray[np.float64]:
    """How far a part of the trunk leans, more than the actor always does."""
    if np.median(np.linalg.norm(way, axis=1)) < 1e-6 * actor.size:
        return np.zeros(len(cycle.frames))
    angles, _ = projected(way, "trunk", actor, cycle, without=0.0)
    angles = angles - 2 * np.pi * np.round(float(np.median(angles)) / (2 * np.pi))
    left, forward = (np.median(np.arctan2(way[:, axis], way[:, 1])) for axis in (0, 2))
    turn = sample(actor.turns["trunk"], cycle.frames, actor.loops, actor.turn_gain["trunk"])
    build = np.clip([left, forward], -_OWN_LEAN, _OWN_LEAN)
    return np.asarray(angles - build[0] * np.cos(turn) - build[1] * np.sin(turn))


def _roll(skeleton: Skeleton, actor: Actor, cycle: Cycle) -> NDArray[np.float64]:
    """How far the pelvis of an actor who is seen from the front rolls to a side.

    Of a puppet with wider hips than the actor's it rolls by less, so that the hips go up and down
    by as much.
    """
    across = actor.own["left_hip"] - actor.own["right_hip"]
    x, up, _ = seen(across, np.zeros(len(across)))
    known = np.flatnonzero(np.hypot(x, up) > 0.3 * np.linalg.norm(across, axis=1))
    if not len(known):
        return np.zeros(len(cycle.frames))
    raw = np.unwrap(np.arctan2(-up[known], x[known]))
    roll, gain = fill(raw, known, len(across), actor.loops, turn=2 * np.pi)
    roll = roll - 2 * np.pi * np.round(roll[0] / (2 * np.pi))
    roll = roll - (1 - _narrow(skeleton, actor)) * np.sin(roll)  # a full turn stays one
    # From the side it is not seen, and half way round, it is half seen.
    visible = sample(np.cos(actor.turns["legs"]) ** 2, cycle.frames, actor.loops)
    return sample(roll, cycle.frames, actor.loops, gain) * visible


def _narrow(skeleton: Skeleton, actor: Actor) -> float:
    """How wide the actor's hips are against the puppet's, each for the length of the legs, 0..1."""
    legs = find_legs(skeleton)
    hips = skeleton.points_xy[[leg.chain[0] for leg in legs]]
    if not len(hips):
        return 1.0
    wide = float(np.ptp(hips, axis=0).max()) / float(np.mean([leg.length for leg in legs]))
    own = np.linalg.norm(actor.own["left_hip"] - actor.own["right_hip"], axis=1)
    return float(np.clip(np.median(own) / actor.size / max(wide, 1e-9), 0.0, 1.0))


def rest_angles(skeleton: Skeleton) -> NDArray[np.float64]:
    """Direction of each bone as drawn, radians, clockwise from up."""
    points = skeleton.points_xy
    way = points - points[[parent if parent >= 0 else i for i, parent in _parents(skeleton)]]
    return np.arctan2(way[:, 0], -way[:, 1])


def build(
    skeleton: Skeleton,
    given: Directions,
    trunk: Swing,
    foreshorten: Mapping[str, float],
    blend: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Put the joints where the directions of the bones say.

    Every bone of ``given`` has exactly its direction, whatever it hangs from. Torso and neck are
    turned as the trunk is. All others ride with the joint they hang from: shoulders with the
    torso, hips and tails with the pelvis, hats with the head.

    Args:
        skeleton: As drawn.
        given: Directions of arms and legs.
        trunk: Turns of the trunk.
        foreshorten: For arms and legs, the share of the shortening of bones that point at the
            viewer.
        blend: ``(T,)`` from 0, as drawn, to 1, as given.

    Returns:
        ``(T, J, 2)``, in pixels from the root.
    """
    frames = len(trunk.root)
    points, rest = skeleton.points_xy, rest_angles(skeleton)
    share = np.ones(frames) if blend is None else blend
    column = {joint: i for i, joint in enumerate(given.joints)}
    roles = puppet_roles(skeleton)
    joints = np.zeros((frames, len(skeleton), 2))
    carried: dict[int, NDArray[np.float64]] = {skeleton.root: trunk.root * share}
    for joint in skeleton.depth_first[1:]:
        parent = skeleton.parents[joint]
        offset = points[joint] - points[parent]
        turn, length = carried[parent], np.ones(frames)
        if joint in column and np.hypot(*offset) > 0:
            turn = given.angles[:, column[joint]] - rest[joint]
            turn = (turn - 2 * np.pi * np.round(turn[0] / (2 * np.pi))) * share
            seen_share = given.share[:, column[joint]] * share + 1 - share
            shorten = foreshorten.get(limb_of(roles[joint]) or "", 0.0)
            length = np.maximum(1 - shorten * (1 - seen_share), _LEAST)
        elif roles.get(joint) in ("torso", "neck"):
            turn = (trunk.torso if roles[joint] == "torso" else trunk.neck) * share
        carried[joint] = turn
        cos, sin = length * np.cos(turn), length * np.sin(turn)
        joints[:, joint, 0] = joints[:, parent, 0] + offset[0] * cos - offset[1] * sin
        joints[:, joint, 1] = joints[:, parent, 1] + offset[0] * sin + offset[1] * cos
    return joints


def _parents(skeleton: Skeleton) -> list[tuple[int, int]]:
    return list(enumerate(skeleton.parents))
