"""Synthesise a dataset of scenes with exact masks, in shards, resumable (section 3.2)."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cartoonedit.errors import InvalidInput
from cartoonedit.export import CATEGORY
from cartoonedit.files import atomic_path, write_json
from cartoonedit.runtime import Progress, silent
from segmentation.dataset.photos import PersonPhotos
from segmentation.dataset.shards import (
    ANNOTATIONS,
    Job,
    Record,
    is_whole,
    open_sources,
    read_record,
)
from segmentation.dataset.sources import Library
from segmentation.dataset.statistics import SceneStatistics

__all__ = ["MANIFEST", "Synthesised", "shard_size_for", "synthesise"]

logger = logging.getLogger(__name__)

MANIFEST, PHOTOS = "manifest.json", "person_boxes.json"
MAX_SHARD = 200

Engine = Callable[[Job, list[int], Callable[[int], None]], None]
"""``engine(job, shards, report)`` writes shards; see `segmentation.dataset.engines`."""


@dataclass(frozen=True)
class Synthesised:
    """A finished dataset.

    Attributes:
        out: its folder.
        records: of its shards.
        statistics: of all scenes.
        kept: how many shards were there already.
    """

    out: Path
    records: list[Record]
    statistics: SceneStatistics
    kept: int


def shard_size_for(out: Path, count: int) -> int:
    """Scenes in a shard: as in the dataset that is there already, or fitting for a new one.

    A small dataset has small shards, so that several workers can share it.
    """
    try:
        return int(
            json.loads((out / MANIFEST).read_text(encoding="utf-8"))["made_of"]["shard_size"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return min(MAX_SHARD, max(1, -(-count // 16)))


def synthesise(job: Job, engine: Engine, progress: Progress | None = None) -> Synthesised:
    """Write all shards of a dataset that are not there yet, then what joins them.

    The folder holds the shards, ``annotations.json`` (COCO; all scenes, file names relative to the
    folder) and ``manifest.json`` (how it was made, checksums, statistics). A run that was stopped,
    however rudely, is completed by the same call; a larger ``count`` extends the dataset.

    Args:
        job: what and where. Its ``photos`` may be COCO annotations of photos: their person boxes
            are kept in the dataset.
        engine: who does it.
        progress: called with the number of scenes done.

    Raises:
        InvalidInput: The material is empty or unreadable, or the folder holds another dataset.
    """
    shown = progress or silent
    shown(0, job.count, "opening the material")
    job = _keep_photos(job)
    identity = _identity(job)
    _check_folder(job, identity)
    _sweep(job.out)
    _write_manifest(job, identity)
    shown(0, job.count, "checking what is there")
    missing = [shard for shard in range(job.shards) if not is_whole(job, shard)]
    kept = job.shards - len(missing)
    done = job.count - sum(len(job.indices(shard)) for shard in missing)
    if kept and missing:
        logger.info("%d of %d shards are there already", kept, job.shards)

    def report(scenes: int) -> None:
        shown(min(done + scenes, job.count), job.count, "composing")

    if missing:
        report(0)
        engine(job, missing, report)
    _sweep(job.out)
    records = [read_record(job, shard) for shard in range(job.shards)]
    whole = [record for record in records if record is not None]
    statistics = SceneStatistics.total(record.statistics for record in whole)
    shown(job.count, job.count, "joining the annotations")
    if job.form == "folder":
        _join_annotations(job)
    _write_manifest(job, identity, whole, statistics)
    return Synthesised(job.out, whole, statistics, kept)


def _keep_photos(job: Job) -> Job:
    """Put the person boxes into the dataset: all workers find them, and nothing else is needed."""
    if job.photos is None:
        return job
    job.out.mkdir(parents=True, exist_ok=True)
    boxes = job.out / PHOTOS
    PersonPhotos.from_file(job.photos).save(boxes)
    return replace(job, photos=boxes)


def _identity(job: Job) -> dict[str, Any]:
    """All that the scenes depend on, whatever the material's folders are called today."""
    sources = open_sources(job)
    return {
        "seed": job.seed,
        "size_wh": list(job.size_wh),
        "form": job.form,
        "shard_size": job.shard_size,
        "recipe": asdict(job.recipe),
        "foregrounds": _fingerprint(sources.foregrounds),
        "backgrounds": _fingerprint(sources.backgrounds),
        "photos": hashlib.sha256(job.photos.read_bytes()).hexdigest() if job.photos else None,
    }


