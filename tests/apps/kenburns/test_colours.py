from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.kenburns.colours import Colours, over


@pytest.mark.parametrize("linear", [False, True])
def test_opaque_colours_come_back(linear: bool) -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    colours = Colours(linear)
    np.testing.assert_array_equal(colours.rgb(colours.encode(levels)), levels)
    rgba = colours.rgba(colours.encode(levels))
    np.testing.assert_array_equal(rgba[..., :3], levels)
    assert (rgba[..., 3] == 255).all()


@given(st.integers(0, 255), st.integers(1, 255), st.booleans())
def test_soft_colours_come_back_as_exactly_as_they_were_stored(
    level: int, alpha: int, linear: bool
) -> None:
    stored = round(level * alpha / 255)
    texture = np.array([[[stored, stored, stored, alpha]]], np.uint8)
    back = Colours(linear).rgba(Colours(linear).encode(texture))[0, 0]
    assert back[3] == alpha
    assert abs(int(back[0]) - stored * 255 / alpha) <= 1


@pytest.mark.parametrize(("linear", "expected"), [(False, 128), (True, 188)])
def test_half_white_over_black(linear: bool, expected: int) -> None:
    colours = Colours(linear)
    frame = colours.encode(np.zeros((1, 1, 3), np.uint8))
    over(frame, colours.encode(np.full((1, 1, 4), 128, np.uint8)))
    assert colours.rgb(frame)[0, 0] == pytest.approx([expected] * 3, abs=1)


@pytest.mark.parametrize("linear", [False, True])
def test_a_share_of_a_layer(linear: bool) -> None:
    colours = Colours(linear)
    layer = colours.encode(np.full((2, 2, 4), 255, np.uint8))
    share = np.array([[0, 0.25], [0.5, 1]], np.float32)
    alpha = colours.rgba(colours.scaled(layer, share))[..., 3]
    np.testing.assert_allclose(alpha, share * 255, atol=1)
