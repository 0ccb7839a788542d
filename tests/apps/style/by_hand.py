"""Translated scenes without a network: every part in a flat colour of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from apps.style import PartOptions, Styled, StyleOptions
from apps.style.compose import Patch, clean, compose
from apps.style.parts import plan_parts
from cartoonedit.lineart import draw_lines
from cartoonedit.scene import Scene

COLOURS = {
    "background": (250, 240, 200),
    "character-1": (20, 200, 90),
    "character-2": (150, 0, 160),
}


def paint(scene: Scene, edited: Iterable[str] = COLOURS, **options: Any) -> Styled:
    """A scene whose edited parts were painted over."""
    own = {name: PartOptions(skip=True) for name in COLOURS.keys() - set(edited)}
    parts = plan_parts(scene, StyleOptions(**({"prompt": "ink"} | options)), own)
    flat = {name: np.full_like(scene.picture, colour) for name, colour in COLOURS.items()}
    patches = {
        part.name: clean(Patch(0, 0, flat[part.name]), part) for part in parts if part.edited
    }
    picture = compose(scene.picture, scene.plate, parts, patches)
    return Styled(picture, scene, tuple(parts), patches, draw_lines(scene.picture))
