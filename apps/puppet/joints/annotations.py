"""COCO files with key points: one annotation, a list of them, or a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.coco import coco_skeleton
from apps.puppet.joints.numbers import number
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput, shown

__all__ = ["annotated", "is_annotated"]

_COUNT = 17
_MOST = 1000


def is_annotated(data: Any) -> bool:
    """Whether that is what a COCO file with key points holds."""
    if isinstance(data, Mapping):
        return "keypoints" in data or isinstance(data.get("annotations"), list)
    return isinstance(data, list) and bool(data)


def annotated(
    data: Any, source: str, size_wh: tuple[int, int] | None, picture: str | None
) -> list[Skeleton]:
    """The skeletons of a COCO file.

    Args:
        data: What it holds.
        source: Its name, for messages.
        size_wh: Of the picture; annotations of a larger or smaller one are scaled.
        picture: The picture's file name, to find it in a data set of several.

    Raises:
        InvalidInput: An annotation is damaged, or it cannot be told which are of the picture.
    """
    scale = np.ones(2)
    if isinstance(data, Mapping) and "annotations" in data:
        annotations, image = _of_picture(data, source, picture)
        scale = _scale(image, size_wh)
    elif isinstance(data, Mapping):
        annotations = [data]
    elif all(isinstance(entry, Mapping) for entry in data):
        annotations = list(data)
    else:  # key points without anything around them
        annotations = [{"keypoints": data}]
    found = []
    for index, annotation in enumerate(annotations[:_MOST], 1):
        where = f"{source}, annotation {index}"
        keypoints = _keypoints(annotation.get("keypoints"), where)
        if keypoints[:, 2].any():  # COCO writes only zeros where nothing is marked
            keypoints[:, :2] *= scale
            found.append(coco_skeleton(keypoints, where))
    if not found:
        raise InvalidInput(f"{source} has no annotation with key points that are marked.")
    return found


def _of_picture(
    data: Mapping[str, Any], source: str, picture: str | None
) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    """Annotations of one image of a data set, and what is said about the image."""
    listed = data.get("images")
    images = [each for each in listed if isinstance(each, Mapping)] if _is_list(listed) else []
    entries = [each for each in data["annotations"] if isinstance(each, Mapping)]
    entries = [each for each in entries if "keypoints" in each]
    if len(images) < 2:
        return entries, images[0] if images else {}
    name = PurePath(picture).name if picture else None
    for image in images:
        if name and PurePath(str(image.get("file_name", ""))).name == name:
            return [each for each in entries if each.get("image_id") == image.get("id")], image
    raise InvalidInput(
        f"{source} is a data set of {len(images)} images, none of which is called {shown(name)}."
        " Give the annotations of this picture alone, or name the picture as in the data set."
    )


def _scale(image: Mapping[str, Any], size_wh: tuple[int, int] | None) -> NDArray[np.float64]:
    if size_wh is None or "width" not in image or "height" not in image:
        return np.ones(2)
    stated = [
        number(image[key], f"image {shown(image.get('id'))}: {key}") for key in ("width", "height")
    ]
    return np.array(size_wh) / np.maximum(stated, 1)


def _keypoints(value: Any, where: str) -> NDArray[np.float64]:
    """``(17, 3)`` of a flat list of numbers, or a list of points with or without visibility."""
    rows: list[list[float]] = []
    if _is_list(value) and value and not any(_is_list(each) for each in value):
        if len(value) % 3:
            raise InvalidInput(
                f"{where}: keypoints must be x, y and visibility of each point, {3 * _COUNT}"
                f" numbers; got {len(value)}."
            )
        value = [value[index : index + 3] for index in range(0, len(value), 3)]
    if not _is_list(value) or len(value) < _COUNT:
        got = f"{len(value)} points" if _is_list(value) else shown(value)
        raise InvalidInput(
            f"{where}: keypoints must be the {_COUNT} points of COCO, nose to right ankle; got"
            f" {got}."
        )
    for index, each in enumerate(value[:_COUNT], 1):
        if not _is_list(each) or not 2 <= len(each) <= 3:
            raise InvalidInput(
                f"{where}, point {index} must be x, y and visibility; got {shown(each)}."
            )
        numbers = [number(item, f"{where}, point {index}") for item in each]
        rows.append([*numbers, 2.0] if len(numbers) == 2 else numbers)
    return np.array(rows)


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
