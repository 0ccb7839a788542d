from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants

from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.inpaint import INPAINTERS, grow, inpaint, make_plate
from tests.cartoonedit.inpaint.pictures import disc, noise, stripes

WITHOUT_WEIGHTS = ("patchmatch", "smooth")


@pytest.mark.parametrize("method", WITHOUT_WEIGHTS)
@pytest.mark.parametrize("mask_kind", [np.bool_, np.uint8])
def test_outside_the_mask_not_a_bit_changes(method: str, mask_kind: type) -> None:
    picture = noise(48, 64)
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


@pytest.mark.parametrize("size", [(1, 1), (3, 16), (16, 3), (1, 40), (8, 8)])
@pytest.mark.parametrize("known", [0, 1, 5])
@pytest.mark.parametrize("method", WITHOUT_WEIGHTS)
def test_tiny_pictures_and_hardly_anything_known(
    size: tuple[int, int], known: int, method: str
) -> None:
    picture = noise(*size)
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
        (stripes(), disc(), "magic", "patchmatch, smooth, lama, latent-diffusion"),
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


@pytest.mark.parametrize("method", sorted(INPAINTERS.keys() - set(WITHOUT_WEIGHTS)))
@pytest.mark.usefixtures("no_network")
def test_missing_weights_name_the_command(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="cartoonedit models fetch"):
        inpaint(stripes(), disc(), method)
    assert INPAINTERS[method].name == method
