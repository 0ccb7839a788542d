"""Values from files that people write, each checked and told of in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cartoonedit.errors import InvalidInput, shown

__all__ = ["entries", "mapping", "names", "number", "numbers", "required", "text", "whole"]


def required(data: Mapping[str, Any], key: str, where: str) -> Any:
    """The value of a key.

    Raises:
        InvalidInput: It is not there.
    """
    if key not in data:
        raise InvalidInput(
            f"{where} lacks {key!r}. It has {', '.join(data) or 'nothing'}; compare it with one"
            " that works."
        )
    return data[key]


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """A mapping with texts for keys."""
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} must be a mapping (name: value); got {shown(value)}.")
    return value


def entries(value: Any, where: str, *, least: int = 0) -> list[Any]:
    """A list of at least so many entries."""
    if not isinstance(value, list) or len(value) < least:
        wanted = f"a list of at least {least}" if least else "a list"
        raise InvalidInput(f"{where} must be {wanted}; got {shown(value)}.")
    return value


def text(value: Any, where: str) -> str:
    """A name. YAML takes a joint that is called 1 for a number, so those are names, too."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = shown(value)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where} must be a name; got {shown(value)}.")
    return value


def names(value: Any, where: str, *, least: int = 0, most: int | None = None) -> tuple[str, ...]:
    """A list of names."""
    found = tuple(text(each, where) for each in entries(value, where, least=least))
    if most is not None and len(found) > most:
        raise InvalidInput(f"{where} must be {most} names; got {len(found)}.")
    return found


def number(value: Any, where: str, low: float, high: float) -> float:
    """A number in ``low..high``; as a text, too, because YAML 1.1 takes 1e-3 for one."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not low <= found <= high:
        raise InvalidInput(
            f"{where} must be a number from {low:g} to {high:g}; got {shown(value)}."
        )
    return found


def numbers(
    value: Any, where: str, count: int, low: float = -1e6, high: float = 1e6
) -> tuple[float, ...]:
    """So many numbers in ``low..high``."""
    if not isinstance(value, list | tuple) or len(value) != count:
        raise InvalidInput(f"{where} must be {count} numbers; got {shown(value)}.")
    return tuple(number(each, where, low, high) for each in value)


def whole(value: Any, where: str, low: int, high: int) -> int:
    """A whole number in ``low..high``."""
    found = number(value, where, low, high)
    if found != int(found):
        raise InvalidInput(f"{where} must be a whole number; got {shown(value)}.")
    return int(found)
