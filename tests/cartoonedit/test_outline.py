from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cartoonedit.outline import snap_outline

HEIGHT, WIDTH, RADIUS = 150, 200, 45.0
BACKGROUNDS = ("flat", "gradient", "foliage")


def distance(dx: float = 0, dy: float = 0, grown: float = 0) -> NDArray[np.float64]:
    """How far inside a disc each pixel is; negative outside."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return RADIUS + grown - np.hypot(columns - 95.3 - dx, rows - 76.8 - dy)


def alpha(inside: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.rint(255 * np.clip(inside + 0.5, 0, 1)).astype(np.uint8)


def drawn(background: str) -> NDArray[np.uint8]:
    """An orange disc with a dark line round it, 3 pixels wide."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    behind = np.full((HEIGHT, WIDTH, 3), (120, 190, 240), np.float64)
    if background == "gradient":
        behind += (0.4 * (rows - 75) + 0.2 * (columns - 100))[..., None]
    if background == "foliage":
        noise = np.random.default_rng(3).normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32)
        behind = behind * 0 + (70, 140, 60) + 120 * cv2.GaussianBlur(noise, (0, 0), 2)[..., None]
    inside = distance()
    for shape, colour in ((inside, (30, 20, 25)), (inside - 3, (240, 150, 60))):
        share = np.clip(shape + 0.5, 0, 1)[..., None]
        behind = behind * (1 - share) + np.array(colour) * share
    return np.rint(behind.clip(0, 255)).astype(np.uint8)


def off(mask: NDArray[np.uint8]) -> float:
    """How many pixels a mask is off, on average round the disc."""
    error = np.abs(mask.astype(float) - alpha(distance())).sum() / 255
    return float(error / (2 * np.pi * RADIUS))


def wavy() -> NDArray[np.uint8]:
    """The outline of a network: 2 pixels in here, 2 pixels out there, and blurred."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    wave = 2 * np.sin(7 * np.arctan2(rows - 76.8, columns - 95.3))
    return cv2.GaussianBlur(alpha(distance() + wave), (0, 0), 1)


MASKS = {
    "too far left": alpha(distance(dx=-2)),
    "too large": alpha(distance(grown=2)),
    "too small": alpha(distance(grown=-2)),  # most of the line is left out
    "wavy": wavy(),
}


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_is_off_comes_to_the_outline(background: str, name: str) -> None:
    mask = MASKS[name]
    assert off(mask) > 1
    assert off(snap_outline(drawn(background), mask)) < 0.4 * off(mask)


@pytest.mark.parametrize("background", ["flat", "gradient"])
def test_a_hard_mask_gets_the_soft_edge_of_the_picture(background: str) -> None:
    hard = np.where(distance() > 0, 255, 0).astype(np.uint8)
    assert off(snap_outline(drawn(background), hard)) < 0.4 * off(hard)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_mask_that_fits_stays(background: str) -> None:
    assert off(snap_outline(drawn(background), alpha(distance()))) < 0.03


def test_far_from_the_edge_nothing_changes() -> None:
    snapped = snap_outline(drawn("foliage"), wavy())
    far = np.abs(distance()) > 8
    np.testing.assert_array_equal(snapped[far], wavy()[far])


def test_a_large_picture_is_corrected_as_far_in_its_own_pixels() -> None:
    size_wh = (3 * WIDTH, 3 * HEIGHT)
    large = cv2.resize(drawn("gradient"), size_wh, interpolation=cv2.INTER_CUBIC)
    picture = cv2.copyMakeBorder(large, 300, 300, 500, 500, cv2.BORDER_REPLICATE)
    masks = [
        cv2.copyMakeBorder(
            cv2.resize(mask, size_wh, interpolation=cv2.INTER_LINEAR),
            *(300, 300, 500, 500),
            cv2.BORDER_CONSTANT,
        )
        for mask in (MASKS["too far left"], alpha(distance()))
    ]
    snapped = snap_outline(picture, masks[0])

    def error(mask: NDArray[np.uint8]) -> float:
        return float(np.abs(mask.astype(float) - masks[1]).sum())

    assert error(snapped) < 0.4 * error(masks[0])


VEIL = cv2.GaussianBlur(alpha(distance()), (0, 0), 9)
THIN = (alpha(distance()) * 0.5).astype(np.uint8)


@pytest.mark.parametrize("mask", [VEIL, THIN, np.zeros_like(VEIL), np.full_like(VEIL, 255)])
def test_what_has_no_crisp_edge_stays(mask: NDArray[np.uint8]) -> None:
    np.testing.assert_array_equal(snap_outline(drawn("flat"), mask), mask)


@pytest.mark.parametrize("picture", ["black", "noise"])
def test_a_picture_that_shows_no_edge_leaves_a_mask_alone(picture: str) -> None:
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    if picture == "noise":
        colours += np.random.default_rng(0).integers(100, 110, colours.shape, np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:100, 30:110] = 255
    np.testing.assert_array_equal(snap_outline(colours, mask), mask)
