from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.depth import POOLS, pool_depth
from cartoonedit.errors import InvalidInput

DEPTH = np.linspace(0, 1, 90, dtype=np.float32)[:, None].repeat(160, axis=1)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((90, 160), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


@pytest.mark.parametrize(("how", "expected"), [("mean", 0.5), ("median", 0.5), ("base", 69 / 89)])
def test_of_a_box(how: str, expected: float) -> None:
    assert pool_depth(DEPTH, box(10, 20, 30, 70), how) == pytest.approx(expected, abs=0.02)


def test_mean_weighs_by_alpha() -> None:
    mask = np.zeros((90, 160), np.uint8)
    mask[0], mask[89] = 255, 51
    assert pool_depth(DEPTH, mask, "mean") == pytest.approx(1 / 6)


@pytest.mark.parametrize("how", POOLS)
def test_constant_depth_stays(how: str) -> None:
    constant = np.full((90, 160), 0.3, np.float32)
    assert pool_depth(constant, box(3, 4, 9, 60) // 2, how) == pytest.approx(0.3)


@pytest.mark.parametrize("how", POOLS)
def test_empty(how: str) -> None:
    assert pool_depth(DEPTH, box(0, 0, 0, 0), how) == 0.5


def test_wrong_input() -> None:
    with pytest.raises(InvalidInput, match="mean, median, base"):
        pool_depth(DEPTH, box(0, 0, 9, 9), "max")
    with pytest.raises(InvalidInput, match="one size"):
        pool_depth(DEPTH[:5], box(0, 0, 9, 9))
