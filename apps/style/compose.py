"""Composition: translated parts back into the picture, from the back to the front.

With ``w`` a part's visible share of a pixel, the picture is ``I = sum of w O`` over the colours
``O`` of all parts. A translated part brings its new colours ``S`` in place of ``O``; what the
others contribute stays: ``I' = sum of w S over those that changed + (I - sum of w O over those)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.style.parts import Part
from cartoonedit.matte import decontaminate

__all__ = ["Patch", "clean", "compose", "compose_fused"]


@dataclass(frozen=True)
class Patch:
    """Translated colours of a part.

    Attributes:
        left: Where it lies in the picture, in pixels.
        top: Likewise.
        colours: RGB ``uint8`` ``(h, w, 3)`` at the picture's scale, all of it inside the picture.
        level: It was worked on at 2^level times the picture's resolution.
    """

    left: int
    top: int
    colours: NDArray[np.uint8]
    level: int = 0

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the picture."""
        height, width = self.colours.shape[:2]
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


def clean(patch: Patch, part: Part) -> Patch:
    """A patch whose soft edges are free of what is beside the part, which would show as a halo.

    Its edges are those of what it shows: where another part is in front of it, too.
    """
    return replace(patch, colours=decontaminate(patch.colours, _shown(part)[patch.place]))


def _shown(part: Part) -> NDArray[np.uint8]:
    """The visible share as alpha."""
    return np.rint(part.visible * 255).astype(np.uint8)


def compose(
    picture: NDArray[np.uint8],
    plate: NDArray[np.uint8] | None,
    parts: Sequence[Part],
    changed: Mapping[str, Patch],
) -> NDArray[np.uint8]:
    """The picture with translated parts.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        plate: Likewise, without characters; needed where the background was translated and
            something else was not.
        parts: All parts, from the back to the front.
        changed: The translated ones, by name.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``; where no translated part has a share, the picture to the bit.
    """
    new = np.zeros(picture.shape, np.float32)
    old = np.zeros(picture.shape, np.float32)
    share = np.zeros(picture.shape[:2], np.float32)
    keeps = any(part.name not in changed for part in parts)
    for part in parts:
        if part.name not in changed:
            continue
        patch = changed[part.name]
        weight = part.visible[patch.place]
        share[patch.place] += weight
        new[patch.place] += weight[..., None] * patch.colours
        if keeps:
            behind = plate if part.is_background else None
            before = decontaminate(picture, _shown(part)) if behind is None else behind
            old[patch.place] += weight[..., None] * before[patch.place]
    left = 1 - np.minimum(share, 1)
    # What is left over at the soft edges of what stays; nothing where all of a pixel is new.
    rest = np.clip(picture - old, 0, 255 * left[..., None])
    mixed = np.rint(np.clip(new + rest, 0, 255)).astype(np.uint8)
    return np.where(share[..., None] > 0, mixed, picture)


def compose_fused(
    picture: NDArray[np.uint8], worked: NDArray[np.uint8], parts: Sequence[Part]
) -> NDArray[np.uint8]:
    """The picture with what one pass made of all edited parts.

    The pass has blended soft edges already, so they are taken whole, but for the outermost.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``; where no edited part has a share, the picture to the bit.
    """
    share = np.zeros(picture.shape[:2], np.float32)
    for part in parts:
        if part.edited:
            share += part.visible
    weight = np.minimum(1, 2 * share)[..., None]
    mixed = np.rint(weight * worked + (1 - weight) * picture).astype(np.uint8)
    return np.where(share[..., None] > 0, mixed, picture)
