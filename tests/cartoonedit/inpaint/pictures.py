"""Pictures and masks for the tests of inpainters."""

from __future__ import annotations

import numpy as np


def stripes(height: int = 72, width: int = 96) -> np.ndarray:
    """A periodic pattern on a gradient."""
    rows, columns = np.mgrid[:height, :width]
    wave = 40 * ((columns // 6) % 2)
    return np.dstack([100 + wave, 60 + rows, 200 - wave]).astype(np.uint8)


def disc(height: int = 72, width: int = 96, radius: float = 16) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(columns - width / 2, rows - height / 2)
    return (np.clip(radius + 0.5 - distance, 0, 1) * 255).astype(np.uint8)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
