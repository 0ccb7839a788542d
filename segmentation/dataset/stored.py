"""Finished pictures with masks on the disk, read in any order by any process.

Three layouts are understood: COCO (``annotations.json`` with the pictures beside it or in
``pictures/`` or ``images/``), folders ``shard-*`` of that kind, and WebDataset archives
``shard-*.tar``, which hold ``NAME.jpg`` and ``NAME.json`` for each picture.
"""

from __future__ import annotations

import io
import json
import logging
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image
from segmentation.dataset.compose import Labelled
from segmentation.evaluate import coco_masks

__all__ = ["ANNOTATIONS", "Stored"]

logger = logging.getLogger(__name__)

Json = dict[str, Any]
ANNOTATIONS = "annotations.json"
_PICTURE_FOLDERS = (".", "pictures", "images")
_ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
# What a value of the wrong kind raises, here or in pycocotools' own code.
_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, MemoryError)


class Stored:
    """The pictures of a dataset by number, each with the visible masks of its characters.

    Opening reads all annotations once. Annotations of one picture are kept as one piece of text in
    one large array: worker processes share it, where Python objects would be copied to each.

    Args:
        folder: Of one of the layouts above.

    Raises:
        InvalidInput: The folder holds no such thing, or annotations cannot be read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._records = _Packed(_find_records(self.folder))
        if not len(self._records):
            raise InvalidInput(
                f"{str(self.folder)!r} holds no annotated pictures. Expected {ANNOTATIONS} (COCO)"
                " with the pictures beside it, folders shard-* of that kind, or shard-*.tar."
            )

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, number: int) -> Labelled:
        """The picture, RGB, and alphas 0 or 255 of the visible part of each character.

        Raises:
            InvalidInput: The picture or its annotations are damaged; the text names it.
        """
        record = self._record(number)
        try:
            data = self._read(record["picture"])
            with Image.open(io.BytesIO(data)) as image:
                picture = open_image(image)
        except (OSError, SyntaxError, InvalidInput) as error:
            raise InvalidInput(f"the picture {record['name']} cannot be read: {error}") from error
        height, width = picture.shape[:2]
        try:
            masks = [_mask(a, (width, height)) for a in record["annotations"] if not _is_region(a)]
        except _WRONG as error:
            raise InvalidInput(
                f"the annotations of {record['name']} cannot be used: {error}"
            ) from error
        return Labelled(
            picture, np.array(masks, np.uint8).reshape(-1, height, width) * np.uint8(255)
        )

    def name(self, number: int) -> str:
        """Where a picture lies, in words."""
        return str(self._records[number]["name"])

    def truth(self, numbers: Sequence[int]) -> Json:
        """COCO annotations of some pictures, as `evaluate` takes them; ids are the numbers.

        Raises:
            InvalidInput: The annotations of one are damaged.
        """
        images, annotations = [], []
        for number in numbers:
            record = self._record(number)
            try:
                size = {side: int(record["image"][side]) for side in ("width", "height")}
            except _WRONG as error:
                raise InvalidInput(f"{record['name']} has no width and height.") from error
            images.append({"id": number, "file_name": record["name"], **size})
            annotations += [{**a, "image_id": number} for a in record["annotations"]]
        return {"images": images, "annotations": annotations}

    def _record(self, number: int) -> Json:
        record: Json = self._records[number]
        if "annotations" not in record:  # of an archive: still in there
            try:
                content = json.loads(self._read(record["text"]))
                record |= {"image": content["image"]}
                record["annotations"] = [_essence(a) for a in content["annotations"]]
            except (OSError, *_WRONG) as error:
                raise InvalidInput(
                    f"the annotations of {record['name']} cannot be read: {error}"
                ) from error
        return record

    def _read(self, place: Any) -> bytes:
        """A file, or a part of an archive given as its name, offset and length."""
        if isinstance(place, str):
            return (self.folder / place).read_bytes()
        archive, offset, length = place
        with (self.folder / archive).open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        if len(data) < length:
            raise OSError(f"{archive} ends too early")
        return data


class _Packed:
    """Many JSON values in one array of bytes."""

    def __init__(self, values: Iterable[Json]) -> None:
        lines = [json.dumps(value).encode() for value in values]
        self._bytes = np.frombuffer(b"".join(lines), np.uint8)
        self._ends = np.cumsum([0, *map(len, lines)])

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        return json.loads(self._bytes[self._ends[number] : self._ends[number + 1]].tobytes())


def _find_records(folder: Path) -> Iterator[Json]:
    """A record of each picture, paths relative to ``folder``, always in the same order."""
    places = [folder]  # a finished dataset has one file that knows the pictures of all shards
    if not (folder / ANNOTATIONS).is_file():
        places = sorted(p for p in folder.glob("shard-*") if (p / ANNOTATIONS).is_file())
    for place in places:
        yield from _coco_records(folder, place)
    for archive in sorted(folder.glob("shard-*.tar")):
        yield from _archive_records(folder, archive)


def _coco_records(folder: Path, place: Path) -> Iterator[Json]:
    path = place / ANNOTATIONS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        of_image: dict[Any, list[Json]] = defaultdict(list)
        for annotation in content["annotations"]:
            of_image[annotation["image_id"]].append(_essence(annotation))
        for image in content["images"]:
            picture = _find_picture(place, image["file_name"]).relative_to(folder)
            yield {
                "name": str(folder / picture),
                "picture": str(picture),
                "image": {side: image.get(side) for side in ("width", "height")},
                "annotations": of_image[image["id"]],
            }
    except (OSError, *_WRONG) as error:
        raise InvalidInput(
            f"{str(path)!r} is no COCO file with 'images' (id, file_name, width, height) and"
            f" 'annotations' (image_id, segmentation): {error!r}."
        ) from error


def _find_picture(place: Path, file_name: str) -> Path:
    for name in _PICTURE_FOLDERS:
        path = place / name / file_name
        if path.is_file():
            return path
    return place / file_name  # missing; whoever reads it will say so


def _archive_records(folder: Path, archive: Path) -> Iterator[Json]:
    parts: dict[str, dict[str, list[Any]]] = {}
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                stem, _, ending = member.name.partition(".")
                kind = "text" if ending == "json" else "picture"
                if member.isfile() and (kind == "text" or f".{ending.lower()}" in _ENDINGS):
                    place = [archive.name, member.offset_data, member.size]
                    parts.setdefault(stem, {})[kind] = place
    except (OSError, tarfile.TarError) as error:
        # What came before the damage can be read.
        logger.warning("the archive %s is damaged: %s", archive, error)
    for stem, places in parts.items():
        if places.keys() == {"text", "picture"}:
            yield {"name": f"{archive}:{stem}", **places}


def _essence(annotation: Mapping[str, Any]) -> Json:
    """What is needed of an annotation; amodal masks and notes would double the memory."""
    wanted = ("bbox", "area", "iscrowd", "ignore", "segmentation")
    return {name: annotation[name] for name in wanted if name in annotation}


def _is_region(annotation: Mapping[str, Any]) -> bool:
    """Whether it marks a region where nothing counts, rather than a character."""
    return bool(annotation.get("iscrowd") or annotation.get("ignore"))


def _mask(annotation: Mapping[str, Any], size_wh: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """The mask of polygons or run lengths, compressed or not."""
    if not annotation.get("segmentation"):
        raise ValueError("a character has no mask")
    return coco_masks.decode(coco_masks.compressed(annotation["segmentation"], size_wh))
