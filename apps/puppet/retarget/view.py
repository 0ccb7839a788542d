"""How an actor is seen: turned to face one way, and from the front or the side.

An actor is first described by what is *his* left, up and forward, whatever way he faces: so a
dancer who turns round stays a front view. Then he is put on a turntable. At 0 degrees he is seen
from the front, at 90 from the side, looking to the right of the picture, at -90 to the left. One
who is seen from the side and turns round (he walks back) is turned there, by half a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import Roles
from apps.puppet.retarget.contact import Contacts, contacts, eased, nearest
from apps.puppet.retarget.cycle import smooth
from apps.puppet.retarget.options import RetargetOptions, View

__all__ = ["GROUPS", "Actor", "seen", "stage"]

GROUPS = {
    "arms": ("shoulder", "elbow", "hand"),
    "legs": ("hip", "knee", "foot"),
    "trunk": ("hips", "chest", "neck", "head"),
}
_LEVEL = 0.35
"""Share of the way from right to left that must be level, or it does not tell the facing."""
_TURN = 0.13
"""Seconds; standard deviation of the half turn of one who is seen from the side."""
_BACK = 0.65
"""Half turns of the actor away from where he looks, before he is shown as looking back."""
_AHEAD = np.radians(80)
"""By so much at most the legs are seen from elsewhere than they should, so that feet stand."""
_MADE_UP = 0.1
"""Leg lengths: by less the distance of two feet that stand may change as it is seen, because legs
that get a little longer or shorter make up for it."""
_LOW_BOW = np.radians(35)
"""Lean of a trunk that is seen from the side."""


@dataclass(frozen=True, eq=False)
class Actor:
    """A motion as the actor feels it.

    Attributes:
        own: Role to ``float64`` ``(F, 3)``: how far to his left, up and forward of his hips.
        heading: ``float64`` ``(F,)``, radians about the vertical, without jumps.
        heading_gain: Whole turns, in radians, after one round of a loop.
        path: ``float64`` ``(F, 3)``: where the hips are.
        path_gain: How far they come in one round of a loop.
        turns: For each of :data:`GROUPS`, ``(F,)``: where on the turntable, in radians.
        turn_gain: The same for one round of a loop, of what is seen from the side.
        size: Length of a leg, or, without legs, of the trunk twice.
        feet: What the feet do; None without legs.
        frame_time: Seconds.
        loops: Whether the first frame may follow the last.
    """

    own: dict[str, NDArray[np.float64]]
    heading: NDArray[np.float64]
    heading_gain: float
    path: NDArray[np.float64]
    path_gain: NDArray[np.float64]
    turns: dict[str, NDArray[np.float64]]
    turn_gain: dict[str, float]
    size: float
    feet: Contacts | None
    frame_time: float
    loops: bool

    def __len__(self) -> int:
        return len(self.path)


def stage(motion: Motion, roles: Roles, options: RetargetOptions) -> Actor:
    """Put the actor of a motion on the turntable.

    Args:
        motion: Y up.
        roles: See :func:`apps.puppet.motion.names.recognise`.
        options: Of them: ``mirror``, ``arms``, ``legs``, ``trunk``, ``faces``.
    """
    places = {role: motion.positions[:, joint] for role, joint in roles.items()}
    travel = motion.travel
    if options.mirror:
        flip = np.array([-1.0, 1.0, 1.0])
        places = {_other_side(role): place * flip for role, place in places.items()}
        travel = travel * flip
    path = places["hips"]
    heading, gain = _headings(places, motion.loops)
    away = {role: place - path for role, place in places.items()}
    own = {role: _own(way, heading) for role, way in away.items()}
    size = _size(own)
    halves, half_gain = _half_turns(
        heading, gain, path, travel, size, motion.frame_time, motion.loops
    )
    feet = None
    if "left_foot" in places:
        ankles = np.stack([places["left_foot"], places["right_foot"]], axis=1)
        feet = contacts(ankles / size, travel / size, motion.frame_time, motion.loops)
    # In a mirror who looks to the right looks to the left.
    right = (options.faces == "right") != options.mirror
    turns: dict[str, NDArray[np.float64]] = {}
    turn_gain = {}
    views: dict[str, View] = {name: getattr(options, name) for name in GROUPS}
    for group, view in views.items():
        sideways = view == "side" or (view == "auto" and _sideways(own, group, turns))
        side = np.pi * halves + (np.pi / 2 if right else -np.pi / 2)
        turns[group] = side if sideways else np.zeros(len(path))
        turn_gain[group] = np.pi * half_gain if sideways else 0.0
    if feet is not None:
        between = _own((places["left_foot"] - places["right_foot"]) / size, heading)
        camera = _waiting(
            turns["legs"] - heading,
            feet.on[:, 0] & feet.on[:, 1],
            seen(between, turns["legs"])[0],
            turn_gain["legs"] - gain,
            1 / motion.frame_time,
            motion.loops,
        )
        turns["legs"] = np.asarray(heading + camera)
    return Actor(
        own,
        heading,
        gain,
        path,
        travel,
        turns,
        turn_gain,
        size,
        feet,
        motion.frame_time,
        motion.loops,
    )


def seen(
    way: NDArray[np.float64], turn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A way of the actor's, left, up and forward, as the viewer sees it.

    Returns:
        To the right of the picture, up, and towards the viewer.
    """
    left, up, forward = way[..., 0], way[..., 1], way[..., 2]
    cos, sin = np.cos(turn), np.sin(turn)
    return left * cos + forward * sin, up, forward * cos - left * sin


