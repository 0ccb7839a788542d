"""What may happen to a picture once it is composed: style, quality, compression (section 3.2)."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.dataset.harmonise import COLOUR_COUNTS, ink, quantise
from segmentation.dataset.lighting import grain, tone
from segmentation.dataset.manga import grey, line_art, manga, screentone
from segmentation.dataset.recipe import Recipe

Picture = npt.NDArray[np.uint8]


class Finished(NamedTuple):
    """A finished picture, RGB, and the JPEG file that it was decoded from, if it was."""

    picture: Picture
    jpeg: bytes | None


def finish(rgb: Picture, rng: np.random.Generator, recipe: Recipe) -> Finished:
    """Change a composed picture as a whole, each way with its probability.

    Args:
        rgb: ``(H, W, 3)``.
        rng: source of chance.
        recipe: the probabilities.
    """
    out = rgb
    if rng.random() < recipe.ink:
        out = ink(out, rng)
    if rng.random() < recipe.tone:
        out = tone(out, rng)
    if rng.random() < recipe.quantise:
        out = quantise(out, int(rng.choice(COLOUR_COUNTS)))
    if rng.random() < recipe.grey:
        out = grey(out)
    if rng.random() < recipe.manga:
        out = _as_manga(out, rng)
    if rng.random() < recipe.blur / 2:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2)).astype(np.uint8)
    if rng.random() < recipe.grain:
        out = grain(out, rng)
    if rng.random() < recipe.jpeg:
        return _compressed(out, int(rng.choice(recipe.qualities())))
    return Finished(out, None)


def _as_manga(rgb: Picture, rng: np.random.Generator) -> Picture:
    width, pitch, angle = rng.uniform(0.6, 1.6), rng.uniform(0.5, 1.5), rng.uniform(0, 90)
    kind = rng.integers(3)
    if kind == 0:
        return line_art(rgb, width)
    if kind == 1:
        return screentone(rgb, pitch, angle)
    return manga(rgb, width, pitch, angle)


def _compressed(rgb: Picture, quality: int) -> Finished:
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return Finished(np.ascontiguousarray(decoded[..., ::-1]), data.tobytes())
