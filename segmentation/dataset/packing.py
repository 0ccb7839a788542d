"""A small copy of training material, for taking it to another machine."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path
from cartoonedit.runtime import Progress, silent
from segmentation.dataset.manifest import MANIFEST_NAME
from segmentation.dataset.sources import SUFFIXES, read_picture

__all__ = ["PARTS", "Packed", "pack"]

PARTS = ("foregrounds", "backgrounds")


@dataclass(frozen=True)
class Packed:
    """What was packed.

    Attributes:
        pictures: how many are in the copy now.
        bytes: their size together.
        refused: pictures that cannot be read, and why.
    """

    pictures: int
    bytes: int
    refused: dict[str, str]


def pack(
    art: Path, out: Path, *, max_side: int, quality: int = 80, progress: Progress | None = None
) -> Packed:
    """Copy material with smaller pictures, as WebP; its manifest is copied, too.

    What is in ``out`` already is kept, so that a copy that was stopped is completed. Backgrounds
    may be twice as large as cut-outs, because scenes show parts of them.

    Args:
        art: folder with ``foregrounds/<source>/*`` and ``backgrounds/<source>/*``.
        out: folder for the copy, laid out the same.
        max_side: longest side of a cut-out in pixels.
        quality: of WebP, 1 to 100.
        progress: called after each picture.

    Raises:
        InvalidInput: There is nothing to pack, or a number is out of range.
    """
    if not 1 <= quality <= 100 or max_side < 16:
        raise InvalidInput("quality must be 1 to 100 and the longest side at least 16 pixels")
    if out.resolve() == art.resolve():
        raise InvalidInput(f"the copy needs another folder than {art}")
    files = [
        file
        for part in PARTS
        for file in sorted((art / part).glob("*/*"))
        if file.suffix.lower() in SUFFIXES
    ]
    if not files:
        raise InvalidInput(
            f"{art} holds no pictures; expected foregrounds/<source>/* and backgrounds/<source>/*"
        )
    shown, size = progress or silent, 0
    refused: dict[str, str] = {}
    for number, file in enumerate(files):
        shown(number, len(files), file.name)
        name = file.relative_to(art)
        target = out / _packed(str(name))
        try:
            if not target.exists():
                side = max_side if name.parts[0] == PARTS[0] else 2 * max_side
                _write(target, read_picture(file, side), quality)
            size += target.stat().st_size
        except InvalidInput as error:
            refused[str(file)] = str(error)
    shown(len(files), len(files), "")
    for folder in ("", *PARTS):
        _copy_manifest(art / folder / MANIFEST_NAME, out / folder / MANIFEST_NAME)
    return Packed(len(files) - len(refused), size, refused)


def _write(target: Path, image: npt.NDArray[np.uint8], quality: int) -> None:
    with atomic_path(target) as partial:
        Image.fromarray(image).save(partial, "WEBP", quality=quality, alpha_quality=90, method=4)


def _packed(name: str) -> str:
    """The name of a picture's copy; the old ending stays, since a.png and a.jpg are two."""
    return name if name.lower().endswith(".webp") else name + ".webp"


def _copy_manifest(source: Path, target: Path) -> None:
    """Copy the table with the names that its pictures have now."""
    if not source.is_file():
        return
    with source.open(newline="", encoding="utf-8") as lines:
        table = csv.DictReader(lines)
        rows = [row | {"path": _packed(row["path"])} for row in table]
        columns = table.fieldnames or ["path"]
    with atomic_path(target) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
