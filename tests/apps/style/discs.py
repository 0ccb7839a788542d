"""Frames with discs whose place is known."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cartoonedit.scene import Instance, Scene

HEIGHT, WIDTH = 120, 160
RADIUS = 22
_FLAT_GROUND, _FLAT_SKIN = (230, 228, 220), (220, 40, 40)


def texture(seed: int, low: int = 40, high: int = 200) -> np.ndarray:
    """A pattern that fills a frame, with something to be seen everywhere."""
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    soft = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.asarray(cv2.normalize(soft, soft, low, high, cv2.NORM_MINMAX), np.uint8)


def disc(x: float, y: float, radius: float = RADIUS) -> np.ndarray:
    """Alpha ``uint8`` with a soft edge."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(columns - x, rows - y)
    return (np.clip(radius + 0.5 - distance, 0, 1) * 255).round().astype(np.uint8)


def draw(
    centres: Sequence[tuple[int, int]], *, ground: str = "flat", skin: str = "drawn", scene: int = 1
) -> np.ndarray:
    """Discs on a ground, each flat or with a pattern that moves along."""
    frame = texture(scene) if ground == "drawn" else np.full((HEIGHT, WIDTH, 3), _FLAT_GROUND)
    pattern = texture(scene + 100, 60, 255)
    for x, y in centres:
        shift = (y - HEIGHT // 2, x - WIDTH // 2)
        inside = np.roll(pattern, shift, axis=(0, 1)) if skin == "drawn" else np.array(_FLAT_SKIN)
        alpha = disc(x, y)[..., None] / 255
        frame = alpha * inside + (1 - alpha) * frame
    return np.rint(frame).astype(np.uint8)


def scene_of(frame: np.ndarray, centres: Sequence[tuple[int, int]], *names: str) -> Scene:
    """What a segmenter makes of a frame; it numbers from left to right."""
    found = [Instance(disc(x, y), name=name) for (x, y), name in zip(
        centres, names or [""] * len(centres), strict=True)]  # fmt: skip
    return Scene(frame, found, plate=np.full_like(frame, 200))
