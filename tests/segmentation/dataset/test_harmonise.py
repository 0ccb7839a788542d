"""Colours of characters and pictures."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.dataset.finish import finish
from segmentation.dataset.harmonise import COLOUR_COUNTS, match_histogram, quantise
from segmentation.dataset.lighting import cast_shadow, rim_light
from segmentation.dataset.recipe import Recipe


def noise(seed: int, low: int, high: int, channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (60, 50, channels), dtype=np.uint8)


def test_matched_histograms_are_equal() -> None:
    rgba = noise(0, 20, 90, 4)
    rgba[..., 3] = 255
    reference = noise(1, 120, 250)
    matched = match_histogram(rgba, reference, 1.0)
    for channel in range(3):
        quantiles = np.quantile(matched[..., channel], [0.1, 0.5, 0.9])
        wanted = np.quantile(reference[..., channel], [0.1, 0.5, 0.9])
        np.testing.assert_allclose(quantiles, wanted, atol=4)
    np.testing.assert_array_equal(matched[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(match_histogram(rgba, reference, 0.0), rgba)


def test_transparent_pixels_do_not_count() -> None:
    rgba = noise(0, 20, 90, 4)
    rgba[..., 3] = 255
    hidden = np.concatenate((rgba, np.zeros_like(rgba)))
    reference = noise(1, 120, 250)
    np.testing.assert_array_equal(
        match_histogram(hidden, reference, 1.0)[: len(rgba)], match_histogram(rgba, reference, 1.0)
    )
    match_histogram(np.zeros((4, 4, 4), np.uint8), reference, 1.0)  # nothing to see, nothing wrong


@pytest.mark.parametrize("colours", COLOUR_COUNTS)
def test_quantised_pictures_have_few_colours_close_to_the_old_ones(colours: int) -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2).repeat(20, 0)
    flat = quantise(ramp, colours)
    assert 2 < len(np.unique(flat.reshape(-1, 3), axis=0)) <= colours
    assert abs(flat.astype(int) - ramp).max() <= 2 * 256 / colours
    np.testing.assert_array_equal(flat, quantise(ramp, colours))


def test_a_shadow_darkens_and_stays_near() -> None:
    alpha = np.zeros((100, 120), np.uint8)
    alpha[30:80, 50:70] = 255
    for seed in range(12):
        picture = np.full((100, 120, 3), 200, np.float32)
        cast_shadow(picture, alpha, np.random.default_rng(seed))
        assert picture.max() <= 200
        assert picture.min() < 170
        assert picture[5, 5, 0] == pytest.approx(200)
    untouched = np.full((10, 10, 3), 9, np.float32)
    cast_shadow(untouched, np.zeros((10, 10), np.uint8), np.random.default_rng(0))
    assert (untouched == 9).all()


def test_rim_light_brightens_an_edge_and_keeps_alpha() -> None:
    rgba = np.zeros((80, 60, 4), np.uint8)
    rgba[10:70, 10:50] = (50, 60, 70, 255)
    for seed in range(8):
        lit = rim_light(rgba, np.random.default_rng(seed))
        np.testing.assert_array_equal(lit[..., 3], rgba[..., 3])
        assert (lit[..., :3] >= rgba[..., :3]).all()
        assert lit[..., :3].max() > 90
        assert abs(lit[40, 30, :3].astype(int) - (50, 60, 70)).max() < 6


EVERYTHING = ("ink", "tone", "quantise", "grey", "manga", "blur", "grain")


@pytest.mark.parametrize("step", EVERYTHING)
def test_each_step_changes_the_picture_and_nothing_happens_without(step: str) -> None:
    picture = np.repeat(np.repeat(noise(3, 0, 256)[::6, ::5], 6, 0), 5, 1)
    nothing = Recipe(quantise=0, jpeg=0)
    assert np.array_equal(finish(picture, np.random.default_rng(0), nothing).picture, picture)
    changed = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        out = finish(picture, rng, Recipe(**{"quantise": 0.0, "jpeg": 0.0, step: 1.0})).picture
        assert out.shape == picture.shape
        assert out.dtype == np.uint8
        changed.append(not np.array_equal(out, picture))
    assert any(changed) if step == "blur" else all(changed)
