"""Light of the key colour that falls on a subject's edges, and how to take it away."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.matte import nearest_places
from segmentation.dataset.keying import Floats, Frame, to_rgb, to_ycc

__all__ = ["despill", "disc"]

OWN_SHARE = 0.6
"""Of a colour's chroma across the key's hue: so much along it is taken for its own."""

LEAST = 6.0
"""Chroma along the key's hue that never counts as spill, in levels."""


def despill(rgb: Frame, alpha: npt.NDArray[np.uint8], field: Floats, reach: int) -> Frame:
    """Take the key's hue away from edges, where the subject farther in does not have it.

    Args:
        rgb: colours of the subject ``(H, W, 3)``.
        alpha: of the subject ``(H, W)``.
        field: YCbCr of the key ``(H, W, 3)``.
        reach: pixels from the edge that the key's light falls on.

    Returns:
        RGB ``(H, W, 3)``; only pixels with alpha near an edge differ.
    """
    near = cv2.dilate((alpha < 250).astype(np.uint8), disc(reach)) > 0
    band, inner = near & (alpha > 0), ~near
    if not band.any():
        return rgb
    ycc, key = to_ycc(rgb[band]), field[band][:, 1:]
    hue = key / np.maximum(np.linalg.norm(key, axis=1, keepdims=True), 1e-3)
    along = (ycc[:, 1:] * hue).sum(axis=1)
    across = np.abs(ycc[:, 1] * hue[:, 1] - ycc[:, 2] * hue[:, 0])
    allowed = np.maximum(OWN_SHARE * across, LEAST)
    if inner.any():
        places, _ = nearest_places(inner, band)
        chroma = to_ycc(rgb.reshape(-1, 3)[places])[:, 1:]
        allowed = np.maximum(allowed, (chroma * hue).sum(axis=1))
    spill = np.maximum(along - allowed, 0)
    ycc[:, 1:] -= spill[:, None] * hue
    cleaned = rgb.copy()
    cleaned[band] = np.clip(np.rint(to_rgb(ycc)), 0, 255).astype(np.uint8)
    return cleaned


def disc(radius: int) -> npt.NDArray[np.uint8]:
    """What `cv2.dilate` grows a mask by, to reach so many pixels farther."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2).astype(np.uint8)
