"""Where the root of a puppet goes, so that the feet that stand do not slide.

The root follows the feet: while one stands, the root moves by what that foot would move otherwise.
While both stand, each has a share that goes over from one to the other; what then is left between
the two, because the puppet has other proportions than the actor, the legs take up: they get a
little longer or shorter, or are turned by less than a degree. While none stands, the root follows
the actor's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.contact import SIDES, Contacts, ramps
from apps.puppet.retarget.cycle import Cycle, sample, smooth
from apps.puppet.retarget.limbs import puppet_roles
from apps.puppet.retarget.view import Actor, seen
from apps.puppet.skeleton import Skeleton

__all__ = ["Planted", "plant"]

_MOST_TURN = np.radians(0.9)
"""By so much a leg may be turned for a foot that stands; the directions are exact to 1 degree."""
_SWAY = 0.06
"""How far a bust moves at most, in lengths of its trunk."""


class _Leg(NamedTuple):
    """Joints of a puppet: the foot, what it hangs from up to the hip, and all that is below."""

    foot: int
    hip: int
    column: int
    length: float
    below: list[int]


@dataclass(frozen=True, eq=False)
class Planted:
    """Where a puppet goes.

    Attributes:
        joints: ``(T, J, 2)``, from the root; the legs are mended.
        root: ``(T, 2)``, from where the root is drawn, y down.
        gain: How far to the right it comes in the whole result, if that loops.
        lift: ``(T,)`` how far above the ground both feet are.
    """

    joints: NDArray[np.float64]
    root: NDArray[np.float64]
    gain: float
    lift: NDArray[np.float64]


def plant(
    joints: NDArray[np.float64],
    skeleton: Skeleton,
    actor: Actor,
    cycle: Cycle,
    found: Contacts | None,
    fps: float,
    give: float,
) -> Planted:
    """Find the way of the root, and keep the feet that stand where they are.

    Args:
        joints: ``(T, J, 2)``, from the root.
        skeleton: As drawn.
        actor: Whom it follows.
        cycle: When.
        found: What his feet do.
        fps: Frames a second of the result.
        give: How much longer or shorter a leg may get, as a share.
    """
    legs = _legs(skeleton)
    if found is None or not legs:
        root = _bust(skeleton, actor, cycle)
        return Planted(joints, root, 0.0, np.zeros(len(root)))
    columns = [leg.column for leg in legs]
    on = sample(found.on.astype(float), cycle.frames, actor.loops, nearest=True)[:, columns] > 0.5
    inside, outside = ramps(on, fps, cycle.loops)
    scale = float(np.mean([leg.length for leg in legs])) / actor.size
    height = sample(found.height, cycle.frames, actor.loops)[:, columns] * (1 - outside)
    height *= scale * actor.size
    feet = joints[:, [leg.foot for leg in legs]]

    share = _shares(inside, on, cycle.loops)
    levels = _levels(feet[..., 1], share, skeleton.points_xy[[leg.foot for leg in legs], 1])
    levels = levels - skeleton.points_xy[skeleton.root, 1]
    x, gain = _across(feet[..., 0], share, on, scale, actor, cycle)
    y = np.sum(share * (levels - height - feet[..., 1]), axis=1)
    root = np.stack([x, y], axis=1)
    mended = joints.copy()
    for column, leg in enumerate(legs):
        target = _targets(root + feet[:, column], on[:, column], levels[column], cycle.loops, gain)
        missing = (target - root - feet[:, column]) * outside[:, column, None]
        _mend(mended, leg, missing, give)
    return Planted(mended, root, gain, np.sum(share * height, axis=1))


def _legs(skeleton: Skeleton) -> list[_Leg]:
    roles = puppet_roles(skeleton)
    legs = []
    for joint, role in roles.items():
        side, _, part = role.partition("_")
        if part != "foot":
            continue
        chain = [joint]
        while skeleton.parents[chain[-1]] >= 0 and roles.get(chain[-1]) != f"{side}_hip":
            chain.append(skeleton.parents[chain[-1]])
        points = skeleton.points_xy[chain]
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        if length > 0 and roles.get(chain[-1]) == f"{side}_hip":
            below = [j for j in _below(skeleton, chain[-1]) if j != chain[-1]]
            legs.append(_Leg(joint, chain[-1], SIDES.index(side), length, below))
    return legs


def _below(skeleton: Skeleton, joint: int) -> list[int]:
    found, waiting = [], [joint]
    while waiting:
        found.append(waiting.pop())
        waiting += skeleton.children[found[-1]]
    return found


def _shares(inside: NDArray[np.float64], on: NDArray[np.bool_], loops: bool) -> NDArray[np.float64]:
    """How much each foot leads the root, ``(T, n)``; of each frame they add up to 1.

    While no foot stands, from what was before to what is after.
    """
    count = len(on)
    weight = np.where(on, inside + 1e-6, 0.0)
    known = np.flatnonzero(on.any(axis=1))
    if not len(known):
        return np.full(on.shape, 1 / on.shape[1])
    values = weight[known] / weight[known].sum(axis=1, keepdims=True)
    if loops:
        known = np.concatenate([[known[-1] - count], known, [known[0] + count]])
        values = np.concatenate([values[-1:], values, values[:1]])
    frames = np.arange(count)
    return np.stack([np.interp(frames, known, column) for column in values.T], axis=1)


def _levels(
    y: NDArray[np.float64], share: NDArray[np.float64], drawn: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How deep the ground is under each foot, in pixels of the picture.

    On average as drawn. Between feet it differs as their legs do, in the poses in which they carry:
    a drawing may have legs of different lengths.
    """
    own = (y * share).sum(axis=0) / np.maximum(share.sum(axis=0), 1e-9)
    own = np.where(share.sum(axis=0) > 1e-6, own, own[share.sum(axis=0) > 1e-6].mean())
    return np.asarray(drawn.mean() + own - own.mean())


