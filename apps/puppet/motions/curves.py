"""Curves over the time of a loop: each goes on from its end to its start without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FPS", "Curve", "Loop", "smoothstep"]

FPS = 30

Curve = NDArray[np.float64]
"""A value for each frame."""


@dataclass(frozen=True)
class Loop:
    """A stretch of time that repeats.

    Attributes:
        seconds: How long one round takes; a whole number of frames.
    """

    seconds: float

    @property
    def frames(self) -> int:
        """How many frames there are in a round; the one after the last is the first."""
        return round(self.seconds * FPS)

    @property
    def times(self) -> Curve:
        """When each frame is, in seconds."""
        return np.arange(self.frames) / FPS

    def keys(self, *keys: tuple[float, ...]) -> Curve:
        """A smooth curve through keys, which rests wherever its keys do and never overshoots.

        Args:
            keys: ``(seconds, value)``, in order, within one round. A third number is the speed
                there; without it the curve is monotone between keys.
        """
        from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

        times = np.array([key[0] for key in keys])
        values = np.array([key[1] for key in keys], np.float64)
        if len(keys) == 1:
            return np.full(self.frames, values[0])
        rounds = np.arange(-2, 3)[:, None] * self.seconds
        times, values = (times + rounds).ravel(), np.tile(values, 5)
        slopes = PchipInterpolator(times, values).derivative()(times)
        given = np.tile([key[2] if len(key) > 2 else np.nan for key in keys], 5)
        slopes = np.where(np.isnan(given), slopes, given)
        return np.asarray(CubicHermiteSpline(times, values, slopes)(self.times), np.float64)

    def wave(self, cycles: int, *, late: float = 0.0) -> Curve:
        """A sine of so many cycles a round, which starts ``late`` seconds late."""
        return np.sin(2 * np.pi * cycles * (self.times - late) / self.seconds)

    def follow(self, curve: Curve, hertz: float, damping: float = 0.5) -> Curve:
        """What hangs on a curve by a spring: it comes late, swings over, and settles.

        Args:
            curve: What is followed.
            hertz: How often the spring swings in a second; a stiff one follows closely.
            damping: 1 does not swing over at all.
        """
        turns = np.fft.rfftfreq(len(curve), 1 / FPS) / hertz
        response = 1 / (1 - turns**2 + 2j * damping * turns)
        return np.fft.irfft(np.fft.rfft(curve) * response, len(curve))

    def soften(self, curve: Curve, seconds: float) -> Curve:
        """The mean over some time around each frame, by a Gaussian of that standard deviation."""
        hertz = np.fft.rfftfreq(len(curve), 1 / FPS)
        response = np.exp(-2 * (np.pi * hertz * seconds) ** 2)
        return np.fft.irfft(np.fft.rfft(curve) * response, len(curve))

    def sooner(self, curve: Curve, seconds: float) -> Curve:
        """The curve, but that much earlier."""
        turns = np.exp(2j * np.pi * np.fft.rfftfreq(len(curve), 1 / FPS) * seconds)
        return np.fft.irfft(np.fft.rfft(curve) * turns, len(curve))


def smoothstep(share: Curve) -> Curve:
    """From 0 to 1 over the shares 0..1, at rest, and without force, at both ends."""
    share = np.clip(share, 0, 1)
    return share**3 * (10 - 15 * share + 6 * share**2)
