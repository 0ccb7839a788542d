"""How well characters are found: average precision of boxes, masks and mask boundaries.

The numbers are COCO's (AP over IoU 0.50 to 0.95), computed by faster-coco-eval. Whatever categories
the files name, all count as one: character.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, cpu_count, silent

if TYPE_CHECKING:
    from segmentation.segmenter import Segmenter

__all__ = ["IOU_TYPES", "evaluate", "predict"]

logger = logging.getLogger(__name__)

IOU_TYPES = ("bbox", "segm", "boundary")
Json = dict[str, Any]
Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
_CATEGORY = {"id": 1, "name": "character"}
# What reading a value of the wrong kind raises, here or in the evaluator's own code.
_WRONG = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError,
          MemoryError)  # fmt: skip


def evaluate(
    predictions: Source, annotations: Source, iou_types: Sequence[str] = IOU_TYPES
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

    Returns:
        For each type `AP`, `AP50`, `AP75` and `AR` (of at most 100 per picture), all 0..1.

    Raises:
        InvalidInput: A file is no such JSON, a type is unknown, a prediction is of a picture that
            the truth does not know, or the truth holds no character.
    """
    unknown = [name for name in iou_types if name not in IOU_TYPES]
    if unknown or not iou_types:
        raise InvalidInput(f"iou_types must be of {', '.join(IOU_TYPES)}; got {list(iou_types)}.")
    truth = _truth(_read(annotations, "annotations"))
    results = _results(_read(predictions, "predictions"), truth["images"])
    if not all("segmentation" in annotation for annotation in truth["annotations"]):
        logger.info("the annotations hold boxes without masks: only boxes are evaluated")
        iou_types = [name for name in iou_types if name == "bbox"]
    return {name: _average_precision(truth, results, name) for name in iou_types}


def predict(
    segmenter: Segmenter,
    pictures: str | Path,
    annotations: Source,
    progress: Progress | None = None,
) -> list[Json]:
    """COCO results of a segmenter on the pictures that some annotations name.

    For the whole precision-recall curve the segmenter should have a low threshold, such as 0.05,
    and let masks overlap.

    Args:
        segmenter: Which.
        pictures: The folder that `file_name` is relative to.
        annotations: A COCO dict or file.
        progress: Called after each picture.

    Raises:
        InvalidInput: A picture is missing or cannot be read.
    """
    from cartoonedit.export import coco

    images = _truth(_read(annotations, "annotations"))["images"]
    files = [Path(pictures) / image["file_name"] for image in images]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise InvalidInput(f"{len(missing)} pictures are missing, first {str(missing[0])!r}.")
    results: list[Json] = []
    shown = progress or silent
    for image, scene in zip(images, segmenter.batch(files, progress=shown), strict=True):
        for found in coco([scene], [image["file_name"]])["annotations"]:
            kept = {name: found[name] for name in ("category_id", "segmentation", "bbox", "score")}
            results.append({"image_id": image["id"], **kept})
    return results


def _read(source: Source, what: str) -> Any:
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file of {what} at {str(path)!r}.") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the {what} in {str(path)!r} are no JSON: {error}.") from error


def _truth(content: Any) -> Json:
    """A COCO dict of one category, with what evaluators take for granted filled in."""
    try:
        images = [_image(image) for image in content["images"]]
        annotations = [_true_annotation(a) for a in content["annotations"]]
    except _WRONG as error:
        raise InvalidInput(
            "the annotations must be a COCO dict with 'images' (id, file_name, width, height) and"
            f" 'annotations' (image_id, bbox or segmentation); {error!r} is missing or wrong."
        ) from error
    if all(annotation["iscrowd"] for annotation in annotations):
        raise InvalidInput("the annotations hold no character to be found.")
    annotations = [{**a, "id": number} for number, a in enumerate(annotations, start=1)]
    return {"images": images, "annotations": annotations, "categories": [dict(_CATEGORY)]}


