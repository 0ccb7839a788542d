"""How to segment; kept apart from the networks, so that a help text need not load them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from cartoonedit.errors import InvalidInput

__all__ = ["Refine", "SegmentOptions"]

Refine = Literal["instance", "picture", "none"]


@dataclass(frozen=True)
class SegmentOptions:
    """What to look for and how to cut it out.

    Attributes:
        threshold: Characters with a lower score are left out, 0 to 1.
        max_instances: At most so many characters, best first.
        refine: `instance` refines each character on a crop around it, so that detail survives at
            any resolution; `picture` on the whole picture, as published; `none` keeps the coarse
            masks.
        snap: How strongly edges are drawn to the lines of the picture, 0 to 1, where `refine` is
            `instance`; by default what the model was made for.
        overlap: Let several characters own one pixel. Otherwise it goes to the largest alpha there.
        duplicate_iou: Of two masks that overlap more, or of which a much less certain one lies
            inside of the other, the better stays; 1 keeps both. Masks that a person asked for
            always stay.
    """

    threshold: float = 0.3
    max_instances: int = 100
    refine: Refine = "instance"
    snap: float | None = None
    overlap: bool = False
    duplicate_iou: float = 0.8

    def __post_init__(self) -> None:
        for name in ("threshold", "duplicate_iou"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(f"{name} must be in 0..1; got {getattr(self, name)!r}.")
        if self.snap is not None and not 0 <= self.snap <= 1:
            raise InvalidInput(f"snap must be in 0..1; got {self.snap!r}.")
        if self.max_instances < 1:
            raise InvalidInput(f"max_instances must be at least 1; got {self.max_instances!r}.")
        if self.refine not in get_args(Refine):
            choices = ", ".join(get_args(Refine))
            raise InvalidInput(f"refine must be one of {choices}; got {self.refine!r}.")
