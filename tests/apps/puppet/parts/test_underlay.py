"""What limbs hide."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.puppet.parts.underlay import complete_colours, hidden_trunk


def scene(*limb: tuple[slice, slice]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """A body of 60 x 80 in the middle of 100 x 100 pixels, and limbs over it and beside it."""
    inside = np.zeros((100, 100), np.bool_)
    inside[10:90, 20:80] = True
    sheets = np.zeros(inside.shape, np.int32)
    for number, place in enumerate(limb, 1):
        inside[place] = True
        sheets[place] = number
    return sheets, inside


ACROSS = np.s_[40:50, 20:80]
DOWN = np.s_[20:75, 45:55]
BESIDE = np.s_[20:80, 80:92]
STICKING_OUT = np.s_[40:50, 80:100]


@pytest.mark.parametrize(
    ("limb", "least", "most"),
    [(ACROSS, 0.8, 1.0), (DOWN, 0.95, 1.0), (BESIDE, 0.0, 0.02), (STICKING_OUT, 0.0, 0.05)],
)
def test_only_limbs_before_the_body_hide_it(
    limb: tuple[slice, slice], least: float, most: float
) -> None:
    sheets, inside = scene(limb)
    hidden = hidden_trunk(sheets, inside)
    assert least <= hidden[limb].mean() <= most
    assert not hidden[sheets == 0].any()


def test_limbs_that_cross_before_the_body_hide_it_together() -> None:
    sheets, inside = scene(ACROSS, DOWN)
    assert hidden_trunk(sheets, inside)[40:50, 45:55].mean() > 0.9


@pytest.mark.parametrize("sheet", [0, 1])
def test_without_a_limb_or_a_trunk_nothing_is_hidden(sheet: int) -> None:
    inside = np.ones((5, 7), np.bool_)
    assert not hidden_trunk(np.full((5, 7), sheet, np.int32), inside).any()


def test_the_body_is_completed_with_its_own_colours_alone() -> None:
    sheets, inside = scene(DOWN)
    colours = np.full((100, 100, 3), (250, 250, 0), np.uint8)  # what is around it is never taken
    stripes = np.where(np.arange(100) // 6 % 2, 60, 160).astype(np.uint8)[:, None]
    body = inside & (sheets == 0)
    colours[body] = np.dstack([stripes.repeat(100, axis=1)] * 3)[body]
    colours[sheets == 1] = (255, 0, 0)
    hidden = hidden_trunk(sheets, inside)
    filled = complete_colours(colours, body, hidden)
    np.testing.assert_array_equal(filled[~hidden], colours[~hidden])
    spread = np.ptp(filled[hidden].astype(int), axis=1)
    assert spread.max() <= 12  # grey as the body is
    # Where they are well inside, the stripes go on.
    off = np.abs(filled[26:70, 50, 0].astype(int) - stripes[26:70, 0])
    assert np.median(off) <= 20


def test_beneath_a_hand_the_trunk_goes_on_to_the_leg_behind_it() -> None:
    # A body whose lower end is a leg, and a hand over where the two meet.
    hand = np.s_[55:70, 15:85]
    sheets, inside = scene(np.s_[55:90, 20:80], hand)
    sheets[hand] = 3
    assert hidden_trunk(sheets, inside, legs=1)[58:67, 25:75].mean() > 0.9
    assert not hidden_trunk(sheets, inside)[58:67, 25:75].any()


def test_no_notch_is_left_where_a_limb_crosses_the_edge_of_the_body() -> None:
    # The shortest ways across lead out of the body there.
    sheets, inside = scene(np.s_[40:52, 20:80])
    assert hidden_trunk(sheets, inside)[41:51, 21:79].mean() > 0.92