def _image(image: Mapping[str, Any]) -> Json:
    sides = {side: int(image[side]) for side in ("width", "height")}
    if min(sides.values()) < 1:
        raise ValueError(f"{sides['width']}x{sides['height']} pixels")
    return {**image, "id": int(image["id"]), "file_name": str(image["file_name"]), **sides}


def _true_annotation(annotation: Mapping[str, Any]) -> Json:
    x, y, width, height = box = _box(annotation)
    ignored = int(bool(annotation.get("iscrowd") or annotation.get("ignore")))
    result = {
        "image_id": int(annotation["image_id"]),
        "category_id": _CATEGORY["id"],
        "bbox": box,
        "area": float(annotation.get("area") or width * height),
        "iscrowd": ignored,
    }
    if annotation.get("segmentation"):
        result["segmentation"] = annotation["segmentation"]
    elif ignored:
        corners = [x, y, x + width, y, x + width, y + height, x, y + height]
        result["segmentation"] = [corners]
    return result


def _box(annotation: Mapping[str, Any]) -> list[float]:
    """Left, top, width and height; where an annotation has none, those around its mask."""
    from faster_coco_eval.core import mask

    box = annotation.get("bbox") or mask.toBbox(annotation["segmentation"])
    x, y, width, height = (float(value) for value in box)
    return [x, y, width, height]


def _results(content: Any, images: Sequence[Json]) -> list[Json]:
    """COCO results with the truth's picture ids, from a results list or a COCO dict."""
    try:
        if isinstance(content, Mapping):
            id_of = {image["file_name"]: image["id"] for image in images}
            names = {image["id"]: image["file_name"] for image in content["images"]}
            # Pictures beyond those of the truth have nothing to be compared with.
            results = [
                _result(found, id_of[names[found["image_id"]]])
                for found in content["annotations"]
                if names[found["image_id"]] in id_of
            ]
            if content["annotations"] and not results:
                raise InvalidInput("no picture of the predictions has a file name of the truth.")
            return results
        results = [_result(found, int(found["image_id"])) for found in content]
    except _WRONG as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            "the predictions must be a list of COCO results (image_id, score, bbox or segmentation)"
            f" or a COCO dict with scores; {error!r} is missing or wrong."
        ) from error
    stray = {result["image_id"] for result in results} - {image["id"] for image in images}
    if stray:
        raise InvalidInput(
            f"the predictions name pictures unknown to the truth: {sorted(stray)[:5]}."
        )
    return results


def _result(found: Mapping[str, Any], image_id: Any) -> Json:
    result = {
        "image_id": image_id,
        "category_id": _CATEGORY["id"],
        "score": float(found["score"]),
        "bbox": _box(found),
    }
    if found.get("segmentation"):
        result["segmentation"] = found["segmentation"]
    return result


def _average_precision(truth: Json, results: list[Json], iou_type: str) -> dict[str, float]:
    from faster_coco_eval import COCO, COCOeval_faster

    # Both classes write into what they are given.
    own_truth = {**truth, "annotations": [dict(a) for a in truth["annotations"]]}
    try:
        known = COCO(own_truth)
        found = known.loadRes([dict(result) for result in results])
        run = COCOeval_faster(
            known, found, iou_type, print_function=logger.debug, boundary_cpu_count=cpu_count()
        )
        run.run()
    except _WRONG as error:
        raise InvalidInput(
            f"annotations and predictions cannot be compared ({iou_type}): {error!s:.200} Masks"
            " must be COCO's polygons or run lengths, of the size of their picture."
        ) from error
    precision, recall = run.eval["precision"][:, :, 0, 0, -1], run.eval["recall"][:, 0, 0, -1]
    by_iou = precision.mean(axis=1)
    return {
        "AP": float(by_iou.mean()),
        "AP50": float(by_iou[0]),
        "AP75": float(by_iou[5]),
        "AR": float(recall.mean()),
    }
