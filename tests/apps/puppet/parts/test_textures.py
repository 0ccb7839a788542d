"""Textures that give the picture back."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.parts.textures import Reach, peel
from tests.apps.puppet.figures import over


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_sheets_over_each_other_give_the_character_back(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (9, 11)
    colours = rng.integers(0, 256, (*shape, 3), np.uint8)
    alpha = rng.choice(np.array([0, 1, 60, 128, 254, 255], np.uint8), shape)
    owners = rng.integers(0, count, shape)
    reaches = []
    for sheet in range(count):
        weight = rng.choice(np.array([0, 0, 0.3, 1], np.float32), shape)
        weight[owners == sheet] = 1
        shown = rng.integers(0, 256, (*shape, 3), np.uint8)
        reaches.append(Reach(weight, shown, owners.astype(np.int32), np.ones(shape, bool)))
    textures = peel(colours, alpha, reaches)
    for texture in textures:
        assert (texture[..., :3] <= texture[..., 3:]).all()
        assert not texture[alpha == 0].any()
    wanted = np.dstack([colours * (alpha[..., None] / 255), alpha])
    got = over([(texture, (0, 0)) for texture in textures], shape[::-1])
    np.testing.assert_allclose(got, wanted, atol=1)


def test_beneath_what_is_opaque_a_sheet_shows_what_it_likes() -> None:
    shape = (2, 2)
    colours, alpha = np.full((*shape, 3), 200, np.uint8), np.full(shape, 255, np.uint8)
    green = np.zeros((*shape, 3), np.uint8) + np.array([0, 99, 0], np.uint8)
    no_bones, joined = np.zeros(shape, np.int32), np.ones(shape, bool)
    front = Reach(np.array([[1, 1], [0.5, 0]], np.float32), colours, no_bones, joined)
    back = Reach(np.array([[0.5, 1], [1, 1]], np.float32), green, no_bones, joined)
    beneath, _ = peel(colours, alpha, [back, front])
    assert beneath[0, 0].tolist() == [0, 50, 0, 128]
    assert beneath[0, 1].tolist() == [0, 99, 0, 255]
    np.testing.assert_allclose(beneath[1], [[200, 200, 200, 255]] * 2, atol=1)
