"""Colour changes that make composites less easy to tell from drawings (section 3.2)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]

COLOUR_COUNTS = (12, 16, 32)
"""How many colours a quantised picture may have."""


def vary_colours(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Turn hue, saturation and value of a character, so that few characters become many."""
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-90, 90)) % 180
    hsv[..., 1] *= rng.uniform(0.5, 1.4)
    hsv[..., 2] = 255 * (hsv[..., 2] / 255) ** rng.uniform(0.7, 1.4)
    return cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)


def match_histogram(rgba: Picture, reference: Picture, strength: float) -> Picture:
    """Give a character the colour distribution of a reference, channel by channel.

    Args:
        rgba: the character ``(H, W, 4)``; what is transparent does not count.
        reference: RGB.
        strength: 0 leaves the character as it is, 1 matches the histograms.

    Returns:
        The character with the same alpha.
    """
    alpha = rgba[..., 3]
    out = rgba.copy()
    tones = np.arange(256)
    for channel in range(3):
        own = _cumulative(rgba[..., channel][alpha > 127])
        wanted = _cumulative(reference[..., channel].ravel())
        matched = np.interp(own, wanted, tones)
        table = np.rint(tones + strength * (matched - tones)).astype(np.uint8)
        out[..., channel] = table[rgba[..., channel]]
    return out


def _cumulative(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """For each tone, the share of values below it and half of those at it."""
    counts = np.bincount(values, minlength=256).astype(np.float64)
    total = max(float(counts.sum()), 1.0)
    return (np.cumsum(counts) - counts / 2) / total


def quantise(rgb: Picture, colours: int) -> Picture:
    """The picture in so many colours, by k-means, as in flat cartoon colouring.

    Args:
        rgb: ``(H, W, 3)``.
        colours: at most 256.
    """
    image = Image.fromarray(rgb)
    # A thumbnail has the same colours, and k-means takes most of a second on a whole picture.
    few = image.copy()
    few.thumbnail((128, 128), Image.Resampling.NEAREST)
    palette = few.quantize(colours, kmeans=3)
    return np.asarray(image.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB"))


def ink(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Black lines where tones change, as in a picture that was drawn before it was coloured."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    window = int(rng.choice([5, 7, 11]))
    lines = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, window, rng.uniform(5, 12)
    )
    return np.where(cv2.medianBlur(lines, 3)[..., None] > 0, rgb, rgb // 5).astype(np.uint8)
