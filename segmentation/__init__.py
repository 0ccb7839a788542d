"""Cutting the characters out of a picture: two networks, their training and their evaluation.

`Segmenter` is the way in. Names are imported when first used, so that importing the package is
cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segmentation.evaluate import evaluate
    from segmentation.segmenter import Segmenter

__all__ = ["Segmenter", "evaluate"]

_HOME = {"Segmenter": "segmentation.segmenter", "evaluate": "segmentation.evaluate"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
