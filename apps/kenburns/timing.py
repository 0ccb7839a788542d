"""When a clip is where on its path: easing, and how it ends.

A clip has N frames at the times ``t = i / (N - 1)``, so that the last one is the end of the path;
one that loops has them at ``t = i / N``, as the frame at ``t = 1`` is the first one again and must
not be shown twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["EASINGS", "LOOPS", "progress", "times"]

EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "smoother": lambda t: t * t * t * (10 - 15 * t + 6 * t * t),
    "in": lambda t: t * t,
    "out": lambda t: t * (2 - t),
    "sine": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "exponential": lambda t: (2 ** (10 * t) - 1) / 1023,
}
"""Progress along the move, 0..1, by time, 0..1."""

LOOPS = ("once", "pingpong", "seamless")
"""once goes from the start to the end; pingpong there and back; seamless there and back without
stopping to turn, or round, if the path is closed."""


def times(count: int, loop: str) -> list[float]:
    """The time ``t`` of each of ``count`` frames."""
    if loop != "once":
        return [index / count for index in range(count)]
    return [index / (count - 1) if count > 1 else 0.0 for index in range(count)]


def progress(
    t: float, *, easing: str = "smooth", loop: str = "once", closed: bool = False
) -> float:
    """How much of the path is done at time ``t``.

    Args:
        t: 0..1; before and after that a clip that is shown once rests, a loop repeats.
        easing: A name in :data:`EASINGS`. A seamless loop has none: it would stop at the seam.
        loop: One of :data:`LOOPS`.
        closed: Whether the path ends where it starts.

    Returns:
        0..1.
    """
    ease = EASINGS[easing]
    if loop == "once":
        return ease(min(max(t, 0.0), 1.0))
    t -= math.floor(t)
    if closed:  # round and round: already there and back
        return t if loop == "seamless" else ease(t)
    if loop == "seamless":
        return (1 - math.cos(2 * math.pi * t)) / 2
    return ease(1 - abs(2 * t - 1))