def _across(
    x: NDArray[np.float64],
    share: NDArray[np.float64],
    on: NDArray[np.bool_],
    scale: float,
    actor: Actor,
    cycle: Cycle,
) -> tuple[NDArray[np.float64], float]:
    """How far to the right the root is, and how far it comes in the whole of a loop."""
    path, gain = _seen_path(actor)
    way = sample(path, cycle.frames, actor.loops, gain)
    ends = np.concatenate([way, [way[0] + gain * cycle.rounds]]) if cycle.loops else way
    free = np.diff(ends) * scale
    follow = np.arange(1, len(ends)) % len(x)
    # A step is led by feet that stand at both its ends.
    held = on[follow] & on[: len(free)]
    both = np.where(held, (share[follow] + share[: len(free)]) / 2, 0)
    total = both.sum(axis=1)
    led = np.sum(both * -(x[follow] - x[: len(free)]), axis=1) / np.maximum(total, 1e-9)
    steps = np.where(total > 1e-9, led, free)
    if cycle.loops and abs(gain) < 1e-9:  # what does not travel comes back
        loose = np.where(total > 1e-9, 0.02, 1.0)
        steps = steps - steps.sum() * loose / loose.sum()
    at = np.concatenate([[0.0], np.cumsum(steps)])
    return at[: len(x)], float(at[-1]) if cycle.loops else 0.0


def _seen_path(actor: Actor) -> tuple[NDArray[np.float64], float]:
    """How far to the right the actor's hips have come as he is seen, and in a round of a loop."""
    path = np.concatenate([actor.path, actor.path[:1] + actor.path_gain])
    heading = np.append(actor.heading, actor.heading[0] + actor.heading_gain)
    turn = np.append(actor.turns["legs"], actor.turns["legs"][0] + actor.turn_gain["legs"])
    step = np.diff(path, axis=0)
    middle, turned = (heading[1:] + heading[:-1]) / 2, (turn[1:] + turn[:-1]) / 2
    cos, sin = np.cos(middle), np.sin(middle)
    left, forward = step[:, 0] * cos - step[:, 2] * sin, step[:, 0] * sin + step[:, 2] * cos
    way = np.stack([left, np.zeros_like(left), forward], axis=1)
    at = np.concatenate([[0.0], np.cumsum(seen(way, turned)[0])])
    return at[:-1], float(at[-1]) if np.any(actor.path_gain) else 0.0


