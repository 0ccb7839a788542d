"""COCO annotations and results as they are met, brought into one form and checked.

Whatever categories the files name, all count as one: character.
"""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cartoonedit.errors import InvalidInput
from segmentation.evaluate import coco_masks

__all__ = ["Json", "Source", "has_masks", "read_results", "read_truth"]

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]
_CATEGORY = {"id": 1, "name": "character"}
# What reading a value of the wrong kind raises.
_WRONG = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError,
          MemoryError)  # fmt: skip


def read_truth(source: Source) -> Json:
    """A COCO dict of one category, every mask in compressed run lengths.

    Annotations are numbered from 1 and have `bbox`, `area` and `iscrowd`, which `ignore` in the
    source sets as well. Those of pictures that `images` does not list are left out.

    Args:
        source: A COCO dict or file.

    Raises:
        InvalidInput: It is none, or holds no character to be found.
    """
    content = _read(source, "annotations")
    try:
        images = [_image(image) for image in content["images"]]
        sizes = {image["id"]: (image["width"], image["height"]) for image in images}
        annotations = [
            _true_annotation(annotation, sizes[int(annotation["image_id"])])
            for annotation in content["annotations"]
            if int(annotation["image_id"]) in sizes
        ]
    except _WRONG as error:
        raise InvalidInput(
            "the annotations must be a COCO dict with 'images' (id, file_name, width, height) and"
            " 'annotations' (image_id, bbox or segmentation: polygons or run lengths of the size of"
            f" the picture); {error!r} is missing or wrong."
        ) from error
    twice = [number for number, count in Counter(i["id"] for i in images).items() if count > 1]
    if twice:
        raise InvalidInput(f"two pictures of the annotations have the id {twice[0]}.")
    if all(annotation["iscrowd"] for annotation in annotations):
        raise InvalidInput("the annotations hold no character to be found.")
    annotations = [{**a, "id": number} for number, a in enumerate(annotations, start=1)]
    return {"images": images, "annotations": annotations, "categories": [dict(_CATEGORY)]}


def has_masks(truth: Json) -> bool:
    """Whether every annotation of `read_truth` has a mask."""
    return all("segmentation" in annotation for annotation in truth["annotations"])


def read_results(source: Source, truth: Json) -> list[Json]:
    """COCO results with the truth's picture ids, every mask in compressed run lengths.

    A result without a mask gets one that fills its box. `area`, by which AP by size chooses, is as
    in pycocotools that of the boxes, or that of the masks where the first result has no box.

    Args:
        source: A list of results (`image_id`, `score`, and `bbox` or `segmentation`), or a COCO
            dict whose annotations have a `score`, whose pictures are matched by file name. A file,
            or what it holds.
        truth: Of `read_truth`.

    Raises:
        InvalidInput: It is neither, or names a picture that the truth does not know.
    """
    content = _read(source, "predictions")
    sizes = {image["id"]: (image["width"], image["height"]) for image in truth["images"]}
    try:
        placed = _by_file_name(content, truth) if isinstance(content, Mapping) else [
            (int(found["image_id"]), found) for found in content
        ]  # fmt: skip
        stray = sorted({image_id for image_id, _ in placed} - sizes.keys())
        if stray:
            raise InvalidInput(f"the predictions name pictures unknown to the truth: {stray[:5]}.")
        by_box = bool(placed and placed[0][1].get("bbox"))
        results = [_result(found, number, sizes[number], by_box) for number, found in placed]
    except InvalidInput:
        raise
    except _WRONG as error:
        raise InvalidInput(
            "the predictions must be a list of COCO results (image_id, score, bbox or segmentation:"
            " polygons or run lengths of the size of the picture) or a COCO dict with scores;"
            f" {error!r} is missing or wrong."
        ) from error
    bare = sum(not found.get("segmentation") for _, found in placed)
    if bare and has_masks(truth):
        logger.info("%d predictions have no mask: their boxes count as masks", bare)
    return results


def _by_file_name(content: Mapping[str, Any], truth: Json) -> list[tuple[int, Json]]:
    """Annotations of a COCO dict with the truth's picture ids."""
    id_of = {image["file_name"]: image["id"] for image in truth["images"]}
    names = {image["id"]: str(image["file_name"]) for image in content["images"]}
    # Pictures beyond those of the truth have nothing to be compared with.
    placed = [
        (id_of[names[found["image_id"]]], found)
        for found in content["annotations"]
        if names[found["image_id"]] in id_of
    ]
    if content["annotations"] and not placed:
        raise InvalidInput("no picture of the predictions has a file name of the truth.")
    lacking = len(id_of.keys() - set(names.values()))
    if lacking:
        logger.warning("%d pictures of the truth are not in the predictions: all missed", lacking)
    return placed


def _read(source: Source, what: str) -> Any:
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidInput(f"there is no file of {what} at {str(path)!r}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the {what} in {str(path)!r} are no JSON: {error}.") from error


def _image(image: Mapping[str, Any]) -> Json:
    sides = {side: int(image[side]) for side in ("width", "height")}
    if min(sides.values()) < 1:
        raise ValueError(f"{sides['width']}x{sides['height']} pixels")
    return {**image, "id": int(image["id"]), "file_name": str(image["file_name"]), **sides}


def _true_annotation(annotation: Mapping[str, Any], size_wh: tuple[int, int]) -> Json:
    ignored = int(bool(annotation.get("iscrowd") or annotation.get("ignore")))
    rle = None
    if annotation.get("segmentation"):
        rle = coco_masks.compressed(annotation["segmentation"], size_wh)
    box = _box(annotation, rle)
    area = annotation.get("area")
    if area is None:
        area = coco_masks.area_of(rle) if rle else box[2] * box[3]
    if rle is None and ignored:
        rle = coco_masks.of_box(box, size_wh)
    result = {
        "image_id": int(annotation["image_id"]),
        "category_id": _CATEGORY["id"],
        "bbox": box,
        "area": _finite(area),
        "iscrowd": ignored,
    }
    return result | ({"segmentation": rle} if rle else {})


def _result(
    found: Mapping[str, Any], image_id: int, size_wh: tuple[int, int], by_box: bool
) -> Json:
    rle = None
    if found.get("segmentation"):
        rle = coco_masks.compressed(found["segmentation"], size_wh)
    box = _box(found, rle)
    rle = rle or coco_masks.of_box(box, size_wh)
    return {
        "image_id": image_id,
        "category_id": _CATEGORY["id"],
        "score": _finite(found["score"]),
        "bbox": box,
        "area": box[2] * box[3] if by_box else float(coco_masks.area_of(rle)),
        "segmentation": rle,
    }


def _box(annotation: Mapping[str, Any], rle: Json | None) -> list[float]:
    """Left, top, width and height; where an annotation has none, those around its mask."""
    if not annotation.get("bbox"):
        return coco_masks.box_around(rle or annotation["segmentation"])
    x, y, width, height = (_finite(value) for value in annotation["bbox"])
    return [x, y, width, height]


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} where a number is needed")
    return number
