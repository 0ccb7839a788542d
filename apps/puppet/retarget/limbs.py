"""Which bone of a puppet follows which bone of an actor, and where that points in the picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.cycle import Cycle, sample
from apps.puppet.retarget.view import Actor, fill, seen
from apps.puppet.skeleton import Skeleton

__all__ = [
    "NEARLY_ZERO",
    "Bone",
    "Directions",
    "directions",
    "limb_bones",
    "limb_of",
    "puppet_roles",
]

NEARLY_ZERO = 0.1
"""A bone of which less than this share is seen points at the viewer: it has no direction in the
picture, and goes from the one before to the one after."""

LIMBS: Mapping[str, tuple[str, ...]] = {
    "arms": ("shoulder", "elbow", "hand"),
    "legs": ("hip", "knee", "foot"),
}
_ALIASES = {"wrist": "hand", "ankle": "foot", "head": "neck", "chest": "torso", "spine": "torso"}
_PLACES = {"f", "b", "m", "front", "back", "fore", "hind", "rear", "middle", "upper", "lower"}
_DOWN = np.pi


class Bone(NamedTuple):
    """A bone of a puppet that has the direction of a part of the actor.

    Attributes:
        joint: Index of the joint at its far end.
        start: Role of the actor's joint where the direction starts.
        end: Role of the one where it ends.
        group: ``arms`` or ``legs``.
    """

    joint: int
    start: str
    end: str
    group: str


@dataclass(frozen=True, eq=False)
class Directions:
    """Where bones of a puppet must point.

    Attributes:
        joints: Of the puppet, those at the far ends of the bones.
        angles: ``float64`` ``(T, n)``: radians, clockwise from straight up in the picture, as it is
            seen; without jumps.
        share: ``float64`` ``(T, n)``: how much of the bone's length is seen, 0..1. Below
            :data:`NEARLY_ZERO` the angle leads over from before to after.
    """

    joints: tuple[int, ...]
    angles: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors ``(T, n, 2)``, y down."""
        return np.stack([np.sin(self.angles), -np.cos(self.angles)], axis=-1)


def puppet_roles(skeleton: Skeleton) -> dict[int, str]:
    """What the joints of a puppet are, by their names.

    Numbers and what says which of several it is are left out: ``right_elbow2`` and ``left_knee_f``
    are an elbow and a knee. Of the trunk there are ``torso`` and ``neck``. What is not in the
    result (a tail, an ear, a root) has no role.
    """
    found = {}
    for joint, name in enumerate(skeleton.names):
        side, part, *rest = [*re.findall(r"[a-z]+", name.lower()), "", ""]
        if side in ("left", "right"):
            part = _ALIASES.get(part, part)
            named = any(part in parts for parts in LIMBS.values())
            if named and all(not word or word in _PLACES or len(word) == 1 for word in rest):
                found[joint] = f"{side}_{part}"
        elif not part and _ALIASES.get(side, side) in ("torso", "neck"):
            found[joint] = _ALIASES.get(side, side)
    return found


def limb_of(role: str) -> str | None:
    """``arms`` or ``legs``, or None for a role of the trunk."""
    part = role.rpartition("_")[2]
    return next((limb for limb, parts in LIMBS.items() if part in parts), None)


def limb_bones(skeleton: Skeleton, actor: Actor) -> list[Bone]:
    """The bones of a puppet's arms and legs that the actor has, too.

    A bone runs from the next joint above it that is of the same limb: where an elbow is missing,
    the hand follows the way from shoulder to hand.
    """
    roles = puppet_roles(skeleton)
    bones = []
    for joint, role in roles.items():
        side, _, part = role.partition("_")
        group = limb_of(role)
        if group is None or part == LIMBS[group][0]:
            continue
        above = [f"{side}_{each}" for each in LIMBS[group][: LIMBS[group].index(part)]]
        start = _start(joint, above, skeleton, roles)
        if start in actor.own and role in actor.own:
            bones.append(Bone(joint, start, role, group))
    return bones


def _start(joint: int, above: list[str], skeleton: Skeleton, roles: dict[int, str]) -> str:
    parent = skeleton.parents[joint]
    while parent >= 0:
        if roles.get(parent) in above:
            return roles[parent]
        parent = skeleton.parents[parent]
    return above[0]


def directions(actor: Actor, bones: list[Bone], cycle: Cycle) -> Directions:
    """Where bones point, frame by frame of the result."""
    made: dict[tuple[str, str], tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
    for bone in bones:
        key = (bone.start, bone.end)
        if key not in made:
            way = actor.own[bone.end] - actor.own[bone.start]
            made[key] = projected(way, bone.group, actor, cycle)
    empty = np.zeros((len(cycle.frames), 0))
    columns = [made[bone.start, bone.end] for bone in bones]
    return Directions(
        tuple(bone.joint for bone in bones),
        np.stack([angles for angles, _ in columns], axis=1) if columns else empty,
        np.stack([share for _, share in columns], axis=1) if columns else empty,
    )


def projected(
    way: NDArray[np.float64], group: str, actor: Actor, cycle: Cycle, without: float = _DOWN
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The direction in the picture of a way of the actor's.

    Args:
        way: ``(F, 3)``, to his left, up and forward.
        group: See :data:`apps.puppet.retarget.view.GROUPS`.
        actor: See :class:`Actor`.
        cycle: When.
        without: The angle of a way that points at the viewer all the time.

    Returns:
        Angles and the share that is seen, see :class:`Directions`, each ``(T,)``.
    """
    x, up, _ = seen(way, actor.turns[group])
    length = np.linalg.norm(way, axis=1)
    share = np.hypot(x, up) / np.maximum(length, 1e-9 * actor.size)
    known = np.flatnonzero(share > NEARLY_ZERO)
    if len(known):
        raw = np.unwrap(np.arctan2(x[known], up[known]))
        angles, gain = fill(raw, known, len(way), actor.loops, turn=2 * np.pi)
    else:
        angles, gain = np.full(len(way), without), 0.0
    return (
        sample(angles, cycle.frames, actor.loops, gain),
        sample(share, cycle.frames, actor.loops),
    )
