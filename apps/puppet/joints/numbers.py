"""Numbers that people wrote into files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cartoonedit.errors import InvalidInput, shown

__all__ = ["number", "point"]

_MOST = 1e6  # pixels; no picture is larger


def number(value: Any, where: str) -> float:
    """A finite number of a size that pictures have.

    Raises:
        InvalidInput: It is something else.
    """
    wrong = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong or not -_MOST <= value <= _MOST:  # NaN, too
        raise InvalidInput(f"{where} must be a number of pixels; got {shown(value)}.")
    return float(value)


def point(value: Any, where: str) -> tuple[float, float]:
    """Two numbers.

    Raises:
        InvalidInput: It is something else.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InvalidInput(f"{where} must be [x, y], in pixels; got {shown(value)}.")
    return number(value[0], where), number(value[1], where)
