"""One mask per character, one character per pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from numpy.typing import NDArray

from segmentation.separate import one_owner_per_pixel, without_duplicates


def block(x1: int, y1: int, x2: int, y2: int, alpha: int = 255) -> NDArray[np.uint8]:
    mask = np.zeros((60, 80), np.uint8)
    mask[y1:y2, x1:x2] = alpha
    return mask


def test_duplicates_and_parts_go_neighbours_stay() -> None:
    body = block(10, 10, 40, 50)
    almost = block(11, 10, 41, 50)
    head = block(15, 10, 35, 22)
    neighbour = block(30, 10, 70, 50)
    scores = [0.9, 0.8, 0.4, 0.3]
    assert without_duplicates([body, almost, head, neighbour], scores, 0.8) == [0, 3]
    assert without_duplicates([head, body], [0.9, 0.5], 0.8) == [0]
    assert without_duplicates([head, body], [0.9, 0.8], 0.8) == [0, 1]  # both are certain
    assert without_duplicates([body, almost], [0.9, 0.8], 1.0) == [0, 1]
    assert without_duplicates([], [], 0.8) == []


def test_duplicates_in_a_large_picture() -> None:
    large = np.zeros((3000, 4000), np.uint8)
    large[500:2500, 1000:2000] = 255
    shifted = [np.roll(large, by, axis=1) for by in (0, 40, 1500)]
    assert without_duplicates(shifted, [0.9, 0.8, 0.7], 0.8) == [0, 2]


def test_a_pixel_goes_to_the_larger_alpha_and_ties_to_the_first() -> None:
    first, second = block(10, 10, 40, 40), block(30, 10, 60, 40)
    second[10:40, 38:42] = 254
    left, right = one_owner_per_pixel([first, second])
    assert left is not None and right is not None
    np.testing.assert_array_equal(left, first)
    assert not right[:, :40].any() and (right[10:40, 42:60] == 255).all()


def test_an_unsure_mask_bites_nothing_out_of_a_certain_one() -> None:
    certain, unsure = block(10, 10, 40, 40, 200), block(30, 10, 60, 40, 250)
    left, right = one_owner_per_pixel([certain, unsure], [0.9, 0.4])
    assert left is not None and right is not None
    np.testing.assert_array_equal(left, certain)
    assert not right[:, :40].any()


def test_what_another_covers_is_gone() -> None:
    assert one_owner_per_pixel([block(10, 10, 40, 40), block(12, 12, 30, 30)])[1] is None
    rim = one_owner_per_pixel([block(11, 11, 40, 40), block(10, 10, 40, 40)])[1]
    assert rim is None  # next to nothing is left
    assert one_owner_per_pixel([block(0, 0, 0, 0)]) == [None]
    assert one_owner_per_pixel([]) == []


MASKS = st.lists(nps.arrays(np.uint8, (6, 7)), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(MASKS)
def test_no_pixel_has_two_owners(alphas: list[NDArray[np.uint8]]) -> None:
    before = [alpha.copy() for alpha in alphas]
    kept = [mask for mask in one_owner_per_pixel(alphas) if mask is not None]
    assert np.sum([mask > 0 for mask in kept], axis=0).max(initial=0) <= 1
    for mask in kept:
        assert (mask >= 128).any()
    for alpha, copy in zip(alphas, before, strict=True):
        np.testing.assert_array_equal(alpha, copy)
