from __future__ import annotations

import numpy as np
import pytest

from cartoonedit import bootstrap
from cartoonedit.bootstrap import Interval, mean_interval
from cartoonedit.errors import InvalidInput

NORMAL = np.random.default_rng(0).normal(25, 3, 200)


def test_a_normal_sample_has_the_interval_of_the_textbook() -> None:
    found = mean_interval(NORMAL)
    half = 1.96 * NORMAL.std() / np.sqrt(len(NORMAL))
    assert found.mean == NORMAL.mean() and found.count == 200
    assert found.low == pytest.approx(found.mean - half, abs=0.03)
    assert found.high == pytest.approx(found.mean + half, abs=0.03)


def test_two_values_give_the_distribution_of_their_means() -> None:
    """Of two values the mean is the lower with probability 1/4, the middle 1/2, the upper 1/4."""
    assert mean_interval([0.0, 1.0]) == Interval(0.5, 0.0, 1.0, 2)
    assert mean_interval([0.0, 1.0], confidence=0.4) == Interval(0.5, 0.5, 0.5, 2)


def test_equal_values_leave_no_doubt() -> None:
    assert mean_interval([7.0] * 5) == Interval(7.0, 7.0, 7.0, 5)


def test_of_one_value_nothing_is_known() -> None:
    assert mean_interval([3.5]) == Interval(3.5, None, None, 1)


def test_the_seed_decides() -> None:
    assert mean_interval(NORMAL, seed=1) == mean_interval(NORMAL, seed=1)
    assert mean_interval(NORMAL, seed=1) != mean_interval(NORMAL, seed=2)


@pytest.mark.parametrize("at_once", [1, 1_999, 200_000])
def test_drawn_in_parts(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mean_interval(NORMAL, resamples=500)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", at_once)
    assert mean_interval(NORMAL, resamples=500) == whole


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")]])
def test_values_without_a_mean(values: list[float]) -> None:
    with pytest.raises(InvalidInput, match="finite values, at least one"):
        mean_interval(values)
