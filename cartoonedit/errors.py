"""The errors of cartoonedit: few, and each message teaches.

A message says four things in this order: what was wrong, what was received, what is allowed, and
what to do about it. All of them derive from :class:`CartooneditError`, so one ``except`` catches
everything that this package raises on purpose; each also derives from the built-in error a Python
user would expect.
"""

from __future__ import annotations

import reprlib

__all__ = [
    "Cancelled",
    "CartooneditError",
    "InvalidInput",
    "MissingExtra",
    "ModelNotFound",
    "shown",
]


class CartooneditError(Exception):
    """Anything that cartoonedit raises on purpose. Its text is meant to be shown to a person."""

    def __str__(self) -> str:
        # FileNotFoundError and ImportError bring their own __str__; one plain sentence is wanted
        # here.
        return str(self.args[0]) if self.args else ""


class InvalidInput(CartooneditError, ValueError):
    """A value, file or argument that cannot be used as it is."""


class ModelNotFound(CartooneditError, FileNotFoundError):
    """Weights that are not on this machine. The message holds the command that fetches them."""


class MissingExtra(CartooneditError, ImportError):
    """An optional package that is not installed. The message holds the command that installs it."""


class Cancelled(CartooneditError):
    """The work was stopped on request: by Ctrl-C, by a cancel button, or by a progress callback."""


_LONGEST = 60

_repr = reprlib.Repr()
_repr.maxlevel = 3
_repr.maxstring = _repr.maxother = _repr.maxlong = _LONGEST


def shown(value: object) -> str:
    """A value as a message quotes it: short and in one line, however large or deep it is."""
    try:
        text = " ".join(_repr.repr(value).splitlines())
    except Exception:  # such as a number of more digits than Python writes
        text = f"a very large or broken {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
