"""Where the root of a puppet goes, so that the feet that stand do not slide.

The root follows the feet: while one stands, the root moves by what that foot would move otherwise.
While both stand, each has a share that goes over from one to the other; what then is left between
the two, because the puppet has other proportions than the actor, the legs take up: they get a
little longer or shorter, or are turned by less than a degree. While none stands, the root follows
the actor's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.contact import eased, nearest
from apps.puppet.retarget.cycle import Cycle, sample, smooth
from apps.puppet.retarget.legs import Leg, find_legs, mend, spots, yielding
from apps.puppet.retarget.view import Actor, seen
from apps.puppet.skeleton import Skeleton

__all__ = ["Planted", "plant"]

_SWAY = 0.06
"""How far a bust moves at most, in lengths of its trunk."""
_ROUNDS, _CLOSE = 2, 1e-3
"""How often the root gives way to what two legs cannot reach, and lengths of a leg that are near
enough."""


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
    fps: float,
    give: float,
) -> Planted:
    """Find the way of the root, and keep the feet that stand where they are.

    Args:
        joints: ``(T, J, 2)``, from the root.
        skeleton: As drawn.
        actor: Whom it follows.
        cycle: When.
        fps: Frames a second of the result.
        give: How much longer or shorter a leg may get, as a share.
    """
    legs = find_legs(skeleton)
    if actor.feet is None or not legs:
        root = _bust(skeleton, actor, cycle)
        return Planted(joints, root, 0.0, np.zeros(len(root)))
    sides, feet = [leg.side for leg in legs], joints[:, [leg.foot for leg in legs]]
    on = sample(actor.feet.on.astype(float), cycle.frames, actor.loops, nearest=True) > 0.5
    height = sample(actor.feet.height, cycle.frames, actor.loops)
    inside, near, at = _stands(on, fps, cycle.loops)
    height = np.maximum(height - _held(height, at) * near, 0) * ~on  # none while a foot stands
    on, at, height = on[:, sides], at[:, sides], height[:, sides]
    inside, near = inside[:, sides], near[:, sides]
    unit = float(np.mean([leg.length for leg in legs]))

    share = _shares(inside, on, cycle.loops)
    points = skeleton.points_xy
    levels = _levels(feet[..., 1], share, points[[leg.foot for leg in legs], 1])
    levels = levels - points[skeleton.root, 1]
    x, gain = _across(feet[..., 0], share, on, unit / actor.size, actor, cycle)
    y = np.sum(share * (levels - unit * height - feet[..., 1]), axis=1)
    root = np.stack([x, y], axis=1)
    missing = np.zeros(feet.shape)
    for column in range(len(legs)):
        place = root + feet[:, column]
        missing[:, column, 0] = spots(place[:, 0], on[:, column], cycle.loops, gain) - place[:, 0]
        missing[:, column, 1] = levels[column] - place[:, 1]
    joints, root, missing = _reached(joints, root, legs, missing, on, fps, cycle.loops, give)
    # What the legs could not reach, the root does: for one foot that stands, always.
    root = root + np.sum(share[..., None] * missing * on[..., None], axis=1)
    root[:, 0] -= root[0, 0]
    return Planted(joints, root, gain, unit * np.sum(share * height, axis=1))


def _reached(
    joints: NDArray[np.float64],
    root: NDArray[np.float64],
    legs: list[Leg],
    missing: NDArray[np.float64],
    on: NDArray[np.bool_],
    fps: float,
    loops: bool,
    give: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Let legs, and the root between two of them, reach where the feet should be.

    Args:
        joints: ``(T, J, 2)``, from the root.
        root: ``(T, 2)``.
        legs: All.
        missing: ``(T, n, 2)``: how far each foot is from where it should be.
        on: ``(T, n)``: whether it stands.
        fps: Frames a second.
        loops: Whether the last frame leads to the first.
        give: How much longer or shorter a leg may get, as a share.

    Returns:
        Joints, root, and what is missing still.
    """
    both = on.sum(axis=1) > 1
    way = np.zeros_like(root)
    if give > 0:
        most = give * float(np.mean([leg.length for leg in legs]))
        way = yielding(joints, legs, missing, on, most)
    feet = [leg.foot for leg in legs]
    near = _CLOSE * min(leg.length for leg in legs)
    for rounds_left in range(_ROUNDS, -1, -1):
        way = _fading(way, both, fps, loops)
        root, missing = root + way, missing - way[:, None]
        mended = joints
        for column, leg in enumerate(legs):
            mended = mend(mended, leg, _fading(missing[:, column], on[:, column], fps, loops), give)
        rest = missing + joints[:, feet] - mended[:, feet]
        unreached = np.where((on & both[:, None])[..., None], rest, 0)
        if not rounds_left or np.abs(unreached).max(initial=0) <= near:
            break
        # One leg may still give where the other cannot: the root goes between them.
        way = unreached.sum(axis=1) / np.maximum(on.sum(axis=1), 1)[:, None]
    return mended, root, rest


def _fading(
    way: NDArray[np.float64], on: NDArray[np.bool_], fps: float, loops: bool
) -> NDArray[np.float64]:
    """What holds while a foot stands, fading away before and after; ``(T, 2)``."""
    if not on.any():
        return np.zeros_like(way)
    at, away = nearest(on, loops)
    return np.asarray(way[at] * (1 - eased(away, fps))[:, None])


def _stands(
    on: NDArray[np.bool_], fps: float, loops: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """How a foot comes to stand, each ``(T, 2)``.

    Returns:
        Inside of a stand, from 0 at its ends to 1; outside of one, from 1 at its ends to 0; and the
        nearest frame at which the foot stands.
    """
    inside, near = np.ones(on.shape), np.zeros(on.shape)
    at = np.zeros(on.shape, np.intp)
    for column, stands in enumerate(on.T):
        if stands.any():
            at[:, column], away = nearest(stands, loops)
            near[:, column] = 1 - eased(away, fps)
            if not stands.all():
                inside[:, column] = eased(nearest(~stands, loops)[1], fps)
    return inside, near, at


def _held(track: NDArray[np.float64], at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Each column at other frames."""
    return np.take_along_axis(track, at, axis=0)


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
    return at[: len(x)], float(at[-1]) if cycle.loops and abs(gain) >= 1e-9 else 0.0


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
