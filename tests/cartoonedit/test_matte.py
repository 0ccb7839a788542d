from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cartoonedit.matte import decontaminate, unmix


def disc(
    x: int, y: int, radius: int, blur: float = 2, size_wh: tuple[int, int] = (96, 64)
) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)
    cv2.circle(mask, (x, y), radius, 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), blur) if blur else mask


def over(below: np.ndarray, colour: np.ndarray, mask: np.ndarray) -> np.ndarray:
    a = mask[..., None] / 255
    return np.rint(a * colour + (1 - a) * below).astype(np.uint8)


def stripes(size_wh: tuple[int, int] = (96, 64)) -> np.ndarray:
    rows, columns = np.mgrid[: size_wh[1], : size_wh[0]]
    return np.stack([columns * 2, rows * 3, (rows + columns) % 200], -1).astype(np.uint8)


def stack(
    plate: np.ndarray, difference: np.ndarray, colours: list[np.ndarray], masks: list[np.ndarray]
) -> np.ndarray:
    """What a paint program does, rounding after every layer."""
    canvas = np.where(difference[..., 3:] > 0, difference[..., :3], plate)
    for colour, mask in zip(colours, masks, strict=True):
        x, y, width, height = cv2.boundingRect(mask)
        box = np.s_[y : y + height, x : x + width]
        canvas[box] = over(canvas[box], colour, mask[box])
    return canvas


def test_the_background_goes_out_of_soft_edges() -> None:
    background, mask = stripes(), disc(48, 32, 20)
    colour = np.full_like(background, (230, 40, 50))
    picture = over(background, colour, mask)
    clean = decontaminate(picture, mask)
    soft = (mask > 8) & (mask < 248)
    before = np.abs(picture[soft].astype(int) - colour[soft]).mean()
    after = np.abs(clean[soft].astype(int) - colour[soft]).mean()
    assert before > 35 and after < 8
    assert np.array_equal(clean[mask == 255], picture[mask == 255])
    far = decontaminate(picture, disc(80, 50, 8))
    assert np.array_equal(far[:, :30], picture[:, :30])  # far outside nothing is touched


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((64, 96), np.uint8),  # nothing
        np.full((64, 96), 255, np.uint8),  # everything, no background to look at
        np.full((64, 96), 90, np.uint8),  # soft all over
        disc(48, 32, 20, blur=0),  # a hard edge
        disc(0, 0, 20),  # cut by the picture
        np.pad(np.full((1, 1), 3, np.uint8), ((9, 54), (9, 86))),  # one faint pixel
    ],
)
def test_any_mask_will_do(mask: np.ndarray) -> None:
    picture = stripes()
    clean = decontaminate(picture, mask)
    assert clean.shape == picture.shape and clean.dtype == np.uint8
    assert np.array_equal(clean[mask == 255], picture[mask == 255])


def test_a_picture_of_one_pixel() -> None:
    picture = np.full((1, 1, 3), 9, np.uint8)
    assert decontaminate(picture, np.full((1, 1), 77, np.uint8)).tolist() == picture.tolist()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_stack_shows_the_picture_again(data: st.DataObject) -> None:
    """For any picture, plate and soft masks, edges included, to within one level a layer."""
    seed = data.draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    picture = random.integers(0, 256, (64, 96, 3), np.uint8)
    plate = random.integers(0, 256, (64, 96, 3), np.uint8)
    masks = [
        disc(
            data.draw(st.integers(0, 95)),
            data.draw(st.integers(0, 63)),
            data.draw(st.integers(1, 40)),
            blur=data.draw(st.sampled_from([0, 1, 4])),
        )
        for _ in range(data.draw(st.integers(0, 3)))
    ]
    masks = [mask for mask in masks if mask.any()]
    colours, difference = unmix(picture, plate, masks)
    shown = stack(plate, difference, colours, masks)
    assert np.abs(shown.astype(int) - picture).max() <= 1


def test_with_the_true_background_there_is_nothing_left_over() -> None:
    background, masks = stripes(), [disc(36, 32, 18), disc(60, 32, 18)]
    picture = background
    for mask, colour in zip(masks, [(230, 40, 50), (30, 200, 60)], strict=True):
        picture = over(picture, np.full_like(background, colour), mask)
    _, difference = unmix(picture, background, masks)
    left = difference[difference[..., 3] > 0][:, :3].astype(int)
    there = background[difference[..., 3] > 0].astype(int)
    # Where an edge is soft, rounding and the estimated colours leave a little; outside nothing.
    outside = (masks[0] == 0) & (masks[1] == 0)
    assert not difference[outside].any()
    assert left.size == 0 or np.abs(left - there).mean() < 30


def test_the_difference_lies_only_where_it_shows() -> None:
    picture, plate, mask = stripes(), np.zeros((64, 96, 3), np.uint8), disc(48, 32, 20)
    _, difference = unmix(picture, plate, [mask])
    assert set(np.unique(difference[..., 3])) == {0, 255}
    assert not difference[mask == 255].any()
