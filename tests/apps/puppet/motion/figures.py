"""Skeletons that several tests use."""

from __future__ import annotations

from apps.puppet.skeleton import BUST, Skeleton

__all__ = ["bust", "figure"]

_POINTS: dict[str, tuple[float, float]] = {
    "root": (100, 120),
    "hip": (100, 120),
    "torso": (100, 60),
    "neck": (100, 40),
    "right_shoulder": (80, 60),
    "right_elbow": (70, 90),
    "right_hand": (72, 120),
    "left_shoulder": (120, 60),
    "left_elbow": (130, 90),
    "left_hand": (128, 120),
    "right_hip": (90, 122),
    "right_knee": (88, 160),
    "right_foot": (90, 200),
    "left_hip": (110, 122),
    "left_knee": (112, 160),
    "left_foot": (110, 200),
}


def figure() -> Skeleton:
    """A standing figure of the standard joints."""
    return Skeleton.build(_POINTS)


def bust() -> Skeleton:
    """The same without arms and legs."""
    return Skeleton.build({name: _POINTS[name] for name in BUST}, BUST)
