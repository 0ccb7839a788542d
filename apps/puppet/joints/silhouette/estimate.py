"""A skeleton from a mask alone, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.arms import Arm, find_arm
from apps.puppet.joints.silhouette.gaps import find_gaps
from apps.puppet.joints.silhouette.legs import CROTCH, Legs, find_legs
from apps.puppet.joints.silhouette.shape import Shape, normalise
from apps.puppet.joints.silhouette.tree import branches
from apps.puppet.joints.silhouette.trunk import Trunk, find_trunk, without_head
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["Estimate", "Kind", "estimate"]

Kind = Literal["standing", "bust", "blob"]

_LEAST_LIMB = 0.05  # of the height
_FACE = 0.55  # from the top of the head to the neck
_HEADS = 5.5  # from neck to ground, of a figure whose legs cannot be seen
_Points = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A skeleton that was found in a silhouette.

    Attributes:
        skeleton: In pixels of the picture.
        confidence: 0..1.
        kind: ``standing``: with legs; ``bust``: without; ``blob``: nothing was told apart.
        notes: What was seen and what was guessed, for a person.
    """

    skeleton: Skeleton
    confidence: float
    kind: Kind
    notes: tuple[str, ...]


def estimate(mask: NDArray[np.uint8]) -> Estimate:
    """Estimate the joints of a character that is seen from the front.

    Args:
        mask: Alpha ``uint8`` ``(H, W)``.

    Raises:
        InvalidInput: The mask is empty.
    """
    shape = normalise(mask)
    if shape is None:
        raise InvalidInput("a character with an empty mask has no joints. Check its mask.")
    trunk = find_trunk(shape)
    if _is_cut(shape):
        return _bust(shape, trunk)
    limbs = _limbs(shape, trunk)
    gaps = find_gaps(shape)
    legs = find_legs(shape, trunk, limbs, gaps)
    if not legs.seen and not _is_figure(shape, trunk):
        return _blob(shape, trunk)
    low = float(legs.points_xy[:, 0, 1].mean())
    uppers = [limb for limb in limbs if limb.tip[1] < trunk.at(0.9)]
    others = [gap for gap in gaps if gap is not legs.gap]
    arms = [find_arm(shape, trunk, uppers, others, side, low) for side in (-1, 1)]
    return _standing(shape, trunk, legs, arms)


def _limbs(shape: Shape, trunk: Trunk) -> list:
    middle, neck = trunk.at(0.3), trunk.at(0.03)
    spine = (trunk.x(middle), middle), (trunk.x(neck), neck)
    return branches(shape, without_head(shape, trunk), spine, max(3.0, _LEAST_LIMB * shape.height))


def _is_cut(shape: Shape) -> bool:
    """Whether the figure ends in a straight cut and not in feet: as wide there as above."""
    last = shape.rows[1]
    rows = [last - round(share * shape.height) for share in (0, 0.025, 0.05, 0.075, 0.1)]
    widths = shape.inside[np.maximum(rows, 0)].sum(axis=1)
    wide = widths[0] > 0.13 * shape.height
    return bool(wide and widths.min() > (0.7 if shape.cut else 0.84) * widths.max())


def _is_figure(shape: Shape, trunk: Trunk) -> bool:
    """Whether there is a head on a body, though no legs were seen."""
    return trunk.narrowing > 0.15 and trunk.body_height > 0.7 * trunk.head_height


def _standing(shape: Shape, trunk: Trunk, legs: Legs, arms: list[Arm]) -> Estimate:
    points: _Points = {}
    for side, leg, arm in zip(("right", "left"), legs.points_xy, arms, strict=True):
        points |= {f"{side}_{name}": leg[i] for i, name in enumerate(("hip", "knee", "foot"))}
        points |= _arm_points(side, arm)
    points["root"] = points["hip"] = (points["left_hip"] + points["right_hip"]) / 2
    points |= _upper(trunk, points)
    seen = sum(arm.seen for arm in arms)
    confidence = 0.25 + 0.25 * legs.seen + 0.12 * seen + 0.5 * min(trunk.narrowing, 0.4)
    return _estimate(shape, points, confidence, "standing", ())


def _bust(shape: Shape, trunk: Trunk) -> Estimate:
    """Without legs: proportions are those of the head."""
    whole = max(trunk.bottom, trunk.neck + round(_HEADS * trunk.head_height))
    longer = replace(trunk, bottom=whole)
    lowest = trunk.bottom - 0.03 * shape.height
    low = min(longer.at(CROTCH), lowest)
    limbs = [limb for limb in _limbs(shape, trunk) if limb.tip[1] < trunk.bottom - 2]
    points: _Points = {}
    shown = 0
    for side, name in ((-1, "right"), (1, "left")):
        arm = find_arm(shape, longer, limbs, find_gaps(shape), side, low)
        points |= _arm_points(name, arm)
        if points[f"{name}_hand"][1] > lowest:
            del points[f"{name}_hand"], points[f"{name}_elbow"]
        shown += arm.seen
    points["root"] = points["hip"] = np.array([trunk.x(low), low])
    points |= _upper(trunk, points)
    confidence = 0.25 + 0.1 * shown + 0.6 * min(trunk.narrowing, 0.4)
    return _estimate(shape, points, confidence, "bust", ())


def _blob(shape: Shape, trunk: Trunk) -> Estimate:
    """Something round: it can nod and sway."""
    first, last = shape.rows
    rows = {name: first + share * (last - first) for name, share in
            (("root", 0.85), ("hip", 0.85), ("torso", 0.6), ("neck", 0.3))}
    points = {name: np.array([trunk.x(y), y]) for name, y in rows.items()}
    for side, name in ((-1, "right"), (1, "left")):
        x, y = points["torso"]
        run = shape.run(x, y) or (x, x)
        points[f"{name}_shoulder"] = np.array([x + 0.55 * (run[side > 0] - x), y])
    return _estimate(shape, points, 0.1, "blob", ())


def _arm_points(side: str, arm: Arm) -> _Points:
    names = ("shoulder", "elbow", "hand")
    return {f"{side}_{name}": point for name, point in zip(names, arm.points_xy, strict=True)}


def _upper(trunk: Trunk, points: _Points) -> _Points:
    face = trunk.top + _FACE * trunk.head_height
    return {
        "torso": (points["left_shoulder"] + points["right_shoulder"]) / 2,
        "neck": np.array([trunk.x(face), face]),
    }


def _estimate(
    shape: Shape, points: _Points, confidence: float, kind: Kind, notes: tuple[str, ...]
) -> Estimate:
    placed = shape.to_picture(np.array(list(points.values())))
    skeleton = Skeleton.build(dict(zip(points, placed.tolist(), strict=True)))
    return Estimate(skeleton, min(1.0, confidence), kind, notes)
