from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.depth.scale import (
    from_affine_distance,
    from_disparity,
    from_distance,
    normalise,
)

RAMP = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)


@pytest.mark.parametrize(
    ("wild", "share"), [(1e9, 0.005), (-1e9, 0.005), (np.nan, 0.005), (-np.inf, 0.005)]
)
def test_wild_pixels_leave_the_others_alone(wild: float, share: float) -> None:
    values = RAMP.copy()
    chosen = np.random.default_rng(0).random(values.shape) < share
    values[chosen] = wild
    clean, spoilt = normalise(RAMP), normalise(values)
    assert np.isfinite(spoilt).all()
    np.testing.assert_allclose(spoilt[~chosen], clean[~chosen], atol=0.02)


@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (1e-6, 0), (300, -7), (1e4, 1e4)])
def test_scale_and_offset_do_not_matter(scale: float, offset: float) -> None:
    values = RAMP.astype(np.float64) * scale + offset
    np.testing.assert_allclose(normalise(values), normalise(RAMP), atol=1e-3)


def test_a_small_thing_before_an_even_ground_is_kept() -> None:
    values = np.zeros((100, 100), np.float32)
    values[:5, :5] = 3  # less than one percent
    assert normalise(values)[0, 0] == 1 and normalise(values)[50, 50] == 0


@pytest.mark.parametrize("value", [0.0, -4.0, np.nan, 1e30])
def test_all_the_same_is_the_middle(value: float) -> None:
    assert (normalise(np.full((4, 5), value)) == 0.5).all()


DISTANCE = np.geomspace(1, 100, 10_000).reshape(100, 100)


@pytest.mark.parametrize(
    ("depth", "exact"),
    [
        (from_disparity(1 / DISTANCE), True),
        (from_distance(DISTANCE), True),
        (from_distance(DISTANCE * 1000), True),  # millimetres
        (from_affine_distance(DISTANCE * 3 - 50), False),
    ],
    ids=["disparity", "metres", "millimetres", "affine"],
)
def test_every_kind_ends_on_one_convention(depth: np.ndarray, exact: bool) -> None:
    assert depth.dtype == np.float32 and depth.min() >= 0 and depth.max() <= 1
    assert (np.diff(depth.ravel()) >= 0).all(), "larger is farther"
    if exact:  # 1 - depth is proportional to disparity, between the percentiles
        low, high = np.percentile(1 / DISTANCE, (1, 99))
        expected = np.clip((1 / DISTANCE - low) / (high - low), 0, 1)
        np.testing.assert_allclose(1 - depth, expected, atol=1e-4)


def test_distance_of_unknown_offset_bends_as_disparity_does() -> None:
    """The nearest is taken to be at a quarter of the farthest: halfway is at 0.625 of it."""
    depth = from_affine_distance(np.linspace(0, 1, 1001))
    assert depth[500] == pytest.approx(1 - (1 / 0.625 - 1) / (1 / 0.25 - 1), abs=0.01)


def test_the_sky_is_infinitely_far() -> None:
    distance = DISTANCE.copy()
    distance[:50] = np.inf
    depth = from_distance(distance)
    assert np.isfinite(depth).all() and (depth[:50] == 1).all()
