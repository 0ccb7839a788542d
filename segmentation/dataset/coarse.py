"""Rough masks as the first stage, or a hurried person, would draw them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def coarse_like(mask: Mask, others: npt.NDArray[np.bool_], rng: np.random.Generator) -> Mask:
    """Spoil a true mask the ways a coarse one is wrong.

    Parts missing, parts of neighbours or of the background added, limits smoothed and displaced,
    fine structure lost.

    Args:
        mask: the truth, ``(H, W)``.
        others: masks of the other characters, ``(G, H, W)``.
        rng: source of chance.
    """
    xs, ys = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    x0, x1, y0, y1 = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
    side = max(x1 - x0, y1 - y0)
    rough = mask.copy()
    if len(others) and rng.random() < 0.4:
        rough |= others[rng.integers(len(others))] & _blob(mask.shape, (x0, y0, x1, y1), rng)
    for _ in range(rng.integers(0, 3)):
        blob = _blob(mask.shape, (x0, y0, x1, y1), rng)
        rough = rough & ~blob if rng.random() < 0.65 else rough | blob
    if rng.random() < 0.35:
        radius = max(1, round(side * rng.uniform(0.005, 0.04)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        change = cv2.dilate if rng.random() < 0.5 else cv2.erode
        rough = change(rough.astype(np.uint8), kernel) > 0
    rough = _at_low_resolution(rough, rng)
    return rough if rough.any() else mask


def _blob(shape: tuple[int, ...], box: tuple[int, int, int, int], rng: np.random.Generator) -> Mask:
    """A filled ellipse somewhere in the box."""
    x0, y0, x1, y1 = box
    canvas = np.zeros(shape, np.uint8)
    centre = (int(rng.integers(x0, x1)), int(rng.integers(y0, y1)))
    side = max(x1 - x0, y1 - y0)
    axes = tuple(int(side * s) + 1 for s in rng.uniform(0.04, 0.25, 2))
    cv2.ellipse(canvas, centre, axes, rng.uniform(0, 180), 0, 360, 1, -1)
    return canvas > 0


def _at_low_resolution(mask: Mask, rng: np.random.Generator) -> Mask:
    """Through a grid of cells as the detector's, with uncertain values near the limits."""
    height, width = mask.shape
    cell = rng.uniform(3, 12)
    small = (max(2, round(width / cell)), max(2, round(height / cell)))
    soft = cv2.resize(mask.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    noise = rng.normal(0, 1, soft.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), rng.uniform(0.5, 2.0))
    noise *= rng.uniform(0.0, 0.6) / (noise.std() + 1e-6)
    soft = cv2.GaussianBlur(soft, (0, 0), rng.uniform(0.3, 0.9))
    # Full interior and far exterior stay as they are; the band between them moves.
    band = cv2.GaussianBlur(soft, (0, 0), 1.0)
    soft = soft + noise * 4 * band * (1 - band)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) > rng.uniform(
        0.35, 0.65
    )
