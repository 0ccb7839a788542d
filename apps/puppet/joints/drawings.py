"""Joints of a character folder of Animated Drawings: ``char_cfg.yaml``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.matching import fit
from apps.puppet.joints.numbers import number, point
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput, shown
from cartoonedit.instance import Instance
from cartoonedit.yaml_file import read_yaml

__all__ = ["drawing_skeleton", "is_drawing", "placed"]

_MOST_JOINTS = 500
_SAME_SIZE = 3  # pixels
_REDUCED = 1000  # Animated Drawings works on no larger picture


def is_drawing(data: Any) -> bool:
    """Whether that is what a ``char_cfg.yaml`` holds."""
    return isinstance(data, Mapping) and isinstance(data.get("skeleton"), Sequence)


def drawing_skeleton(data: Mapping[str, Any], source: str) -> Skeleton:
    """The skeleton of a ``char_cfg.yaml``, in pixels of its own picture.

    Raises:
        InvalidInput: A joint lacks something, or they form no tree.
    """
    names, parents, points = [], [], []
    joints = data["skeleton"]
    if not 1 <= len(joints) <= _MOST_JOINTS or isinstance(joints, str):
        raise InvalidInput(f"{source}: skeleton must be a list of 1 to {_MOST_JOINTS} joints.")
    for index, joint in enumerate(joints, 1):
        if not isinstance(joint, Mapping) or not isinstance(joint.get("name"), str):
            raise InvalidInput(
                f"{source}, joint {index} must have a name, a parent and loc: [x, y]; got"
                f" {shown(joint)}."
            )
        names.append(joint["name"])
        parents.append(joint.get("parent"))
        points.append(point(joint.get("loc"), f"{source}, joint {joint['name']!r}: loc"))
    for name, parent in zip(names, parents, strict=True):
        if parent is not None and parent not in names:
            raise InvalidInput(
                f"{source}: the joint {name!r} hangs from {shown(parent)}, which is not there."
            )
    indices = [-1 if parent is None else names.index(parent) for parent in parents]
    try:
        return Skeleton(tuple(names), tuple(indices), np.array(points))
    except InvalidInput as error:
        raise InvalidInput(f"{source}: {error}") from error


def placed(
    skeleton: Skeleton,
    data: Mapping[str, Any],
    folder: Path,
    instances: Sequence[Instance],
    size_wh: tuple[int, int] | None,
) -> Skeleton:
    """A skeleton of Animated Drawings, in pixels of the picture that it was cropped from.

    The crop is where ``bounding_box.yaml`` beside it says, which for a picture of more than 1000
    pixels may be in pixels of a copy reduced to that. Without that file it is the whole picture, if
    it has its size, or else the box of a character that has its size.

    Raises:
        InvalidInput: Where the crop was cannot be told.
    """
    beside = folder / "bounding_box.yaml"
    size = np.array(
        [number(data.get(key, 0), f"char_cfg.yaml: {key}") for key in ("width", "height")]
    )
    places: list[tuple[float, NDArray[np.float64]]] = []  # factor and corner
    if beside.is_file():
        places = _box_places(beside, size, size_wh)
    elif size_wh is None or tuple(size) == tuple(size_wh):
        places = [(1.0, np.zeros(2))]
    else:
        boxes = [np.array(instance.bounds_xyxy, np.float64) for instance in instances]
        places = [
            (1.0, box[:2]) for box in boxes if (abs(box[2:] - box[:2] - size) <= _SAME_SIZE).all()
        ]
    if not places:
        raise InvalidInput(
            f"the joints in {folder} are for a picture of {size[0]:g}x{size[1]:g} pixels, but this"
            f" one is {'x'.join(map(str, size_wh or ()))}, and no character in it has that size."
            " Put the bounding_box.yaml that says where the crop was beside char_cfg.yaml."
        )
    moved = [skeleton.moved((skeleton.points_xy + corner) * factor) for factor, corner in places]
    return max(moved, key=lambda each: max((fit(each.points_xy, i) for i in instances), default=0))


def _box_places(
    file: Path, size: NDArray[np.float64], size_wh: tuple[int, int] | None
) -> list[tuple[float, NDArray[np.float64]]]:
    """Where a crop can have been, the likeliest first."""
    box = read_yaml(file, "bounding box")
    if not isinstance(box, Mapping):
        raise InvalidInput(f"{file} must hold left, top, right and bottom; got {shown(box)}.")
    corner = np.array([number(box.get(key), f"{file}: {key}") for key in ("left", "top")])
    largest = max(size_wh) if size_wh is not None else 0
    if largest <= _REDUCED or (corner + size > _REDUCED).any():
        return [(1.0, corner)]
    return [(largest / _REDUCED, corner), (1.0, corner)]
