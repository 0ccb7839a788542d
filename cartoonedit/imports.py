"""Importing large libraries in less time."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager

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
        _postpone("numpy", "f2py")
        yield
    finally:
        if collects:
            gc.enable()


def _postpone(package: str, module: str) -> None:
    """Let a module of a package be loaded when something in it is used, as ``importlib`` can."""
    name = f"{package}.{module}"
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    postponed = importlib.util.module_from_spec(spec)
    sys.modules[name] = postponed
    spec.loader.exec_module(postponed)
    setattr(sys.modules[package], module, postponed)
