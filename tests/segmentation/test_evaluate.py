"""Average precision: pycocotools' numbers, and sensible answers to odd input."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from cartoonedit.errors import InvalidInput
from cartoonedit.export import rle
from segmentation.evaluate import evaluate

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


def by_pycocotools(truth: Json, found: list[Json], iou_type: str) -> dict[str, float]:
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = copy.deepcopy(truth)
        known.createIndex()
        run = COCOeval(known, known.loadRes(copy.deepcopy(found)), iou_type)
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {"AP": run.stats[0], "AP50": run.stats[1], "AP75": run.stats[2], "AR": run.stats[8]}


@pytest.mark.parametrize("seed", range(6))
def test_numbers_are_those_of_pycocotools(seed: int) -> None:
    truth, found = random_case(seed)
    result = evaluate(found, truth)
    for iou_type in ("bbox", "segm"):
        assert result[iou_type] == pytest.approx(by_pycocotools(truth, found, iou_type), abs=1e-9)
    for name, value in result["boundary"].items():
        assert value <= result["segm"][name] + 1e-9


def test_a_perfect_answer_scores_one_and_none_scores_nothing() -> None:
    truth, _ = random_case(0)
    perfect = [{**a, "score": 0.5} for a in truth["annotations"] if not a["iscrowd"]]
    for values in evaluate(perfect, truth).values():
        assert values == pytest.approx(dict.fromkeys(("AP", "AP50", "AP75", "AR"), 1.0))
    for values in evaluate([], truth).values():
        assert values == dict.fromkeys(("AP", "AP50", "AP75", "AR"), 0.0)


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
    "no score at all": ([{**FOUND[0], "score": float("nan")}], TRUTH, "cannot be compared"),
    "a broken mask": ([{**FOUND[0], "segmentation": {"size": [9, 9], "counts": 5}}], TRUTH,
                      "cannot be compared"),
    "a number": (3, TRUTH, "list of COCO results"),
    "other names": ({"images": [{"id": 0, "file_name": "x"}],
                     "annotations": [{**FOUND[0], "image_id": 0}]}, TRUTH, "file name"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input(case: str) -> None:
    predictions, annotations, message = WRONG[case]
    with pytest.raises(InvalidInput, match=message):
        evaluate(predictions, annotations)


def test_unknown_type_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="iou_types"):
        evaluate(FOUND, TRUTH, ["keypoints"])
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(InvalidInput, match="no JSON"):
        evaluate(tmp_path / "a.json", TRUTH)
