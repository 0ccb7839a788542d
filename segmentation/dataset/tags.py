"""Tags of pictures, from metadata such as that of Danbooru2021 (section 3.1)."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from cartoonedit.errors import InvalidInput

__all__ = ["Tags", "missing_tags", "parse_tags", "read_tags"]

logger = logging.getLogger(__name__)

Tags = frozenset[str]

NAME_FIELDS = ("file_name", "filename", "file", "path", "id", "md5")
"""Any of these names the picture of an entry, without its folder and ending."""

TAG_FIELDS = ("tags", "tag_string", "tag_string_general")


def read_tags(path: Path, names: Collection[str]) -> dict[str, Tags]:
    """Read the tags of some pictures.

    Every line is a JSON object, or the whole file is a list of them. Tags may be a list of names,
    a list of objects with ``name`` (Danbooru2021), or a text with spaces between (``tag_string``).

    Args:
        path: the metadata; read line by line, so that millions of entries need no memory.
        names: stems of the pictures' file names that are wanted.

    Returns:
        Tags by stem, of those pictures that have an entry.

    Raises:
        InvalidInput: The file holds no entry of that kind.
    """
    wanted, found = set(names), dict[str, Tags]()
    entries = broken = 0
    for entry in _entries(path):
        tags = _tags_of(entry)
        if tags is None:
            broken += 1
            continue
        entries += 1
        for stem in _stems_of(entry) & wanted:
            found[stem] = tags
    if not entries:
        raise InvalidInput(
            f"{path} holds no tags; expected lines such as"
            ' {"file": "1.png", "tags": ["solo", "transparent_background"]}'
        )
    if broken:
        logger.warning("%s: %d lines that hold no tags were passed over", path, broken)
    return found


def parse_tags(text: str) -> Tags:
    """Read tags with spaces or commas between."""
    return frozenset(text.replace(",", " ").lower().split())


def missing_tags(tags: Tags | None, wanted: Tags) -> str:
    """Why a picture with these tags is not wanted, or an empty text."""
    if tags is None:
        return "the metadata does not name it"
    lacking = sorted(wanted - tags)
    return f"not tagged {' and '.join(lacking)}" if lacking else ""


def _entries(path: Path) -> Iterator[Any]:
    """JSON values of a file; None for a line that is none."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines):
                if number == 0 and line.lstrip().startswith("["):
                    yield from json.loads(line + lines.read())
                elif line.strip():
                    yield _value(line)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON lines: {error}") from error


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _stems_of(entry: dict[str, Any]) -> set[str]:
    values = [entry[field] for field in NAME_FIELDS if isinstance(entry.get(field), str | int)]
    return {PurePosixPath(str(value).replace("\\", "/")).stem for value in values}


def _tags_of(entry: Any) -> Tags | None:
    if not isinstance(entry, dict):
        return None
    for field in TAG_FIELDS:
        value = entry.get(field)
        if isinstance(value, str):
            return parse_tags(value)
        if isinstance(value, list):
            names = [item.get("name") if isinstance(item, dict) else item for item in value]
            return frozenset(
                str(name).strip().lower().replace(" ", "_") for name in names if name is not None
            )
    return None
