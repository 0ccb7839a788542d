"""Arms of a silhouette: limbs that stand off, seen through a gap, or placed by proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.gaps import Gap
from apps.puppet.joints.silhouette.paths import along, end_joint
from apps.puppet.joints.silhouette.shape import Shape
from apps.puppet.joints.silhouette.tree import Branch
from apps.puppet.joints.silhouette.trunk import Trunk

__all__ = ["SHOULDER", "Arm", "find_arm", "fold_arms"]

SHOULDER = 0.07
"""Row of the shoulders, as a share of the way from the neck to the ground."""
_HIDDEN = (SHOULDER, 0.27, 0.46)
_LOWEST_SHOULDER = 0.5
_WIDEST = 0.17  # from the middle to a shoulder, of the way from the neck to the ground
_SHORTEST = 0.11  # what sticks out of the body, alike
_SHORTEST_REACH = 0.15  # from shoulder to hand, alike
_HIGHEST_CORNER = 0.4  # row of that of a skirt, alike
_RISES, _WIDENS = 0.07, 0.6  # that far above it, of the height, a skirt is that wide already
_LEAST_GAP, _LEAST_HOLE = 0.16, 0.1  # of gaps beside the body, open below and closed, alike
_THICKEST = 0.6  # an arm beside a gap, of the width of the trunk


_FOLDED = 0.6  # what sticks out by less of the other arm is an elbow
_STOUT = 3.5  # and if it is no longer than that, of half of how thick it is
_FOREARM, _RISE = 0.9, 0.35  # of the upper arm; radians below level of one that lies over the body


@dataclass(frozen=True, eq=False)
class Arm:
    """An arm.

    Attributes:
        points_xy: ``float64`` ``(3, 2)``: shoulder, elbow, hand, in cells.
        seen: Whether it was found, and not guessed.
        out: How far it stands off the body, in cells.
        folded: Whether only the elbow stands off, and the hand is a guess.
    """

    points_xy: NDArray[np.float64]
    seen: bool
    out: float = 0.0
    folded: bool = False


def find_arm(
    shape: Shape, trunk: Trunk, limbs: list[Branch], gaps: list[Gap], side: int, low: float
) -> Arm:
    """Find the arm on one side, or place it by proportion.

    Args:
        shape: The silhouette.
        trunk: Its trunk.
        limbs: Those that can be arms.
        gaps: Those that are not between the legs.
        side: -1 for the left of the picture, 1 for the right.
        low: Row of the hips.
    """
    arm = _seen(shape, trunk, limbs, gaps, side, low)
    if arm is not None:
        shoulder, _, hand = arm.points_xy
        if np.hypot(*(hand - shoulder)) > _SHORTEST_REACH * trunk.body_height:
            return arm
    return Arm(_hidden(shape, trunk, side, low), seen=False)


def fold_arms(shape: Shape, trunk: Trunk, arms: list[Arm]) -> list[Arm]:
    """Where what sticks out on one side is much shorter than the other arm, it is the elbow.

    Its hand, which cannot be told from the body, is placed before the middle of it.

    Args:
        shape: The silhouette.
        trunk: Its trunk.
        arms: Both of them.
    """
    folded = list(arms)
    for index, (arm, other) in enumerate(zip(arms, reversed(arms), strict=True)):
        shoulder, _, hand = arm.points_xy
        if not (arm.seen and other.seen and arm.out < _FOLDED * other.out):
            continue
        column, row = np.rint(hand).astype(int)
        if arm.out > _STOUT * shape.distance[row, column]:
            continue
        if not trunk.at(_HIDDEN[0]) < hand[1] < trunk.at(_HIDDEN[2]):
            continue
        upper = float(np.hypot(*(hand - shoulder)))
        inward = np.sign(trunk.x(hand[1]) - hand[0])
        over = hand + _FOREARM * upper * np.array([inward * np.cos(_RISE), np.sin(_RISE)])
        folded[index] = Arm(np.array([shoulder, hand, over]), True, arm.out, folded=True)
    return folded


def _seen(
    shape: Shape, trunk: Trunk, limbs: list[Branch], gaps: list[Gap], side: int, low: float
) -> Arm | None:
    branch = _arm_branch(shape, trunk, limbs, side, low)
    gap = _gap_inside(shape, trunk, gaps, side)
    if gap is not None:
        beside = gap.beside(shape, side)
        path, thick = beside[:, :2], float(beside[:, 2].min())
        on_hip = gap.closed(shape) and _is_elbow(branch, path, side, thick)
        small = gap.height < _LEAST_GAP * trunk.body_height
        if on_hip or (not small and _goes_along(shape, branch, path)):
            out = branch.length if branch is not None else float(len(path))
            if on_hip:
                path = np.vstack([path, _below(shape, gap, thick)])
            return _from_path(shape, trunk, path, side, out, exact_start=True, on_hip=on_hip)
    if branch is not None:
        path = branch.path_xy[branch.leaves :]
        hangs = path[0, 1] > trunk.at(SHOULDER + 0.13) and branch.tip[1] > path[0, 1]
        if hangs:  # only the lower part of the arm stands off
            shoulder = _hidden(shape, trunk, side, low)[:1]
            path = np.vstack([shoulder, path])
        return _from_path(shape, trunk, path, side, branch.length)
    return None


def _arm_branch(
    shape: Shape, trunk: Trunk, limbs: list[Branch], side: int, low: float
) -> Branch | None:
    best, score = None, 0.0
    shoulder = trunk.at(SHOULDER)
    for branch in limbs:
        start, tip = branch.path_xy[0], branch.tip
        if (tip[0] - trunk.x(start[1])) * side <= 0.25 * branch.width:
            continue
        if start[1] > low or _is_corner(shape, trunk, branch):
            continue
        away = (start[1] - shoulder) / (0.25 * trunk.body_height)
        value = branch.length * float(np.exp(-(away**2)))
        if branch.length > _SHORTEST * trunk.body_height and value > score:
            best, score = branch, value
    return best


def _is_corner(shape: Shape, trunk: Trunk, branch: Branch) -> bool:
    """Whether it is the end of what widens downwards by and by: of a skirt, of a cloak."""
    if branch.tip[1] < trunk.at(_HIGHEST_CORNER):
        return False
    reach = []
    for y in (branch.tip[1] - 1, branch.tip[1] - 1 - _RISES * shape.height):
        middle = trunk.x(y)
        first, last = shape.run(middle, y) or (middle, middle)
        reach.append(last - middle if branch.tip[0] > middle else middle - first)
        if y == branch.tip[1] - 1 and not first - 1 <= branch.tip[0] <= last + 1:
            return False  # something can be seen between it and the body
    return reach[1] >= _WIDENS * reach[0]


def _below(shape: Shape, gap: Gap, far: float) -> tuple[float, float]:
    """A point below a gap, inside if there is one."""
    x, y = float(gap.left[-1] + gap.right[-1]) / 2, gap.bottom + 1
    while y + 1 <= gap.bottom + far and shape.inside[y + 1, round(x)]:
        y += 1
    return x, float(y)


def _gap_inside(shape: Shape, trunk: Trunk, gaps: list[Gap], side: int) -> Gap | None:
    """The highest of all gaps between the body and an arm."""
    best, height = None, 0.0
    for gap in gaps:
        if not trunk.neck - 2 <= gap.top <= trunk.at(_LOWEST_SHOULDER):
            continue
        if (gap.x - trunk.x((gap.top + gap.bottom) / 2)) * side <= 0 or gap.height <= height:
            continue
        if gap.height < (_LEAST_HOLE if gap.closed(shape) else _LEAST_GAP) * trunk.body_height:
            continue
        thick = np.median(gap.beside(shape, side)[:, 2])
        if thick > _THICKEST * trunk.width_at(trunk.at(0.2)):
            continue
        best, height = gap, gap.height
    return best


def _goes_along(shape: Shape, branch: Branch | None, path_xy: NDArray[np.float64]) -> bool:
    """Whether a branch, if there is one, is the arm beside a gap."""
    return branch is None or bool(np.hypot(*(path_xy - branch.tip).T).min() < 0.08 * shape.height)


def _is_elbow(branch: Branch | None, path_xy: NDArray[np.float64], side: int, thick: float) -> bool:
    """Whether a branch ends halfway along the arm beside a gap: its hand rests on the hip."""
    if branch is None:
        return False
    first, last = path_xy[0], path_xy[-1]
    halfway = 0.15 < (branch.tip[1] - first[1]) / max(last[1] - first[1], 1.0) < 1
    bends = (branch.tip[0] - last[0]) * side > 0.4 * thick
    return halfway and bends and bool(np.hypot(*(path_xy - branch.tip).T).min() < 0.75 * thick)


def _from_path(
    shape: Shape,
    trunk: Trunk,
    path: NDArray[np.float64],
    side: int,
    out: float,
    *,
    exact_start: bool = False,
    on_hip: bool = False,
) -> Arm:
    hand, path = (path[-1], path) if on_hip else end_joint(shape, path)
    shoulder = path[0]
    if exact_start:  # a gap begins at the armpit: the shoulder is above it
        up = min(shoulder[1] - 1, trunk.at(SHOULDER))
        inner = trunk.x(up) + side * min(abs(shoulder[0] - trunk.x(up)), 0.42 * trunk.width_at(up))
        shoulder = np.array([inner, up])
    elbow = _corner(shoulder, path) if on_hip else along(np.vstack([shoulder, path]), 0.5)
    return Arm(np.array([shoulder, elbow, hand]), seen=True, out=out)


def _corner(start: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
    """The point of a path that is farthest from the straight way."""
    x, y = path[-1] - start
    return np.array(path[np.abs((path - start) @ (-y, x)).argmax()])


def _hidden(shape: Shape, trunk: Trunk, side: int, low: float) -> NDArray[np.float64]:
    """An arm that hangs inside the silhouette."""
    points = np.zeros((3, 2))
    most = _WIDEST * trunk.body_height
    for index, share in enumerate(_HIDDEN):
        y = min(trunk.at(share), low + 0.02 * trunk.body_height)
        middle = trunk.x(trunk.at(0.2))
        run = shape.run(middle, y) or (middle, middle)
        x = float(np.clip(middle, *run))
        room = abs(run[0 if side < 0 else 1] - x)
        points[index] = x + side * min(0.72 * room, most), y
    return points
