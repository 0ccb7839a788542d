"""Where a model does worst: a score for each picture."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from segmentation.evaluate.coco_files import Json, Source, has_masks, read_results, read_truth

__all__ = ["PictureScore", "picture_scores"]


@dataclass(frozen=True)
class PictureScore:
    """How well the characters of one picture were found.

    Attributes:
        image_id: Of the annotations.
        file_name: Of the annotations.
        score: Mean IoU over characters and findings, 0..1, each character paired with at most one
            finding so that the sum is largest; whatever has no partner counts 0. 1 where there is
            nothing to find and nothing was found.
        characters: In the truth.
        found: Characters whose partner overlaps them with IoU 0.50 or more.
        wrong: Findings that are no character's partner with IoU 0.50 or more.
    """

    image_id: int
    file_name: str
    score: float
    characters: int
    found: int
    wrong: int


def picture_scores(
    predictions: Source, annotations: Source, threshold: float = 0.3
) -> list[PictureScore]:
    """Score each picture.

    Args:
        predictions: As for `segmentation.evaluate.evaluate`.
        annotations: As for `segmentation.evaluate.evaluate`. IoU is that of the boxes where the
            truth has no masks.
        threshold: Findings with a lower score do not count, nor do those half inside a region that
            is to be ignored.

    Returns:
        A score for every picture, the worst first.

    Raises:
        InvalidInput: A file is none that can be read.
    """
    truth = read_truth(annotations)
    key = "segmentation" if has_masks(truth) else "bbox"
    true, findings = defaultdict(list), defaultdict(list)
    for annotation in truth["annotations"]:
        true[annotation["image_id"]].append(annotation)
    for result in read_results(predictions, truth):
        if result["score"] >= threshold:
            findings[result["image_id"]].append(result)
    scores = [
        _score(image, true[image["id"]], findings[image["id"]], key) for image in truth["images"]
    ]
    return sorted(scores, key=lambda score: (score.score, -score.wrong, score.image_id))


def _score(image: Json, true: list[Json], findings: list[Json], key: str) -> PictureScore:
    from scipy.optimize import linear_sum_assignment

    characters = [a for a in true if not a["iscrowd"]]
    ignored = [a for a in true if a["iscrowd"]]
    ious = _ious(findings, characters, key)
    pairs = [(f, c) for f, c in zip(*linear_sum_assignment(-ious), strict=True) if ious[f, c] > 0]
    good = {f for f, c in pairs if ious[f, c] >= 0.5}
    inside = set(np.flatnonzero((_ious(findings, ignored, key) >= 0.5).any(axis=1)))
    excused = len(inside - {f for f, _ in pairs})
    total = len(characters) + len(findings) - len(pairs) - excused
    return PictureScore(
        image_id=image["id"],
        file_name=image["file_name"],
        score=float(sum(ious[f, c] for f, c in pairs)) / total if total else 1.0,
        characters=len(characters),
        found=len(good),
        wrong=len(findings) - len(good) - excused,
    )


def _ious(findings: list[Json], true: list[Json], key: str) -> npt.NDArray[np.float64]:
    """IoUs `(findings, true)`; of an ignored region the share of the finding inside it."""
    if not findings or not true:
        return np.zeros((len(findings), len(true)))
    crowd = [a["iscrowd"] for a in true]
    return np.asarray(coco_mask.iou([f[key] for f in findings], [a[key] for a in true], crowd))
