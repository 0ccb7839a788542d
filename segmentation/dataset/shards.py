"""One shard of a synthesised dataset: so many scenes in a folder or a WebDataset tar.

A shard is there whole or not at all, and its bytes depend on nothing but the job and its number:
whoever writes it, on whatever machine, writes the same.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from cartoonedit.export import CATEGORY, rle
from cartoonedit.files import atomic_folder, atomic_path, sha256, write_json
from segmentation.dataset.compose import Sample, Sources, compose
from segmentation.dataset.photos import PersonPhotos
from segmentation.dataset.recipe import Recipe
from segmentation.dataset.sources import Library
from segmentation.dataset.statistics import SceneStatistics

__all__ = ["ANNOTATIONS", "Job", "Record", "checksum", "is_whole", "read_record", "write_shard"]

ANNOTATIONS = "annotations.json"
MAX_PER_SCENE = 1000
"""Annotation ids are the scene's number times this, plus the character's."""


@dataclass(frozen=True)
class Job:
    """What is to be synthesised, and where.

    Attributes:
        foregrounds: folder of cut-outs, one sub-folder a source.
        backgrounds: folder of backgrounds, one sub-folder a source.
        photos: file of person boxes to lay scenes out by, if any.
        out: folder of the dataset.
        count: number of scenes.
        seed: same seed, same scenes.
        size_wh: of a scene in pixels.
        shard_size: scenes in a shard.
        form: a folder of pictures or a WebDataset tar for each shard.
        recipe: how scenes are composed.
    """

    foregrounds: Path
    backgrounds: Path
    photos: Path | None
    out: Path
    count: int
    seed: int = 0
    size_wh: tuple[int, int] = (720, 720)
    shard_size: int = 200
    form: Literal["folder", "webdataset"] = "folder"
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        if self.count < 1 or self.shard_size < 1:
            raise InvalidInput("count and shard size must be at least 1")
        if not 32 <= min(self.size_wh) <= max(self.size_wh) <= 8192:
            width, height = self.size_wh
            raise InvalidInput(f"a scene must have 32 to 8192 pixels a side; got {width}x{height}")

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.count // self.shard_size)

    def indices(self, shard: int) -> range:
        """Numbers of the scenes of a shard."""
        first = shard * self.shard_size
        return range(first, min(first + self.shard_size, self.count))

    def place(self, shard: int) -> Path:
        """The folder or tar of a shard."""
        return self.out / (f"shard-{shard:05d}" + (".tar" if self.form == "webdataset" else ""))

    def record_place(self, shard: int) -> Path:
        """The file that says what a shard holds; it is written when the shard is whole."""
        return self.out / f"shard-{shard:05d}.json"


@dataclass(frozen=True)
class Record:
    """What a shard holds.

    Attributes:
        name: of its folder or tar.
        first: number of its first scene.
        count: of its scenes.
        instances: characters shown.
        sha256: see `checksum`.
        statistics: `SceneStatistics` of its scenes.
    """

    name: str
    first: int
    count: int
    instances: int
    sha256: str
    statistics: dict[str, dict[str, int]]


def write_shard(job: Job, shard: int, after_each: Callable[[], None] | None = None) -> Record:
    """Compose and write a shard and then its record; what was there in its place is replaced.

    Args:
        job: the dataset.
        shard: its number.
        after_each: called after each scene; what it raises stops the work, and nothing is left.
    """
    sources = open_sources(job)
    statistics = SceneStatistics()

    def scenes() -> Iterator[_Scene]:
        for index in job.indices(shard):
            sample = compose(sources, job.seed, index, job.size_wh, job.recipe)
            statistics.add(sample)
            yield _describe(sample, index, sources.foregrounds)
            if after_each:
                after_each()

    place = job.place(shard)
    if job.form == "webdataset":
        _write_tar(place, scenes())
    else:
        _write_folder(place, scenes())
    indices = job.indices(shard)
    record = Record(
        place.name, indices.start, len(indices), statistics.instances, checksum(place),
        statistics.to_dict(),
    )  # fmt: skip
    write_json(job.record_place(shard), asdict(record))
    return record


def open_sources(job: Job) -> Sources:
    """The material of a job, opened once in each process."""
    return _open_sources(job.foregrounds, job.backgrounds, job.photos, max(job.size_wh))


@lru_cache(maxsize=1)
def _open_sources(foregrounds: Path, backgrounds: Path, photos: Path | None, side: int) -> Sources:
    return Sources(
        Library.from_folder(foregrounds, max_side=3 * side // 2),
        Library.from_folder(backgrounds, max_side=2 * side),
        PersonPhotos.from_file(photos) if photos else None,
    )


@dataclass(frozen=True)
class _Scene:
    """A scene as it is stored: its picture as a file, and its COCO entries."""

    data: bytes
    image: dict[str, Any]
    annotations: list[dict[str, Any]]


def _describe(sample: Sample, index: int, library: Library) -> _Scene:
    height, width = sample.picture.shape[:2]
    name = f"{index:09d}." + ("jpg" if sample.jpeg else "png")
    image = {
        "id": index, "file_name": name, "width": width, "height": height, "drawn": sample.drawn,
    }  # fmt: skip
    annotations = []
    for number, (alpha, amodal, file) in enumerate(
        zip(sample.alphas, sample.amodal, sample.files, strict=True), start=1
    ):
        seen, whole = alpha > 127, amodal > 127
        annotations.append(
            {
                "id": index * MAX_PER_SCENE + number,
                "image_id": index,
                "category_id": CATEGORY["id"],
                "iscrowd": 0,
                "bbox": _box(seen),
                "area": int(seen.sum()),
                "segmentation": rle(alpha),
                "amodal_bbox": _box(whole),
                "amodal_segmentation": rle(amodal),
                "visible": round(float(seen.sum() / max(whole.sum(), 1)), 4),
                "cutout": file.path.relative_to(library.folder).as_posix(),
                "source": file.source,
                "kind": file.kind,
                "tags": list(file.tags),
            }
        )
    return _Scene(sample.jpeg or _png(sample.picture), image, annotations)


def _png(picture: npt.NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def _box(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Left, top, width and height of a mask."""
    return list(cv2.boundingRect(mask.view(np.uint8)))


