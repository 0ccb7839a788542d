from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.structure import line_agreement, structure_score, thin_lines

PAPER, INK = (240, 230, 220), (30, 20, 40)


def drawing(
    x: int = 60, *, size: tuple[int, int] = (300, 200), paper: Sequence[int] = PAPER, thick: int = 2
) -> Any:
    """A circle and an upright line, drawn in ink from ``x`` on."""
    picture = np.full((size[1], size[0], 3), paper, np.uint8)
    cv2.circle(picture, (x + 40, 100), 35, INK, thick, cv2.LINE_AA)
    cv2.line(picture, (x, 30), (x, 170), INK, thick)
    return picture


BLANK = np.full((200, 300, 3), PAPER, np.uint8)


@pytest.mark.parametrize(
    ("source", "result", "low", "high"),
    [
        (drawing(), drawing(), 1, 1),
        (drawing(), drawing(61), 1, 1),
        (drawing(), drawing(paper=(120, 200, 250)), 0.99, 1),
        (drawing(), drawing(thick=4), 0.9, 1),
        (drawing(), drawing(200), 0, 0),
        (drawing(), drawing(64), 0, 0.4),
        (BLANK, BLANK, 1, 1),
        (BLANK, drawing(), 0, 0),
        (drawing(), BLANK, 0, 0),
        (drawing(), np.minimum(drawing(), drawing(200)), 0.6, 0.7),
        (np.minimum(drawing(), drawing(200)), drawing(), 0.6, 0.7),
        (BLANK[:1, :1], BLANK[:1, :1], 1, 1),
    ],
    ids=["the same", "moved by a pixel", "recoloured", "with a broader pen", "elsewhere",
         "moved too far", "both blank", "lines from nothing", "lines lost", "as many lines added",
         "half of the lines lost", "one pixel"],
)  # fmt: skip
def test_structure(source: Any, result: Any, low: float, high: float) -> None:
    assert low <= structure_score(source, result) <= high


def test_tolerance_grows_with_the_picture() -> None:
    """Three pixels are too far at 300 pixels, and close at 900."""
    source, moved = (np.kron(drawing(x), np.ones((3, 3, 1), np.uint8)) for x in (60, 61))
    assert structure_score(source, moved) > 0.99
    assert structure_score(drawing(), drawing(63)) < 0.5


@pytest.mark.parametrize("size", [(600, 400), (150, 100), (304, 200)])
def test_a_result_of_another_size(size: tuple[int, int]) -> None:
    result = cv2.resize(drawing(), size, interpolation=cv2.INTER_AREA)
    assert structure_score(drawing(), result) > 0.9


def test_another_picture_altogether() -> None:
    with pytest.raises(InvalidInput, match="200x300 pixels and its source 300x200"):
        structure_score(drawing(), drawing().transpose(1, 0, 2).copy())


@pytest.mark.parametrize("thick", [1, 3, 6])
def test_lines_are_thinned_to_their_middle(thick: int) -> None:
    picture = np.full((512, 512, 3), PAPER, np.uint8)
    cv2.line(picture, (0, 200), (511, 200), INK, thick)
    lines = thin_lines(picture)
    rows = np.flatnonzero(lines.any(axis=1))
    assert lines.any(axis=0).all(), "without a gap"
    assert 1 <= len(rows) <= 2 and np.abs(rows - 200).max() <= 1


def at(*columns: int) -> Any:
    lines = np.zeros((9, 40), np.bool_)
    lines[:, list(columns)] = True
    return lines


@pytest.mark.parametrize(
    ("source", "result", "tolerance", "expected"),
    [
        (at(10), at(10), 1, 1),
        (at(10), at(12), 2, 1),
        (at(10), at(12), 1.9, 0),
        (at(10, 30), at(10), 1, 2 / 3),  # precision 1, recall 1/2
        (at(10), at(10, 20, 30), 1, 1 / 2),  # precision 1/3, recall 1
        (at(10, 20), at(20, 30), 1, 1 / 2),
        (at(), at(), 1, 1),
        (at(), at(10), 1, 0),
        (at(10), at(), 1, 0),
    ],
)
def test_agreement(source: Any, result: Any, tolerance: float, expected: float) -> None:
    assert line_agreement(source, result, tolerance=tolerance) == pytest.approx(expected)
