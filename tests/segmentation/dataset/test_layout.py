"""Where characters stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.dataset.layout import Figure, draw_count, draw_placements
from segmentation.dataset.photos import PersonPhotos
from segmentation.dataset.recipe import LAYOUT_NAMES

figures = st.lists(st.builds(Figure, st.floats(0.1, 8), st.booleans()), min_size=1, max_size=12)
PHOTO = (np.array([[0.1, 0.2, 0.2, 0.6], [0.5, 0.1, 0.6, 0.3], [0.7, 0.5, 0.3, 0.3]]), (1.0, 1.0))


@pytest.mark.parametrize("mean", [0.3, 2.5])
def test_counts_are_poisson_and_at_least_one(mean: float) -> None:
    rng = np.random.default_rng(0)
    counts = np.array([draw_count(rng, mean) for _ in range(20000)])
    assert counts.min() == 1
    assert counts.mean() == pytest.approx(mean + np.exp(-mean), abs=0.03)
    for count in (2, 3, 4):
        expected = np.exp(-mean) * mean**count / np.prod(np.arange(1, count + 1))
        assert (counts == count).mean() == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", LAYOUT_NAMES)
@settings(deadline=None, max_examples=40)
@given(figures=figures, seed=st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_everybody_gets_one_place(kind: str, figures: list[Figure], seed: int) -> None:
    photos = PersonPhotos([PHOTO])
    places = [
        draw_placements(np.random.default_rng(seed), figures, {kind: 1.0}, photos) for _ in (0, 1)
    ]
    assert places[0] == places[1]
    assert sorted(place.figure for place in places[0]) == list(range(len(figures)))
    for place in places[0]:
        assert 0 < place.height <= 1.5
        assert -0.1 <= place.centre_x <= 1.1
        assert 0 < place.bottom <= 1.2


def test_subjects_take_the_boxes_closest_in_aspect_and_fill_their_area() -> None:
    tall, wide = Figure(1 / 3), Figure(2.0)
    rear, front = draw_placements(
        np.random.default_rng(0), [tall, wide], {"photo": 1.0}, PersonPhotos([PHOTO])
    )
    assert (rear.figure, front.figure) == (1, 0)  # the lower box is in front
    assert front.centre_x == pytest.approx(0.2)
    assert front.bottom == pytest.approx(0.8)
    assert front.height == pytest.approx(0.6)  # the very box, which has the figure's aspect
    assert rear.centre_x == pytest.approx(0.8)
    assert rear.height == pytest.approx(np.sqrt(0.6 * 0.3))


def test_a_photo_has_more_people_than_there_are_subjects() -> None:
    few, many = (PHOTO[0][:1], PHOTO[1]), PHOTO
    photos = PersonPhotos([few, many])
    rng = np.random.default_rng(0)
    drawn = [photos.draw(rng, 0) for _ in range(50)]
    assert {len(photo[0]) for photo in drawn if photo} == {1, 3}
    assert all(len(photo[0]) == 3 for photo in (photos.draw(rng, 1), photos.draw(rng, 2)) if photo)
    assert photos.draw(rng, 3) is None


def test_partitions_and_rows_keep_apart(tmp_path: Path) -> None:
    for seed in range(20):
        places = draw_placements(np.random.default_rng(seed), [Figure(0.5)] * 4, {"regular": 1.0})
        centres = sorted(place.centre_x for place in places)
        assert centres == pytest.approx([0.125, 0.375, 0.625, 0.875])
