"""YAML and JSON files that people write: whatever is wrong with one is told in words, and soon."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from cartoonedit.errors import InvalidInput, shown

__all__ = ["MOST_BYTES", "parse_yaml", "read_yaml"]

MOST_BYTES = 200_000
"""Of a file. PyYAML takes seconds for what is much longer, for some numbers even minutes."""


def read_yaml(
    file: str | Path, what: str, *, tuples: bool = False, most_bytes: int = MOST_BYTES
) -> Any:
    """Read a YAML file, see :func:`parse_yaml`, or a JSON file, whose name ends in ``.json``.

    Args:
        file: In UTF-8.
        what: It is, for messages, such as ``recipe``.
        tuples: As of :func:`parse_yaml`.
        most_bytes: How large it may be.

    Raises:
        InvalidInput: It cannot be read, is too large, or is no YAML or JSON.
    """
    try:
        with Path(file).open("rb") as opened:  # no more than that, whatever size it says it has
            stored = opened.read(most_bytes + 1)
        if len(stored) > most_bytes:
            raise ValueError(f"it is larger than {most_bytes // 1000} kB")
        text = stored.decode("utf-8-sig")
        if Path(file).suffix.lower() == ".json":
            return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InvalidInput(f"the {what} {file} cannot be read: {reason:.300}.") from error
    return parse_yaml(text, str(file), tuples=tuples)


def parse_yaml(text: str, source: str, *, tuples: bool = False) -> Any:
    """What a YAML text holds: plain data, the keys of mappings always texts.

    Args:
        text: Without merge keys (``<<``).
        source: Where it is from, for messages.
        tuples: Whether ``!!python/tuple`` is read, as a list; some programs in Python write it.

    Raises:
        InvalidInput: It is no YAML, or has a value that is not what its tag says.
    """
    try:
        return yaml.load(text, _TupleLoader if tuples else _Loader)
    except _RAISED as error:
        reason = " ".join(str(error).split())
        raise InvalidInput(f"{source} is not valid YAML: {reason:.300}.") from error


_RAISED = (
    yaml.YAMLError,
    RecursionError,
    # PyYAML lets through what Python says of values that do not fit their tags.
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
)


class _Loader(yaml.SafeLoader):
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Refuse merge keys: nested ones make gigabytes of a few lines."""
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, "merge keys (<<) are not allowed", key.start_mark
                )

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        made = super().construct_mapping(node, deep)
        return {key if isinstance(key, str) else shown(key): each for key, each in made.items()}


class _TupleLoader(_Loader):
    def construct_tuple(self, node: yaml.SequenceNode) -> list[Any]:
        return self.construct_sequence(node, deep=True)


_TupleLoader.add_constructor("tag:yaml.org,2002:python/tuple", _TupleLoader.construct_tuple)
