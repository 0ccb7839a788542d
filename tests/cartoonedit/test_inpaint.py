from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartoonedit.errors import InvalidInput
from cartoonedit.inpaint import INPAINTERS, fill_smooth, grow, inpaint, make_plate
from cartoonedit.inpaint import patchmatch as module


def stripes(height: int = 72, width: int = 96) -> np.ndarray:
    """A periodic pattern on a gradient."""
    rows, columns = np.mgrid[:height, :width]
    wave = 40 * ((columns // 6) % 2)
    return np.dstack([100 + wave, 60 + rows, 200 - wave]).astype(np.uint8)


def disc(height: int = 72, width: int = 96, radius: float = 16) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(columns - width / 2, rows - height / 2)
    return (np.clip(radius + 0.5 - distance, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("method", sorted(INPAINTERS))
@pytest.mark.parametrize("mask_kind", [np.bool_, np.uint8])
def test_outside_the_mask_not_a_bit_changes(method: str, mask_kind: type) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    mask = disc(48, 64, 12).astype(mask_kind)
    filled = inpaint(picture, mask, method)
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])
    assert (filled[mask != 0] != picture[mask != 0]).any()
    assert filled.dtype == np.uint8


def test_an_inpainter_cannot_break_the_promise() -> None:
    picture, mask = stripes(), disc()
    filled = inpaint(picture, mask, lambda image, hole, seed: np.zeros_like(image))
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])
    assert (filled[mask > 0] == 0).all()


def test_patchmatch_continues_a_pattern() -> None:
    picture, mask = stripes(), disc(radius=10)
    hidden = picture.copy()
    hidden[mask > 0] = (255, 0, 0)
    error = np.abs(inpaint(hidden, mask).astype(int) - picture)[mask > 0]
    assert error.mean() < 12


@pytest.mark.parametrize("most", [module.MAX_PIXELS, 2000], ids=["full size", "reduced first"])
def test_same_seed_same_bytes(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", most)
    picture = np.random.default_rng(2).integers(0, 256, (72, 96, 3), dtype=np.uint8)
    first, again, other = (inpaint(picture, disc(), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(first[disc() == 0], picture[disc() == 0])


@pytest.mark.parametrize("size", [(1, 1), (3, 16), (16, 3), (1, 40), (8, 8)])
@pytest.mark.parametrize("known", [0, 1, 5])
@pytest.mark.parametrize("method", sorted(INPAINTERS))
def test_tiny_pictures_and_hardly_anything_known(
    size: tuple[int, int], known: int, method: str
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    mask = np.ones(size, np.uint8)
    mask.flat[:known] = 0
    filled = inpaint(picture, mask, method)
    np.testing.assert_array_equal(filled[mask == 0], picture[mask == 0])
    if known >= size[0] * size[1]:
        np.testing.assert_array_equal(filled, picture)


def test_all_covered_gives_the_mean_colour() -> None:
    picture = stripes()
    filled = inpaint(picture, np.ones(picture.shape[:2], bool))
    np.testing.assert_allclose(filled, np.broadcast_to(picture.mean((0, 1)), picture.shape), atol=1)


@pytest.mark.parametrize(
    ("image", "mask", "method", "word"),
    [
        (stripes(), disc(), "magic", "patchmatch, smooth"),
        (stripes(), disc(10, 10), "smooth", "mask must be"),
        (stripes()[..., 0], disc(), "smooth", "RGB uint8"),
        (stripes().astype(np.float32), disc(), "smooth", "RGB uint8"),
    ],
)
def test_wrong_input(image: np.ndarray, mask: np.ndarray, method: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        inpaint(image, mask, method)


class TestPlate:
    def test_nothing_of_the_character_or_its_edge_is_left(self) -> None:
        picture, mask = np.full((72, 96, 3), (40, 120, 200), np.uint8), disc()
        alpha = mask[..., None] / 255
        mixed = np.rint(picture * (1 - alpha) + np.array([250, 20, 20]) * alpha).astype(np.uint8)
        np.testing.assert_allclose(make_plate(mixed, [mask]), picture, atol=2)

    def test_far_from_the_masks_it_is_the_picture(self) -> None:
        picture, mask = stripes(), disc()
        plate = make_plate(picture, [mask], dilate=4)
        far = ~grow(mask > 0, 4)
        np.testing.assert_array_equal(plate[far], picture[far])

    def test_no_instance(self) -> None:
        picture = stripes()
        plate = make_plate(picture, [])
        np.testing.assert_array_equal(plate, picture)
        assert plate is not picture

    def test_doubt_is_not_a_character(self) -> None:
        picture = stripes()
        np.testing.assert_array_equal(
            make_plate(picture, [np.full((72, 96), 5, np.uint8)]), picture
        )

    def test_wrong_input(self) -> None:
        with pytest.raises(InvalidInput, match="dilate"):
            make_plate(stripes(), [disc()], dilate=-1)
        with pytest.raises(InvalidInput, match="every mask"):
            make_plate(stripes(), [disc(), disc(10, 10)])


class TestFillSmooth:
    def test_a_gradient_goes_on(self) -> None:
        values = np.linspace(0, 1, 96, dtype=np.float32)[None].repeat(72, axis=0)
        np.testing.assert_allclose(fill_smooth(values, disc() > 0), values, atol=0.04)

    @given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 2**31), st.floats(0, 0.99))
    @settings(max_examples=60, deadline=None)
    def test_known_values_stay_and_bound_the_others(
        self, height: int, width: int, seed: int, share: float
    ) -> None:
        rng = np.random.default_rng(seed)
        values = rng.random((height, width, 2), dtype=np.float32)
        hole = rng.random((height, width)) < share
        hole.flat[0] = False
        filled = fill_smooth(np.where(hole[..., None], np.float32(1e6), values), hole)
        np.testing.assert_allclose(filled[~hole], values[~hole], atol=1e-5)
        assert filled.min() >= values[~hole].min() - 1e-4
        assert filled.max() <= values[~hole].max() + 1e-4


@pytest.mark.parametrize("radius", [0, 1, 5])
def test_grow(radius: int) -> None:
    mask = np.zeros((31, 41), bool)
    mask[15, 20] = True
    rows, columns = np.mgrid[:31, :41]
    expected = np.hypot(rows - 15, columns - 20) <= radius
    np.testing.assert_array_equal(grow(mask, radius), expected)
    assert not grow(np.zeros((4, 4), bool), radius).any()