def _fingerprint(library: Library) -> str:
    """Of names, sizes in bytes and kinds: reading a hundred thousand pictures would take long."""
    lines = [
        f"{file.path.relative_to(library.folder).as_posix()}\0{file.path.stat().st_size}\0{file.kind}"
        for files in library.sources.values()
        for file in files
    ]
    return hashlib.sha256("\n".join(sorted(lines)).encode(errors="surrogateescape")).hexdigest()


def _check_folder(job: Job, identity: Mapping[str, Any]) -> None:
    manifest = job.out / MANIFEST
    if not manifest.exists():
        return
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        found, count = content["made_of"], int(content["count"])
        differing = [name for name in identity if found[name] != identity[name]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InvalidInput(
            f"{manifest} is no manifest of a dataset ({error!r}). Choose another folder."
        ) from error
    if differing:
        raise InvalidInput(
            f"{job.out} holds a dataset made with other {', '.join(differing)}. Choose another"
            " folder, give the same values, or delete it."
        )
    if count > job.count:
        raise InvalidInput(
            f"{job.out} is a dataset of {count} scenes, which cannot shrink to {job.count}."
            " Choose another folder, or delete it."
        )


def _sweep(out: Path) -> None:
    """Remove what killed workers left half-written."""
    for partial in [*out.glob(".shard-*.part"), *out.glob(".shard-*.part.*")]:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def _write_manifest(
    job: Job,
    identity: Mapping[str, Any],
    records: list[Record] | None = None,
    statistics: SceneStatistics | None = None,
) -> None:
    """Say what the folder is to hold, before the first shard; and what it holds, after the last."""
    from importlib import metadata

    manifest: dict[str, Any] = {
        "cartoonedit": metadata.version("cartoonedit"),
        "complete": records is not None,
        "count": job.count,
        "made_of": dict(identity),
    }
    if records is not None and statistics is not None:
        manifest["instances"] = statistics.instances
        manifest["statistics"] = statistics.to_dict()
        manifest["shards"] = [
            {name: value for name, value in asdict(record).items() if name != "statistics"}
            for record in records
        ]
    write_json(job.out / MANIFEST, manifest, indent=1)


def _join_annotations(job: Job) -> None:
    """One COCO file of all shards, written as it is read: it may be larger than the memory."""
    with (
        atomic_path(job.out / ANNOTATIONS) as partial,
        partial.open("w", encoding="utf-8") as file,
    ):
        file.write('{"info": {"description": "made with cartoonedit"}, "licenses": [],\n')
        file.write(f'"categories": [{json.dumps(CATEGORY)}],\n"images": [\n')
        _write_items(file, _entries(job, "images"))
        file.write('],\n"annotations": [\n')
        _write_items(file, _entries(job, "annotations"))
        file.write("]}\n")


def _entries(job: Job, key: str) -> Iterator[dict[str, Any]]:
    for shard in range(job.shards):
        place = job.place(shard)
        for entry in json.loads((place / ANNOTATIONS).read_text(encoding="utf-8"))[key]:
            if key == "images":
                entry["file_name"] = f"{place.name}/{entry['file_name']}"
            yield entry


def _write_items(file: Any, items: Iterator[dict[str, Any]]) -> None:
    for number, item in enumerate(items):
        file.write((",\n" if number else "") + json.dumps(item, ensure_ascii=False))
