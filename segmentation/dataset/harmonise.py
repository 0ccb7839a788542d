"""Colour and quality changes that make composites less easy to tell from drawings (section 3.2)."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def vary_colours(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Turn hue, saturation and value of a character, so that few characters become many."""
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(-90, 90)) % 180
    hsv[..., 1] *= rng.uniform(0.5, 1.4)
    hsv[..., 2] = 255 * (hsv[..., 2] / 255) ** rng.uniform(0.7, 1.4)
    return cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)


def match_colours(rgb: Picture, reference: Picture, strength: float) -> Picture:
    """Move a character's channel means and spreads towards those of the background."""
    source = rgb.reshape(-1, 3).astype(np.float32)
    target = reference.reshape(-1, 3).astype(np.float32)
    gain = 1 + strength * (np.clip(target.std(0) / (source.std(0) + 1), 0.4, 1.6) - 1)
    shift = strength * (target.mean(0) - source.mean(0))
    out = (source - source.mean(0)) * gain + source.mean(0) + shift
    return np.clip(out, 0, 255).astype(np.uint8).reshape(rgb.shape)


def quantise(rgb: Picture, levels: int) -> Picture:
    """Few tones per channel, as in flat cartoon colouring."""
    step = 256 / levels
    return np.clip((np.floor(rgb / step) + 0.5) * step, 0, 255).astype(np.uint8)


def ink(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Black lines where tones change, as in a picture that was drawn before it was coloured."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    window = int(rng.choice([5, 7, 11]))
    lines = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, window, rng.uniform(5, 12)
    )
    return np.where(cv2.medianBlur(lines, 3)[..., None] > 0, rgb, rgb // 5).astype(np.uint8)


def degrade(rgb: Picture, rng: np.random.Generator) -> Picture:
    """What may happen to a finished picture: lines, toning, greyscale, blur, grain, JPEG."""
    out = rgb
    if rng.random() < 0.08:
        out = ink(out, rng)
    if rng.random() < 0.3:
        gain = rng.uniform(0.75, 1.25, 3).astype(np.float32)
        out = np.clip(out * gain + rng.uniform(-20, 20), 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.1:
        out = quantise(out, int(rng.choice([5, 8, 12])))
    if rng.random() < 0.12:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2)).astype(np.uint8)
    if rng.random() < 0.12:
        grain = rng.normal(0, rng.uniform(3, 12), out.shape[:2])[..., None]
        out = np.clip(out + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(40, 96))
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])
        out = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return out
