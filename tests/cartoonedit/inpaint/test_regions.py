from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.inpaint.regions import grow, pad, resize, resize_hole, scaled
from tests.cartoonedit.inpaint.pictures import noise


@pytest.mark.parametrize("radius", [0, 1, 5])
def test_grow(radius: int) -> None:
    mask = np.zeros((31, 41), bool)
    mask[15, 20] = True
    rows, columns = np.mgrid[:31, :41]
    expected = np.hypot(rows - 15, columns - 20) <= radius
    np.testing.assert_array_equal(grow(mask, radius), expected)
    assert not grow(np.zeros((4, 4), bool), radius).any()


@pytest.mark.parametrize(
    ("shape", "multiple", "least", "padded"),
    [
        ((16, 24), 8, 16, (16, 24)),
        ((17, 23, 3), 8, 16, (24, 24, 3)),
        ((1, 1, 3), 8, 64, (64, 64, 3)),
        ((5, 100), 8, 16, (16, 104)),
    ],
)
def test_pad_mirrors(
    shape: tuple[int, ...], multiple: int, least: int, padded: tuple[int, ...]
) -> None:
    array = np.random.default_rng(0).integers(0, 255, shape)
    result = pad(array, multiple, least)
    assert result.shape == padded
    np.testing.assert_array_equal(result[: shape[0], : shape[1]], array)
    if padded[0] > shape[0]:
        np.testing.assert_array_equal(result[shape[0], : shape[1]], array[-1])


def test_a_pixel_of_a_hole_survives_any_size() -> None:
    hole = np.zeros((40, 60), bool)
    hole[21, 33] = True
    for size_wh in ((60, 40), (7, 5), (90, 70)):
        small = resize_hole(hole, size_wh)
        assert small.shape == size_wh[::-1] and small.any()
        assert not small[0].any()


def test_resize_and_scaled() -> None:
    image = noise(10, 20)
    assert resize(image, (20, 10)) is image
    assert resize(image, (5, 3)).shape == (3, 5, 3)
    assert scaled((100, 51), 0.5) == (50, 26)
    assert scaled((100, 1), 0.1) == (10, 1)
