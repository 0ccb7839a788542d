"""How real photographs arrange people: the person boxes of a COCO annotation file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from cartoonedit.files import write_json

__all__ = ["PersonPhotos"]

MIN_SHARE = 0.003
"""Smaller boxes, by their share of the photo's area, are people in the far distance: left out."""

Boxes = npt.NDArray[np.float64]


class PersonPhotos:
    """The boxes of the people in many photos.

    Args:
        photos: for each photo, boxes ``(n, 4)``: left, top, width and height as shares of the
            photo's geometric mean side; and, for each, the photo's width and height in the same
            unit.
    """

    def __init__(self, photos: Iterable[tuple[Boxes, tuple[float, float]]]) -> None:
        kept = [photo for photo in photos if len(photo[0])]
        if not kept:
            raise InvalidInput("no photo shows a person: scenes cannot be laid out by them")
        self._photos = sorted(kept, key=lambda photo: len(photo[0]))
        self._counts = np.array([len(boxes) for boxes, _ in self._photos])

    def __len__(self) -> int:
        return len(self._photos)

    @classmethod
    def from_file(cls, path: str | Path) -> PersonPhotos:
        """Read COCO annotations such as ``instances_train2017.json``, or what `save` wrote.

        Raises:
            InvalidInput: The file is neither, or shows nobody.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if "person_photos" in content:
                return cls(
                    (np.array(photo["boxes"], float).reshape(-1, 4), tuple(photo["size"]))
                    for photo in content["person_photos"]
                )
            return cls(_from_coco(content))
        except InvalidInput:
            raise
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidInput(
                f"{str(path)!r} holds no COCO annotations of photos ({error!r}); expected a file"
                " such as instances_train2017.json with images, categories and annotations."
            ) from error

    def save(self, path: str | Path) -> None:
        """Write the boxes alone, a hundredth of the size of COCO's file."""
        photos = [{"boxes": boxes.round(4).tolist(), "size": size} for boxes, size in self._photos]
        write_json(path, {"person_photos": photos})

    def draw(
        self, rng: np.random.Generator, more_than: int
    ) -> tuple[Boxes, tuple[float, float]] | None:
        """A random photo of more than so many people, or None if there is none."""
        first = int(np.searchsorted(self._counts, more_than, side="right"))
        if first == len(self._photos):
            return None
        return self._photos[int(rng.integers(first, len(self._photos)))]


def _from_coco(content: Mapping[str, Any]) -> Iterable[tuple[Boxes, tuple[float, float]]]:
    people = {c["id"] for c in content["categories"] if c["name"] == "person"}
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    boxes: dict[Any, list[list[float]]] = {}
    for annotation in content["annotations"]:
        width, height = sizes[annotation["image_id"]]
        box = [float(value) for value in annotation["bbox"]]
        if (
            annotation["category_id"] in people
            and not annotation.get("iscrowd")
            and box[2] * box[3] >= MIN_SHARE * width * height
        ):
            boxes.setdefault(annotation["image_id"], []).append(box)
    for image_id in sorted(boxes):
        width, height = sizes[image_id]
        side = float(np.sqrt(width * height))
        yield np.array(boxes[image_id]) / side, (width / side, height / side)
