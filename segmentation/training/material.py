"""Material of a run as scenes, and its settings as plain values."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from segmentation.dataset.photos import PersonPhotos
from segmentation.dataset.recipe import RECIPES
from segmentation.dataset.scenes import ComposedScenes, Scenes, StoredScenes, open_sources
from segmentation.dataset.stored import Stored
from segmentation.training.options import Material

__all__ = ["open_scenes", "settings_of"]


def open_scenes(material: Material, seed: int, side: int, *, square: bool = False) -> Scenes:
    """Scenes composed of art, or stored ones.

    Args:
        material: Where they come from.
        seed: Of the run.
        side: Longer side of the largest scenes in pixels.
        square: Composed scenes are squares.
    """
    if material.art is not None:
        sources = open_sources(material.art, side, material.share)
        if material.layout is not None:
            sources = replace(sources, photos=PersonPhotos.from_file(material.layout))
        return ComposedScenes(sources, seed, RECIPES[material.recipe], square=square)
    if material.data is None:
        raise AssertionError("Material has one of the two")
    return StoredScenes(
        Stored(material.data), seed, share=material.share, augmented=material.augment
    )


def settings_of(*parts: Any) -> dict[str, Any]:
    """All fields of some options; paths as text, numbers and None as they are."""
    together = {name: value for part in parts for name, value in asdict(part).items()}
    return {n: str(v) if isinstance(v, Path) else v for n, v in together.items()}
