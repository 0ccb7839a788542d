"""Average precision: sensible answers to plain and to odd input."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.export import rle
from segmentation.evaluate import MEASURES, evaluate

Json = dict[str, Any]
SIDE = 64


def blob(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.ogrid[:SIDE, :SIDE]
    (x, y), (a, b) = rng.uniform(10, SIDE - 10, 2), rng.uniform(4, 24, 2)
    inside = ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1
    return (inside * 255).astype(np.uint8)


def box_of(mask: np.ndarray) -> list[float]:
    ys, xs = np.nonzero(mask)
    return [float(v) for v in (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)]


def annotation(mask: np.ndarray, image_id: int, **more: Any) -> Json:
    area = int((mask > 127).sum())
    return {"image_id": image_id, "category_id": 1, "segmentation": rle(mask), "area": area,
            "bbox": box_of(mask), **more}  # fmt: skip


def random_case(seed: int) -> tuple[Json, list[Json]]:
    rng = np.random.default_rng(seed)
    images = [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in range(8)]
    truth: list[Json] = []
    found: list[Json] = []
    for image_id in range(len(images)):
        for _ in range(rng.integers(0, 5)):
            mask = blob(rng)
            crowd = int(rng.random() < 0.15)
            truth.append(annotation(mask, image_id, id=len(truth) + 1, iscrowd=crowd))
            for _ in range(rng.integers(0, 3)):
                shifted = np.roll(mask, tuple(rng.integers(-4, 5, 2)), (0, 1))
                found.append(annotation(shifted, image_id, score=float(rng.random())))
        if rng.random() < 0.6:
            found.append(annotation(blob(rng), image_id, score=float(rng.random())))
    categories = [{"id": 1, "name": "character"}]
    return {"images": images, "annotations": truth, "categories": categories}, found


def test_a_perfect_answer_scores_one_and_none_scores_nothing() -> None:
    truth, _ = random_case(0)
    perfect = [{**a, "score": 0.5} for a in truth["annotations"] if not a["iscrowd"]]
    for values in evaluate(perfect, truth).values():
        assert all(values[name] in (-1, pytest.approx(1.0)) for name in set(MEASURES) - {"AR1"})
        assert values["APl"] == values["ARl"] == -1  # the pictures are too small for large ones
    for values in evaluate([], truth).values():
        assert all(values[name] in (-1, 0) for name in MEASURES)


def test_sizes_of_pictures_and_of_coco() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[4:30, 4:30] = 255  # 16 % of the picture, but smaller than 32 x 32
    image = {"id": 3, "file_name": "a.png", "width": SIDE, "height": SIDE}
    case = (
        [annotation(mask, 3, score=1.0)],
        {"images": [image], "annotations": [annotation(mask, 3)]},
    )
    names = ("APs", "APm", "APl")
    assert [evaluate(*case)["segm"][name] for name in names] == pytest.approx([1, -1, -1])
    by_share = evaluate(*case, sizes="picture")["segm"]
    assert [by_share[name] for name in names] == pytest.approx([-1, -1, 1])


def test_findings_below_the_threshold_do_not_count_as_wrong() -> None:
    truth, _ = random_case(0)
    true = [{**a, "score": 0.5} for a in truth["annotations"] if not a["iscrowd"]]
    unsure = [annotation(blob(np.random.default_rng(9)), 0, score=0.2) for _ in range(3)]
    at = {t: evaluate(true + unsure, truth, ["bbox"], threshold=t)["bbox"] for t in (0.1, 0.3, 0.6)}
    assert at[0.3]["precision"] == at[0.3]["recall"] == at[0.3]["F1"] == 1
    assert at[0.1]["precision"] < 1 == at[0.1]["recall"]
    assert at[0.6]["precision"] == at[0.6]["recall"] == at[0.6]["F1"] == 0
    assert at[0.1]["AP"] == at[0.3]["AP"] == at[0.6]["AP"]


def test_boundaries_are_stricter_than_masks() -> None:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[4:60, 4:60] = 255
    coarse = np.zeros_like(mask)
    coarse[6:58, 6:58] = 255  # IoU 0.86, but its boundary of 2 pixels shares nothing
    image = {"id": 3, "file_name": "a.png", "width": SIDE, "height": SIDE}
    truth = {"images": [image], "annotations": [annotation(mask, 3)]}
    result = evaluate([annotation(coarse, 3, score=1.0)], truth)
    assert result["segm"]["AP75"] == pytest.approx(1.0)
    assert result["boundary"]["AP50"] == 0.0


def test_categories_do_not_matter() -> None:
    truth, found = random_case(1)
    expected = evaluate(found, truth)
    for number, entry in enumerate(truth["annotations"] + found):
        entry["category_id"] = number % 3
    truth["categories"] = [{"id": 0, "name": "object"}]
    assert evaluate(found, truth) == expected


def test_files_and_coco_dicts_are_matched_by_file_name(tmp_path: Path) -> None:
    truth, found = random_case(2)
    expected = evaluate(found, truth)
    renumbered = {
        "images": [{**image, "id": image["id"] + 100} for image in truth["images"]]
        + [{"id": 1, "file_name": "another.png", "width": SIDE, "height": SIDE}],
        "annotations": [{**entry, "image_id": entry["image_id"] + 100} for entry in found]
        + [{**found[0], "image_id": 1}],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps(renumbered))
    assert evaluate(tmp_path / "found.json", str(tmp_path / "truth.json")) == expected


def test_boxes_only(shared: Path) -> None:
    truth = json.loads((shared / "art/dev/real/boxes.json").read_text())
    boxes = [
        {"image_id": a["image_id"], "bbox": a["bbox"], "score": 1.0} for a in truth["annotations"]
    ]
    result = evaluate(boxes, truth)
    assert list(result) == ["bbox"]
    assert result["bbox"]["AP"] == pytest.approx(1.0)  # the ignored regions do not count


def test_input_is_left_as_it_was() -> None:
    truth, found = random_case(3)
    before = copy.deepcopy((truth, found))
    evaluate(found, truth)
    assert (truth, found) == before


TRUTH, FOUND = random_case(4)


def with_mask(segmentation: Any) -> list[Json]:
    return [{**FOUND[0], "segmentation": segmentation}]


WRONG: dict[str, tuple[Any, Any, str]] = {
    "no file": ("nowhere.json", TRUTH, "no file of predictions"),
    "truth is a list": (FOUND, [], "COCO dict"),
    "no images": (FOUND, {"annotations": []}, "'images'"),
    "nothing true": ([], {"images": TRUTH["images"], "annotations": []}, "no character"),
    "no score": ([{"image_id": 0, "bbox": [0, 0, 1, 1]}], TRUTH, "'score'"),
    "no box": ([{"image_id": 0, "score": 1}], TRUTH, "segmentation"),
    "other picture": ([{**FOUND[0], "image_id": 99}], TRUTH, "99"),
    "no width": (FOUND, {**TRUTH, "images": [{"id": 0, "file_name": "0.png", "height": 9}]},
                 "'width'"),
    "no picture": (FOUND, {**TRUTH, "images": [{**TRUTH["images"][0], "height": 0}]}, "x0 pixels"),
    "an id in words": (FOUND, {**TRUTH, "images": [{**TRUTH["images"][0], "id": "a"}]}, "'a'"),
    "not an annotation": (FOUND, {**TRUTH, "annotations": [7]}, "COCO dict"),
    "three sides": ([{**FOUND[0], "bbox": [1, 2, 3]}], TRUTH, "list of COCO results"),
    "a huge score": ([{**FOUND[0], "score": 10**400}], TRUTH, "list of COCO results"),
    "no score at all": ([{**FOUND[0], "score": float("nan")}], TRUTH, "nan where a number"),
    "an endless box": ([{**FOUND[0], "bbox": [0, 0, float("inf"), 1]}], TRUTH, "inf where a"),
    "a mask of another size": (with_mask({"size": [9, 9], "counts": "Q2"}), TRUTH, "[9, 9]"),
    "no run lengths": (with_mask({"size": [64, 64], "counts": 5}), TRUTH, "run lengths"),
    "run lengths cut short": (with_mask({"size": [64, 64], "counts": [9, 9]}), TRUTH, "add up"),
    "broken run lengths": (with_mask({"size": [64, 64], "counts": "0o"}), TRUTH, "cannot be read"),
    "a line": (with_mask([[1, 2, 3, 4]]), TRUTH, "polygon of 4"),
    "half a point": (with_mask([[1, 2, 3, 4, 5, 6, 7]]), TRUTH, "polygon of 7"),
    "a polygon to the moon": (with_mask([[0, 0, 4e8, 0, 4e8, 1]]), TRUTH, "far beyond"),
    "a polygon to nowhere": (with_mask([[0, 0, float("nan"), 0, 4, 1]]), TRUTH, "far beyond"),
    "a broken true mask": (FOUND, {**TRUTH, "annotations": with_mask([[1, 2]])}, "polygon of 2"),
    "the same id twice": (FOUND, {**TRUTH, "images": TRUTH["images"] * 2}, "two pictures"),
    "a number": (3, TRUTH, "list of COCO results"),
    "other names": ({"images": [{"id": 0, "file_name": "x"}],
                     "annotations": [{**FOUND[0], "image_id": 0}]}, TRUTH, "file name"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case: str) -> None:
    predictions, annotations, message = WRONG[case]
    with pytest.raises(InvalidInput, match=re.escape(message)):
        evaluate(predictions, annotations)


def test_masks_that_the_libraries_would_not_survive() -> None:
    """Empty polygons and boxes beyond all bounds are still answered."""
    far = {**FOUND[0], "bbox": [1e30, -1e30, 1e12, 5.0]}
    del far["segmentation"]
    assert evaluate([far], TRUTH)["segm"]["AP"] == 0


def test_annotations_of_other_pictures_are_left_out() -> None:
    truth = {**TRUTH, "annotations": [*TRUTH["annotations"], {"image_id": 1000}]}
    assert evaluate(FOUND, truth) == evaluate(FOUND, TRUTH)


def test_area_of_the_mask_where_none_is_given() -> None:
    without = [{k: v for k, v in a.items() if k != "area"} for a in TRUTH["annotations"]]
    assert evaluate(FOUND, {**TRUTH, "annotations": without}) == evaluate(FOUND, TRUTH)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"sizes": "inches"}, "coco, picture; got 'inches'"), ({"threshold": 1.5}, "0..1; got 1.5")],
)
def test_wrong_options(options: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        evaluate(FOUND, TRUTH, **options)


def test_unknown_type_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="iou_types"):
        evaluate(FOUND, TRUTH, ["keypoints"])
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InvalidInput, match="no JSON"):
        evaluate(tmp_path / "a.json", TRUTH)
