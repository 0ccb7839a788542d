"""What follows the second stage: both masks mixed, edges drawn to the lines of the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segmentation.dataset.manga import RENDERINGS
from segmentation.hints import Rough
from segmentation.refine import Refined, RefineSettings
from segmentation.settle import averaged, settled, snapped

RED, BLUE, GREEN = (200, 60, 50), (60, 80, 200), (90, 160, 90)


def disc(centre_xy: tuple[int, int], radius: int) -> np.ndarray:
    mask = np.zeros((160, 220), np.uint8)
    cv2.circle(mask, centre_xy, radius, 1, -1)
    return mask.view(bool)


def drawing(*discs: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    picture = np.zeros((160, 220, 3), np.uint8) + np.array(GREEN, np.uint8)
    for mask, colour in discs:
        picture[mask] = colour
    noise = np.random.default_rng(0).integers(-4, 5, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def believed(mask: np.ndarray, shift: int = 0, blur: float = 6.0) -> Refined:
    """A doubtful view of a mask: off by some pixels, and blurred."""
    moved = np.roll(mask, shift, axis=1).astype(np.float32)
    return Refined(0.05 + 0.9 * cv2.GaussianBlur(moved, (0, 0), blur))


def iou(result: Refined, truth: np.ndarray) -> float:
    inside = result.alpha((220, 160), 0.5) >= 128
    return float((inside & truth).sum() / (inside | truth).sum())


LEFT, RIGHT = disc((70, 80), 40), disc((150, 80), 40)


def test_edges_are_drawn_to_the_lines() -> None:
    picture = drawing((LEFT, RED), (RIGHT, BLUE))
    doubtful = [believed(LEFT, 7), believed(RIGHT, -7)]
    results = snapped(picture, doubtful, [0.9, 0.8], 0.5)
    for before, after, truth in zip(doubtful, results, (LEFT, RIGHT), strict=True):
        assert iou(before, truth) < 0.85
        assert iou(after, truth) > 0.96


def test_a_sure_neighbour_keeps_its_pixels() -> None:
    """No line parts two of one colour, and the first mask takes in a part of the second."""
    left, right = (np.zeros((160, 220), bool) for _ in range(2))
    left[40:120, 30:110] = right[40:120, 110:190] = True
    picture = drawing((left | right, RED))
    part = right & (np.arange(220) < 145)
    greedy = Refined(np.maximum(believed(left).probability, 0.6 * part).astype(np.float32))
    sure = believed(right, blur=1)
    assert iou(snapped(picture, [greedy, sure], [0.9, 0.8], 0.6)[0], left) > 0.95
    assert iou(snapped(picture, [greedy, sure], [0.9, 0.2], 0.6)[0], left) < 0.75  # unsure


def test_findings_of_one_character_do_not_exclude_each_other() -> None:
    picture = drawing((LEFT, RED))
    twice = [believed(LEFT, 3), believed(LEFT, -3, blur=1)]
    for result in snapped(picture, twice, [0.9, 0.8], 0.5):
        assert iou(result, LEFT) > 0.96


def test_the_order_changes_nothing_and_nothing_is_left_to_chance() -> None:
    picture = drawing((LEFT, RED), (RIGHT, BLUE))
    masks = [believed(LEFT, 7), believed(RIGHT, -7), believed(LEFT, -2)]
    first = snapped(picture, masks, [0.9, 0.8, 0.7], 0.5)
    again = snapped(picture, masks[::-1], [0.7, 0.8, 0.9], 0.5)[::-1]
    for a, b in zip(first, again, strict=True):
        assert np.array_equal(a.probability, b.probability)


def test_prints_are_left_alone_and_greys_are_cut() -> None:
    picture, mask = drawing((LEFT, RED)), believed(LEFT, 7)
    (kept,) = snapped(RENDERINGS["manga"](picture), [mask], [0.9], 0.5)
    assert kept is mask
    (cut,) = snapped(RENDERINGS["grey"](picture), [mask], [0.9], 0.5)
    assert iou(cut, LEFT) > 0.96


def test_crops_are_placed_where_they_belong() -> None:
    picture = drawing((LEFT, RED), (RIGHT, BLUE))
    whole = [believed(LEFT, 7), believed(RIGHT, -7)]
    crops = [
        Refined(mask.probability[20:140, x : x + 110], (x, 20))
        for mask, x in zip(whole, (10, 100), strict=True)
    ]
    for result, truth, crop in zip(
        snapped(picture, crops, [0.9, 0.8], 0.5), (LEFT, RIGHT), crops, strict=True
    ):
        assert result.origin_xy == crop.origin_xy
        assert result.probability.shape == crop.probability.shape
        assert iou(result, truth) > 0.96


@pytest.mark.parametrize("side", [500, 1600])
def test_large_characters_get_the_edges_of_the_picture(side: int) -> None:
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    truth = np.hypot(x, y) < 0.6 + 0.05 * np.sin(24 * np.arctan2(y, x))  # with small teeth
    picture = np.where(truth[..., None], RED, GREEN).astype(np.uint8)
    doubtful = Refined(0.05 + 0.9 * cv2.GaussianBlur(truth.astype(np.float32), (0, 0), side / 60))
    (result,) = snapped(picture, [doubtful], [0.9], 0.5)
    inside = result.probability > 0.5
    assert result.probability.shape == truth.shape
    assert 0 <= result.probability.min() <= result.probability.max() <= 1
    assert (inside & truth).sum() / (inside | truth).sum() > 0.99


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (12, 12), (160, 220)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_masks_without_edges_stay(shape: tuple[int, int], value: float) -> None:
    mask = Refined(np.full(shape, value, np.float32))
    (result,) = snapped(drawing(), [mask], [0.9], 0.5)
    assert np.array_equal(result.probability, mask.probability)


def test_strength_is_the_weight_of_the_cut() -> None:
    picture = drawing((LEFT, RED))
    mask = believed(LEFT, 7)
    half, most, whole = (
        snapped(picture, [mask], [0.9], strength)[0].probability for strength in (0.5, 0.75, 1.0)
    )
    assert set(np.unique(whole)) == {0.0, 1.0}
    np.testing.assert_allclose(most, (half + whole) / 2, atol=1e-6)
    assert snapped(picture, [mask], [0.9], 0.0)[0] is mask
    assert snapped(picture, [], [], 0.5) == []


def test_rough_masks_are_mixed_in_where_they_belong() -> None:
    rough = np.zeros((160, 220), np.uint8)
    rough[30:40, 50:70] = 255
    refined = Refined(np.full((20, 30), 0.4, np.float32), (50, 30))
    mixed = averaged(refined, rough, 0.25)
    assert mixed.probability[0, 0] == pytest.approx(0.3 + 0.25)
    assert mixed.probability[15, 0] == pytest.approx(0.3)
    assert averaged(refined, rough, 0.0) is refined


def test_what_a_person_drew_is_not_mixed_in() -> None:
    refined = Refined(np.full((160, 220), 0.4, np.float32))
    rough = np.where(LEFT, 255, 0).astype(np.uint8)
    settings = RefineSettings(rough_share=0.5)
    drawn, found = Rough(LEFT), Rough(LEFT, 0.9, None, rough)
    kept, mixed = settled(drawing(), [drawn, found], [refined, refined], settings)
    assert kept is refined
    assert mixed.probability[80, 70] == pytest.approx(0.7)
