"""Random COCO truths and results in every form, and what pycocotools makes of them."""

from __future__ import annotations

import contextlib
import copy
import io
import math
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

Json = dict[str, Any]
STATS = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR", "ARs", "ARm", "ARl")


def random_case(
    seed: int, *, pictures: int = 5, most: int = 4, per_picture: int = 6, ties: bool = False
) -> tuple[Json, list[Json]]:
    """A truth with at least one character, and results that are near its characters or anywhere.

    Args:
        seed: Of everything.
        pictures: How many; some may be empty.
        most: Characters and ignored regions in a picture.
        per_picture: Results in a picture, at most.
        ties: Use a few scores only.
    """
    rng = np.random.default_rng(seed)
    images, truth, found = [], [], []
    for image_id in rng.permutation(pictures * 3)[:pictures].tolist():
        width, height = (int(side) for side in rng.integers(12, 190, 2))
        images.append(
            {"id": image_id, "file_name": f"{image_id}.png", "width": width, "height": height}
        )
        masks = [blob(rng, width, height) for _ in range(rng.integers(0, most + 1))]
        for mask in masks:
            kind = rng.choice(["", "", "", "", "iscrowd", "ignore"])
            truth.append(_true(rng, mask, image_id, kind))
        for _ in range(rng.integers(0, per_picture + 1)):
            mask = _near(rng, masks) if masks and rng.random() < 0.8 else blob(rng, width, height)
            score = float(rng.choice([0.2, 0.5, 0.9]) if ties else rng.random())
            found.append(
                {"image_id": image_id, "category_id": 1, "segmentation": _form(rng, mask),
                 "bbox": box_of(mask, rng), "score": score}
            )  # fmt: skip
    if not any(not a.get("iscrowd") and not a.get("ignore") for a in truth):
        mask = blob(rng, images[0]["width"], images[0]["height"])
        truth.append(_true(rng, mask, images[0]["id"], ""))
    for number, annotation in enumerate(truth, 1):
        annotation["id"] = number
    categories = [{"id": 1, "name": "character"}]
    return {"images": images, "annotations": truth, "categories": categories}, found


