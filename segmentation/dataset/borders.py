"""Which borders of a picture cut a subject, and what that makes of it."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["kind_by", "touched_borders"]


def touched_borders(
    offset_xy: tuple[int, int], size_hw: tuple[int, ...], picture_hw: tuple[int, ...]
) -> tuple[str, ...]:
    """Those of ``left top right bottom`` that a box reaches.

    Args:
        offset_xy: of the box in the picture, in pixels.
        size_hw: of the box.
        picture_hw: of the picture.
    """
    (x, y), (height, width) = offset_xy, size_hw
    touched = {"left": x == 0, "top": y == 0, "right": x + width == picture_hw[1],
               "bottom": y + height == picture_hw[0]}  # fmt: skip
    return tuple(name for name, reaches in touched.items() if reaches)


def kind_by(cut: Collection[str]) -> str:
    """The kind for a manifest: a half figure where the lower border cuts it, else unknown."""
    return "character-half" if "bottom" in cut else ""
