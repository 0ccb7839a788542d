"""Sheets: the picture before and after, to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from apps.style import Styled

__all__ = ["before_after"]

_GAP = 0.01  # of the longer side


def before_after(styled: Styled) -> NDArray[np.uint8]:
    """The picture and its translation: side by side, or one above the other if it is wide.

    Returns:
        RGB ``uint8``, with a white gap between the two.
    """
    before, after = styled.scene.picture, styled.picture
    height, width = before.shape[:2]
    gap = max(2, round(_GAP * max(height, width)))
    if width > 1.5 * height:
        between = np.full((gap, width, 3), 255, np.uint8)
        return np.vstack([before, between, after])
    between = np.full((height, gap, 3), 255, np.uint8)
    return np.hstack([before, between, after])
