"""Every number is that of pycocotools, and for boundaries that of the published method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from faster_coco_eval import COCO, COCOeval_faster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentation.evaluate import IOU_TYPES, evaluate, precision_curves

from .coco_material import (
    STATS,
    blob,
    box_of,
    by_pycocotools,
    compressed,
    counts_by_pycocotools,
    random_case,
    run_pycocotools,
)

Json = dict[str, Any]
CASES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "pictures": st.integers(1, 6),
        "most": st.integers(0, 5),
        "per_picture": st.integers(0, 8),
        "ties": st.booleans(),
    }
)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def assert_same(truth: Json, found: list[Json], iou_type: str) -> None:
    result = evaluate(found, truth, [iou_type])[iou_type]
    expected = by_pycocotools(truth, found, iou_type)
    assert {name: result[name] for name in STATS} == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@few
@given(case=CASES)
def test_average_precision_and_recall(iou_type: str, case: dict[str, Any]) -> None:
    assert_same(*random_case(**case), iou_type)


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@pytest.mark.parametrize("ties", [False, True])
def test_more_than_a_hundred_findings_in_a_picture(iou_type: str, ties: bool) -> None:
    truth, found = random_case(11, pictures=3, most=6, per_picture=260, ties=ties)
    per_picture = [sum(f["image_id"] == i["id"] for f in found) for i in truth["images"]]
    assert max(per_picture) > 110
    assert_same(truth, found, iou_type)


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@few
@given(case=CASES, threshold=st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]))
def test_precision_and_recall_from_a_score_on(
    iou_type: str, case: dict[str, Any], threshold: float
) -> None:
    truth, found = random_case(**case)
    result = evaluate(found, truth, [iou_type], threshold=threshold)[iou_type]
    right, wrong, missed = counts_by_pycocotools(truth, found, iou_type, threshold)
    precision, recall = (right / (right + other) if right else 0.0 for other in (wrong, missed))
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    got = [result[name] for name in ("precision", "recall", "F1")]
    assert got == pytest.approx([precision, recall, f1])


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_faster_coco_eval_run_directly(seed: int, iou_type: str) -> None:
    truth, found = random_case(seed, pictures=8)
    for annotation in truth["annotations"]:
        annotation["iscrowd"] = int(bool(annotation["iscrowd"] or annotation.get("ignore")))
    result = evaluate(found, truth, [iou_type])[iou_type]
    known = COCO(truth)
    run = COCOeval_faster(known, known.loadRes(found), iou_type, print_function=lambda *_: None)
    run.run()
    assert [result[name] for name in STATS] == pytest.approx(list(run.stats), abs=1e-9)


@pytest.mark.parametrize("iou_type", ["segm", "boundary"])
@pytest.mark.parametrize("seed", range(3))
def test_results_without_boxes_are_sized_by_their_masks(seed: int, iou_type: str) -> None:
    rng = np.random.default_rng(seed)
    truth, _ = random_case(seed)
    found = []
    for image in truth["images"] * 3:
        mask = blob(rng, image["width"], image["height"])
        found.append({"image_id": image["id"], "category_id": 1, "score": float(rng.random()),
                      "segmentation": compressed(mask)})  # fmt: skip
    assert_same(truth, found, iou_type)


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_results_without_masks_get_those_of_their_boxes(seed: int, iou_type: str) -> None:
    truth, found = random_case(seed)
    for result in found:
        del result["segmentation"]
    assert_same(truth, found, iou_type)


@pytest.mark.parametrize("size_wh", [(25, 1), (50, 1), (60, 45), (75, 100), (3, 3), (640, 12)])
def test_boundaries_are_as_wide_as_published(size_wh: tuple[int, int]) -> None:
    """Widths of half a pixel more, diagonals of 25, 50, 75 and 125 pixels among them."""
    rng = np.random.default_rng(1)
    image = {"id": 1, "file_name": "a.png", "width": size_wh[0], "height": size_wh[1]}
    whole = np.ones(size_wh[::-1], bool)
    masks = [whole, *(blob(rng, *size_wh) for _ in range(3))]
    truth: Json = {"images": [image], "annotations": [], "categories": [{"id": 1, "name": "c"}]}
    for number, mask in enumerate(masks, 1):
        truth["annotations"].append(
            {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": box_of(mask),
             "area": int(mask.sum()), "segmentation": compressed(mask)}
        )  # fmt: skip
    found = [
        {"image_id": 1, "category_id": 1, "score": 0.5 + 0.1 * i, "bbox": box_of(mask),
         "segmentation": compressed(mask & (np.arange(mask.size).reshape(mask.shape) % 7 > 0))}
        for i, mask in enumerate(masks)
    ]  # fmt: skip
    assert_same(truth, found, "boundary")


@pytest.mark.parametrize("iou_type", IOU_TYPES)
@pytest.mark.parametrize("seed", range(3))
def test_precision_curves(seed: int, iou_type: str) -> None:
    truth, found = random_case(seed)
    curve = precision_curves(found, truth, [iou_type])[iou_type]
    run = run_pycocotools(truth, found, iou_type)
    assert curve == pytest.approx(run.eval["precision"][0, :, 0, 0, 2])


@pytest.mark.parametrize("seed", range(3))
def test_sizes_as_shares_of_the_picture(seed: int) -> None:
    """The same as COCO's, when areas are put so that its limits fall where ours do."""
    truth, found = random_case(seed, pictures=8)
    shares = evaluate(found, truth, ["bbox"], sizes="picture")["bbox"]
    whole = {image["id"]: image["width"] * image["height"] for image in truth["images"]}
    run = run_pycocotools(truth, found, "bbox")
    for annotation in [*run.cocoGt.anns.values(), *run.cocoDt.anns.values()]:
        annotation["area"] /= whole[annotation["image_id"]]
    run.params.areaRng = [[0, 1e10], [0, 0.05], [0.05, 0.15], [0.15, 1e10]]
    run.evaluate()
    run.accumulate()
    run.summarize()
    assert [shares[name] for name in STATS] == pytest.approx(list(run.stats), abs=1e-9)
