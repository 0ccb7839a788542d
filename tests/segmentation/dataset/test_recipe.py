"""Recipes and their layouts."""

from __future__ import annotations

from typing import Any

import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.recipe import PAPER, RECIPES, Recipe, parse_shares


@pytest.mark.parametrize(
    ("layout", "shares"),
    [
        ("photo", {"photo": 1.0}),
        ("photo=3 huddle=1", {"photo": 0.75, "huddle": 0.25}),
        ("row=0.5,free=0.5", {"row": 0.5, "free": 0.5}),
        ("row row=1 free=2", {"row": 0.5, "free": 0.5}),
    ],
)
def test_shares(layout: str, shares: dict[str, float]) -> None:
    assert parse_shares(layout) == pytest.approx(shares)


@pytest.mark.parametrize("layout", ["", "  ", "crowd", "row=0", "row=-1", "row=x", "row=nan", "=1"])
def test_senseless_layouts_are_refused(layout: str) -> None:
    with pytest.raises(InvalidInput, match="placing must"):
        Recipe(placing=layout)


@pytest.mark.parametrize(
    "wrong",
    [{"mean_subjects": 0}, {"mean_subjects": 1e9}, {"grey": 1.1}, {"jpeg": -0.1},
     {"shadow": float("nan")}, {"jpeg_qualities": ""}, {"jpeg_qualities": "75 101"},
     {"jpeg_qualities": "best"}],
)  # fmt: skip
def test_senseless_numbers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Recipe(**wrong)


def test_the_default_is_the_papers() -> None:
    assert RECIPES["paper"] == PAPER == Recipe()
    assert (PAPER.mean_subjects, PAPER.match_histogram, PAPER.quantise) == (2.5, 0.2, 0.25)
    assert PAPER.qualities() == (75, 85, 95)
