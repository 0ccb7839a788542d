"""What colours say about doubtful masks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentation.colours import has_colours, is_ink_on_paper, with_colours
from segmentation.dataset.manga import RENDERINGS

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


KINDS: dict[str, tuple[bool, bool]] = {
    "colour": (True, False), "grey": (False, False), "screentone": (False, True),
    "lineart": (False, True), "manga": (False, True),
}  # fmt: skip


@pytest.mark.parametrize("side", [300, 1700])
@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_drawings_are_told_apart(kind: str, side: int) -> None:
    rng = np.random.default_rng(1)
    blobs = rng.integers(40, 220, (5, 5, 3), np.uint8)
    picture = cv2.resize(blobs, (side, side), interpolation=cv2.INTER_NEAREST)
    shown = RENDERINGS[kind](picture) if kind != "colour" else picture
    assert (has_colours(shown), is_ink_on_paper(shown)) == KINDS[kind]


def test_a_drawing_in_colours_on_white_paper_is_no_print() -> None:
    picture = np.full((200, 200, 3), 255, np.uint8)
    picture[60:120, 60:120] = RED
    assert not is_ink_on_paper(picture)


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
