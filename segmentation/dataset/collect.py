"""Go through many pictures, keep what is good material and note why the rest is not."""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path
from cartoonedit.images import open_rgba, save_image
from cartoonedit.runtime import Progress, cpu_count, silent
from segmentation.dataset.backgrounds import check_background
from segmentation.dataset.borders import kind_by
from segmentation.dataset.manifest import Manifest
from segmentation.dataset.material_options import BackgroundOptions, CutoutOptions
from segmentation.dataset.people import Finder, is_alone, is_empty
from segmentation.dataset.sources import SUFFIXES
from segmentation.dataset.stills import take_subject
from segmentation.dataset.tags import Tags, missing_tags, parse_tags

__all__ = ["Collected", "collect_backgrounds", "collect_cutouts"]

Picture = npt.NDArray[np.uint8]

SAVE_SECONDS = 20.0
"""The tables are written this often, so that little is done twice after a power cut."""

MOST_THREADS = 8
"""Each holds a picture, of up to a few hundred megabytes."""

ORIENTATION = 0x0112  # the EXIF tag; 1 is upright


@dataclass(frozen=True)
class Collected:
    """What came of the pictures.

    Attributes:
        kept: how many are in the folder now.
        refused: why each other one is not, by file.
        known: how many of both were decided by an earlier run.
    """

    kept: int
    refused: dict[str, str]
    known: int


@dataclass(frozen=True)
class _Material:
    """A picture to keep: ``picture``, or the file as it is; and its columns in the manifest."""

    picture: Picture | None
    columns: Mapping[str, object]


def collect_cutouts(
    files: Sequence[Path],
    out: Path,
    options: CutoutOptions | None = None,
    *,
    tags: Mapping[str, Tags] | None = None,
    find: Finder | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Collect illustrations of one subject each, cropped to it, as PNG with alpha.

    Each goes into a sub-folder with the name of its own folder. Pictures that an earlier run
    decided on are passed over.

    Args:
        files: the pictures.
        out: folder of all cut-outs.
        options: which are good enough.
        tags: of the pictures by stem; None asks for no tags.
        find: asks the segmenter; None does not.
        overwrite: decide anew.
        progress: called after each picture.

    Raises:
        InvalidInput: The tables in ``out`` cannot be read.
    """
    options = options or CutoutOptions()
    wanted = parse_tags(options.tags)

    def judge(file: Path) -> _Material:
        own = _require_tags(file, tags, wanted)
        piece, quality = take_subject(_open(file), options)
        if find is not None:
            is_alone(piece, find)
        kind = kind_by(quality.cut.split())
        return _Material(piece, {"kind": kind, "tags": " ".join(sorted(own)), **asdict(quality)})

    return _collect(files, out, judge, overwrite, progress or silent)


def collect_backgrounds(
    files: Sequence[Path],
    out: Path,
    options: BackgroundOptions | None = None,
    *,
    tags: Mapping[str, Tags] | None = None,
    find: Finder | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Collected:
    """Collect pictures with nobody in them, as they are; see `collect_cutouts`.

    Raises:
        InvalidInput: The tables in ``out`` cannot be read.
    """
    options = options or BackgroundOptions()
    wanted = parse_tags(options.tags)

    def judge(file: Path) -> _Material:
        own = _require_tags(file, tags, wanted)
        rgba = _open(file)
        check_background(rgba, options)
        rgb = np.ascontiguousarray(rgba[..., :3])
        highest = is_empty(rgb, find, options.threshold, options.min_person) if find else 0.0
        height, width = rgb.shape[:2]
        columns = {"kind": "background", "tags": " ".join(sorted(own)), "width": width,
                   "height": height, "person": round(highest, 3)}  # fmt: skip
        return _Material(None if _is_plain(file) else rgb, columns)

    return _collect(files, out, judge, overwrite, progress or silent)


def _require_tags(file: Path, tags: Mapping[str, Tags] | None, wanted: Tags) -> Tags:
    if tags is None:
        return frozenset()
    if reason := missing_tags(tags.get(file.stem), wanted):
        raise InvalidInput(reason)
    return tags[file.stem]


def _open(file: Path) -> Picture:
    try:
        return open_rgba(file)
    except InvalidInput as error:
        raise InvalidInput(f"unreadable: {error}") from error


def _is_plain(file: Path) -> bool:
    """Whether a library reads the file as a person sees it, so that it need not be written anew."""
    with Image.open(file) as image:
        upright = image.getexif().get(ORIENTATION, 1) == 1
        return upright and file.suffix.lower() in SUFFIXES


def _collect(
    files: Sequence[Path],
    out: Path,
    judge: Callable[[Path], _Material],
    overwrite: bool,
    progress: Progress,
) -> Collected:
    manifest = Manifest(out)
    done = set() if overwrite else manifest.decided()
    new = [file for file in files if str(file) not in done]
    known, saved = len(files) - len(new), time.monotonic()
    try:
        progress(known, len(files), "")
        with closing(_outcomes(judge, new)) as outcomes:
            for number, (file, outcome) in enumerate(outcomes, known + 1):
                if overwrite:
                    for path in manifest.forget(str(file)):
                        (out / path).unlink(missing_ok=True)
                if isinstance(outcome, str):
                    manifest.refuse(str(file), outcome)
                else:
                    _keep(file, outcome, manifest)
                if time.monotonic() - saved > SAVE_SECONDS:
                    manifest.save()
                    saved = time.monotonic()
                progress(number, len(files), file.name)
    finally:
        manifest.save()
    origins = [str(file) for file in files]
    refused = {name: manifest.refused[name] for name in origins if name in manifest.refused}
    return Collected(len(origins) - len(refused), refused, known)


def _outcomes(
    judge: Callable[[Path], _Material], files: Sequence[Path]
) -> Generator[tuple[Path, _Material | str]]:
    """What becomes of each picture, in their order; the next ones are judged meanwhile."""
    threads = min(cpu_count(), MOST_THREADS)
    ahead: deque[tuple[Path, Future[_Material | str]]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for file in files:
            ahead.append((file, pool.submit(_outcome, judge, file)))
            if len(ahead) > threads:
                first, future = ahead.popleft()
                yield first, future.result()
        for file, future in ahead:
            yield file, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _outcome(judge: Callable[[Path], _Material], file: Path) -> _Material | str:
    """What to keep, or why nothing is kept."""
    try:
        return judge(file)
    except InvalidInput as error:
        return str(error)


def _keep(file: Path, material: _Material, manifest: Manifest) -> None:
    source = file.absolute().parent.name or "pictures"
    suffix = ".png" if material.picture is not None else file.suffix.lower()
    name = manifest.free_name(f"{source}/{file.stem}", suffix)
    target = manifest.folder / name
    if material.picture is not None:
        save_image(target, material.picture)
    else:
        with atomic_path(target) as partial:
            shutil.copyfile(file, partial)
    manifest.keep({"path": name, "source": source, "origin": str(file), **material.columns})