def _other_side(role: str) -> str:
    side, _, part = role.partition("_")
    return f"{ {'left': 'right', 'right': 'left'}[side] }_{part}" if part else role


def _own(way: NDArray[np.float64], heading: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the axes of space to the actor's left, up and forward."""
    cos, sin = np.cos(heading), np.sin(heading)
    x, y, z = way[..., 0], way[..., 1], way[..., 2]
    return np.stack([x * cos - z * sin, y, x * sin + z * cos], axis=-1)


def _size(own: dict[str, NDArray[np.float64]]) -> float:
    if "left_hip" in own:
        lengths = [
            np.median(np.linalg.norm(own[f"{side}_{a}"] - own[f"{side}_{b}"], axis=1))
            for side in ("left", "right")
            for a, b in (("hip", "knee"), ("knee", "foot"))
        ]
        size = float(np.sum(lengths)) / 2
    else:
        size = 2 * max(float(np.median(np.linalg.norm(each, axis=1))) for each in own.values())
    return size if size > 0 else 1.0


def _headings(
    places: dict[str, NDArray[np.float64]], loops: bool
) -> tuple[NDArray[np.float64], float]:
    """Where the actor faces: square to the mean way from left to right of hips and shoulders.

    Where that way is steep, as in a cartwheel, the facing is taken from before and after; if it is
    the opposite afterwards, the actor is upside down and has not turned.

    Returns:
        Radians ``(F,)`` from +z to +x, without jumps, and whole turns in a round of a loop.
    """
    pairs = [(f"right_{part}", f"left_{part}") for part in ("hip", "shoulder")]
    ways = [places[a] - places[b] for a, b in pairs if a in places]
    across = sum((_unit(way) for way in ways), np.zeros_like(ways[0]))
    level = np.hypot(across[:, 0], across[:, 2])
    known = np.flatnonzero(level > _LEVEL * np.maximum(np.linalg.norm(across, axis=1), 1e-9))
    if not len(known):
        return np.zeros(len(across)), 0.0
    raw = np.arctan2(across[known, 2], -across[known, 0])
    jump = np.abs(np.angle(np.exp(1j * np.diff(raw)))) > np.pi / 2
    over = jump & (np.diff(known) > 1)
    raw = raw + np.pi * np.concatenate([[0], np.cumsum(over)])
    return fill(np.unwrap(raw), known, len(across), loops, turn=2 * np.pi)


def fill(
    values: NDArray[np.float64], known: NDArray[np.intp], count: int, loops: bool, turn: float
) -> tuple[NDArray[np.float64], float]:
    """Angles at all frames from those at known ones, on straight lines between them.

    Args:
        values: Without jumps.
        known: The frames of them, ascending.
        count: How many frames there are.
        loops: Whether the last leads to the first.
        turn: What makes no difference when added to an angle.

    Returns:
        ``(count,)``, and by how many turns it has grown after one round of a loop.
    """
    gain = 0.0
    if loops:
        gain = turn * float(np.round((values[-1] - values[0]) / turn))
        known = np.concatenate([[known[-1] - count], known, [known[0] + count]])
        values = np.concatenate([[values[-1] - gain], values, [values[0] + gain]])
    return np.interp(np.arange(count), known, values), gain


def _half_turns(
    heading: NDArray[np.float64],
    gain: float,
    path: NDArray[np.float64],
    travel: NDArray[np.float64],
    size: float,
    frame_time: float,
    loops: bool,
) -> tuple[NDArray[np.float64], float]:
    """How many half turns the actor has made from where he first looks along his main axis.

    The main axis is the line along which he mostly faces while he goes. A half turn counts when he
    is well past the middle, so that one who faces across the line does not turn to and back, and is
    made in about half a second.

    Returns:
        ``(F,)``, smooth, from 0, and how many there are in a round of a loop.
    """
    ahead = np.concatenate([path[1:], path[:1] + travel if loops else path[-1:]])
    pace = np.hypot(*(ahead - path)[:, [0, 2]].T) / (size * frame_time)
    axis = 0.5 * float(np.angle(np.sum((pace + 0.05) * np.exp(2j * heading))))
    along = np.cos(heading - axis)
    first = int(np.argmax(np.abs(along) > 0.5))
    axis += 0.0 if along[first] > 0 else np.pi
    turned = (heading - axis) / np.pi
    turned = turned - 2 * np.round(turned[first] / 2)
    state, states = 0, np.zeros(len(turned))
    for frame, value in enumerate(turned.tolist()):
        if abs(value - state) > _BACK:
            state = round(value)
        states[frame] = state
    half_gain = gain / np.pi
    if loops:  # the state at the end is that at the start
        before = states[-1] - half_gain
        for frame, value in enumerate(turned.tolist()):
            if abs(value - before) > _BACK:
                break
            states[frame] = before
    return smooth(states, _TURN / frame_time, loops, half_gain), half_gain


def _waiting(
    camera: NDArray[np.float64],
    stands: NDArray[np.bool_],
    apart: NDArray[np.float64],
    gain: float,
    fps: float,
    loops: bool,
) -> NDArray[np.float64]:
    """The way a camera turns that looks at the legs: where it should be, but for where it waits.

    Two feet that stand, seen by a camera that goes round, slide; so one who twists on the spot is
    shown twisting, by a camera that comes to a halt before and moves on afterwards.

    Args:
        camera: ``(F,)`` where the camera should be, radians.
        stands: ``(F,)`` whether both feet stand.
        apart: ``(F,)`` how far the left foot is to the right of the right one, as the camera should
            see it, in leg lengths. While that changes by no more than legs make up for, the camera
            does not wait.
        gain: How far it turns in a round of a loop.
        fps: Frames a second.
        loops: Whether the last frame leads to the first.
    """
    shift = int(np.argmin(stands)) if loops and not stands.all() else 0  # no stand is cut in two
    waits, apart = np.roll(stands, -shift), np.roll(apart, -shift)
    ahead = np.concatenate([camera[shift:], camera[:shift] + gain])
    edges = np.flatnonzero(np.diff(waits.astype(int), prepend=0, append=0)).reshape(-1, 2)
    for start, end in edges.tolist():
        waits[start:end] = np.ptp(apart[start:end]) > _MADE_UP
        ahead[start:end] -= (ahead[start:end].min() + ahead[start:end].max()) / 2
    if not waits.any():
        return camera
    at, away = nearest(waits, loops)
    ahead = np.clip(ahead[at], -_AHEAD, _AHEAD) * (1 - eased(away, fps))
    return np.asarray(camera - np.roll(ahead, shift))


def _sideways(
    own: dict[str, NDArray[np.float64]], group: str, turns: dict[str, NDArray[np.float64]]
) -> bool:
    """Whether a group shows more of what it does from the side.

    Of arms and legs, whether they spread least to the side: their principal axis of least variance.
    A trunk is seen as the legs are, but one that bows low over legs that are seen from the front.
    """
    if group == "trunk":
        return bool(turns["legs"].any()) or _bows(own)
    places = _places(own, GROUPS[group])
    if not len(places):
        return False
    values, axes = np.linalg.eigh(np.cov(places.T))
    least = axes[:, int(np.argmin(values))]
    return bool(abs(least[0]) > abs(least[2]))


def _bows(own: dict[str, NDArray[np.float64]]) -> bool:
    top = next((own[role] for role in ("neck", "chest", "head") if role in own), None)
    if top is None:
        return False
    leans = [np.abs(np.arctan2(top[:, axis], top[:, 1])) for axis in (0, 2)]
    aside, ahead = (float(np.percentile(lean, 95)) for lean in leans)
    return ahead > _LOW_BOW and ahead > 1.5 * aside


def _places(own: dict[str, NDArray[np.float64]], parts: Sequence[str]) -> NDArray[np.float64]:
    found = [place for role, place in own.items() if role.split("_")[-1] in parts]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _unit(way: NDArray[np.float64]) -> NDArray[np.float64]:
    return way / np.maximum(np.linalg.norm(way, axis=-1, keepdims=True), 1e-12)
