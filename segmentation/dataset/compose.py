"""Compose a scene: characters from a library pasted onto a background, with their exact masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.dataset.clutter import draw_patch, scatter_clutter
from segmentation.dataset.harmonise import degrade, match_colours, vary_colours
from segmentation.dataset.layout import Placement, draw_count, draw_placements
from segmentation.dataset.sources import Library

MIN_VISIBLE = 0.25
"""A subject that less of is left is taken out of the scene."""


@dataclass
class Sample:
    """A composed scene.

    Attributes:
        picture: RGB ``(H, W, 3)``.
        alphas: visible parts, ``(G, H, W)`` 0..255, rear to front.
    """

    picture: npt.NDArray[np.uint8]
    alphas: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sources:
    """What scenes are made of."""

    foregrounds: Library
    backgrounds: Library


def compose(sources: Sources, seed: int, index: int, size_wh: tuple[int, int]) -> Sample:
    """Compose scene number ``index``: a pure function of its arguments.

    Args:
        sources: the material.
        seed: of the dataset.
        index: of the scene in it.
        size_wh: canvas.
    """
    rng = np.random.default_rng((seed, index))
    background = _draw_background(sources.backgrounds, rng, size_wh)
    if rng.random() < 0.4:
        scatter_clutter(background, rng)
    if rng.random() < 0.35:
        for _ in range(rng.integers(1, 4)):
            _paste(background, _draw_thing(sources.backgrounds, rng, background.shape[:2]))
    if rng.random() < 0.03:
        return Sample(degrade(background, rng), np.zeros((0, size_wh[1], size_wh[0]), np.uint8))
    layers = _draw_layers(sources.foregrounds, rng, background)
    if rng.random() < 0.15:
        # Something stands before a character, as in any crowded picture.
        thing = _draw_thing(sources.backgrounds, rng, background.shape[:2])
        layers.insert(int(rng.integers(1, len(layers) + 1)), thing)
    layers, alphas = _keep_visible(layers, (size_wh[1], size_wh[0]))
    picture = background.astype(np.float32)
    for layer in layers:
        _paste(picture, layer)
    return Sample(degrade(picture.round().astype(np.uint8), rng), alphas)


@dataclass
class _Layer:
    """Something on the canvas: RGBA of the rectangle at ``left, top``."""

    rgba: npt.NDArray[np.uint8]
    left: int
    top: int
    canvas_hw: tuple[int, int]
    is_character: bool = True

    def alpha(self) -> npt.NDArray[np.uint8]:
        full = np.zeros(self.canvas_hw, np.uint8)
        height, width = self.rgba.shape[:2]
        full[self.top : self.top + height, self.left : self.left + width] = self.rgba[..., 3]
        return full


def _draw_background(
    library: Library, rng: np.random.Generator, size_wh: tuple[int, int]
) -> npt.NDArray[np.uint8]:
    """A random crop of a random background; now and then a flat colour, as paper is."""
    width, height = size_wh
    if rng.random() < 0.12:
        top, bottom = rng.integers(0, 256, (2, 3))
        if rng.random() < 0.5:
            top = bottom = np.full(3, 255) - rng.integers(0, 25)
        ramp = np.linspace(0, 1, height)[:, None, None]
        flat = (top * (1 - ramp) + bottom * ramp) * np.ones((1, width, 1))
        return flat.astype(np.uint8)
    image = library.load(library.draw(rng))[..., :3]
    share = rng.uniform(0.5, 1.0)
    scale = max(width / image.shape[1], height / image.shape[0]) / share
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    resized = cv2.copyMakeBorder(resized, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    left = rng.integers(0, resized.shape[1] - width + 1)
    top_ = rng.integers(0, resized.shape[0] - height + 1)
    crop = resized[top_ : top_ + height, left : left + width]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.25:
        crop = vary_colours(np.ascontiguousarray(crop), rng)
    return np.ascontiguousarray(crop).astype(np.uint8)


def _draw_layers(
    library: Library, rng: np.random.Generator, background: npt.NDArray[np.uint8]
) -> list[_Layer]:
    """Subjects placed and coloured, rear to front."""
    count = draw_count(rng)
    one_source = library.draw_source(rng) if rng.random() < 0.25 else None
    files = [library.draw(rng, one_source) for _ in range(count)]
    places = draw_placements(rng, [file.is_cut_at_the_bottom for file in files])
    harmonised = rng.random() < 0.25
    layers = []
    for file, place in zip(files, places, strict=True):
        layer = _place(library.load(file), place, background.shape[:2])
        if layer is None:
            continue
        rgb = np.ascontiguousarray(layer.rgba[..., :3])
        if rng.random() < 0.4:
            rgb = vary_colours(rgb, rng)
        if harmonised:
            rgb = match_colours(rgb, background, rng.uniform(0.2, 0.6))
        layer.rgba = np.dstack((rgb, layer.rgba[..., 3]))
        layers.append(layer)
    return layers


def _place(
    cutout: npt.NDArray[np.uint8], place: Placement, canvas_hw: tuple[int, int]
) -> _Layer | None:
    """Scale, turn and move a cut-out; None if nothing of it falls on the canvas."""
    height, width = cutout.shape[:2]
    side = float(np.sqrt(canvas_hw[0] * canvas_hw[1]))
    # Wide subjects (lying, animals) are sized by a mean of both sides, else they fill the canvas.
    extent = max(height, np.sqrt(height * width))
    scale = place.height * side / extent
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(
        cutout, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    if place.flip:
        small = small[:, ::-1]
    if place.angle:
        small = _rotate(small, place.angle)
    h, w = small.shape[:2]
    left = round(place.centre_x * canvas_hw[1] - w / 2)
    top = round(place.bottom * canvas_hw[0] - h)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + w, canvas_hw[1]), min(top + h, canvas_hw[0])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return None
    part = small[y0 - top : y1 - top, x0 - left : x1 - left]
    return _Layer(np.ascontiguousarray(part).astype(np.uint8), x0, y0, canvas_hw)


def _rotate(rgba: npt.NDArray[np.uint8], angle: float) -> npt.NDArray[np.uint8]:
    h, w = rgba.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    out_w, out_h = int(h * sin + w * cos) + 1, int(h * cos + w * sin) + 1
    matrix[:, 2] += ((out_w - w) / 2, (out_h - h) / 2)
    # Colours spread under the alpha's edge instead of mixing with black outside.
    rgb = cv2.warpAffine(
        np.ascontiguousarray(rgba[..., :3]), matrix, (out_w, out_h), borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpAffine(np.ascontiguousarray(rgba[..., 3]), matrix, (out_w, out_h))
    return np.dstack((rgb, alpha)).astype(np.uint8)


def _keep_visible(
    layers: list[_Layer], canvas_hw: tuple[int, int]
) -> tuple[list[_Layer], npt.NDArray[np.uint8]]:
    """Drop what is hidden, front layers deciding; and the visible alphas of the characters left."""
    kept: list[_Layer] = []
    alphas: list[npt.NDArray[np.uint8]] = []
    uncovered: npt.NDArray[np.floating] = np.ones(canvas_hw, np.float32)
    for layer in reversed(layers):
        own = layer.alpha()
        visible = own * uncovered
        total = float(own.sum())
        if visible.sum() < MIN_VISIBLE * total or (visible > 127).sum() < 30:
            continue
        kept.append(layer)
        if layer.is_character:
            alphas.append(visible.round().astype(np.uint8))
        uncovered = uncovered * (1 - own / np.float32(255))
    kept.reverse()
    alphas.reverse()
    return kept, np.array(alphas, np.uint8).reshape(-1, *canvas_hw)


def _draw_thing(library: Library, rng: np.random.Generator, canvas_hw: tuple[int, int]) -> _Layer:
    """A piece of another background, anywhere, wholly on the canvas."""
    side = int(min(canvas_hw) * np.exp(rng.uniform(np.log(0.1), np.log(0.7))))
    top, left = (int(rng.integers(n - side + 1)) for n in canvas_hw)
    return _Layer(draw_patch(library, rng, side), left, top, canvas_hw, is_character=False)


def _paste(picture: npt.NDArray[Any], layer: _Layer) -> None:
    height, width = layer.rgba.shape[:2]
    window = picture[layer.top : layer.top + height, layer.left : layer.left + width]
    alpha = layer.rgba[..., 3:] / np.float32(255)
    window[...] = window + alpha * (layer.rgba[..., :3] - window.astype(np.float32))
