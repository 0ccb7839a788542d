from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartoonedit.outline import snap_outline

SIDE = 200


def disc(radius: float, softness: float = 1.0) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside = (radius - np.hypot(columns - 100, rows - 100)) / softness + 0.5
    return np.clip(inside, 0, 1)


def drawing(alpha: np.ndarray, line: float = 3.0, ground: str = "flat") -> np.ndarray:
    """A red disc with a dark line round it, on a blue ground, a sky or before leaves."""
    inner = disc(60 - line)[..., None]
    colour = inner * np.array([220, 60, 40]) + (1 - inner) * np.array([30, 10, 20])
    behind = np.full((SIDE, SIDE, 3), [90, 140, 230], np.float32)
    if ground == "sky":
        behind += np.linspace(-60, 20, SIDE)[:, None, None]
    elif ground == "leaves":
        shade = np.random.default_rng(3).normal(0, 120, (SIDE, SIDE)).astype(np.float32)
        behind = np.array([70, 140, 60]) + cv2.GaussianBlur(shade, (0, 0), 2)[..., None]
    mixed = colour * alpha[..., None] + behind * (1 - alpha[..., None])
    noise = np.random.default_rng(0).normal(0, 1.5, mixed.shape)
    return np.clip(mixed + noise, 0, 255).astype(np.uint8)


TRUTH = disc(60)
PICTURE = drawing(TRUTH)
WRONG = {
    "hard": disc(60) > 0.5,
    "too small": disc(59),  # with most of the line
    "too large": disc(62),
    "blurred": disc(60, softness=4),
}


def aside(mask: np.ndarray) -> np.ndarray:
    return np.roll(mask, 2, axis=1)


def wavy() -> np.ndarray:
    """The outline of a network: 2 pixels out here, 2 pixels in there, and blurred."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - 100
    inside = 60 + 2 * np.sin(7 * np.arctan2(rows, columns)) - np.hypot(columns, rows)
    return cv2.GaussianBlur(np.clip(inside + 0.5, 0, 1), (0, 0), 1)


FAR_OFF = {"without most of the line": disc(58), "aside": aside(TRUTH), "wavy": wavy()}


def error(mask: np.ndarray) -> float:
    return float(np.abs(mask / 255 - TRUTH).sum() / (2 * np.pi * 60))


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_mask_that_is_off_comes_closer_to_the_drawing(name: str) -> None:
    mask = np.rint(255 * WRONG[name]).astype(np.uint8)
    snapped = snap_outline(PICTURE, mask)
    assert error(snapped) < 0.6 * error(mask)
    assert error(snapped) < 0.4  # pixels


@pytest.mark.parametrize("ground", ["flat", "sky", "leaves"])
@pytest.mark.parametrize("name", sorted(FAR_OFF))
def test_a_mask_that_is_far_off_finds_the_line(name: str, ground: str) -> None:
    mask = np.rint(255 * FAR_OFF[name]).astype(np.uint8)
    assert error(mask) > 1
    assert error(snap_outline(drawing(TRUTH, ground=ground), mask)) < 0.4 * error(mask)


def test_in_a_large_picture_as_many_more_pixels_are_mended() -> None:
    border = (300, 300, 500, 500)

    def enlarged(image: np.ndarray) -> np.ndarray:
        size = (3 * SIDE, 3 * SIDE)
        large = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return cv2.copyMakeBorder(large, *border, cv2.BORDER_REPLICATE)

    truth, mask = (enlarged(np.rint(255 * m).astype(np.uint8)) for m in (TRUTH, FAR_OFF["aside"]))
    snapped = snap_outline(enlarged(PICTURE), mask)
    assert np.abs(snapped.astype(int) - truth).sum() < 0.4 * np.abs(mask.astype(int) - truth).sum()


def test_a_mask_that_fits_stays() -> None:
    mask = np.rint(255 * TRUTH).astype(np.uint8)
    assert np.abs(snap_outline(PICTURE, mask).astype(int) - mask).mean() < 0.3


@pytest.mark.parametrize(
    ("mask", "picture"),
    [
        (np.rint(255 * disc(60, softness=60)), PICTURE),  # a veil
        (np.rint(120 * TRUTH), PICTURE),  # a ghost
        (255 * (TRUTH > 0.5), np.full((SIDE, SIDE, 3), 128)),  # nothing to be seen
    ],
    ids=["veil", "ghost", "flat"],
)
def test_what_has_no_clear_edge_stays(mask: np.ndarray, picture: np.ndarray) -> None:
    mask = mask.astype(np.uint8)
    snapped = snap_outline(picture.astype(np.uint8), mask)
    assert np.abs(snapped.astype(int) - mask).mean() < 0.5


def test_far_from_the_edge_nothing_changes() -> None:
    mask = np.rint(255 * WRONG["too large"]).astype(np.uint8)
    snapped = snap_outline(PICTURE, mask)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    far = np.abs(np.hypot(columns - 100, rows - 100) - 62) > 12
    np.testing.assert_array_equal(snapped[far], mask[far])


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**16))
@settings(max_examples=40, deadline=None)
def test_any_picture_and_mask(width: int, height: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    mask = rng.choice(np.array([0, 128, 255], np.uint8), (height, width))
    before = mask.copy()
    snapped = snap_outline(picture, mask)
    assert (snapped.shape, snapped.dtype) == (mask.shape, np.uint8)
    np.testing.assert_array_equal(mask, before)


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_and_everything(value: int) -> None:
    mask = np.full((SIDE, SIDE), value, np.uint8)
    np.testing.assert_array_equal(snap_outline(PICTURE, mask), mask)
