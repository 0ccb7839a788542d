"""When the feet of an actor stand on the ground, told from where they are and how fast they go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_opening

from apps.puppet.retarget.cycle import schmitt, smooth

__all__ = ["SIDES", "Contacts", "contacts", "eased", "nearest"]

SIDES = ("left", "right")

_SLOW, _FAST = 0.25, 0.5
"""Leg lengths a second: a foot that is slower may stand; one that is faster does not."""
_LOW, _HIGH = 0.10, 0.17
"""Leg lengths above the ground, of the ankle: the same."""
_STEADY = 0.02
"""Seconds; standard deviation of what is taken for noise of a place."""
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


def contacts(
    ankles: NDArray[np.float64], gain: NDArray[np.float64], frame_time: float, loops: bool
) -> Contacts:
    """Find out when each foot stands.

    Args:
        ankles: ``(F, 2, 3)``, of the left and the right foot, y up, in leg lengths.
        gain: How far the actor comes in one round of a loop.
        frame_time: Seconds.
        loops: Whether the first frame may follow the last.
    """
    height = np.maximum(ankles[..., 1] - np.percentile(ankles[..., 1], 5, axis=0), 0)
    pace = _pace(ankles, gain, frame_time, loops)
    on = (pace < _SLOW) & (height < _LOW)
    off = (pace > _FAST) | (height > _HIGH)
    window = max(1, round(_SHORT / frame_time))
    found = [_without_noise(schmitt(on[:, i], off[:, i], loops), window, loops) for i in (0, 1)]
    return Contacts(np.stack(found, axis=1), height)


def _pace(
    place: NDArray[np.float64], gain: NDArray[np.float64], frame_time: float, loops: bool
) -> NDArray[np.float64]:
    """Speed in leg lengths a second, a little smoothed, ``(F, 2)``."""
    place = smooth(place, _STEADY / frame_time, loops, gain)
    if loops:
        place = np.concatenate([place[-1:] - gain, place, place[:1] + gain])
        steps = (place[2:] - place[:-2]) / 2
    elif len(place) > 1:
        steps = np.gradient(place, axis=0)
    else:
        steps = np.zeros_like(place)
    return np.asarray(np.linalg.norm(steps, axis=-1) / frame_time)


def _without_noise(on: NDArray[np.bool_], length: int, loops: bool) -> NDArray[np.bool_]:
    window = np.ones(length, bool)
    padded = np.pad(on, length, mode="wrap" if loops else "edge")
    opened = binary_opening(binary_closing(padded, window), window)
    return np.asarray(opened[length : length + len(on)])


def nearest(on: NDArray[np.bool_], loops: bool) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each frame the nearest at which a foot stands, and how many frames away that is.

    Args:
        on: ``(T,)``, once at least true.
        loops: Whether the last frame leads to the first.
    """
    count = len(on)
    frames = np.flatnonzero(on)
    if loops:
        frames = np.concatenate([frames - count, frames, frames + count])
    every = np.arange(count)
    after = frames[np.minimum(np.searchsorted(frames, every), len(frames) - 1)]
    before = frames[np.maximum(np.searchsorted(frames, every, side="right") - 1, 0)]
    found = np.where(np.abs(after - every) < np.abs(before - every), after, before)
    return found % count, np.abs(found - every).astype(float)


def eased(frames: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """From 0 to 1, smoothly, over the time in which a foot that lands takes over the weight."""
    share = np.clip(frames / max(1.0, _RAMP * fps), 0, 1)
    return share * share * (3 - 2 * share)
