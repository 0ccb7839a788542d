"""Scores of single pictures, and the sheet that shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.images import save_image
from cartoonedit.overlay import PALETTE
from segmentation.evaluate.contact_sheet import FOUND, IGNORED, TRUE, contact_sheet
from segmentation.evaluate.curves import draw_curves
from segmentation.evaluate.worst import picture_scores

Json = dict[str, Any]


def square(x: int, y: int, side: int, image_id: int = 1, **more: Any) -> Json:
    corners = [x, y, x + side, y, x + side, y + side, x, y + side]
    return {"image_id": image_id, "segmentation": [corners], "bbox": [x, y, side, side], **more}


def case(*annotations: Json, pictures: int = 1) -> Json:
    images = [
        {"id": n, "file_name": f"{n}.png", "width": 100, "height": 60}
        for n in range(1, pictures + 1)
    ]
    return {"images": images, "annotations": list(annotations)}


A, B = square(0, 0, 20), square(40, 10, 20)
SURE, HALF = {"score": 0.9}, {"score": 0.9, "segmentation": [[0, 0, 10, 0, 10, 20, 0, 20]]}
# What is there, what was found, and then: score, characters, found, wrong.
SCORES: dict[str, tuple[list[Json], list[Json], tuple[float, int, int, int]]] = {
    "all": ([A, B], [A | SURE, B | SURE], (1, 2, 2, 0)),
    "one missed": ([A, B], [A | SURE], (0.5, 2, 1, 0)),
    "one wrong": ([A], [A | SURE, B | SURE], (0.5, 1, 1, 1)),
    "found twice": ([A], [A | SURE, A | SURE], (0.5, 1, 1, 1)),
    "half": ([A], [A | HALF], (0.5, 1, 1, 0)),
    "less than half": ([A], [square(10, 10, 20, **SURE)], (100 / 700, 1, 0, 1)),
    "the better one is the partner": ([A], [A | HALF, A | SURE], (0.5, 1, 1, 1)),
    "unsure ones do not count": ([A], [A | SURE, B | {"score": 0.1}], (1, 1, 1, 0)),
    "nothing found": ([A], [], (0, 1, 0, 0)),
    "in an ignored region": ([A, B | {"iscrowd": 1}], [A | SURE, square(45, 15, 8, **SURE)],
                             (1, 1, 1, 0)),
    "beside an ignored region": ([A, B | {"iscrowd": 1}], [A | SURE, square(70, 10, 8, **SURE)],
                                 (0.5, 1, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", SCORES)
def test_scores(name: str) -> None:
    true, found, (score, characters, right, wrong) = SCORES[name]
    (result,) = picture_scores(found, case(*true))
    assert result.score == pytest.approx(score)
    assert (result.characters, result.found, result.wrong) == (characters, right, wrong)


def test_the_worst_come_first_and_an_empty_picture_is_perfect() -> None:
    truth = case(A, square(0, 0, 20, 2), square(0, 0, 20, 3), pictures=4)
    found = [A | SURE, A | HALF | {"image_id": 2}]
    order = picture_scores(found, truth)
    assert [(s.image_id, round(s.score, 2)) for s in order] == [(3, 0), (2, 0.5), (1, 1), (4, 1)]


def test_boxes_where_there_is_nothing_else() -> None:
    true = {k: v for k, v in A.items() if k != "segmentation"}
    (result,) = picture_scores([{"image_id": 1, "bbox": [0, 0, 20, 10], "score": 1}], case(true))
    assert result.score == pytest.approx(0.5)


def has(sheet: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(sheet.astype(int) - colour).max(axis=2) < 8).sum())


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(1, 6):
        size = (60, 100, 3)
        save_image(tmp_path / f"{number}.png", np.full(size, 40 * number, np.uint8))
    return tmp_path


def test_sheet_shows_truth_and_findings(pictures: Path) -> None:
    truth = case(A, square(5, 5, 30, 2), pictures=2)
    found = [B | SURE, square(0, 0, 9, 2, score=0.1)]
    scores = picture_scores(found, truth)
    bare = contact_sheet(scores, pictures, [], truth)
    full = contact_sheet(scores, pictures, found, truth, title="Käse")
    assert has(bare, TRUE) > 300 and has(full, TRUE) > 300
    assert has(full, FOUND) > has(bare, FOUND) + 300  # the legend is red in both
    lower = contact_sheet(scores, pictures, found, truth, threshold=0.05)
    assert has(lower, FOUND) > has(full, FOUND) + 100


def test_sheet_draws_ignored_regions_and_renderings(pictures: Path) -> None:
    truth = case(A, B | {"iscrowd": 1})
    scores = picture_scores([], truth)
    plain = contact_sheet(scores, pictures, [], truth)
    white = contact_sheet(scores, pictures, [], truth, render=lambda rgb: rgb * 0 + 255)
    assert has(plain, IGNORED) > has(contact_sheet(scores, pictures, [], case(A)), IGNORED) + 200
    assert has(white, (255, 255, 255)) > has(plain, (255, 255, 255)) + 10_000


@pytest.mark.parametrize("count", range(1, 6))
def test_sheet_of_any_number(pictures: Path, count: int) -> None:
    truth = case(A, pictures=5)
    sheet = contact_sheet(picture_scores([], truth)[:count], pictures, [], truth)
    assert sheet.dtype == np.uint8 and sheet.ndim == 3
    assert sheet.shape[1] >= 400 * min(count, 2)
    again = contact_sheet(picture_scores([], truth)[:count], pictures, [], truth)
    assert (sheet == again).all()


@pytest.mark.parametrize("size_wh", [(1, 1), (3000, 2), (2, 900)])
def test_sheet_of_odd_pictures(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    save_image(tmp_path / "ä.png", np.zeros((*size_wh[::-1], 3), np.uint8))
    image = {"id": 1, "file_name": "ä.png", "width": size_wh[0], "height": size_wh[1]}
    whole = {"image_id": 1, "bbox": [0, 0, *size_wh]}
    truth = {"images": [image], "annotations": [whole]}
    found = [{**whole, "score": 0.8}]
    sheet = contact_sheet(picture_scores(found, truth), tmp_path, found, truth)
    assert has(sheet, FOUND) > 0


def test_sheet_of_nothing(pictures: Path) -> None:
    with pytest.raises(InvalidInput, match="at least one picture"):
        contact_sheet([], pictures, [], case(A))


def near(sheet: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of about a colour: lines have soft edges."""
    return int((abs(sheet.astype(int) - colour).max(axis=2) < 80).sum())


def test_curves() -> None:
    one = draw_curves({"a": np.linspace(1, 0, 101)})
    two = draw_curves({"a": np.linspace(1, 0, 101), "日本": np.ones(101)})
    assert one.dtype == np.uint8 and two.shape[0] > one.shape[0]
    assert near(two, PALETTE[1]) > near(one, PALETTE[1]) + 300
