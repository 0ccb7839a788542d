"""How material is taken from clips; kept apart, so that a help text need not load OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

from cartoonedit.errors import InvalidInput

__all__ = ["KeyOptions"]


@dataclass(frozen=True)
class KeyOptions:
    """How cut-outs are taken from clips.

    Attributes:
        frames: At most so many frames of a clip, spread over those that differ.
        min_size: Shorter cut-outs, by their longer side in pixels, are left out.
        min_share: A part with less of the frame's area is no subject of its own.
    """

    frames: int = 24
    min_size: int = 96
    min_share: float = 0.004

    def __post_init__(self) -> None:
        if self.frames < 1 or self.min_size < 8 or not 0 < self.min_share < 1:
            raise InvalidInput(
                "frames must be at least 1, min_size at least 8 and min_share between 0 and 1"
            )
