"""How well characters are found: average precision of boxes, masks and mask boundaries.

The numbers are COCO's (AP over IoU 0.50 to 0.95), computed by faster-coco-eval, and so those of
section 5.1 of the paper.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from segmentation.evaluate.coco_eval import SIZES, Sizes, run_coco
from segmentation.evaluate.coco_files import Json, Source, has_masks, read_results, read_truth
from segmentation.evaluate.matching import Counts, count

__all__ = ["IOU_TYPES", "MEASURES", "SIZES", "Sizes", "evaluate", "precision_curves"]

logger = logging.getLogger(__name__)

IOU_TYPES = ("bbox", "segm", "boundary")
MEASURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR", "ARs", "ARm", "ARl",
            "precision", "recall", "F1")  # fmt: skip


def evaluate(
    predictions: Source,
    annotations: Source,
    iou_types: Sequence[str] = IOU_TYPES,
    *,
    sizes: Sizes = "coco",
    threshold: float = 0.3,
) -> dict[str, dict[str, float]]:
    """Average precision and recall of predictions.

    Args:
        predictions: COCO results (a list of `image_id`, `score`, and `bbox` or `segmentation`), or
            a COCO dict whose annotations have a `score`, as `cartoonedit segment` writes; its
            pictures are matched by file name. A file, or what it holds.
        annotations: The truth, a COCO dict or file. `iscrowd` and `ignore` mark regions where
            nothing counts. Where it has boxes only, masks and boundaries are left out of the
            result.
        iou_types: Any of `bbox`, `segm` and `boundary` (the lesser of mask IoU and boundary IoU,
            with a boundary as wide as 2 % of the picture's diagonal).
        sizes: What counts as medium and large: `coco` from 32 x 32 and from 96 x 96 pixels,
            `picture` from 5 % and from 15 % of the picture, which tells apart the large figures of
            cartoons.
        threshold: For precision, recall and F1: findings with a lower score do not count.

    Returns:
        For each type the `MEASURES`, all 0..1: `AP`; `AP50` and `AP75` at one IoU; `APs`, `APm`
        and `APl` of small, medium and large characters, -1 as in COCO where the truth has none;
        the recall `AR`, also by size, with at most 100 findings a picture, `AR1` and `AR10` with 1
        and 10; and `precision`, `recall` and `F1` of the findings from the threshold on at IoU
        0.50.

    Raises:
        InvalidInput: A file is no such JSON, an argument is unknown or out of range, a prediction
            is of a picture that the truth does not know, or the truth holds no character.
    """
    truth, results, types = _checked(predictions, annotations, iou_types)
    if sizes not in get_args(Sizes):
        raise InvalidInput(f"sizes must be one of {', '.join(get_args(Sizes))}; got {sizes!r}.")
    if not 0 <= threshold <= 1:
        raise InvalidInput(f"threshold must be in 0..1; got {threshold!r}.")
    return {name: _measures(run_coco(truth, results, name, sizes), threshold) for name in types}


def precision_curves(
    predictions: Source, annotations: Source, iou_types: Sequence[str] = IOU_TYPES
) -> dict[str, npt.NDArray[np.float64]]:
    """Precision at IoU 0.50 by recall.

    Args:
        predictions: As for `evaluate`.
        annotations: As for `evaluate`.
        iou_types: As for `evaluate`.

    Returns:
        For each type 101 precisions, 0..1, at recalls 0.00, 0.01, ... 1.00; each the best at that
        recall or more.

    Raises:
        InvalidInput: As for `evaluate`.
    """
    truth, results, types = _checked(predictions, annotations, iou_types)
    runs = {name: run_coco(truth, results, name, "coco") for name in types}
    return {name: run.eval["precision"][0, :, 0, 0, -1] for name, run in runs.items()}


def _checked(
    predictions: Source, annotations: Source, iou_types: Sequence[str]
) -> tuple[Json, list[Json], list[str]]:
    unknown = [name for name in iou_types if name not in IOU_TYPES]
    if unknown or not iou_types:
        raise InvalidInput(f"iou_types must be of {', '.join(IOU_TYPES)}; got {list(iou_types)}.")
    truth = read_truth(annotations)
    results = read_results(predictions, truth)
    if not has_masks(truth):
        logger.info("the annotations hold boxes without masks: only boxes are evaluated")
        iou_types = [name for name in iou_types if name == "bbox"]
    return truth, results, list(iou_types)


def _measures(run: Any, threshold: float) -> dict[str, float]:
    # precision: IoU, recall, category, size, findings per picture; recall has no recall axis.
    precision, recall = run.eval["precision"][:, :, 0], run.eval["recall"][:, 0]
    ap = precision[..., -1].mean(axis=(0, 1))
    ar = recall.mean(axis=0)
    at = _counts(run, threshold)
    values = (
        ap[0], precision[0, :, 0, -1].mean(), precision[5, :, 0, -1].mean(), *ap[1:],
        *ar[0], *ar[1:, -1], at.precision, at.recall, at.f1,
    )  # fmt: skip
    return dict(zip(MEASURES, map(float, values), strict=True))


def _counts(run: Any, threshold: float) -> Counts:
    """Findings from a score on, right and wrong, over all pictures."""
    return reduce(add, (_counts_of(run, number, threshold) for number in run.cocoGt.imgs), Counts())


def _counts_of(run: Any, image_id: int, threshold: float) -> Counts:
    ignored = np.array([a["iscrowd"] for a in run.cocoGt.imgToAnns.get(image_id, [])], bool)
    scores = sorted((a["score"] for a in run.cocoDt.imgToAnns.get(image_id, [])), reverse=True)
    kept = sum(score >= threshold for score in scores[: run.params.maxDets[-1]])
    ious = run.ious[image_id, 1]  # empty where either there is no finding or no character
    return count(np.asarray(ious)[:kept] if len(ious) else np.zeros((kept, len(ignored))), ignored)
