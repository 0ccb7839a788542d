from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.style.noise import NoiseField

FIELD = NoiseField((40, 56), seed=7)


def test_level_0_is_what_torch_draws() -> None:
    drawn = torch.randn((1, 4, 40, 56), generator=torch.Generator().manual_seed(7))
    assert torch.equal(FIELD.crop(0, 0, 0, 40, 56), drawn)


@pytest.mark.parametrize("level", [-2, -1, 0, 1, 2, 3])
def test_white_at_every_level(level: int) -> None:
    rows, columns = (max(8, round(size * 2**level)) for size in (32, 48))
    cells = FIELD.crop(level, 0, 0, rows, columns)
    assert cells.shape == (1, 4, rows, columns)
    spread = 4 / cells.numel() ** 0.5
    assert abs(cells.mean()) < spread
    assert abs(cells.var() - 1) < 2 * spread
    for neighbours in (cells[..., 1:, :] * cells[..., :-1, :], cells[..., 1:] * cells[..., :-1]):
        assert abs(neighbours.mean()) < 1.5 * spread


@pytest.mark.parametrize("level", [-1, 0, 1, 2])
def test_a_cell_is_the_sum_of_its_children_over_two(level: int) -> None:
    parents = FIELD.crop(level, 4, 2, 12, 14)
    children = FIELD.crop(level + 1, 8, 4, 24, 28)
    torch.testing.assert_close(F.avg_pool2d(children, 2) * 2, parents, atol=1e-5, rtol=0)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), level=st.integers(-2, 3))
def test_overlapping_crops_agree(data: st.DataObject, level: int) -> None:
    """However the field is cut into pieces, a place has one value."""
    rows, columns = (int(size * 2**level) for size in (40, 56))
    top = data.draw(st.integers(0, rows - 2))
    left = data.draw(st.integers(0, columns - 2))
    height = data.draw(st.integers(1, min(40, rows - top)))
    width = data.draw(st.integers(1, min(40, columns - left)))
    piece = FIELD.crop(level, top, left, height, width)
    first_row, first_column = max(0, top - 3), max(0, left - 2)
    around = FIELD.crop(
        level, first_row, first_column, height + top - first_row, width + left - first_column
    )
    torch.testing.assert_close(
        around[..., top - first_row :, left - first_column :], piece, atol=1e-5, rtol=0
    )


def test_seeds() -> None:
    one, same = (NoiseField((8, 8), 3).crop(2, 5, 6, 9, 7) for _ in range(2))
    assert torch.equal(one, same)
    for level in (0, 2):
        other = NoiseField((40, 56), 8).crop(level, 0, 0, 8, 8)
        assert not torch.equal(FIELD.crop(level, 0, 0, 8, 8), other)