def _targets(
    place: NDArray[np.float64], on: NDArray[np.bool_], level: float, loops: bool, gain: float
) -> NDArray[np.float64]:
    """Where a foot must be, ``(T, 2)``: during each stand on one spot, else near the next one.

    Args:
        place: Where it is without help.
        on: Where it stands.
        level: How deep the ground is.
        loops: Whether a stand may go on from the last frame to the first.
        gain: How far the root comes from the first frame round to it.
    """
    count = len(on)
    if not on.any():
        return place
    x = place[:, 0]
    if loops and not on.all():  # start where it does not stand
        shift = int(np.argmin(on))
        on = np.roll(on, -shift)
        x = np.concatenate([x[shift:], x[:shift] + gain])
    else:
        shift = 0
    number = np.cumsum(np.diff(on.astype(int), prepend=0) == 1) * on
    sums = np.bincount(number, x, minlength=int(number.max()) + 1)
    spots = sums / np.maximum(np.bincount(number, minlength=len(sums)), 1)
    frames = np.flatnonzero(on)
    every = np.arange(count)
    after = np.minimum(np.searchsorted(frames, every), len(frames) - 1)
    before = np.maximum(np.searchsorted(frames, every, side="right") - 1, 0)
    nearer = np.abs(frames[after] - every) < np.abs(frames[before] - every)
    spot = spots[number[np.where(nearer, frames[after], frames[before])]]
    if shift:
        spot = np.concatenate([spot[count - shift :] - gain, spot[: count - shift]])
    return np.stack([spot, np.full(count, level)], axis=1)


def _mend(
    joints: NDArray[np.float64], leg: _Leg, missing: NDArray[np.float64], give: float
) -> None:
    """Bring a foot nearer to its spot: the whole leg is stretched and turned about the hip."""
    hip = joints[:, leg.hip]
    way = joints[:, leg.foot] - hip
    have = way[:, 0] + 1j * way[:, 1]
    want = have + missing[:, 0] + 1j * missing[:, 1]
    bent = np.abs(have) < 0.2 * leg.length  # a foot at the hip: nothing to turn
    ratio = np.where(bent, 1, want / np.where(bent, 1, have))
    size = np.clip(np.abs(ratio), 1 - give, 1 + give)
    turn = np.clip(np.angle(ratio), -_MOST_TURN, _MOST_TURN)
    factor = size * np.exp(1j * turn)
    for joint in leg.below:
        part = joints[:, joint] - hip
        moved = (part[:, 0] + 1j * part[:, 1]) * factor
        joints[:, joint] = hip + np.stack([moved.real, moved.imag], axis=1)


def _bust(skeleton: Skeleton, actor: Actor, cycle: Cycle) -> NDArray[np.float64]:
    """The small sway of one who has no legs: what the actor's hips do but for where they go."""
    across, gain = _seen_path(actor)
    raw = np.stack([across, -actor.path[:, 1]], axis=1)
    slow = smooth(raw, 1.0 / actor.frame_time, actor.loops, np.array([gain, 0.0]))
    points = skeleton.points_xy
    trunk = float(np.linalg.norm(points - points[skeleton.root], axis=1).max())
    reach = _SWAY * trunk
    way = (raw - slow) * trunk / (2 * actor.size)
    way = reach * np.tanh(way / reach) if reach > 0 else np.zeros_like(way)
    made = sample(way, cycle.frames, actor.loops)
    return made - made[:1]
