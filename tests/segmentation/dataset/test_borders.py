"""Borders of a picture that a box reaches."""

from __future__ import annotations

import pytest

from segmentation.dataset.borders import kind_by, touched_borders


@pytest.mark.parametrize(
    ("offset", "size", "borders"),
    [((1, 1), (8, 18), ()), ((0, 1), (8, 19), ("left",)), ((1, 2), (8, 19), ("right", "bottom")),
     ((0, 0), (10, 20), ("left", "top", "right", "bottom"))],
)  # fmt: skip
def test_borders(offset: tuple[int, int], size: tuple[int, int], borders: tuple[str, ...]) -> None:
    assert touched_borders(offset, size, (10, 20)) == borders
    assert kind_by(borders) == ("character-half" if "bottom" in borders else "")
