"""What the colours of a drawing say about a doubtful mask.

A character and what is behind it are drawn in few colours each. A colour that the mask mostly takes
in is likely the character's wherever it stands, one that it mostly leaves out is likely not.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["has_colours", "is_ink_on_paper", "with_colours"]

Probability = NDArray[np.float32]

LIGHT_BINS, HUE_BINS = 16, 32
"""Of L, and of a and b, of CIELAB."""

WEIGHT = 0.5
"""Of what colours say against what is known of the place."""

ROUNDS = 2
UNKNOWN = 2.0
"""Pixels that a colour must have before it says anything."""

SURE = 0.99
"""Nothing is held to be more certain."""

LOOK_SIDE = 1024
LEAST_COLOUR = 3.0
"""Levels by which a and b vary over a picture in colours."""

INK, PAPER, MOSTLY = 48, 215, 0.78
"""Levels of L below and above which all is ink or paper, and the share of both in a print."""


def with_colours(picture: NDArray[np.uint8], probability: Probability) -> Probability:
    """Let the colours inside and outside of a mask have a say in it.

    Args:
        picture: RGB `(H, W, 3)`.
        probability: That a pixel is inside, `(H, W)` 0..1.

    Returns:
        Likewise.
    """
    colours = _bins(picture)
    place = _logit(probability)
    result = probability
    for _ in range(ROUNDS):
        inside = _histogram(colours, result)
        outside = _histogram(colours, 1 - result)
        likely = (inside + UNKNOWN / 2) / (inside + outside + UNKNOWN)
        result = _sigmoid(place + WEIGHT * _logit(likely)[colours])
    return result


def has_colours(picture: NDArray[np.uint8]) -> bool:
    """Whether an RGB picture has more than tones of grey, or of one hue."""
    _, a, b = _lab(picture)
    return bool(np.hypot(a.std(), b.std()) >= LEAST_COLOUR)


def is_ink_on_paper(picture: NDArray[np.uint8]) -> bool:
    """Whether an RGB picture is black and white with little between, as printed manga is."""
    light = _lab(picture)[0]
    return float(((light < INK) | (light > PAPER)).mean()) > MOSTLY and not has_colours(picture)


def _lab(picture: NDArray[np.uint8]) -> Sequence[NDArray[np.uint8]]:
    """L, a and b, 0..255 each, of a picture that is thinned out to `LOOK_SIDE`.

    Thinned, not averaged, which would make grey of a dot screen.
    """
    step = max(1, max(picture.shape[:2]) // LOOK_SIDE)
    few = np.ascontiguousarray(picture[::step, ::step])
    return cv2.split(cv2.cvtColor(few, cv2.COLOR_RGB2LAB))


def _bins(picture: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Number of each pixel's bin in a histogram of all colours."""
    light, a, b = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB))
    hue = (a.astype(np.intp) * HUE_BINS >> 8) * HUE_BINS + (b.astype(np.intp) * HUE_BINS >> 8)
    return (light.astype(np.intp) * LIGHT_BINS >> 8) * HUE_BINS**2 + hue


def _histogram(colours: NDArray[np.intp], weights: Probability) -> Probability:
    """Pixels of each colour, smoothed over neighbouring colours."""
    size = LIGHT_BINS * HUE_BINS**2
    flat = np.bincount(colours.ravel(), weights=weights.ravel(), minlength=size)
    counts: Probability = flat.reshape(LIGHT_BINS, HUE_BINS, HUE_BINS).astype(np.float32)
    for axis in range(3):
        moved = np.moveaxis(np.pad(counts, [(int(axis == i),) * 2 for i in range(3)]), axis, 0)
        counts = np.moveaxis((moved[:-2] + 2 * moved[1:-1] + moved[2:]) / np.float32(4), 0, axis)
    return counts.ravel()


def _logit(probability: Probability) -> Probability:
    safe = np.clip(probability, 1 - SURE, SURE)
    return np.log(safe / (1 - safe))


def _sigmoid(values: Probability) -> Probability:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)
