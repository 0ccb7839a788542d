"""Light of the key on edges."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.dataset.despill import despill
from segmentation.dataset.keying import to_ycc

GREEN = to_ycc(np.array([0, 220, 30])) + np.zeros((60, 60, 3), np.float32)
ALPHA = np.zeros((60, 60), np.uint8)
ALPHA[10:50, 10:50] = 255


def lit(colour: tuple[int, int, int], share: float) -> np.ndarray:
    """A square whose outermost three pixels are lit by the key."""
    rgb = np.zeros((60, 60, 3), np.uint8) + np.array(colour, np.uint8)
    rim = np.ones((60, 60), bool)
    rim[13:47, 13:47] = False
    mixed = (1 - share) * rgb + share * np.array([0, 220, 30])
    return np.where(rim[..., None], mixed, rgb).round().astype(np.uint8)


@pytest.mark.parametrize("colour", [(230, 225, 220), (30, 30, 40), (240, 205, 185)])
def test_spill_is_taken_away(colour: tuple[int, int, int]) -> None:
    spilt = lit(colour, 0.3)
    cleaned = despill(spilt, ALPHA, GREEN, 4)

    def excess(rgb: np.ndarray) -> float:
        rim = rgb[11, 15:45].astype(float)
        return float(np.abs(to_ycc(rim)[:, 1:] - to_ycc(np.array(colour))[1:]).mean())

    assert excess(cleaned) < 0.6 * excess(spilt)


@pytest.mark.parametrize("colour", [(40, 160, 60), (230, 225, 220), (220, 190, 40)])
def test_colours_of_its_own_stay(colour: tuple[int, int, int]) -> None:
    plain = lit(colour, 0)
    assert np.abs(despill(plain, ALPHA, GREEN, 4).astype(int) - plain).max() <= 1


def test_only_edges_change() -> None:
    spilt = lit((230, 225, 220), 0.3)
    changed = (despill(spilt, ALPHA, GREEN, 4) != spilt).any(axis=2)
    assert not changed[16:44, 16:44].any()
    assert not changed[ALPHA == 0].any()
    opaque = np.full((60, 60), 255, np.uint8)
    assert np.array_equal(despill(spilt, opaque, GREEN, 4), spilt)
