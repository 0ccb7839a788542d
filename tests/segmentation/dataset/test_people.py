"""Checks of material by a segmenter."""

from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.people import Person, is_alone, is_empty, people_finder
from tests.segmentation.dataset.material import figure

PICTURE = np.zeros((100, 100, 3), np.uint8)
HALF = np.zeros((100, 100, 4), np.uint8)
HALF[:50, :, 3] = 255


@pytest.mark.parametrize(
    ("people", "highest"),
    [([], 0.0), ([Person(0.3, 0.2)], 0.3), ([Person(0.9, 0.0001), Person(0.2, 0.1)], 0.2)],
)
def test_doubtful_and_tiny_people_do_not_keep_a_background_out(
    people: list[Person], highest: float
) -> None:
    assert is_empty(PICTURE, lambda _: people, 0.5, 0.002) == highest


def test_people_keep_a_background_out() -> None:
    with pytest.raises(InvalidInput, match=r"somebody is in it: 10\.0% .* 0\.80"):
        is_empty(PICTURE, lambda _: [Person(0.8, 0.1), Person(0.6, 0.3)], 0.5, 0.002)


@pytest.mark.parametrize(
    "people",
    [[], [Person(0.9, 0.4)], [Person(0.9, 0.4), Person(0.4, 0.3)],
     [Person(0.9, 0.4), Person(0.9, 0.05)]],
)  # fmt: skip
def test_one_large_character_is_alone(people: list[Person]) -> None:
    is_alone(HALF, lambda _: people)


def test_two_large_characters_are_not_alone() -> None:
    with pytest.raises(InvalidInput, match="several subjects: the segmenter sees 2"):
        is_alone(HALF, lambda _: [Person(0.9, 0.3), Person(0.6, 0.11)])


def test_cutouts_are_shown_over_grey() -> None:
    seen = []
    is_alone(HALF, lambda rgb: seen.append(rgb) or [])
    assert np.array_equal(seen[0][0, 0], [0, 0, 0])
    assert np.array_equal(seen[0][-1, 0], [200, 200, 200])


@pytest.mark.slow
def test_the_embedded_model_is_asked() -> None:
    doll = figure(np.random.default_rng(3))[..., [2, 1, 0, 3]].repeat(4, 0).repeat(4, 1)
    people = people_finder()(np.where(doll[..., 3:] > 0, doll[..., :3], 220).astype(np.uint8))
    assert all(0 <= person.share <= 1 and 0 <= person.score <= 1 for person in people)
    assert people_finder()(np.full((200, 200, 3), 120, np.uint8)) == []
