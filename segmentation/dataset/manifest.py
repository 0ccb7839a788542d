"""What a folder of material holds, and what was left out of it and why: two tables beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

__all__ = ["MANIFEST_NAME", "REFUSED_NAME", "Manifest", "read_rows"]

MANIFEST_NAME, REFUSED_NAME = "MANIFEST.csv", "REFUSED.csv"

Row = dict[str, str]


class Manifest:
    """The tables of one folder, read when made and written by `save`.

    ``MANIFEST.csv`` has a row for each picture in the folder: ``path`` relative to it, ``source``
    (its sub-folder), ``origin`` (the file that it was taken from), ``kind``, ``tags`` and what was
    measured. ``REFUSED.csv`` has the ``origin`` and ``reason`` of what was left out.

    Args:
        folder: of the material; need not exist yet.

    Raises:
        InvalidInput: A table is there but cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = {row["path"]: row for row in read_rows(folder / MANIFEST_NAME, "path")}
        refused = read_rows(folder / REFUSED_NAME, "origin")
        self.refused = {row["origin"]: row.get("reason", "") for row in refused}

    def taken(self) -> set[str]:
        """Files whose pictures are in the folder, and that were not refused since."""
        present = (row for path, row in self.kept.items() if (self.folder / path).is_file())
        return {row.get("origin", "") for row in present} - set(self.refused)

    def decided(self) -> set[str]:
        """Files whose pictures are in the folder, or that were refused."""
        return self.taken() | set(self.refused)

    def source_for(self, origin: str, stem: str) -> str:
        """The sub-folder for a file's pictures: ``stem``, or ``stem-2``, ... if another has it."""
        owners = {row.get("source"): row.get("origin") for row in self.kept.values()}
        number = 1
        while owners.get(name := stem if number == 1 else f"{stem}-{number}", origin) != origin:
            number += 1
        return name

    def free_name(self, stem: str, suffix: str) -> str:
        """A path that no picture has: ``stem``, ``stem-2``, ..."""
        number = 1
        while True:
            name = f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"
            if name not in self.kept and not (self.folder / name).exists():
                return name
            number += 1

    def keep(self, row: Mapping[str, object]) -> None:
        """Add the row of a picture, in place of any of the same ``path``."""
        values = {name: str(value) for name, value in row.items()}
        self.kept[values["path"]] = values
        self.refused.pop(values.get("origin", ""), None)

    def refuse(self, origin: str, reason: str) -> None:
        """Say why nothing was taken from a file, or from a part of it such as a frame."""
        self.refused[origin] = reason

    def forget(self, origin: str) -> list[str]:
        """Drop what is said about a file and about its parts, ``origin#part``.

        Returns:
            Paths of the pictures that were taken from it; they are still there.
        """
        dropped = [path for path, row in self.kept.items() if row.get("origin") == origin]
        for path in dropped:
            del self.kept[path]
        self.refused = {
            name: reason
            for name, reason in self.refused.items()
            if name != origin and not name.startswith(f"{origin}#")
        }
        return dropped

    def save(self) -> None:
        """Write both tables, each whole or not at all; an empty one is not written."""
        columns = dict.fromkeys(name for row in self.kept.values() for name in row)
        if self.kept:
            _write_rows(self.folder / MANIFEST_NAME, list(columns), self.kept.values())
        refusals = [{"origin": name, "reason": why} for name, why in self.refused.items()]
        if refusals or (self.folder / REFUSED_NAME).is_file():
            _write_rows(self.folder / REFUSED_NAME, ["origin", "reason"], refusals)


def read_rows(path: Path, key: str) -> list[Row]:
    """Rows of a table that has the column ``key``; a file that is not there has none.

    Raises:
        InvalidInput: The file is no such table.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            rows = [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(lines)]
    except (csv.Error, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no table that can be read ({error})") from error
    if any(key not in row for row in rows):
        raise InvalidInput(f"{path} has no column {key!r}; mend it, or move it out of the way")
    return rows


def _write_rows(path: Path, columns: list[str], rows: Iterable[Mapping[str, str]]) -> None:
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
