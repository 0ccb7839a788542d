"""Things that are no characters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segmentation.dataset import clutter
from segmentation.dataset.clutter import draw_patch, scatter_clutter
from segmentation.dataset.sources import Library
from tests.segmentation.dataset.material import write_art


@pytest.mark.parametrize("draw", clutter._DRAWINGS, ids=lambda draw: draw.__name__)
def test_every_drawing_leaves_a_mark_in_both_colours(draw: clutter.Drawing) -> None:
    canvas = np.full((120, 120, 3), 128, np.uint8)
    draw(canvas, np.random.default_rng(0), (50, 60), 24, (250, 10, 10), (10, 10, 10))
    changed = (canvas != 128).any(axis=2)
    assert 0.002 < changed.mean() < 0.8
    assert (canvas[changed].min(axis=1) < 60).any()


def test_clutter_repeats_with_its_seed() -> None:
    canvases = [np.full((90, 130, 3), 200, np.uint8) for _ in range(3)]
    for canvas, seed in zip(canvases, (1, 1, 2), strict=True):
        scatter_clutter(canvas, np.random.default_rng(seed))
    np.testing.assert_array_equal(canvases[0], canvases[1])
    assert not np.array_equal(canvases[0], canvases[2])


def test_patches_are_lumps_of_a_background(tmp_path: Path) -> None:
    library = Library.from_folder(write_art(tmp_path) / "backgrounds")
    shares = []
    for seed in range(30):
        patch = draw_patch(library, np.random.default_rng(seed), 64)
        assert patch.shape == (64, 64, 4)
        alpha = patch[..., 3]
        # It ends before its square does: no straight cut shows.
        assert not alpha[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        shares.append((alpha > 127).mean())
    assert 0.15 < np.median(shares) < 0.7
