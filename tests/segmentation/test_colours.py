"""What colours say about doubtful masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.colours import with_colours

RED, GREEN = (200, 60, 50), (90, 160, 90)


def halves(noise: int = 6) -> np.ndarray:
    """Red on the left, green on the right."""
    picture = np.zeros((60, 80, 3), np.int16) + np.array(GREEN)
    picture[:, :40] = RED
    stray = np.random.default_rng(0).integers(-noise, noise + 1, picture.shape)
    return np.clip(picture + stray, 0, 255).astype(np.uint8)


def test_a_colour_is_inside_wherever_it_stands() -> None:
    doubtful = np.full((60, 80), 0.05, np.float32)
    doubtful[:, :25] = 0.95
    doubtful[:, 25:40] = 0.4  # red, but thought to be outside
    doubtful[:, 40:50] = 0.6  # green, but thought to be inside
    result = with_colours(halves(), doubtful)
    assert (result[:, :40] > 0.5).mean() > 0.98
    assert (result[:, 40:] < 0.5).mean() > 0.98


def test_colours_do_not_overrule_what_is_certain() -> None:
    sure = np.full((60, 80), 0.02, np.float32)
    sure[:, 10:40] = 0.98
    sure[20:40, 45:50] = 0.98  # a green badge
    assert np.array_equal(with_colours(halves(), sure) > 0.5, sure > 0.5)


def test_one_colour_says_nothing() -> None:
    picture = np.full((40, 50, 3), 128, np.uint8)
    values = np.linspace(0.02, 0.98, 50, dtype=np.float32)[None].repeat(40, 0)
    result = with_colours(picture, values)
    assert np.all(np.diff(result, axis=1) > 0)
    np.testing.assert_allclose(result, values, atol=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (30, 2)])
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0]))
def test_results_are_probabilities(shape: tuple[int, int], seed: int, value: float) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (*shape, 3), np.uint8)
    values = np.where(rng.random(shape) < 0.5, rng.random(shape), value).astype(np.float32)
    result = with_colours(picture, values)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.all((result >= 0) & (result <= 1))
