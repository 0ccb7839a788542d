"""Whom the segmenter sees in a picture: checks of material before it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput

__all__ = ["Finder", "Person", "is_alone", "is_empty", "people_finder"]

Picture = npt.NDArray[np.uint8]

SURE = 0.5
"""Score from which a second character counts."""

LARGE = 0.2
"""Share of a cut-out's pixels from which a second character counts."""

GREY = 200.0


@dataclass(frozen=True)
class Person:
    """One character.

    Attributes:
        score: how sure the segmenter is, 0..1.
        share: of the picture's area, 0..1.
    """

    score: float
    share: float


Finder = Callable[[Picture], list[Person]]
"""Gives the characters of an RGB picture, the surest first."""


def people_finder(model: str = "embedded", *, device: str = "auto") -> Finder:
    """A finder that asks a segmenter, without refining its masks.

    Args:
        model: as of `segmentation.Segmenter`.
        device: likewise.
    """
    from segmentation.segmenter import Segmenter

    segmenter = Segmenter(model, device=device, refine="none")

    def find(rgb: Picture) -> list[Person]:
        instances = segmenter(rgb).instances
        people = [Person(i.score, float((i.mask > 127).mean())) for i in instances]
        return sorted(people, key=lambda person: -person.score)

    return find


def is_alone(rgba: Picture, find: Finder) -> None:
    """Refuse a cut-out in which more than one character is seen.

    Raises:
        InvalidInput: The text says how many.
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255
    over_grey = (rgba[..., :3] * alpha + GREY * (1 - alpha)).round().astype(np.uint8)
    least = LARGE * float(alpha.mean())
    seen = [p for p in find(over_grey) if p.score >= SURE and p.share >= least]
    if len(seen) > 1:
        raise InvalidInput(f"several subjects: the segmenter sees {len(seen)} characters")


def is_empty(rgb: Picture, find: Finder, threshold: float, min_person: float) -> float:
    """Refuse a background in which somebody is seen.

    Args:
        rgb: ``(H, W, 3)``.
        find: asks the segmenter.
        threshold: score from which a character counts.
        min_person: share of the picture's area from which one counts.

    Returns:
        The highest score of any character, 0 if there is none.

    Raises:
        InvalidInput: The text says how large and how sure.
    """
    people = [person for person in find(rgb) if person.share >= min_person]
    highest = max((person.score for person in people), default=0.0)
    if highest >= threshold:
        sure = max(people, key=lambda person: person.score)
        raise InvalidInput(
            f"somebody is in it: {sure.share:.1%} of the picture, score {sure.score:.2f}"
        )
    return highest
