"""Illustrations with a transparent background: what is good enough."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.material_options import CutoutOptions
from segmentation.dataset.stills import take_subject

SMALL = CutoutOptions(min_size=40)


def still(draw: Callable[[np.ndarray], object], alpha: int = 0) -> np.ndarray:
    rgba = np.full((200, 160, 4), 90, np.uint8)
    rgba[..., 3] = alpha
    draw(rgba)
    return rgba


def oval(rgba: np.ndarray, centre: tuple[int, int] = (80, 100), alpha: int = 255) -> None:
    cv2.ellipse(rgba, centre, (40, 70), 0, 0, 360, (200, 60, 60, alpha), -1)


def test_the_subject_is_cropped_and_measured() -> None:
    rgba = still(oval)
    rgba[5, 5, 3] = 3  # haze
    piece, quality = take_subject(rgba, SMALL)
    assert piece.shape == (141, 81, 4)
    assert (quality.width, quality.height, quality.parts, quality.cut) == (81, 141, 1, "")
    assert quality.coverage == pytest.approx(np.pi / 4, abs=0.02)
    assert quality.solid == 1
    assert np.array_equal(piece[70, 40], [200, 60, 60, 255])


REFUSED = {
    "opaque": lambda rgba: rgba[..., 3].fill(255),
    "small": lambda rgba: cv2.circle(rgba, (80, 80), 9, (9, 9, 9, 255), -1),
    "translucent": lambda rgba: oval(rgba, alpha=120),
    "several subjects": lambda rgba: [
        cv2.circle(rgba, (x, 100), 30, (9, 9, 9, 255), -1) for x in (40, 120)
    ],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_single_clean_subject_is_refused(reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        take_subject(still(REFUSED[reason]), SMALL)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(InvalidInput, match="small"):
        take_subject(np.zeros((1, 1, 4), np.uint8), SMALL)


def test_small_parts_belong_to_the_subject() -> None:
    piece, quality = take_subject(
        still(lambda rgba: [oval(rgba), cv2.circle(rgba, (140, 60), 9, (9, 9, 9, 255), -1)]), SMALL
    )
    assert quality.parts == 2
    assert piece.shape[1] == 110


@pytest.mark.parametrize(
    ("centre", "cut"),
    [((80, 180), "bottom"), ((10, 100), "left"), ((150, 20), "top right"), ((80, 130), ""),
     ((80, 129), "")],
)  # fmt: skip
def test_straight_ends_at_the_border_are_marked(centre: tuple[int, int], cut: str) -> None:
    _, quality = take_subject(still(lambda rgba: oval(rgba, centre)), SMALL)
    assert quality.cut == cut


@pytest.mark.parametrize("wrong", [{"min_size": 1}, {"min_clear": 0.0}, {"min_clear": 1.5}])
def test_senseless_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        CutoutOptions(**wrong)  # type: ignore[arg-type]
