"""What counts as material; kept apart, so that a help text need not load OpenCV."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cartoonedit.errors import InvalidInput

__all__ = ["BackgroundOptions", "CutoutOptions", "KeyOptions"]


@dataclass(frozen=True)
class KeyOptions:
    """How cut-outs are taken from clips.

    Attributes:
        key: The key colour, such as #00ff00; by default it is found.
        frames: At most so many frames of a clip, spread over those that differ.
        min_size: Shorter cut-outs, by their longer side in pixels, are left out.
        min_share: A part with less of the frame's area is no subject of its own.
    """

    key: str | None = None
    frames: int = 24
    min_size: int = 96
    min_share: float = 0.004

    def __post_init__(self) -> None:
        if self.frames < 1 or self.min_size < 8 or not 0 < self.min_share < 1:
            raise InvalidInput(
                "frames must be at least 1, min_size at least 8 and min_share between 0 and 1"
            )
        if self.key is not None and not re.fullmatch(r"#?[0-9a-fA-F]{6}", self.key.strip()):
            raise InvalidInput(f"key must be a colour such as #00ff00; got {self.key!r}")


@dataclass(frozen=True)
class CutoutOptions:
    """Which illustrations become cut-outs.

    Attributes:
        tags: What the metadata must say of a picture.
        min_size: Shorter subjects, by their longer side in pixels, are left out.
        min_clear: Share of a picture that must be transparent, 0 to 1.
        check: Let the segmenter look whether there is a single character.
    """

    tags: str = "solo transparent_background"
    min_size: int = 256
    min_clear: float = 0.05
    check: bool = True

    def __post_init__(self) -> None:
        if self.min_size < 8:
            raise InvalidInput(f"min_size must be at least 8; got {self.min_size}")
        if not 0 < self.min_clear < 1:
            raise InvalidInput(f"min_clear must be between 0 and 1; got {self.min_clear!r}")


@dataclass(frozen=True)
class BackgroundOptions:
    """Which pictures become backgrounds.

    Attributes:
        tags: What the metadata must say of a picture.
        min_size_wh: Smaller pictures are left out; upright ones are measured turned.
        threshold: A character that the segmenter is so sure of keeps a picture out, 0 to 1.
        min_person: Characters with less of the picture's area do not count, 0 to 1.
        check: Let the segmenter look whether nobody is there.
    """

    tags: str = "scenery no_humans"
    min_size_wh: tuple[int, int] = (1024, 768)
    threshold: float = 0.5
    min_person: float = 0.002
    check: bool = True

    def __post_init__(self) -> None:
        if min(self.min_size_wh) < 1:
            raise InvalidInput(f"min_size must be at least 1x1; got {self.min_size_wh}")
        for name in ("threshold", "min_person"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(f"{name} must be in 0..1; got {getattr(self, name)!r}")
