from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cartoonedit.inpaint.tiles import Mosaic, plan_tiles
from tests.cartoonedit.inpaint.pictures import noise


@pytest.mark.parametrize(
    ("shape", "side", "overlap", "grid"),
    [
        ((64, 64), 64, 16, (1, 1)),
        ((40, 64), 64, 16, (1, 1)),
        ((64, 72), 64, 16, (1, 2)),
        ((112, 160), 64, 16, (2, 3)),
        ((96, 320), 64, 32, (2, 9)),
    ],
)
def test_tiles_cover_everything(
    shape: tuple[int, int], side: int, overlap: int, grid: tuple[int, int]
) -> None:
    tiles = plan_tiles(np.ones(shape, bool), side, overlap)
    assert len(tiles) == grid[0] * grid[1]
    covered = np.zeros(shape, int)
    for rows, columns in tiles:
        assert rows.start % 8 == columns.start % 8 == 0
        assert rows.stop - rows.start == min(side, shape[0])
        assert columns.stop - columns.start == min(side, shape[1])
        covered[rows, columns] += 1
    assert covered.min() == 1
    starts = sorted({columns.start for _, columns in tiles})
    assert all(b - a <= side - overlap for a, b in pairwise(starts))


def test_only_tiles_that_touch_the_hole() -> None:
    hole = np.zeros((256, 256), bool)
    hole[240, 10:20] = True
    (tile,) = plan_tiles(hole, 64, 16)
    assert hole[tile].any()


@pytest.fixture
def two() -> list[tuple[slice, slice]]:
    return plan_tiles(np.ones((16, 48), bool), 32, 16)


def test_a_later_tile_knows_the_nearer_half_of_the_overlap(two: list) -> None:
    hole = np.ones((16, 48), bool)
    mosaic = Mosaic(noise(16, 48), overlap=16)
    assert mosaic.open_part(two[0], hole).all()
    mosaic.put(two[0], np.zeros((16, 32, 3), np.uint8))
    still_open = mosaic.open_part(two[1], hole)
    assert not still_open[:, :8].any() and still_open[:, 8:].all()


def test_tiles_blend_without_a_step(two: list) -> None:
    mosaic = Mosaic(np.full((16, 48, 3), 77, np.uint8), overlap=16)
    mosaic.put(two[0], np.zeros((16, 32, 3), np.uint8))
    assert (mosaic.look(two[1])[:, 16:] == 77).all()  # nothing there yet
    mosaic.put(two[1], np.full((16, 32, 3), 200, np.uint8))
    row = mosaic.picture()[8, :, 0].astype(int)
    assert (row[:16] == 0).all() and (row[32:] == 200).all()
    assert (np.diff(row[15:33]) > 0).all() and np.diff(row).max() < 20


def test_equal_tiles_give_the_picture_back() -> None:
    picture = noise(64, 96)
    mosaic = Mosaic(np.zeros_like(picture), overlap=16)
    for tile in plan_tiles(np.ones((64, 96), bool), 32, 16):
        mosaic.put(tile, picture[tile])
    np.testing.assert_array_equal(mosaic.picture(), picture)
