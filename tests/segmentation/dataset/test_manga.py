"""Manga renderings: black and white, the same every time, of the picture's size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segmentation.dataset.manga import RENDERINGS, line_art, manga, screentone


@pytest.mark.parametrize("name", RENDERINGS)
@settings(deadline=None, max_examples=15)
@given(
    rgb=st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
        lambda size: arrays(np.uint8, (*size, 3))
    )
)
def test_a_rendering_is_grey_and_repeats(name: str, rgb: np.ndarray) -> None:
    before = rgb.copy()
    out = RENDERINGS[name](rgb)
    assert out.dtype == np.uint8
    assert out.shape == rgb.shape
    assert (out == out[..., :1]).all()
    assert np.array_equal(out, RENDERINGS[name](rgb))
    assert np.array_equal(rgb, before)


def disc(inside: int, outside: int, side: int = 200) -> np.ndarray:
    y, x = np.mgrid[:side, :side]
    tones = np.where(np.hypot(x - side / 2, y - side / 2) < side / 4, inside, outside)
    return np.repeat(tones[..., None], 3, 2).astype(np.uint8)


def test_lines_stand_at_edges_and_nowhere_else() -> None:
    ink = line_art(disc(60, 190))[..., 0] < 128
    y, x = np.nonzero(ink)
    assert ink.any()
    assert (abs(np.hypot(x - 100, y - 100) - 50) < 5).all()
    for tone in (0, 90, 255):
        assert (line_art(disc(tone, tone)) > 250).all()


@pytest.mark.parametrize("tone", [0, 60, 128, 200, 255])
def test_a_screen_is_as_dark_as_the_tone(tone: int) -> None:
    mean = screentone(disc(tone, tone)).mean()
    assert abs(mean - tone) < 40


def test_a_page_has_white_paper_black_ink_and_dots_between() -> None:
    page = manga(disc(80, 255))[..., 0]
    assert (page[:40, :40] == 255).all()
    inside = page[80:120, 80:120]
    assert inside.min() < 60
    assert inside.max() > 200
