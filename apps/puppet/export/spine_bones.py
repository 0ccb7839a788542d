"""Bones of Spine: where each is in its parent's space, in rest and in every frame.

A bone points along its own x axis. A bone that is seen shortened gets a scale along it, which
Spine is told not to hand on (``noScale``), so that the bones that hang from it keep their size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["animated_bones", "setup_bones", "setup_frames", "simplified", "to_spine"]

_TURN, _SHIFT, _SCALE = 0.02, 0.05, 0.001
"""How far keys may be off between which others are left out: degrees, pixels, and a factor."""

_SHORTEST = 1e-6

_FLATTEST = 0.2
"""The least scale of a bone from which others hang: a smaller one makes their keys inexact. What
is missing they are moved by."""

Points = NDArray[np.float64]


def to_spine(points_xy: Points, origin: Points) -> Points:
    """Points ``(..., 2)`` of the picture in Spine's space, y up."""
    return (points_xy - origin) * (1.0, -1.0)


def setup_frames(skeleton: Skeleton, rest: Points) -> tuple[Points, Points, Points]:
    """The bones in rest, in Spine's space.

    Args:
        skeleton: Its tree.
        rest: ``(J, 2)``, its joints in Spine's space.

    Returns:
        Where each bone starts, ``(J, 2)``, its direction in radians, ``(J,)``, and its length,
        ``(J,)``. A bone without length points as its parent does.
    """
    parents = np.array(skeleton.parents)
    starts = np.where((parents >= 0)[:, None], rest[np.maximum(parents, 0)], rest)
    way = rest - starts
    lengths = np.linalg.norm(way, axis=1)
    angles = np.arctan2(way[:, 1], way[:, 0])
    for joint in skeleton.depth_first:
        if lengths[joint] < _SHORTEST:
            angles[joint] = angles[parents[joint]] if parents[joint] >= 0 else 0.0
    return starts, angles, lengths


def setup_bones(skeleton: Skeleton, rest: Points) -> list[dict[str, Any]]:
    """The bones as Spine's JSON lists them, parents first.

    Args:
        skeleton: Its tree.
        rest: ``(J, 2)``, its joints in Spine's space.
    """
    starts, angles, lengths = setup_frames(skeleton, rest)
    bones = []
    for joint in skeleton.depth_first:
        parent = skeleton.parents[joint]
        if parent < 0:
            place, turn = starts[joint], angles[joint]
        else:
            place = _turned(starts[joint] - starts[parent], -angles[parent])
            turn = angles[joint] - angles[parent]
        bone: dict[str, Any] = {"name": skeleton.names[joint]}
        if parent >= 0:
            bone["parent"] = skeleton.names[parent]
        bone |= {
            "length": round(float(lengths[joint]), 3),
            "rotation": round(float(np.degrees(_wrapped(turn))), 4),
            "x": round(float(place[0]), 4),
            "y": round(float(place[1]), 4),
        }
        if parent >= 0:
            bone["transform"] = "noScale"
        bones.append(bone)
    return bones


def animated_bones(
    skeleton: Skeleton, rest: Points, frames: Points, fps: float
) -> dict[str, dict[str, Any]]:
    """Keys of all bones.

    Args:
        skeleton: Its tree.
        rest: ``(J, 2)``, its joints in Spine's space.
        frames: ``(F, J, 2)``, the same in every frame.
        fps: Frames a second.
    """
    starts, angles, lengths = setup_frames(skeleton, rest)
    count = len(frames)
    turned, scales = np.zeros((2, count, len(skeleton)))
    timelines: dict[str, dict[str, Any]] = {}
    for joint in skeleton.depth_first:
        parent = skeleton.parents[joint]
        if parent < 0:
            scales[:, joint] = 1
            moves = {"translate": frames[:, joint] - starts[joint]}
        else:
            way = frames[:, joint] - frames[:, parent]
            seen = np.linalg.norm(way, axis=1)
            point = (seen > _SHORTEST) & (lengths[joint] > _SHORTEST)
            # Of what is seen as a point, the direction in the frame before goes on.
            heading = np.arctan2(way[:, 1], way[:, 0])
            heading = _held(heading, point, angles[joint])
            turned[:, joint] = heading
            scales[:, joint] = 1.0
            if lengths[joint] > _SHORTEST:
                least = _FLATTEST if skeleton.children[joint] else _SCALE
                scales[:, joint] = np.maximum(seen / lengths[joint], least)
            origin = frames[:, parent]
            above = frames[:, skeleton.parents[parent]] if skeleton.parents[parent] >= 0 else origin
            local = _into(origin - above, turned[:, parent], scales[:, parent])
            at_rest = _turned(starts[joint] - starts[parent], -angles[parent])
            towards = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
            inner = _into(towards, turned[:, parent], scales[:, parent])
            turn = np.unwrap(np.arctan2(inner[:, 1], inner[:, 0]))
            turn = turn - _wrapped(angles[joint] - angles[parent])
            turn -= 2 * np.pi * np.round(turn[0] / (2 * np.pi))
            moves = {
                "rotate": np.degrees(turn)[:, None],
                "translate": local - at_rest,
                "scale": np.stack([scales[:, joint], np.ones(count)], axis=-1),
            }
        keys = {kind: _keys(kind, values, fps) for kind, values in moves.items()}
        if any(keys.values()):
            timelines[skeleton.names[joint]] = {k: each for k, each in keys.items() if each}
    return timelines


def simplified(values: Points, tolerance: float) -> list[int]:
    """Rows of which straight lines between give all others.

    Args:
        values: ``(F, K)``.
        tolerance: How far off any value may be.

    Returns:
        Their indices, the first and the last among them.
    """
    last = len(values) - 1
    kept, waiting = {0, last}, [(0, last)]
    while waiting:
        start, end = waiting.pop()
        if end - start < 2:
            continue
        share = np.linspace(0, 1, end - start + 1)[1:-1, None]
        line = values[start] * (1 - share) + values[end] * share
        off = np.abs(values[start + 1 : end] - line).max(axis=1)
        worst = int(off.argmax())
        if off[worst] > tolerance:
            middle = start + 1 + worst
            kept.add(middle)
            waiting += [(start, middle), (middle, end)]
    return sorted(kept)


def _keys(kind: str, values: Points, fps: float) -> list[dict[str, float]]:
    """Keys of one kind; none where nothing moves."""
    names, tolerance, rest = {
        "rotate": (("value",), _TURN, 0.0),
        "translate": (("x", "y"), _SHIFT, 0.0),
        "scale": (("x", "y"), _SCALE, 1.0),
    }[kind]
    if np.abs(values - rest).max() <= tolerance / 2:
        return []
    return [
        {"time": round(frame / fps, 4)}
        | {name: round(float(each), 4) for name, each in zip(names, values[frame], strict=True)}
        for frame in simplified(values, tolerance)
    ]


def _held(heading: Points, known: NDArray[np.bool_], start: float) -> Points:
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return np.where(last >= 0, heading[np.maximum(last, 0)], start)


def _into(vectors: Points, angles: Points, scales: Points) -> Points:
    """Vectors ``(F, 2)`` in the space of bones with these directions and scales along them."""
    return _turned(vectors, -angles) / np.stack([scales, np.ones(len(scales))], axis=-1)


def _turned(vectors: Points, angles: Points | float) -> Points:
    c, s = np.cos(angles), np.sin(angles)
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=-1)


def _wrapped(angle: float) -> float:
    """An angle as -pi..pi."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)
