"""Vary a finished picture for training: its size, part, side, colours and quality."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.dataset.compose import Labelled
from segmentation.preprocess import PAD_VALUE
from segmentation.refine import resample

__all__ = ["augment", "draw_size"]

Picture = npt.NDArray[np.uint8]

ZOOM = (0.6, 1.7)
"""The picture's scale, from 1 where its shorter way just fills the canvas."""

PLACES = 5
"""So many random parts are tried for one that shows a character."""


def draw_size(rng: np.random.Generator, size: int) -> tuple[int, int]:
    """Width and height of a canvas whose longer side is ``size``; most are squares."""
    if rng.random() >= 0.35:
        return size, size
    short = int(size * rng.uniform(0.55, 0.95))
    return (size, short) if rng.random() < 0.6 else (short, size)


def augment(sample: Labelled, rng: np.random.Generator, size: int) -> Labelled:
    """Show a part of a picture, or all of it smaller, perhaps mirrored and in other colours.

    Args:
        sample: The picture and its visible alphas.
        rng: Source of chance.
        size: Longer side of the result.
    """
    canvas_wh = draw_size(rng, size)
    height, width = sample.picture.shape[:2]
    cover = max(canvas_wh[0] / width, canvas_wh[1] / height)
    scale = cover * float(np.exp(rng.uniform(*np.log(ZOOM))))
    scaled_wh = max(1, round(width * scale)), max(1, round(height * scale))
    picture = resample(sample.picture, scaled_wh)
    alphas = [resample(alpha, scaled_wh) for alpha in sample.alphas]
    placed = _Placed(scaled_wh, canvas_wh)
    for _ in range(PLACES):
        origin = placed.draw_origin(rng)
        shown = [placed.cut(alpha, origin, 0) for alpha in alphas]
        if not alphas or any((alpha > 127).any() for alpha in shown):
            break
    shown = [alpha for alpha in shown if (alpha > 127).any()]
    out = placed.cut(picture, origin, PAD_VALUE)
    stack = np.array(shown, np.uint8).reshape(len(shown), canvas_wh[1], canvas_wh[0])
    if rng.random() < 0.5:
        out, stack = out[:, ::-1], stack[:, :, ::-1]
    return Labelled(_spoil(_recolour(out, rng), rng), np.ascontiguousarray(stack))


class _Placed:
    """A scaled picture and the canvas that shows a part of it."""

    def __init__(self, scaled_wh: tuple[int, int], canvas_wh: tuple[int, int]) -> None:
        self.scaled_wh, self.canvas_wh = scaled_wh, canvas_wh

    def draw_origin(self, rng: np.random.Generator) -> tuple[int, int]:
        """Where the picture's top left corner comes to lie on the canvas."""
        slack = [c - s for c, s in zip(self.canvas_wh, self.scaled_wh, strict=True)]
        x, y = (int(rng.integers(min(0, n), max(0, n) + 1)) for n in slack)
        return x, y

    def cut(self, image: Picture, origin_xy: tuple[int, int], fill: int) -> Picture:
        """What the canvas shows of an image of the picture's size; ``fill`` elsewhere."""
        (x, y), (width, height) = origin_xy, self.canvas_wh
        part = image[max(0, -y) : max(0, height - y), max(0, -x) : max(0, width - x)]
        canvas = np.full((height, width, *image.shape[2:]), fill, np.uint8)
        top, left = max(0, y), max(0, x)
        canvas[top : top + part.shape[0], left : left + part.shape[1]] = part
        return canvas


def _recolour(rgb: Picture, rng: np.random.Generator) -> Picture:
    """Other light, contrast and saturation; now and then grey, as manga is."""
    out = rgb.astype(np.float32)
    if rng.random() < 0.5:
        gain = rng.uniform(0.8, 1.2) * rng.uniform(0.9, 1.1, 3)
        out = (out - 128) * gain.astype(np.float32) + np.float32(128 + rng.uniform(-25, 25))
    if rng.random() < 0.4:
        grey = out @ np.array([0.299, 0.587, 0.114], np.float32)
        strength = 0.0 if rng.random() < 0.2 else rng.uniform(0.5, 1.4)
        out = grey[..., None] + np.float32(strength) * (out - grey[..., None])
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _spoil(rgb: Picture, rng: np.random.Generator) -> Picture:
    """JPEG at some quality, or a slight blur."""
    if rng.random() < 0.1:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 1.0)).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(40, 96))
        _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
        rgb = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return rgb
