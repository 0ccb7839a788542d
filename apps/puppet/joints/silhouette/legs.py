"""Legs of a silhouette: hips at the split, feet at the ends, or both by proportion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.gaps import Gap
from apps.puppet.joints.silhouette.paths import along, end_joint
from apps.puppet.joints.silhouette.shape import Shape
from apps.puppet.joints.silhouette.tree import Branch
from apps.puppet.joints.silhouette.trunk import Trunk

__all__ = ["CROTCH", "Legs", "find_legs", "leg_gap"]

CROTCH = 0.47
"""Where legs end, as a share of the way from the neck to the ground, of an adult."""
_LOWEST_CROTCH = 0.68  # below that, it may be the hem of a skirt through which the legs are seen
_BELOW_WAIST = 0.11  # hips are that far below the waist, of the way from the neck to the ground
_SKIRT, _LEGS_BELOW_HEM = 1.45, 0.85  # how wide a hem is, of the waist; the legs below, of the hem
_FLARE = 1.12
_LEAST_GAP = 0.055  # of the height
_TOGETHER = 0.8  # of the width of the body; narrower above the gap, legs are close together there
_LONG_FOOT = 2.2  # of the narrowest of the leg: points to the side; others are seen from the front
_BASE = 0.35  # of the height; what is as wide down there ends in no feet


@dataclass(frozen=True, eq=False)
class Legs:
    """Two legs, each hip, knee, foot; that at the left of the picture first.

    Attributes:
        points_xy: ``float64`` ``(2, 3, 2)`` in cells.
        seen: Whether both were found, and not guessed.
        gap: What can be seen between them.
    """

    points_xy: NDArray[np.float64]
    seen: bool
    gap: Gap | None


def find_legs(shape: Shape, trunk: Trunk, limbs: list[Branch], gaps: list[Gap]) -> Legs:
    """Find both legs, or place them by proportion."""
    gap = leg_gap(shape, trunk, gaps)
    tips = _low_tips(shape, trunk, limbs, gap)
    if gap is None and trunk.width_at(trunk.bottom - 0.05 * shape.height) > _BASE * shape.height:
        tips = {}  # the corners of a wide base
    if gap is None and len(tips) < 2:
        return Legs(_by_proportion(shape, trunk), seen=False, gap=None)
    crotch = gap.top if gap is not None else _split(trunk, tips)
    paths = [_leg_path(shape, gap, tips.get(side), side) for side in (-1, 1)]
    hip_row = crotch if gap is None else _hip_row(shape, trunk, crotch)
    middle = gap.x if gap is not None else trunk.x(hip_row)
    if gap is not None:
        middle = float(gap.left[0] + gap.right[0]) / 2
    legs = []
    for side, path in zip((-1, 1), paths, strict=True):
        if path is None:
            return Legs(_by_proportion(shape, trunk), seen=False, gap=gap)
        foot, path = end_joint(shape, path)
        below = path[path[:, 1] >= crotch] if (path[:, 1] >= crotch).any() else path[-1:]
        leg_x = float(below[0, 0])
        span = shape.run(middle, hip_row) or (middle, middle)
        room = abs(span[0 if side < 0 else 1] - middle)
        apart = (
            min(abs(leg_x - middle), 0.6 * room) if hip_row < crotch - 2 else abs(leg_x - middle)
        )
        hip = np.array([middle + side * max(apart, 0.2 * room), hip_row])
        knee = along(np.vstack([hip, below]), 0.5)
        legs.append([hip, knee, foot])
    return Legs(np.array(legs), seen=True, gap=gap)


def leg_gap(shape: Shape, trunk: Trunk, gaps: list[Gap]) -> Gap | None:
    """The gap below the middle of the body that reaches farthest."""
    middle = trunk.x(trunk.at(0.25))
    reach = 0.3 * max(trunk.width_at(trunk.at(0.4)), trunk.width_at(trunk.at(0.25)))
    best, score = None, 0.0
    for gap in gaps:
        low = gap.bottom >= trunk.bottom - 0.14 * shape.height
        under = trunk.neck + 0.3 * trunk.body_height < gap.top
        away = abs((gap.left[0] + gap.right[0]) / 2 - middle) / max(reach, 1.0)
        if gap.height < _LEAST_GAP * shape.height:
            continue
        if low and under and away < 2.2 and gap.height / (1 + away) > score:
            best, score = gap, gap.height / (1 + away)
    return best


def _low_tips(
    shape: Shape, trunk: Trunk, limbs: list[Branch], gap: Gap | None
) -> dict[int, Branch]:
    """The lowest limb on each side, if there is one."""
    lowest = (gap.top + 0.3 * gap.height) if gap is not None else trunk.at(0.72)
    middle = gap.x if gap is not None else trunk.x(trunk.at(0.3))
    found: dict[int, Branch] = {}
    for branch in limbs:
        side = -1 if branch.tip[0] < middle else 1
        if branch.tip[1] < lowest:
            continue
        if side not in found or branch.tip[1] > found[side].tip[1] + 0.04 * shape.height:
            found[side] = branch
    return found


def _leg_path(
    shape: Shape, gap: Gap | None, tip: Branch | None, side: int
) -> NDArray[np.float64] | None:
    if gap is None:
        return None if tip is None else tip.path_xy
    beside = gap.beside(shape, side)
    widths = beside[len(beside) // 3 :, 2]
    toes = widths.max() > _LONG_FOOT * widths.min()
    beside = beside[:, :2]
    if toes and tip is not None and len(tip.path_xy) > 0.5 * gap.height:
        nearest = np.hypot(*(beside[-1] - tip.path_xy).T).min()
        if nearest < 0.08 * shape.height or tip.tip[1] > gap.bottom:
            return tip.path_xy
    # On to the lowest cell of the leg, as far as the run goes on.
    x, y = beside[-1]
    rest = []
    while (run := shape.run(x, y + 1)) is not None and run[0] - 2 <= x <= run[1] + 2:
        y += 1
        x = float(np.clip(x, *run))
        rest.append((x, y))
        if y >= shape.rows[1]:
            break
    return np.vstack([beside, rest]) if rest else beside


def _split(trunk: Trunk, tips: dict[int, Branch]) -> float:
    """Row where two legs leave the body between which there is nothing to see."""
    rows = [tip.path_xy[tip.leaves, 1] for tip in tips.values()]
    return float(np.clip(np.mean(rows), trunk.at(0.3), trunk.at(0.9)))


def _hip_row(shape: Shape, trunk: Trunk, crotch: float) -> float:
    """A little above the split; higher where that is the hem of a skirt."""
    waist_row = _waist_above_hem(shape, trunk, crotch)
    if waist_row is not None:
        return min(waist_row + _BELOW_WAIST * trunk.body_height, trunk.at(CROTCH))
    by_proportion = trunk.at(CROTCH - 0.04)
    share = (crotch - trunk.neck) / trunk.body_height
    waist = trunk.width[int(trunk.at(0.12)) : max(int(crotch) - 1, int(trunk.at(0.12)) + 1)].min()
    flares = trunk.width_at(crotch - 2) > _FLARE * waist
    body = trunk.width[int(trunk.at(0.05)) : int(trunk.at(0.5)) + 1].max()
    together = trunk.width_at(crotch - 2) < _TOGETHER * body
    if share > _LOWEST_CROTCH and (flares or together):
        return max(by_proportion, trunk.at(0.5))
    return max(crotch - 0.025 * trunk.body_height, trunk.at(0.3))


def _waist_above_hem(shape: Shape, trunk: Trunk, crotch: float) -> int | None:
    """Row of the waist of a skirt: what is above the split is wider than the waist and the legs."""
    first, last = int(trunk.at(0.12)), int(crotch - 0.12 * trunk.body_height)
    if first >= last:
        return None
    waist = first + int(trunk.width[first:last].argmin())
    below = min(int(crotch) + 3, trunk.bottom)
    hem = float(trunk.width[waist:below].max())
    flared = trunk.width[last:below].max() >= max(hem, _SKIRT * trunk.width[waist])
    legs = shape.inside[below : below + max(2, round(0.05 * shape.height))]
    columns = np.flatnonzero(legs.any(axis=0))
    narrower = not len(columns) or np.ptp(columns) + 1 < _LEGS_BELOW_HEM * hem
    return waist if flared and narrower else None


def _by_proportion(shape: Shape, trunk: Trunk) -> NDArray[np.float64]:
    """Legs side by side in what there is of the lower half."""
    legs = np.zeros((2, 3, 2))
    for index, share in enumerate((CROTCH - 0.02, 0.72, 0.94)):
        y = trunk.at(share)
        first, last = shape.run(trunk.x(y), y) or (trunk.x(y), trunk.x(y))
        middle, half = (first + last) / 2, min((last - first) / 2, 0.16 * trunk.body_height)
        legs[0, index] = middle - 0.48 * half, y
        legs[1, index] = middle + 0.48 * half, y
    return legs
