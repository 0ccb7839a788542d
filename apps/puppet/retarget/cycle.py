"""Time: what is the next frame after the last, and which moment each frame of the result shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from apps.puppet.motion.motion import Motion
from apps.puppet.retarget.options import MOST_FRAMES, RetargetOptions
from cartoonedit.errors import InvalidInput

__all__ = ["Cycle", "sample", "schmitt", "smooth", "timetable"]

FITS = 0.1
"""So much faster or slower may a loop get, that a whole number of rounds fills the time."""


@dataclass(frozen=True, eq=False)
class Cycle:
    """The frames that a result shows.

    Attributes:
        frames: ``float64`` ``(T,)``: for each frame of the result the frame of the motion, with
            fractions; beyond the last one in later rounds of a loop.
        loops: Whether the first frame of the result may follow its last one.
        rounds: How often a loop comes round in the result; 1 for what does not loop.
    """

    frames: NDArray[np.float64]
    loops: bool
    rounds: int


def timetable(motion: Motion, options: RetargetOptions) -> Cycle:
    """Choose which moment of a motion each frame of the result shows.

    A loop is made up to a tenth faster or slower, if so a whole number of rounds, and of frames,
    fills the time.

    Raises:
        InvalidInput: That would be very many frames.
    """
    step = options.speed / options.fps / motion.frame_time  # frames of the motion per frame
    count = len(motion)
    start = options.phase * (count if motion.loops else count - 1)
    if motion.loops and count > 1:
        total = count / step if options.duration is None else options.duration * options.fps
        length = _checked(max(1, round(total)))
        rounds = max(1, round(total * step / count))
        exact = rounds * count / length
        if options.blend_in == 0 and abs(exact / step - 1) <= FITS:
            return Cycle(start % count + np.arange(length, dtype=float) * exact, True, rounds)
        return Cycle(start % count + np.arange(length, dtype=float) * step, False, 1)
    if options.duration is None:
        length = _checked(int((count - 1 - start) / step + 0.01) + 1)
    else:
        length = _checked(max(1, round(options.duration * options.fps)))
    frames = np.minimum(start + np.arange(length, dtype=float) * step, count - 1.0)
    return Cycle(frames, False, 1)


def _checked(length: int) -> int:
    if length > MOST_FRAMES:
        raise InvalidInput(
            f"that would be {length} frames; {MOST_FRAMES} are the most. Choose a shorter duration,"
            " a higher speed or a lower fps."
        )
    return length


def sample(
    track: NDArray[np.float64],
    frames: NDArray[np.float64],
    loops: bool,
    gain: NDArray[np.float64] | float = 0.0,
    *,
    nearest: bool = False,
) -> NDArray[np.float64]:
    """What changes over time, at other times, between frames on straight lines.

    Args:
        track: ``(F, ...)``, for each frame of the motion.
        frames: ``(T,)``, see :class:`Cycle`.
        loops: Whether after the last frame comes the first.
        gain: By how much the values have grown after one round: full turns, or a way.
        nearest: Take the values of the nearest frame instead.

    Returns:
        ``(T, ...)``.
    """
    count = len(track)
    if nearest:
        frames = np.floor(frames + 0.5)
    closed = np.concatenate([track, (track[:1] + gain)]) if loops else track
    rounds = np.floor(frames / count) if loops else np.zeros(len(frames))
    place = np.clip(frames - rounds * count, 0, len(closed) - 1)
    first = np.minimum(place.astype(np.intp), max(len(closed) - 2, 0))
    shape = (-1,) + (1,) * (track.ndim - 1)
    share = (place - first).reshape(shape)
    after = np.minimum(first + 1, len(closed) - 1)
    return np.asarray(
        closed[first] * (1 - share) + closed[after] * share + rounds.reshape(shape) * gain
    )


def smooth(
    track: NDArray[np.float64], sigma: float, loops: bool, gain: NDArray[np.float64] | float = 0.0
) -> NDArray[np.float64]:
    """Gaussian mean over time, ``sigma`` in frames; of a loop, round its end."""
    if not loops:
        return np.asarray(gaussian_filter1d(track, sigma, axis=0, mode="nearest"))
    rising = np.arange(len(track)).reshape((-1,) + (1,) * (track.ndim - 1)) / len(track) * gain
    return np.asarray(gaussian_filter1d(track - rising, sigma, axis=0, mode="wrap") + rising)


def schmitt(
    on: NDArray[np.bool_], off: NDArray[np.bool_], loops: bool, start: bool = False
) -> NDArray[np.bool_]:
    """A switch with hysteresis: turned on by one condition, off by another, else as it was.

    Args:
        on: ``(F,)`` where it is switched on for certain.
        off: ``(F,)`` where it is switched off for certain.
        loops: Whether the last state leads to the first.
        start: State before anything is certain.
    """
    count = len(on)
    decided = on | off
    if not decided.any():
        return np.full(count, start)
    last = np.maximum.accumulate(np.where(decided, np.arange(count), -1))
    if loops:
        last[last < 0] = last[-1]
    return np.where(last >= 0, on[last], start if loops else bool(on[np.argmax(decided)]))
