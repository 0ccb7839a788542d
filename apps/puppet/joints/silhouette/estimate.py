"""A skeleton from a mask alone, without a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.arms import Arm, find_arm, fold_arms
from apps.puppet.joints.silhouette.confidence import of_bust, of_standing
from apps.puppet.joints.silhouette.gaps import Gap, find_gaps
from apps.puppet.joints.silhouette.legs import CROTCH, Legs, find_legs, leg_gap
from apps.puppet.joints.silhouette.shape import Shape, normalise
from apps.puppet.joints.silhouette.tree import Branch, branches
from apps.puppet.joints.silhouette.trunk import Trunk, find_trunk, without_head
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["Estimate", "Kind", "estimate"]

Kind = Literal["standing", "bust", "blob"]

_LEAST_LIMB = 0.05  # of the height
_FACE = 0.62  # from the top of the head to the neck
_LEAST_NECK = 0.12  # with less of a narrowing and no legs, nothing can be told apart
_WIDE, _SLIM = 1.25, 0.6  # width to height of what is no standing figure, and of what must be one
_HEADS = 4.5  # from neck to ground, of a figure whose legs cannot be seen
_Points = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A skeleton that was found in a silhouette.

    Attributes:
        skeleton: In pixels of the picture.
        confidence: 0..1.
        kind: ``standing``: a whole figure; ``bust``: cut off; ``blob``: nothing was told apart.
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
    limbs = _limbs(shape, trunk)
    gaps = find_gaps(shape)
    if shape.ends_straight:
        return _bust(shape, trunk, limbs, gaps)
    legs = find_legs(shape, trunk, limbs, gaps)
    slim = shape.width < _SLIM * shape.height
    if not (legs.seen or slim or trunk.narrowing > _LEAST_NECK):
        return _blob(shape, trunk)
    if not legs.seen and trunk.width_at(trunk.bottom - 0.15 * shape.height) > 0.35 * shape.height:
        return _bust(shape, trunk, limbs, gaps)
    low = float(legs.points_xy[:, 0, 1].mean())
    uppers = [limb for limb in limbs if limb.tip[1] < trunk.at(0.9)]
    others = [gap for gap in gaps if gap is not legs.gap]
    arms = [find_arm(shape, trunk, uppers, others, side, low) for side in (-1, 1)]
    arms = fold_arms(shape, trunk, arms)
    limbs_seen = legs.seen and all(arm.seen for arm in arms)
    if shape.width > _WIDE * shape.height and trunk.narrowing < _LEAST_NECK and not limbs_seen:
        return _blob(shape, trunk)
    return _standing(shape, trunk, legs, arms)


def _limbs(shape: Shape, trunk: Trunk) -> list[Branch]:
    middle, neck = trunk.at(0.3), trunk.at(0.03)
    spine = (trunk.x(middle), middle), (trunk.x(neck), neck)
    return branches(shape, without_head(shape, trunk), spine, max(3.0, _LEAST_LIMB * shape.height))


def _standing(shape: Shape, trunk: Trunk, legs: Legs, arms: list[Arm]) -> Estimate:
    points: _Points = {}
    for side, leg, arm in zip(("right", "left"), legs.points_xy, arms, strict=True):
        points |= {f"{side}_{name}": leg[i] for i, name in enumerate(("hip", "knee", "foot"))}
        points |= _arm_points(side, arm)
    points["root"] = points["hip"] = (points["left_hip"] + points["right_hip"]) / 2
    points |= _upper(trunk, points)
    confidence = of_standing(shape, trunk, points, arms, legs_seen=legs.seen)
    notes = _notes(trunk, arms)
    if not legs.seen:  # a guess would tear a robe in two
        notes.append("the legs cannot be told apart and are left out")
        for side in ("left", "right"):
            del points[f"{side}_knee"], points[f"{side}_foot"]
    return _estimate(shape, points, confidence, "standing", notes)


def _bust(shape: Shape, trunk: Trunk, limbs: list[Branch], gaps: list[Gap]) -> Estimate:
    """Without legs: proportions are those of the head."""
    whole = max(trunk.bottom, trunk.neck + round(_HEADS * trunk.head_height))
    longer = replace(trunk, bottom=whole)
    lowest = trunk.bottom - 0.03 * shape.height
    low = min(longer.at(CROTCH), lowest)
    limbs = [limb for limb in limbs if limb.tip[1] < trunk.bottom - 2]
    between = leg_gap(shape, trunk, gaps)
    gaps = [gap for gap in gaps if gap is not between]
    points: _Points = {}
    arms = [find_arm(shape, longer, limbs, gaps, side, low) for side in (-1, 1)]
    for name, arm in zip(("right", "left"), arms, strict=True):
        points |= _arm_points(name, arm)
        if arm.seen and arm.points_xy[2, 1] > lowest:
            del points[f"{name}_hand"], points[f"{name}_elbow"]
    points["root"] = points["hip"] = np.array([trunk.x(low), low])
    points |= _upper(trunk, points)
    confidence = of_bust(shape, trunk, points, arms)
    notes = [*_notes(trunk, arms), "the legs cannot be seen and are left out"]
    return _estimate(shape, points, confidence, "bust", notes)


def _notes(trunk: Trunk, arms: list[Arm]) -> list[str]:
    notes = [] if trunk.narrowing else ["no neck was found: the size of the head is a guess"]
    guessed = [side for side, arm in zip(("right", "left"), arms, strict=True) if not arm.seen]
    if guessed:
        arms_ = "arms" if len(guessed) == 2 else f"{guessed[0]} arm"
        left_out = "are left out" if len(guessed) == 2 else "is left out"
        notes.append(f"the {arms_} cannot be told from the body and {left_out}")
    for side, arm in zip(("right", "left"), arms, strict=True):
        if arm.folded:
            notes.append(f"the {side} hand, before the body, is a guess")
    return notes


def _blob(shape: Shape, trunk: Trunk) -> Estimate:
    """Something round: it can nod and sway."""
    first, last = shape.rows
    rows = {
        name: first + share * (last - first)
        for name, share in (("root", 0.85), ("hip", 0.85), ("torso", 0.6), ("neck", 0.3))
    }
    points = {name: np.array([trunk.x(y), y]) for name, y in rows.items()}
    for side, name in ((-1, "right"), (1, "left")):
        x, y = points["torso"]
        run = shape.run(x, y) or (x, x)
        points[f"{name}_shoulder"] = np.array([x + 0.55 * (run[side > 0] - x), y])
    notes = ["neither neck nor limbs were found: the joints are placed by proportion"]
    return _estimate(shape, points, 0.1, "blob", notes)


def _arm_points(side: str, arm: Arm) -> _Points:
    """Of an arm that was not seen only the shoulder: a guess would tear the body."""
    names = ("shoulder", "elbow", "hand") if arm.seen else ("shoulder",)
    return {f"{side}_{name}": point for name, point in zip(names, arm.points_xy, strict=False)}


def _upper(trunk: Trunk, points: _Points) -> _Points:
    face = trunk.top + _FACE * trunk.head_height
    return {
        "torso": (points["left_shoulder"] + points["right_shoulder"]) / 2,
        "neck": np.array([trunk.x(face), face]),
    }


def _estimate(
    shape: Shape, points: _Points, confidence: float, kind: Kind, notes: list[str]
) -> Estimate:
    placed = shape.to_picture(np.array(list(points.values())))
    skeleton = Skeleton.build(dict(zip(points, placed.tolist(), strict=True)))
    return Estimate(skeleton, float(np.clip(confidence, 0.05, 1)), kind, tuple(notes))
