"""What is done to a finished frame: vignette and colour grade, both off by default."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["GRADES", "Finish", "make_finish"]

Finish = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]

GRADES: dict[str, tuple[tuple[float, float, float], float]] = {
    "warm": ((1.06, 1.0, 0.92), 0.1),
    "cool": ((0.93, 1.0, 1.07), 0.1),
    "vivid": ((1.0, 1.0, 1.0), 0.35),
    "faded": ((1.02, 1.0, 0.98), -0.3),
    "dusk": ((1.0, 0.9, 1.05), 0.2),
}
"""Factor of red, green, blue; and how much contrast is added, as a share."""


def make_finish(size_wh: tuple[int, int], *, vignette: float = 0.0, grade: str = "none") -> Finish:
    """What a frame of ``size_wh`` goes through.

    Args:
        size_wh: Width and height of the frames.
        vignette: How much darker the corners get, 0..1.
        grade: A name in :data:`GRADES`, or ``none``.

    Returns:
        A callable of RGB or RGBA ``uint8`` frames; alpha stays as it is.
    """
    table = _table(*GRADES[grade]) if grade != "none" else None
    shade = _shade(size_wh, vignette) if vignette > 0 else None

    def finish(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        colour = frame[..., :3]
        if table is not None:
            colour = cv2.LUT(np.ascontiguousarray(colour), table)
        if shade is not None:
            colour = cv2.multiply(np.ascontiguousarray(colour), shade, scale=1 / 255)
        return colour if frame.shape[2] == 3 else np.dstack([colour, frame[..., 3]])

    return finish


def _table(factors: tuple[float, float, float], contrast: float) -> NDArray[np.uint8]:
    level = np.arange(256) / 255
    curve = level + contrast * level * (1 - level) * (2 * level - 1)
    if contrast < 0:  # faded: black is no longer black
        curve = 0.06 + 0.92 * curve
    channels = [np.clip(curve * factor, 0, 1) for factor in factors]
    return np.rint(np.dstack(channels) * 255).astype(np.uint8)


def _shade(size_wh: tuple[int, int], vignette: float) -> NDArray[np.uint8]:
    width, height = size_wh
    x = (np.arange(width) + 0.5) / width * 2 - 1
    y = (np.arange(height)[:, None] + 0.5) / height * 2 - 1
    # The fourth power of the cosine, as a lens darkens, with 1 in the middle.
    falloff = 1 / (1 + 0.5 * (x**2 + y**2)) ** 2
    corner = 0.25
    share = 1 - vignette * (1 - falloff) / (1 - corner)
    return np.repeat(np.rint(255 * share).astype(np.uint8)[..., None], 3, axis=2)
