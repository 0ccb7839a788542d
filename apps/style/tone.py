"""The tone of translated characters, brought to that of the translated background.

Each part is translated by itself, so one may come out warmer or darker than another. What was made
of a character shows some of the background around it, which was made again by itself: where the two
differ, so does the tone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.style.compose import Patch
from apps.style.options import BACKGROUND
from apps.style.parts import Part

__all__ = ["match_tones"]

_LARGEST_SHIFT = 48.0  # levels; more than that is no matter of tone


def match_tones(patches: Mapping[str, Patch], parts: Sequence[Part]) -> dict[str, Patch]:
    """Shift each character's colours by what its surroundings differ from the background's.

    Args:
        patches: What was made of each part, soft edges as they are, by name.
        parts: The translated parts.

    Returns:
        The same where the background was not translated.
    """
    if BACKGROUND not in patches:
        return dict(patches)
    behind = next(part for part in parts if part.is_background)
    colours = patches[BACKGROUND].colours
    return {
        part.name: patches[part.name]
        if part.is_background
        else _matched(patches[part.name], part, colours, behind.visible > 0.5)
        for part in parts
    }


def _matched(
    patch: Patch, part: Part, background: NDArray[np.uint8], seen: NDArray[np.bool_]
) -> Patch:
    alpha = part.mask[patch.place]
    reach = max(3, round(0.05 * max(alpha.shape)))
    near = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    ring = near & (alpha == 0) & seen[patch.place]
    if not ring.any():
        return patch
    behind = background[patch.place][ring].astype(np.float32)
    shift = np.median(behind - patch.colours[ring], axis=0)
    shifted = patch.colours + np.clip(shift, -_LARGEST_SHIFT, _LARGEST_SHIFT)
    return replace(patch, colours=np.rint(np.clip(shifted, 0, 255)).astype(np.uint8))
