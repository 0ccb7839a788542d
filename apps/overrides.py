"""Options of an application: an object of them, single ones, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from cartoonedit.errors import InvalidInput

__all__ = ["with_overrides"]

Options = TypeVar("Options")


def with_overrides(
    kind: type[Options], options: Options | None, overrides: Mapping[str, Any]
) -> Options:
    """Options in which some fields are others.

    Args:
        kind: Their dataclass.
        options: To begin with; None begins with the defaults.
        overrides: Fields by name.

    Raises:
        InvalidInput: A field is unknown or out of its range.
    """
    try:
        return kind(**overrides) if options is None else replace(options, **overrides)  # type: ignore[type-var]
    except TypeError as error:
        known = ", ".join(field.name for field in fields(kind))  # type: ignore[arg-type]
        raise InvalidInput(f"{error}. The options are: {known}.") from error
