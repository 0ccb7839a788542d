"""Counts over scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmentation.dataset.compose import Sample
from segmentation.dataset.layout import draw_count
from segmentation.dataset.sources import PictureFile
from segmentation.dataset.statistics import SceneStatistics


def sample(drawn: int, seen: list[int]) -> Sample:
    """A scene of 10x10 pixels whose characters of 10 pixels are seen to so many."""
    alphas = np.zeros((len(seen), 10, 10), np.uint8)
    amodal = alphas.copy()
    for number, pixels in enumerate(seen):
        amodal[number, number] = 255
        alphas[number, number, :pixels] = 255
    files = (PictureFile(Path("x"), "x"),) * len(seen)
    return Sample(np.zeros((10, 10, 3), np.uint8), alphas, amodal, files, drawn)


def test_parts_add_up() -> None:
    samples = [sample(1, [10]), sample(3, [10, 4]), sample(2, [9, 10])]
    together, parts = SceneStatistics(), [SceneStatistics() for _ in samples]
    for one, part in zip(samples, parts, strict=True):
        together.add(one)
        part.add(one)
    assert SceneStatistics.total(part.to_dict() for part in parts) == together
    assert (together.scenes, together.instances) == (3, 5)
    assert dict(together.visible) == {10: 3, 4: 1, 9: 1}
    assert together.rows(2.5)[1][:2] == ("1", "33.3 %")
    text = " ".join(together.summary(2.5))
    assert "2.00 drawn a scene, 1.67 shown" in text
    assert "partly hidden: 40.0 %" in text
    assert "more than half hidden: 20.0 %" in text


@pytest.mark.parametrize(("drawn_from", "tested_for", "fits"), [(2.5, 2.5, True), (2.5, 2.0, False),
                                                               (1.0, 1.0, True)])  # fmt: skip
def test_poisson_is_told_from_other_distributions(
    drawn_from: float, tested_for: float, fits: bool
) -> None:
    rng = np.random.default_rng(5)
    statistics = SceneStatistics()
    for _ in range(3000):
        statistics.drawn[draw_count(rng, drawn_from)] += 1
    assert (statistics.poisson_p_value(tested_for) > 0.01) == fits


def test_few_scenes_prove_nothing() -> None:
    assert np.isnan(SceneStatistics().poisson_p_value(2.5))
    SceneStatistics().rows(2.5)
    SceneStatistics().summary(2.5)
