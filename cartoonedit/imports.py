"""Importing large libraries in less time."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

__all__ = ["quick_imports"]


@contextmanager
def quick_imports() -> Iterator[None]:
    """Inside, SciPy and all that needs it are imported in a quarter less time.

    What modules make stays, so that looking for garbage in between finds none. And SciPy takes all
    names of NumPy, f2py among them, a compiler's front end that nobody here needs.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        _postpone_f2py()
        yield
    finally:
        if collects:
            gc.enable()


def _postpone_f2py() -> None:
    """Let ``numpy.f2py`` be something that imports it when anything in it is used."""
    import numpy

    if "f2py" not in vars(numpy):
        stand_in = ModuleType("numpy.f2py")
        stand_in.__getattr__ = _from_f2py  # type: ignore[method-assign]
        numpy.f2py = stand_in


def _from_f2py(name: str) -> Any:
    return getattr(importlib.import_module("numpy.f2py"), name)