def _write_folder(place: Path, scenes: Iterator[_Scene]) -> None:
    images, annotations = [], []
    with atomic_folder(place, stale=["*"]) as partial:
        for scene in scenes:
            (partial / scene.image["file_name"]).write_bytes(scene.data)
            images.append(scene.image)
            annotations += scene.annotations
        content = {"images": images, "categories": [dict(CATEGORY)], "annotations": annotations}
        write_json(partial / ANNOTATIONS, content)


def _write_tar(place: Path, scenes: Iterator[_Scene]) -> None:
    with (
        atomic_path(place) as partial,
        tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for scene in scenes:
            content = json.dumps({"image": scene.image, "annotations": scene.annotations})
            _add(tar, scene.image["file_name"], scene.data)
            _add(tar, Path(scene.image["file_name"]).stem + ".json", content.encode())


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file that nothing but its name and bytes is recorded of: no time, no owner."""
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def read_record(job: Job, shard: int) -> Record | None:
    """What is recorded of a shard; None if nothing readable is."""
    try:
        return Record(**json.loads(job.record_place(shard).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def is_whole(job: Job, shard: int) -> bool:
    """Whether a shard is there, has all of its scenes, and is unchanged since it was written."""
    record, indices = read_record(job, shard), job.indices(shard)
    if record is None or (record.first, record.count) != (indices.start, len(indices)):
        return False
    place = job.place(shard)
    return place.name == record.name and place.exists() and checksum(place) == record.sha256


def checksum(place: Path) -> str:
    """SHA-256 of a file; of a folder, that of its files' names and SHA-256, in order of name."""
    if place.is_file():
        return sha256(place)
    lines = [f"{sha256(file)}  {file.name}\n" for file in sorted(place.iterdir()) if file.is_file()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
