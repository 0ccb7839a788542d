"""When the feet of an actor stand on the ground, told from where they are and how fast they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_opening

from apps.puppet.retarget.cycle import schmitt, smooth
from apps.puppet.retarget.view import Actor

__all__ = ["SIDES", "Contacts", "contacts", "ramps"]

SIDES = ("left", "right")

_SLOW, _FAST = 0.25, 0.5
"""Leg lengths a second: a foot that is slower may stand; one that is faster does not."""
_LOW, _HIGH = 0.10, 0.17
"""Leg lengths above the ground, of the ankle: the same."""
_SHORT = 0.07
"""Seconds: a shorter stand, or step, is noise."""
_RAMP = 0.12
"""Seconds in which a foot that lands takes over the weight."""


@dataclass(frozen=True, eq=False)
class Contacts:
    """What the feet of an actor do.

    Attributes:
        on: ``bool`` ``(F, 2)``: whether the left and the right foot stands.
        height: ``float64`` ``(F, 2)``: of the ankle, above where it is when the foot stands; in leg
            lengths, not below 0.
    """

    on: NDArray[np.bool_]
    height: NDArray[np.float64]


def contacts(actor: Actor) -> Contacts | None:
    """Find out when each foot stands; None if the actor has no legs."""
    if "left_foot" not in actor.own:
        return None
    on = np.zeros((len(actor), 2), bool)
    height = np.zeros((len(actor), 2))
    for column, side in enumerate(SIDES):
        ankle = _in_space(actor, actor.own[f"{side}_foot"]) / actor.size
        gain = actor.path_gain / actor.size
        level = float(np.percentile(ankle[:, 1], 5))
        height[:, column] = np.maximum(ankle[:, 1] - level, 0)
        pace = _pace(ankle, gain, actor)
        low = (pace < _SLOW) & (height[:, column] < _LOW)
        off = (pace > _FAST) | (height[:, column] > _HIGH)
        on[:, column] = _without_noise(schmitt(low, off, actor.loops), actor)
    return Contacts(on, height)


def _in_space(actor: Actor, own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a joint is, on the axes of space."""
    cos, sin = np.cos(actor.heading), np.sin(actor.heading)
    left, up, forward = own[:, 0], own[:, 1], own[:, 2]
    way = np.stack([left * cos + forward * sin, up, forward * cos - left * sin], axis=1)
    return actor.path + way


def _pace(
    place: NDArray[np.float64], gain: NDArray[np.float64], actor: Actor
) -> NDArray[np.float64]:
    """Speed in leg lengths a second, a little smoothed."""
    place = smooth(place, 0.02 / actor.frame_time, actor.loops, gain)
    if actor.loops:
        place = np.concatenate([place[-1:] - gain, place, place[:1] + gain])
        steps = (place[2:] - place[:-2]) / 2
    elif len(place) > 1:
        steps = np.gradient(place, axis=0)
    else:
        steps = np.zeros_like(place)
    return np.asarray(np.linalg.norm(steps, axis=1) / actor.frame_time)


def _without_noise(on: NDArray[np.bool_], actor: Actor) -> NDArray[np.bool_]:
    window = np.ones(max(1, round(_SHORT / actor.frame_time)), bool)
    count, pad = len(on), len(window)
    padded = np.pad(on, pad, mode="wrap" if actor.loops else "edge")
    return np.asarray(binary_opening(binary_closing(padded, window), window)[pad : pad + count])


def ramps(
    on: NDArray[np.bool_], fps: float, loops: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far into, and how near to, a stand each frame is.

    Args:
        on: ``(T, n)`` where a foot stands.
        fps: Frames a second.
        loops: Whether the last frame leads to the first.

    Returns:
        Inside of a stand, from nearly 0 at its ends to 1, outside 0; and inside 1, outside falling
        to 0. Both ``(T, n)``.
    """
    length = max(1.0, _RAMP * fps)
    inside = np.clip(_distance(~on, loops) / length, 0, 1)
    outside = np.clip(1 - _distance(on, loops) / length, 0, 1)
    return _eased(inside), _eased(outside)


def _distance(where: NDArray[np.bool_], loops: bool) -> NDArray[np.float64]:
    """Frames from each to the nearest one at which a condition holds."""
    count = len(where)
    tiled = np.concatenate([where] * 3) if loops else where
    frames = np.arange(len(tiled), dtype=float)[:, None]
    before = np.maximum.accumulate(np.where(tiled, frames, -np.inf), axis=0)
    after = np.minimum.accumulate(np.where(tiled, frames, np.inf)[::-1], axis=0)[::-1]
    distance = np.minimum(frames - before, after - frames)
    return distance[count : 2 * count] if loops else distance


def _eased(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return share * share * (3 - 2 * share)
