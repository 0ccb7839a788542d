"""Where the results of several pictures go, so that none takes the place of another."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path

__all__ = ["distinct", "file_names", "is_scene", "scene_folders"]


def distinct(
    files: Sequence[Path], place: Callable[[str], Path], fits: Callable[[Path, Path], bool]
) -> dict[Path, Path]:
    """Choose a place for each file by its stem, or ``stem-2``, ``stem-3`` ... where that is taken.

    Args:
        files: The files to be placed, in order.
        place: Turns a name into a path.
        fits: Whether a file may have a path, as far as the disk is concerned.

    Returns:
        File to path; no two paths are equal, also where the case of letters does not count.
    """
    chosen: dict[Path, Path] = {}
    taken: set[str] = set()
    for file in files:
        stem = file.stem if file.stem.strip(".") else "picture"  # "...png" must not lead to ".."
        for number in count(1):
            path = place(stem if number == 1 else f"{stem}-{number}")
            if str(path).casefold() not in taken and fits(file, path):
                break
        taken.add(str(path).casefold())
        chosen[file] = path
    return chosen


def scene_folders(
    files: Sequence[Path], out: Path, reserved: Iterable[str] = ()
) -> dict[Path, Path]:
    """Choose a folder in ``out`` for the scene of each file.

    What is on the disk is left alone unless it is a scene made from this very file; so a second run
    finds the folders of the first one again.

    Args:
        files: The pictures.
        out: The folder to hold the scenes' folders.
        reserved: Names in ``out`` that are used for something else.

    Returns:
        File to folder. A folder that exists holds a scene of that file.
    """
    kept = {name.casefold() for name in reserved}

    def fits(file: Path, folder: Path) -> bool:
        if folder.name.casefold() in kept:
            return False
        return not os.path.lexists(folder) or _is_scene_of(folder, file)

    return distinct(files, out.joinpath, fits)


def file_names(files: Sequence[Path]) -> dict[Path, str]:
    """Name each file by its last part, or by its path below a common folder where two are equal."""
    equal = Counter(file.name for file in files)
    whole = [file.absolute() for file in files]
    top = os.path.commonpath([file.parent for file in whole]) if whole else ""
    return {
        file: file.name if equal[file.name] == 1 else path.relative_to(top).as_posix()
        for file, path in zip(files, whole, strict=True)
    }


def is_scene(path: Path) -> bool:
    """Whether a path is the folder of a saved scene."""
    return (path / "scene.json").is_file()


def _is_scene_of(folder: Path, file: Path) -> bool:
    try:
        source = json.loads((folder / "scene.json").read_text(encoding="utf-8-sig"))["source"]
        return Path(source).absolute() == file.absolute()
    except (OSError, ValueError, TypeError, KeyError):
        return False
