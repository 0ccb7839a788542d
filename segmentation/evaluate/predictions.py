"""What a segmenter finds on annotated pictures, kept in a file so that nothing is done twice."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from cartoonedit.files import sha256, write_json
from cartoonedit.images import open_image
from cartoonedit.runtime import Progress, silent
from segmentation.evaluate.coco_files import Json, Source, read_truth

if TYPE_CHECKING:
    from segmentation.segmenter import Segmenter

__all__ = ["fingerprint", "predict", "predict_once"]

logger = logging.getLogger(__name__)

Render = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
_SAVE_EVERY = 60.0  # seconds


def predict(
    segmenter: Segmenter,
    pictures: str | Path,
    annotations: Source,
    progress: Progress | None = None,
    *,
    render: Render | None = None,
) -> list[Json]:
    """COCO results of a segmenter on the pictures that some annotations name.

    For the whole precision-recall curve the segmenter should have a low threshold, such as 0.05,
    and let masks overlap.

    Args:
        segmenter: Which.
        pictures: The folder that `file_name` is relative to.
        annotations: A COCO dict or file.
        progress: Called after each picture.
        render: Draws each picture anew before it is segmented, RGB to RGB of the same size; one of
            `segmentation.dataset.manga.RENDERINGS`.

    Raises:
        InvalidInput: A picture is missing, cannot be read, or has another size than the
            annotations say. All are looked at before the work begins.
    """
    images = read_truth(annotations)["images"]
    files = _checked(images, Path(pictures))
    shown = progress or silent
    results: list[Json] = []
    shown(0, len(images), "")
    for done, found in enumerate(_find(segmenter, images, files, render), 1):
        results += found
        shown(done, len(images), "")
    return results


def predict_once(
    make_segmenter: Callable[[], Segmenter],
    pictures: str | Path,
    annotations: Source,
    kept: str | Path,
    made_by: str,
    progress: Progress | None = None,
    *,
    render: Render | None = None,
) -> list[Json]:
    """Do as `predict`, but keep what is found in a file and take from it what was found before.

    The file is a COCO dict with scores. It is written every minute and when the work is stopped, so
    that a run that was cut short goes on where it was. A picture that has changed since is
    segmented anew, and so are all if `made_by` is another.

    Args:
        make_segmenter: Called if there is anything to do.
        pictures: As for `predict`.
        annotations: As for `predict`.
        kept: The file.
        made_by: Says what segments, and how: `fingerprint`.
        progress: Called after each picture.
        render: As for `predict`.

    Raises:
        InvalidInput: As for `predict`, or the file is there and holds something else.
    """
    kept = Path(kept)
    images = read_truth(annotations)["images"]
    files = _checked(images, Path(pictures))
    digests = {image["id"]: sha256(file) for image, file in zip(images, files, strict=True)}
    found = _known(kept, made_by, images, digests)
    todo = [pair for pair in zip(images, files, strict=True) if pair[0]["id"] not in found]
    if len(todo) < len(images):
        logger.info("%s: %d of %d pictures kept", kept, len(images) - len(todo), len(images))
    shown = progress or silent
    shown(len(found), len(images), "")
    if todo:
        saved = time.monotonic()
        work = _find(make_segmenter(), [i for i, _ in todo], [f for _, f in todo], render)
        try:
            for (image, _), of_picture in zip(todo, work, strict=True):
                found[image["id"]] = of_picture
                shown(len(found), len(images), "")
                if time.monotonic() - saved > _SAVE_EVERY:
                    _save(kept, made_by, images, digests, found)
                    saved = time.monotonic()
        finally:
            _save(kept, made_by, images, digests, found)
    return [result for image in images for result in found[image["id"]]]


def fingerprint(files: Mapping[str, Path], settings: Mapping[str, Any]) -> str:
    """A digest of weights and of how they are used.

    Args:
        files: The files of weights by what they are for.
        settings: Whatever else the outcome hangs on.
    """
    weights = {role: sha256(path) for role, path in files.items()}
    text = json.dumps([weights, {name: str(value) for name, value in settings.items()}])
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(images: Sequence[Json], folder: Path) -> list[Path]:
    """The files of pictures, every one of which has been read."""
    files = [folder / image["file_name"] for image in images]
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise InvalidInput(f"{len(missing)} pictures are missing, first {str(missing[0])!r}.")
    for image, file in zip(images, files, strict=True):
        height, width = open_image(file).shape[:2]
        if (width, height) != (image["width"], image["height"]):
            raise InvalidInput(
                f"{str(file)!r} has {width}x{height} pixels, but the annotations say"
                f" {image['width']}x{image['height']}. Evaluate the pictures that were annotated."
            )
    return files


def _find(
    segmenter: Segmenter, images: Sequence[Json], files: Sequence[Path], render: Render | None
) -> Iterator[list[Json]]:
    from cartoonedit.export import coco

    drawn: Any = files if render is None else (render(open_image(file)) for file in files)
    for image, scene in zip(images, segmenter.batch(drawn, progress=silent), strict=True):
        yield [
            {"image_id": image["id"]}
            | {name: found[name] for name in ("category_id", "segmentation", "bbox", "score")}
            for found in coco([scene], [image["file_name"]])["annotations"]
        ]


def _known(
    kept: Path, made_by: str, images: Sequence[Json], digests: Mapping[int, str]
) -> dict[int, list[Json]]:
    """What was found before, by picture."""
    if not kept.exists():
        return {}
    try:
        content = json.loads(kept.read_text(encoding="utf-8"))
        maker, before = content["info"]["made_by"], content["annotations"]
        ids = {(image["file_name"], image["sha256"]): image["id"] for image in content["images"]}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{str(kept)!r} holds no kept predictions and would be overwritten. Move it, or name"
            " another place."
        ) from error
    if maker != made_by:
        logger.info("%s was made with other weights or options: all pictures are done anew", kept)
        return {}
    of_old: dict[int, list[Json]] = {old: [] for old in ids.values()}
    for result in before:
        of_old[result["image_id"]].append({k: v for k, v in result.items() if k != "id"})
    now = {image["id"]: (image["file_name"], digests[image["id"]]) for image in images}
    return {
        number: [result | {"image_id": number} for result in of_old[ids[picture]]]
        for number, picture in now.items()
        if picture in ids
    }


def _save(
    kept: Path,
    made_by: str,
    images: Sequence[Json],
    digests: Mapping[int, str],
    found: Mapping[int, list[Json]],
) -> None:
    results = [result for image in images for result in found.get(image["id"], [])]
    content = {
        "info": {"description": "predictions kept by cartoonedit evaluate", "made_by": made_by},
        "images": [
            {name: image[name] for name in ("id", "file_name", "width", "height")}
            | {"sha256": digests[image["id"]]}
            for image in images
            if image["id"] in found
        ],
        "categories": [{"id": 1, "name": "character"}],
        "annotations": [{"id": number, **result} for number, result in enumerate(results, 1)],
    }
    write_json(kept, content)
