"""How far a mean could be off: confidence intervals by the percentile bootstrap (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["Interval", "mean_interval"]

_AT_ONCE = 4_000_000  # numbers that are drawn at once, to bound the memory


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval.

    Attributes:
        mean: Of the values.
        low: The interval's lower end; None for a single value, of whose spread nothing is known.
        high: The upper one, likewise.
        count: How many values there are.
    """

    mean: float
    low: float | None
    high: float | None
    count: int


def mean_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    seed: int = 0,
    confidence: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """The mean of independent values, and the interval that holds the true one.

    Args:
        values: At least one.
        seed: Same seed, same interval.
        confidence: Share of such intervals that hold the true mean.
        resamples: How often as many values are drawn from them, each as often as it comes.

    Raises:
        InvalidInput: There is no value, or one is not finite.
    """
    sample = np.asarray(values, np.float64)
    if not sample.size or not np.isfinite(sample).all():
        raise InvalidInput(f"a mean needs finite values, at least one; got {sample}.")
    if sample.size == 1:
        return Interval(float(sample[0]), None, None, 1)
    random, rows = np.random.default_rng(seed), max(1, _AT_ONCE // sample.size)
    means = np.concatenate(
        [
            sample[random.integers(sample.size, size=(min(rows, rest), sample.size))].mean(axis=1)
            for rest in range(resamples, 0, -rows)
        ]
    )
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(sample.mean()), float(low), float(high), sample.size)
