"""Accents: a little life for the characters, beside what the camera does.

``float`` lets a character hover; one that the picture cuts below breathes instead, as its cut must
stay where it is. ``sway`` bends it about its foot, as a breeze does. Both go round a whole number
of times in a clip and start from the picture, so loops stay loops and the first frame the picture.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.kenburns.stage import Box, Stage
from cartoonedit.errors import InvalidInput

__all__ = ["ACCENTS", "Accents", "read_accents"]

ACCENTS = ("float", "sway")

HEIGHT = 0.008
"""How high a floating character rises, in picture widths."""

BREATH = 0.012
"""How much taller a breathing one gets."""

LEAN = 0.02
"""How far the top of a swaying one goes aside, as a share of its height."""

SECONDS = 3.0
"""About how long one round takes."""


@dataclass(frozen=True)
class Accents:
    """Who moves how.

    Attributes:
        kinds: Name of an instance to a name in :data:`ACCENTS`.
        duration: Length of the clip in seconds.
        strength: How far, 1 is normal.
    """

    kinds: Mapping[str, str]
    duration: float
    strength: float = 1.0

    @classmethod
    def parse(cls, text: str, stage: Stage, duration: float, strength: float) -> Accents:
        """Choose who moves how; see :func:`read_accents` for the text.

        Raises:
            InvalidInput: A name is unknown.
        """
        kinds: dict[str, str] = {}
        for name, kind in read_accents(text):
            names = [stage.box(name).name] if name else [box.name for box in stage.boxes]
            kinds.update(dict.fromkeys(names, kind))
        return cls(kinds, duration, strength)

    def at(self, t: float, stage: Stage) -> dict[str, NDArray[np.float64]]:
        """How each character moves over the picture at the time ``t`` in 0..1 of the clip.

        Returns:
            An affine map ``(2, 3)`` of points in picture widths by name; who rests is left out.
        """
        rounds = max(1, round(self.duration / SECONDS))
        wave = math.sin(2 * math.pi * rounds * t)
        moves = {}
        for index, box in enumerate(stage.boxes):
            kind, side = self.kinds.get(box.name), -1 if index % 2 else 1
            if kind is not None and abs(wave) > 1e-9:
                moves[box.name] = _move(kind, box, self.strength * side * wave)
        return moves

    def reach(self, stage: Stage) -> float:
        """The farthest that any of them moves, in picture widths."""
        heights = [
            (box.edges[3] - box.edges[1]) * max(LEAN, BREATH)
            for box in stage.boxes
            if box.name in self.kinds
        ]
        return self.strength * max([*heights, HEIGHT]) if heights else 0.0


def read_accents(text: str) -> list[tuple[str, str]]:
    """Read ``float``, for all, or ``character-1=float,character-2=sway``.

    Returns:
        Name, empty for all of them, and kind, in the order given.

    Raises:
        InvalidInput: The text has another form, or a kind is unknown.
    """
    accents = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, named, kind = part.rpartition("=")
        if kind not in ACCENTS or (named and not name):
            kinds = " or ".join(ACCENTS)
            raise InvalidInput(f"accent must be {kinds}, or NAME={kinds}; got {part!r}.")
        accents.append((name, kind))
    return accents


def _move(kind: str, box: Box, amount: float) -> NDArray[np.float64]:
    foot = box.edges[3]
    if kind == "sway":
        return np.array([[1, -LEAN * amount, LEAN * amount * foot], [0, 1, 0]])
    if box.cut[3]:
        return np.array([[1, 0, 0], [0, 1 + BREATH * amount, -BREATH * amount * foot]])
    return np.array([[1, 0, 0], [0, 1, -HEIGHT * amount]])
