"""Light: shadows, bright edges, tones. What a pasted character lacks and a drawn one has."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


def cast_shadow(picture: npt.NDArray[np.float32], alpha: Picture, rng: np.random.Generator) -> None:
    """Darken what is behind a character, in place: its outline moved, or a pool at its feet.

    Args:
        picture: RGB ``(H, W, 3)``, 0..255, before the character is pasted onto it.
        alpha: of the character ``(H, W)``.
        rng: source of chance.
    """
    columns, rows = np.flatnonzero(alpha.any(0)), np.flatnonzero(alpha.any(1))
    if not len(columns):
        return
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    width, height = right - left, bottom - top
    depth = np.float32(rng.uniform(0.2, 0.6))
    if rng.random() < 0.5:
        shadow = np.zeros(alpha.shape, np.float32)
        axes = (int(0.5 * width) + 1, int(0.09 * width) + 1)
        centre = (int(left + right) // 2, int(bottom) - axes[1] // 2)
        cv2.ellipse(shadow, centre, axes, 0, 0, 360, 1.0, -1)
        blur = 0.05 * width
    else:
        shift = rng.uniform(-0.08, 0.08, 2) * (height, height)
        matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
        size = (alpha.shape[1], alpha.shape[0])
        shadow = cv2.warpAffine(alpha, matrix, size).astype(np.float32) / 255
        blur = rng.uniform(0.01, 0.04) * height
    shadow = cv2.GaussianBlur(shadow, (0, 0), max(0.5, float(blur)))
    picture *= 1 - depth * shadow[..., None]


def rim_light(rgba: Picture, rng: np.random.Generator) -> Picture:
    """A bright edge on one side of a character, as from a light behind it.

    Args:
        rgba: the character ``(H, W, 4)``.
        rng: source of chance.
    """
    height, width = rgba.shape[:2]
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.01, 0.05) * max(height, width)
    matrix = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]])
    alpha = rgba[..., 3].astype(np.float32) / 255
    inside = cv2.warpAffine(alpha, matrix, (width, height))
    band = alpha * (1 - cv2.GaussianBlur(inside, (0, 0), max(0.5, reach / 2)))
    colour = 255 - rng.uniform(0, 80, 3).astype(np.float32)
    share = np.float32(rng.uniform(0.3, 0.9)) * band[..., None]
    rgb = rgba[..., :3] + share * (colour - rgba[..., :3])
    return np.dstack((np.clip(rgb, 0, 255).astype(np.uint8), rgba[..., 3]))


def tone(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Tint a picture as a whole, half of the time with light that falls off to one side."""
    gain = rng.uniform(0.75, 1.25, 3).astype(np.float32)
    out: npt.NDArray[Any] = rgb * gain + np.float32(rng.uniform(-20, 20))
    if rng.random() < 0.5:
        height, width = rgb.shape[:2]
        across, down = rng.uniform(-0.35, 0.35, 2)
        x = np.linspace(-across, across, width, dtype=np.float32)[None, :, None]
        y = np.linspace(-down, down, height, dtype=np.float32)[:, None, None]
        out = out * (1 + x + y)
    return np.clip(out, 0, 255).astype(np.uint8)


def grain(rgb: Picture, rng: np.random.Generator) -> Picture:
    """The grain of film: noise in brightness, the same in all channels."""
    noise = rng.normal(0, rng.uniform(3, 12), rgb.shape[:2])[..., None]
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)
