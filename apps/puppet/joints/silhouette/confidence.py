"""How sure an estimate is: low where something was guessed, and where it looks like no figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.arms import Arm
from apps.puppet.joints.silhouette.shape import Shape
from apps.puppet.joints.silhouette.trunk import Trunk

__all__ = ["of_bust", "of_standing"]

_STANDING, _BUST = 0.95, 0.7  # if nothing was guessed
_NO_LEGS = 0.5
_ARMS = (1.0, 0.7, 0.4)  # with none, one, two of them guessed
_FOLDED = 0.5  # of a guessed arm, counts one of which only the elbow was seen
_NO_NECK, _SLIGHT, _CLEAR = 0.5, 0.75, 0.2  # without; with the slightest; narrowing of a clear one
_ODD = 0.35  # for what is farthest from a figure that stands upright before the viewer

_Points = Mapping[str, NDArray[np.float64]]


def of_standing(
    shape: Shape, trunk: Trunk, points: _Points, arms: Sequence[Arm], *, legs_seen: bool
) -> float:
    """Confidence in a figure with legs, 0..1.

    Args:
        shape: The silhouette.
        trunk: Its trunk.
        points: All joints, in cells.
        arms: Both of them.
        legs_seen: Whether the legs were found, and not guessed.
    """
    limbs = _even(points, "hip", "foot") if legs_seen else _NO_LEGS
    if all(arm.seen and not arm.folded for arm in arms):
        limbs *= _even(points, "shoulder", "hand")
    return _STANDING * limbs * _arms(arms) * _neck(trunk) * _upright(shape, points)


def of_bust(shape: Shape, trunk: Trunk, points: _Points, arms: Sequence[Arm]) -> float:
    """Confidence in a figure without legs, 0..1; arms that are left out are not guessed."""
    shown = [arm for side, arm in zip(("right", "left"), arms, strict=True) if _has(points, side)]
    return _BUST * _arms(shown) * _neck(trunk) * _upright(shape, points)


def _has(points: _Points, side: str) -> bool:
    return f"{side}_hand" in points


def _arms(arms: Sequence[Arm]) -> float:
    guessed = sum(_FOLDED if arm.folded else float(not arm.seen) for arm in arms)
    return float(np.interp(guessed, range(len(_ARMS)), _ARMS))


def _neck(trunk: Trunk) -> float:
    if not trunk.narrowing:
        return _NO_NECK
    return float(np.interp(trunk.narrowing, (0, _CLEAR), (_SLIGHT, 1)))


def _upright(shape: Shape, points: _Points) -> float:
    """Less for what leans, lies, or goes on far beside its spine: animals, riders, vehicles."""
    up = points["root"] - points["neck"]
    lean = abs(np.arctan2(up[0], max(up[1], 1e-9)))
    middle = np.nonzero(shape.inside)[1].mean()
    beside = abs(middle - (points["root"][0] + points["neck"][0]) / 2) / shape.height
    odd = (
        np.interp(lean, np.deg2rad((18, 45)), (0, 1)),
        np.interp(shape.width / shape.height, (1.15, 1.6), (0, 1)),
        np.interp(beside, (0.08, 0.22), (0, 1)),
    )
    return float(np.prod([1 - each * (1 - _ODD) for each in odd]))


def _even(points: _Points, first: str, last: str) -> float:
    """Less where the limbs of both sides differ much in length."""
    left, right = (
        float(np.hypot(*(points[f"{side}_{last}"] - points[f"{side}_{first}"]))) + 1e-9
        for side in ("left", "right")
    )
    return float(np.interp(min(left, right) / max(left, right), (0.25, 0.6), (_ODD, 1)))