def blob(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """An ellipse somewhere, sometimes with a hole, as `bool`; never empty."""
    mask = np.zeros((height, width), np.uint8)
    centre = int(rng.integers(0, width)), int(rng.integers(0, height))
    axes = int(rng.integers(1, max(2, width // 2))), int(rng.integers(1, max(2, height // 2)))
    angle = int(rng.integers(0, 180))
    cv2.ellipse(mask, centre, axes, angle, 0, 360, 1, -1)
    if rng.random() < 0.3:
        cv2.ellipse(mask, centre, (axes[0] // 2, axes[1] // 2), angle, 0, 360, 0, -1)
    mask[centre[1], centre[0]] = 1
    return mask.astype(bool)


def box_of(mask: np.ndarray, rng: np.random.Generator | None = None) -> list[float]:
    """Left, top, width and height, with some noise if there is an `rng`."""
    ys, xs = np.nonzero(mask)
    box = np.array([xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1], float)
    if rng is not None and rng.random() < 0.5:
        box += rng.normal(0, 1.5, 4)
        box[2:] = np.maximum(box[2:], 0.5)
    return [round(float(value), 2) for value in box]


def compressed(mask: np.ndarray) -> Json:
    """Compressed run lengths with a `str`, as in a JSON file."""
    rle = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(rle["size"]), "counts": rle["counts"].decode()}


def _near(rng: np.random.Generator, masks: list[np.ndarray]) -> np.ndarray:
    mask = masks[rng.integers(len(masks))]
    if rng.random() < 0.3:
        return mask
    moved = np.roll(mask, tuple(rng.integers(-3, 4, 2)), (0, 1)).astype(np.uint8)
    if rng.random() < 0.5:
        moved = cv2.dilate(moved, np.ones((3, 3), np.uint8))
    return moved.astype(bool)


def _true(rng: np.random.Generator, mask: np.ndarray, image_id: int, flag: str) -> Json:
    area = int(mask.sum()) if rng.random() < 0.8 else int(rng.choice([0, 1024, 9216, 12000]))
    annotation = {"image_id": image_id, "category_id": 1, "segmentation": _form(rng, mask),
                  "bbox": box_of(mask), "area": area, "iscrowd": 0}  # fmt: skip
    return annotation | ({flag: 1} if flag else {})


def _form(rng: np.random.Generator, mask: np.ndarray) -> Any:
    kind = rng.choice(["compressed", "uncompressed", "polygons"])
    contours, _ = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    polygons = [(c[:, 0] + 0.5).ravel().tolist() for c in contours if len(c) >= 3]
    if kind == "polygons" and polygons:
        return polygons
    if kind == "uncompressed":
        flat = mask.flatten("F")
        ends = np.r_[np.flatnonzero(np.diff(flat)) + 1, len(flat)]
        counts = np.diff(np.r_[0, ends]).tolist()
        return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}
    return compressed(mask)


class BoundaryEval(COCOeval):
    """Boundary AP of Cheng et al. (2021): a match is the lesser of mask IoU and boundary IoU."""

    def computeIoU(self, imgId: int, catId: int) -> Any:
        mask_ious = super().computeIoU(imgId, catId)
        truths, found = self._gts[imgId, catId], self._dts[imgId, catId]
        if not truths or not found:
            return mask_ious
        order = np.argsort([-d["score"] for d in found], kind="mergesort")
        found = [found[i] for i in order[: self.params.maxDets[-1]]]
        crowd = [int(g["iscrowd"]) for g in truths]
        of_found, of_truths = (
            [boundary(a["segmentation"]) for a in group] for group in (found, truths)
        )
        boundary_ious = coco_mask.iou(of_found, of_truths, crowd)
        return np.where(crowd, mask_ious, np.minimum(mask_ious, boundary_ious))


def boundary(rle: Json, dilation_ratio: float = 0.02) -> Json:
    """Pixels of a mask within 2 % of the picture's diagonal of its border or of the picture's."""
    mask = coco_mask.decode(rle)
    height, width = mask.shape
    iterations = max(1, round(dilation_ratio * math.hypot(width, height)))
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=iterations)
    return coco_mask.encode(np.asfortranarray(mask - eroded[1:-1, 1:-1]))


def run_pycocotools(truth: Json, found: list[Json], iou_type: str) -> COCOeval:
    """An evaluation by pycocotools of `bbox`, `segm` or `boundary`."""
    truth, found = copy.deepcopy((truth, found))
    for annotation in truth["annotations"]:  # pycocotools overlooks `ignore`
        annotation["iscrowd"] = int(bool(annotation["iscrowd"] or annotation.get("ignore")))
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO()
        known.dataset = truth
        known.createIndex()
        results = COCO()
        if found:
            results = known.loadRes(found)
        else:  # which loadRes does not take
            results.dataset = {**truth, "annotations": []}
            results.createIndex()
        kind = BoundaryEval if iou_type == "boundary" else COCOeval
        run = kind(known, results, "bbox" if iou_type == "bbox" else "segm")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run


def by_pycocotools(truth: Json, found: list[Json], iou_type: str) -> dict[str, float]:
    """The twelve numbers of COCO."""
    run = run_pycocotools(truth, found, iou_type)
    return dict(zip(STATS, map(float, run.stats), strict=True))


def counts_by_pycocotools(
    truth: Json, found: list[Json], iou_type: str, threshold: float
) -> tuple[int, int, int]:
    """Right, wrong and missed at IoU 0.50 among results with a score from the threshold on."""
    kept = [result for result in found if result["score"] >= threshold]
    run = run_pycocotools(truth, kept, iou_type)
    pictures = [each for each in run.evalImgs[: len(truth["images"])] if each is not None]
    right = sum(int(((p["dtMatches"][0] > 0) & ~p["dtIgnore"][0]).sum()) for p in pictures)
    wrong = sum(int(((p["dtMatches"][0] == 0) & ~p["dtIgnore"][0]).sum()) for p in pictures)
    return right, wrong, sum(int((p["gtIgnore"] == 0).sum()) for p in pictures) - right
