"""Joints that are turned and pulled: what each does to the joints that hang from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["Pull", "bend_side", "pull_joints", "reached", "rotated"]

Floats = NDArray[np.float64]

_STRAIGHT = 0.03
"""The sine of a bend that a drawing may have by chance: it does not say where an elbow points."""


@dataclass(frozen=True, eq=False)
class Pull:
    """What is done to one joint, frame by frame.

    Attributes:
        kind: ``turn`` turns its bone; ``move`` takes it from where it would be carried; ``at`` puts
            it somewhere.
        values: ``(F,)`` radians, clockwise as seen, for ``turn``; else ``(F, 2)`` pixels.
    """

    kind: str
    values: Floats


def rotated(vectors: Floats, radians: Floats) -> Floats:
    """Vectors ``(..., 2)`` turned by angles ``(...)`` from x to y: clockwise, as y is down."""
    cosine, sine = np.cos(radians), np.sin(radians)
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)


def pull_joints(skeleton: Skeleton, pulls: Mapping[int, Pull], frames: int) -> Floats:
    """Where all joints are when some are turned and pulled.

    A joint that is not named rides along with its parent. A turned bone keeps its length. The end
    of a limb of two bones, such as a hand, bends the limb, which keeps its lengths, too: what is
    out of reach it points at. Any other joint that is pulled goes where it is put, its bone
    stretches, and what hangs from it turns with the bone.

    Args:
        skeleton: In rest.
        pulls: By the index of the joint.
        frames: How many.

    Returns:
        ``(frames, J, 2)``.
    """
    rest = skeleton.points_xy
    points = np.empty((frames, len(skeleton), 2))
    turned = np.zeros((frames, len(skeleton)))
    placed: set[int] = set()
    for joint in skeleton.depth_first:
        if joint in placed:
            continue
        parent, pull = skeleton.parents[joint], pulls.get(joint)
        if parent < 0:
            _place_root(points, turned, joint, rest[joint], pull)
            continue
        end = _end_of_limb(skeleton, joint, pulls)
        if end is not None:
            _bend(skeleton, points, turned, joint, end, pulls[end])
            placed.add(end)
            continue
        bone = rotated(rest[joint] - rest[parent], turned[:, parent])
        turned[:, joint] = turned[:, parent]
        if pull is None:
            points[:, joint] = points[:, parent] + bone
        elif pull.kind == "turn":
            turned[:, joint] += pull.values
            points[:, joint] = points[:, parent] + rotated(bone, pull.values)
        else:
            points[:, joint] = _target(pull, points[:, parent] + bone)
            turned[:, joint] += _angle(bone, points[:, joint] - points[:, parent])
    return points


def _place_root(points: Floats, turned: Floats, root: int, rest: Floats, pull: Pull | None) -> None:
    points[:, root] = rest
    if pull is not None and pull.kind == "turn":
        turned[:, root] = pull.values
    elif pull is not None:
        points[:, root] = _target(pull, points[:, root])


def _target(pull: Pull, carried: Floats) -> Floats:
    return pull.values if pull.kind == "at" else carried + pull.values


def _angle(before: Floats, after: Floats) -> Floats:
    """By how much a bone has turned; a bone without length has not."""
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.asarray(np.arctan2(cross, (before * after).sum(axis=1)))


def _end_of_limb(skeleton: Skeleton, middle: int, pulls: Mapping[int, Pull]) -> int | None:
    """The joint by which a limb with this middle joint is pulled, if it is."""
    below = skeleton.children[middle]
    if len(below) != 1 or middle in pulls or skeleton.children[below[0]]:
        return None
    pull = pulls.get(below[0])
    if pull is None or pull.kind == "turn":
        return None
    start, rest = skeleton.parents[middle], skeleton.points_xy
    lengths = np.linalg.norm([rest[middle] - rest[start], rest[below[0]] - rest[middle]], axis=1)
    return below[0] if lengths.min() > 1e-6 else None


def _bend(
    skeleton: Skeleton, points: Floats, turned: Floats, middle: int, end: int, pull: Pull
) -> None:
    """Bend a limb of two bones so that its end is where it is pulled to."""
    start, rest = skeleton.parents[middle], skeleton.points_xy
    upper = rotated(rest[middle] - rest[start], turned[:, start])
    lower = rotated(rest[end] - rest[middle], turned[:, start])
    target = _target(pull, points[:, start] + upper + lower)
    side = bend_side(rest[start], rest[middle], rest[end], rest[skeleton.root])
    bent, reach = reached(target - points[:, start], upper, lower, side)
    points[:, middle] = points[:, start] + bent
    points[:, end] = points[:, start] + reach
    turned[:, middle] = turned[:, start] + _angle(upper, bent)
    turned[:, end] = turned[:, start] + _angle(lower, reach - bent)


def reached(way: Floats, upper: Floats, lower: Floats, side: float) -> tuple[Floats, Floats]:
    """Two-bone inverse kinematics in the plane.

    Args:
        way: ``(F, 2)``, from where the limb starts to what it shall reach.
        upper: ``(F, 2)``, its first bone as it is; not zero.
        lower: ``(F, 2)``, its second.
        side: 1 if the limb, seen from its start, bends to the end that y is turned to from x; -1 to
            the other.

    Returns:
        From the start to the middle, and to the end: what is too far or too near is pointed at.
    """
    one, two = np.linalg.norm(upper, axis=1), np.linalg.norm(lower, axis=1)
    wanted = np.linalg.norm(way, axis=1)
    resting = upper + lower
    length = np.linalg.norm(resting, axis=1)
    # Where the end is pulled to the start, any direction does; that of rest is as good as any.
    spare = np.where(length[:, None] > 1e-9, resting, upper)
    spare = spare / np.linalg.norm(spare, axis=1)[:, None]
    far = wanted > 1e-9
    along = np.where(far[:, None], way / np.where(far, wanted, 1.0)[:, None], spare)
    distance = np.maximum(np.clip(wanted, np.abs(one - two), one + two), 1e-9)
    cosine = np.clip((one**2 + distance**2 - two**2) / (2 * one * distance), -1, 1)
    bent = rotated(along * one[:, None], side * np.arccos(cosine))
    return bent, along * distance[:, None]


def bend_side(start: Floats, middle: Floats, end: Floats, root: Floats) -> float:
    """To which side a limb bends: as it does in rest, or away from the body and down.

    Returns:
        1 or -1; see :func:`reached`.
    """
    upper, lower = middle - start, end - middle
    lengths = float(np.linalg.norm(upper) * np.linalg.norm(lower))
    cross = float(lower[0] * upper[1] - lower[1] * upper[0])
    if lengths <= 0 or abs(cross) < _STRAIGHT * lengths:
        along = end - start
        out = np.array([np.sign(start[0] - root[0]) or 1.0, 0.5])
        cross = float(along[0] * out[1] - along[1] * out[0])
    return 1.0 if cross >= 0 else -1.0
