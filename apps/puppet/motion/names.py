"""Recognising the skeleton of a motion by the names and the order of its joints.

No file says what is a knee: names do, together with where they hang. ``LeftShoulder`` is the collar
bone where a ``LeftArm`` follows it, and where the arm starts if a ``LeftElbow`` does; ``LeftLeg``
is the knee after a ``LeftUpLeg``. So each arm and leg is read as a chain, from its hand or foot to
where it leaves the trunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.bvh import END_SITE, Bvh
from apps.puppet.motion.motion import Motion
from apps.puppet.motion.words import Word, mirrored, read_name
from cartoonedit.errors import InvalidInput, shown

__all__ = ["ROLES", "Roles", "mirrored", "recognise", "to_motion", "upright"]

Roles: TypeAlias = dict[str, int]
"""Role to index of the joint."""

_SIDED = ("shoulder", "elbow", "hand", "hip", "knee", "foot", "toe")
ROLES: tuple[str, ...] = (
    *("hips", "chest", "neck", "head"),
    *(f"{side}_{role}" for side in ("left", "right") for role in _SIDED),
)
"""What joints can be: ``shoulder`` is the start of the upper arm, ``hip`` that of the thigh,
``hand`` the wrist, ``foot`` the ankle, ``chest`` where the arms leave the spine."""

_LIMBS = {
    # role of each joint -> words that mean it for certain, words that may mean it
    "leg": (("hip", "knee", "foot"), ("thigh",), ("hip", "leg"), ("knee",), "foot"),
    "arm": (("shoulder", "elbow", "hand"), ("upperarm",), ("arm", "shoulder"), ("elbow",), "hand"),
}


def recognise(names: Sequence[str], parents: Sequence[int], source: str = "motion") -> Roles:
    """Find out which joint is what.

    Args:
        names: Of the joints, in any of the usual conventions; see :mod:`apps.puppet.motion.words`.
        parents: For each joint the index of the one it hangs from, -1 for the root.
        source: What to call the motion in messages.

    Returns:
        The index for each of :data:`ROLES` that the skeleton has.

    Raises:
        InvalidInput: There are neither two arms nor two legs.
    """
    words = [read_name(name) for name in names]
    roles: Roles = {}
    for side in ("left", "right"):
        for limb in ("leg", "arm"):
            roles |= _limb(limb, side, words, parents)
    for pair in (("hip", "knee", "foot", "toe"), ("shoulder", "elbow", "hand")):
        if not all(f"{side}_{pair[0]}" in roles for side in ("left", "right")):
            for side in ("left", "right"):  # one alone cannot tell left from right
                for role in pair:
                    roles.pop(f"{side}_{role}", None)
    if "left_hip" not in roles and "left_shoulder" not in roles:
        raise _unknown(names, words, source)
    return {**_trunk(roles, words, parents), **roles}


def _limb(limb: str, side: str, words: Sequence[Word], parents: Sequence[int]) -> Roles:
    """The joints of an arm or a leg; none if it is not whole."""
    (first, middle, last), sure, maybe, sure_middle, end_word = _LIMBS[limb]
    ours = [w.side == side and not w.helper for w in words]
    best: list[int] = []
    for end in _ends(end_word, sure_middle, ours, words, parents):
        chain = [end]
        above = parents[end]
        while above >= 0 and words[above].side == side:
            if not words[above].helper:
                chain.append(above)
            above = parents[above]
        if len(chain) > len(best):
            best = chain
    if len(best) < 3:
        return {}
    *body, end = best[::-1]
    bend = next((i for i, j in enumerate(body) if words[j].part in sure_middle), len(body) - 1)
    before = body[:bend]
    if not before:
        return {}
    start = next((j for j in before if words[j].part in sure), None)
    for word in maybe:  # of a hip joint and a hip, the hip is the thigh's
        if start is None:
            start = next((j for j in reversed(before) if words[j].part == word), None)
    found = {first: before[-1] if start is None else start, middle: body[bend], last: end}
    toe = _toe(end, words, parents) if limb == "leg" else None
    if toe is not None:
        found["toe"] = toe
    return {f"{side}_{role}": joint for role, joint in found.items()}


def _ends(
    end_word: str,
    sure_middle: tuple[str, ...],
    ours: Sequence[bool],
    words: Sequence[Word],
    parents: Sequence[int],
) -> list[int]:
    """Joints that may be the hand or foot: of some in a row, such as wrist and hand, the first."""
    ends = {j for j, word in enumerate(words) if ours[j] and word.part == end_word}
    found = [j for j in ends if not ends & set(_above(j, parents))]
    if found:
        return sorted(found)
    middles = [j for j, word in enumerate(words) if ours[j] and word.part in (*sure_middle, "leg")]
    return [j for j, parent in enumerate(parents) if parent in middles and j not in middles]


def _toe(foot: int, words: Sequence[Word], parents: Sequence[int]) -> int | None:
    below = [j for j in range(len(words)) if foot in _above(j, parents)]
    named = [j for j in below if words[j].part in ("toe", "foot")]
    return named[0] if named else (below[0] if below else None)


def _above(joint: int, parents: Sequence[int]) -> list[int]:
    """What a joint hangs from, up to the root."""
    found = []
    while parents[joint] >= 0:
        joint = parents[joint]
        found.append(joint)
    return found


def _meet(one: int, other: int, parents: Sequence[int]) -> int | None:
    """The last joint that two hang from together."""
    mine = [one, *_above(one, parents)]
    return next((j for j in [other, *_above(other, parents)] if j in mine), None)


def _trunk(roles: Roles, words: Sequence[Word], parents: Sequence[int]) -> Roles:
    """Hips, chest, neck and head, given the limbs."""

    def first(part: str) -> int | None:
        named = [
            j for j, w in enumerate(words) if w.part == part and w.side is None and not w.helper
        ]
        return min(named, key=lambda j: len(_above(j, parents)), default=None)

    hips = first("pelvis")
    if "left_hip" in roles:
        hips = _meet(roles["left_hip"], roles["right_hip"], parents)
    if hips is None:
        hips = next(j for j, parent in enumerate(parents) if parent < 0)
    neck, head = first("neck"), first("head")
    if head is None and neck is not None:
        head = next((j for j, parent in enumerate(parents) if parent == neck), neck)
    if neck is None and head is not None:
        above = parents[head]
        neck = head if above in (-1, hips) or words[above].part == "spine" else above
    chest = None
    if "left_shoulder" in roles:
        chest = _meet(roles["left_shoulder"], roles["right_shoulder"], parents)
    if chest is None or chest == hips or chest in _above(hips, parents):
        spine = [j for j in _above(neck, parents) if j != hips] if neck is not None else []
        chest = next((j for j in spine if hips in _above(j, parents)), neck)
    found = {"hips": hips, "chest": chest, "neck": neck, "head": head}
    return {role: joint for role, joint in found.items() if joint is not None}


def _unknown(names: Sequence[str], words: Sequence[Word], source: str) -> InvalidInput:
    missing = []
    for side in ("left", "right"):
        for part in ("hip", "knee", "foot", "shoulder", "elbow", "hand"):
            alike = {"hip": ("hip", "thigh"), "shoulder": ("shoulder", "upperarm")}
            if not any(w.side == side and w.part in alike.get(part, (part,)) for w in words):
                missing.append(f"{side}_{part}")
    listed = ", ".join(shown(name)[1:-1] for name in dict.fromkeys(names) if name != END_SITE)
    listed = listed if len(listed) <= 600 else f"{listed[:600]} ..."
    told = f"not found: {', '.join(missing)}" if missing else "they do not hang in chains"
    return InvalidInput(
        f"the skeleton of {source} is not known: its joints are {listed}; {told}. A motion needs"
        " both legs (hip, knee, foot) or both arms (shoulder, elbow, hand) under names such as"
        " LeftUpLeg, LeftLeg, LeftFoot or thigh_l, calf_l, foot_l. Rename the joints, or say which"
        " is which in a retarget file."
    )


# ---------------------------------------------------------------- which way is up

_UPS: Mapping[tuple[int, int], NDArray[np.float64]] = {
    # axis and sign of what is up in the file -> rotation to y up; z up as Animated Drawings has it
    (0, 1): np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]], float),
    (1, 1): np.eye(3),
    (2, 1): np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], float),
    (0, -1): np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], float),
    (1, -1): np.diag([1.0, -1.0, -1.0]),
    (2, -1): np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]], float),
}


def upright(
    positions: NDArray[np.floating], roles: Roles, rest: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """Turn positions so that y is up, whatever axis was.

    Up is where heads are, seen from the feet (or from the hips), on the mean of all frames; of an
    actor who lies and rolls, in rest.

    Args:
        positions: ``(F, B, 3)``.
        roles: See :func:`recognise`.
        rest: ``(B, 3)`` without any rotation.
    """
    places = np.asarray(positions, np.float64)
    up = _mean_up(places, roles)
    if np.abs(up).max() < 0.6 and rest is not None:
        up = _mean_up(np.asarray(rest, np.float64)[None], roles)
    axis = int(np.argmax(np.abs(up)))
    turn = _UPS[axis, 1 if up[axis] >= 0 else -1]
    return places if axis == 1 and up[1] >= 0 else places @ turn.T


def _mean_up(places: NDArray[np.float64], roles: Roles) -> NDArray[np.float64]:
    low = [roles[r] for r in ("left_foot", "right_foot") if r in roles] or [roles["hips"]]
    high = [roles[r] for r in ("head", "neck", "chest") if r in roles]
    high = high[:1] or [roles["left_shoulder"], roles["right_shoulder"]]
    way = places[:, high].mean(axis=1) - places[:, low].mean(axis=1)
    length = np.linalg.norm(way, axis=1, keepdims=True)
    return np.asarray((way / np.maximum(length, 1e-12)).mean(axis=0))


# ---------------------------------------------------------------- files to motions


def to_motion(
    bvh: Bvh, name: str = "motion", loops: bool | None = None, roles: Roles | None = None
) -> Motion:
    """The motion that a BVH file holds, y up.

    A first frame that is far off from the second (many files start with a rest pose) is left out,
    and so is a last frame that repeats the first of a loop.

    Args:
        bvh: Any skeleton that :func:`recognise` knows.
        name: For messages.
        loops: Whether the first frame may follow the last; None finds out.
        roles: Which joint is what; None tells it from the names.

    Raises:
        InvalidInput: The skeleton is not known, or has no size.
    """
    roles = recognise(bvh.names, bvh.parents, name) if roles is None else roles
    places = bvh.positions(joints_move=_joints_move(bvh))
    rest = np.zeros((len(bvh.names), 3))
    for joint, parent in enumerate(bvh.parents):
        rest[joint] = bvh.offsets[joint] + (rest[parent] if parent >= 0 else 0)
    places = upright(places, roles, rest)
    pose = places[:, list(roles.values())] - places[:, roles["hips"]][:, None]
    size = float(np.median(np.linalg.norm(pose, axis=2).max(axis=1)))
    if not size > 0:
        raise InvalidInput(
            f"the skeleton of {name} has no size: all its joints lie on one spot. Its offsets are"
            " zero; export it again with the offsets of its joints."
        )
    pose = pose / size
    if len(pose) > 3:
        steps = _steps(pose)
        if steps[0] > max(0.02, 6 * float(np.percentile(steps[1:], 98))):
            places, pose = places[1:], pose[1:]
    doubled = False
    if len(pose) > 3:
        closes, doubled = _closes(pose)
        loops = closes if loops is None else loops
    places = places[:-1] if loops and doubled else places
    return Motion(bvh.names, bvh.parents, places, bvh.frame_time, bool(loops), name)


def _joints_move(bvh: Bvh) -> bool:
    """Whether position channels of the joints stand for where they are.

    Some programs write them for all joints and leave them zero.
    """
    column, told = 0, []
    for joint, channels in enumerate(bvh.channels):
        moves = [column + i for i, channel in enumerate(channels) if channel.endswith("position")]
        column += len(channels)
        length = float(np.linalg.norm(bvh.offsets[joint]))
        if bvh.parents[joint] >= 0 and len(moves) == 3 and length > 0:
            way = float(np.median(np.linalg.norm(bvh.values[:, moves], axis=1)))
            told.append(way / length)
    return not told or float(np.median(told)) > 0.3


def _steps(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean way of the joints from each frame to the next."""
    return np.asarray(np.linalg.norm(np.diff(pose, axis=0), axis=2).mean(axis=1))


def _closes(pose: NDArray[np.float64]) -> tuple[bool, bool]:
    """Whether a motion loops: its last pose is a step before its first, or is its first again.

    Args:
        pose: ``(F, R, 3)`` seen from the hips, in units of the body.

    Returns:
        Whether it loops, and whether its last frame is its first.
    """
    gap = float(np.linalg.norm(pose[-1] - pose[0], axis=1).mean())
    steps = _steps(pose)
    near = float(max(steps[:3].max(), steps[-3:].max(), np.median(steps)))
    moved = float(np.linalg.norm(pose - pose[:1], axis=2).mean(axis=1).max())
    loops = gap <= max(2 * near, 0.004) and moved > 4 * gap and moved > 0.01
    return loops, loops and gap < 0.3 * min(float(steps[0]), float(steps[-1]))
