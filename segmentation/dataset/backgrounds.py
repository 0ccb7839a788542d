"""Backgrounds with nobody in them (section 3.1)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from segmentation.dataset.keying import shrink
from segmentation.dataset.material_options import BackgroundOptions

__all__ = ["check_background"]

Picture = npt.NDArray[np.uint8]

MAX_CLEAR = 0.001
"""Share of transparent pixels above which a picture is a cut-out and no background."""

MIN_SPREAD = 4.0
"""Standard deviation of grey, in levels, below which a picture shows nothing."""


def check_background(rgba: Picture, options: BackgroundOptions | None = None) -> None:
    """Refuse a picture that cannot stand behind characters.

    Whether somebody is in it is for a segmenter to say, see `segmentation.dataset.people`.

    Args:
        rgba: ``(H, W, 4)``.
        options: what is good enough.

    Raises:
        InvalidInput: It is too small, transparent or blank.
    """
    options = options or BackgroundOptions()
    height, width = rgba.shape[:2]
    least = options.min_size_wh
    if max(width, height) < max(least) or min(width, height) < min(least):
        raise InvalidInput(
            f"small: {width}x{height} pixels, at least {least[0]}x{least[1]} asked for"
        )
    clear = float((rgba[..., 3] < 250).mean())
    if clear > MAX_CLEAR:
        raise InvalidInput(f"transparent: {clear:.0%} of it")
    small = shrink(rgba[..., :3])
    if float(small.astype(np.float32).mean(axis=2).std()) < MIN_SPREAD:
        raise InvalidInput("blank: one colour all over")
