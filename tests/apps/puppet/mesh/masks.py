"""Masks that are hard on a mesh."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def noise(share: float, size: int = 120, blur: float = 0, seed: int = 0) -> Mask:
    """Random pixels, or blobs, over a share of a square picture."""
    values = np.random.default_rng(seed).standard_normal((size, size))
    if blur:
        values = cv2.GaussianBlur(values, (0, 0), blur)
    return values > np.quantile(values, 1 - share)


def one_pixel() -> Mask:
    mask = np.zeros((50, 60), np.bool_)
    mask[10, 12] = True
    return mask


def comb(teeth: int = 10, gap: int = 6) -> Mask:
    """Fingers with gaps of ``gap`` pixels."""
    mask = np.zeros((120, teeth * (gap + 8)), np.bool_)
    mask[80:110] = True
    for tooth in range(teeth):
        mask[10:80, tooth * (gap + 8) :][:, :8] = True
    return mask


def fan() -> Mask:
    mask = np.zeros((200, 200), np.uint8)
    for angle in np.linspace(0.1, 3, 16):
        end = (int(100 + 95 * np.cos(angle)), int(190 - 180 * np.sin(angle)))
        cv2.line(mask, (100, 190), end, 1, 1)
    return mask > 0


def ring() -> Mask:
    mask = np.zeros((300, 300), np.uint8)
    cv2.circle(mask, (150, 150), 120, 1, 20)
    return mask > 0


def figure() -> Mask:
    """A body with arms, legs and a head, 200 x 300 pixels."""
    mask = np.zeros((300, 200), np.uint8)
    cv2.circle(mask, (100, 50), 35, 1, -1)
    cv2.rectangle(mask, (70, 80), (130, 180), 1, -1)
    for x, y, to_x, to_y in ((75, 95, 15, 170), (125, 95, 185, 170)):
        cv2.line(mask, (x, y), (to_x, to_y), 1, 18)
    for x, to_x in ((82, 60), (118, 140)):
        cv2.line(mask, (x, 175), (to_x, 280), 1, 24)
    return mask > 0


HARD = {
    "one pixel": one_pixel(),
    "full": np.ones((80, 60), np.bool_),
    "one row": np.ones((1, 300), np.bool_),
    "dots": np.tile(np.array([True, False, False]), 200)[None],
    "noise": noise(0.5),
    "dust": noise(0.01, 300),
    "blobs": noise(0.5, 300, 6),
    "diagonal": np.eye(90, dtype=np.bool_),
    "comb": comb(),
    "fan": fan(),
    "ring": ring(),
    "figure": figure(),
}
