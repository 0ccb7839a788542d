"""Composed scenes: exact masks, and the same bytes for the same numbers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.coarse import coarse_like
from segmentation.dataset.compose import MIN_VISIBLE, Sources, compose
from segmentation.dataset.recipe import RECIPES, Recipe
from segmentation.dataset.sources import Library, PictureFile
from tests.segmentation.dataset.material import write_art


def test_a_scene_is_a_function_of_seed_and_index(sources: Sources) -> None:
    first = compose(sources, 3, 17, (96, 64))
    compose(sources, 3, 18, (96, 64))
    again = compose(sources, 3, 17, (96, 64))
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.alphas, again.alphas)
    other = compose(sources, 4, 17, (96, 64))
    assert not np.array_equal(first.picture, other.picture)


def test_visible_parts_share_no_pixel(sources: Sources) -> None:
    counts = []
    for index in range(40):
        sample = compose(sources, 0, index, (80, 80))
        assert sample.picture.shape == (80, 80, 3)
        assert sample.picture.dtype == sample.alphas.dtype == np.uint8
        assert sample.alphas.astype(int).sum(0).max(initial=0) <= 255 + len(sample.alphas)
        counts.append(len(sample.alphas))
    assert min(counts) == 0 or min(counts) == 1
    assert max(counts) >= 3


def test_hidden_subjects_leave_the_scene() -> None:
    from segmentation.dataset.compose import _keep_visible, _Layer

    file = PictureFile(Path("x.png"), "x")

    def square(left: int, side: int) -> _Layer:
        return _Layer(np.full((side, side, 4), 255, np.uint8), left, 0, (40, 40), file)

    hidden, front, beside = square(0, 10), square(0, 20), square(25, 10)
    shown = _keep_visible([hidden, beside, front], (40, 40))
    assert shown.layers == [beside, front]
    assert [int((a > 0).sum()) for a in shown.alphas] == [100, 400]
    barely = int(10 * (1 - MIN_VISIBLE)) - 1
    peeping = square(20 - barely, 10)
    shown = _keep_visible([peeping, front], (40, 40))
    assert shown.layers == [peeping, front]
    assert [int((a > 0).sum()) for a in shown.alphas] == [10 * (10 - barely), 400]
    assert [int((a > 0).sum()) for a in shown.amodal] == [100, 400]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_what_is_seen_is_part_of_what_is_there(sources: Sources, recipe: Recipe) -> None:
    hidden = 0
    for index in range(30):
        sample = compose(sources, 5, index, (80, 80), recipe)
        assert len(sample.alphas) == len(sample.amodal) == len(sample.files) <= sample.drawn
        assert (sample.alphas <= sample.amodal).all()
        seen, whole = ((a > 127).sum((1, 2)) for a in (sample.alphas, sample.amodal))
        assert (seen >= 0.2 * whole).all()
        hidden += int((seen < whole).sum())
        if len(sample.amodal):  # nothing stands before the foremost, unless it is a barrier
            assert recipe.barrier or (sample.alphas[-1] == sample.amodal[-1]).all()
        if sample.jpeg is not None:
            decoded = cv2.imdecode(np.frombuffer(sample.jpeg, np.uint8), cv2.IMREAD_COLOR)
            np.testing.assert_array_equal(decoded[..., ::-1], sample.picture)
    assert hidden >= 3


def test_every_scene_of_the_paper_shows_somebody(sources: Sources) -> None:
    samples = [
        compose(sources, 9, index, (64, 64), Recipe(mean_subjects=0.1)) for index in range(60)
    ]
    assert all(len(sample.alphas) for sample in samples)
    assert all(sample.jpeg for sample in samples)


def test_rough_masks_overlap_the_truth() -> None:
    rng = np.random.default_rng(1)
    canvas = np.zeros((120, 120), np.uint8)
    cv2.ellipse(canvas, (60, 60), (25, 40), 0, 0, 360, 1, -1)
    truth = canvas > 0
    ious = []
    for _ in range(60):
        rough = coarse_like(truth, np.zeros((0, 120, 120), bool), rng)
        ious.append((rough & truth).sum() / (rough | truth).sum())
    assert 0.6 < np.median(ious) < 0.98
    assert min(ious) > 0.2


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no pictures"):
        Library.from_folder(tmp_path)


def test_sources_count_less_than_their_size(tmp_path: Path) -> None:
    art = write_art(tmp_path, per_source={"few": 2, "many": 32})
    library = Library.from_folder(art / "foregrounds", boosts={"few": 2.0})
    rng = np.random.default_rng(0)
    drawn = [library.draw_source(rng) for _ in range(3000)]
    expected = 2 * 2**0.6 / (2 * 2**0.6 + 32**0.6)
    assert drawn.count("few") / 3000 == pytest.approx(expected, abs=0.03)
