"""Compose a scene: characters from a library pasted onto a background, with their exact masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.dataset.clutter import draw_patch, scatter_clutter
from segmentation.dataset.finish import Finished, finish
from segmentation.dataset.harmonise import match_histogram, vary_colours
from segmentation.dataset.layout import Figure, Placement, draw_count, draw_placements
from segmentation.dataset.lighting import cast_shadow, rim_light
from segmentation.dataset.photos import PersonPhotos
from segmentation.dataset.recipe import EMBEDDED, Recipe, parse_shares
from segmentation.dataset.sources import Library, PictureFile

__all__ = ["MIN_VISIBLE", "Labelled", "Sample", "Sources", "compose"]

MIN_VISIBLE = 0.25
"""A subject that less of is left is taken out of the scene."""
MIN_PIXELS = 30
ATTEMPTS = 20
"""A scene in which nobody is left is drawn anew so many times, unless it is to be empty."""

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Sources:
    """What scenes are made of: cut-outs, backgrounds, and photos to arrange them by, if any."""

    foregrounds: Library
    backgrounds: Library
    photos: PersonPhotos | None = None


@dataclass
class Labelled:
    """A picture of which is known what is whose.

    Attributes:
        picture: RGB ``(H, W, 3)``.
        alphas: visible parts of the characters, ``(G, H, W)`` 0..255.
    """

    picture: Picture
    alphas: Picture


@dataclass
class Sample(Labelled):
    """A composed scene, its characters from the rear to the front.

    Attributes:
        amodal: the characters as if nothing stood before them, ``(G, H, W)`` 0..255; of what falls
            on the canvas.
        files: which cut-outs they are.
        drawn: how many characters were drawn from the Poisson distribution; some may be hidden or
            off the canvas, and left out of the rest.
        jpeg: the compressed file that ``picture`` was decoded from, if it was.
    """

    amodal: Picture
    files: tuple[PictureFile, ...]
    drawn: int
    jpeg: bytes | None = None


def compose(
    sources: Sources, seed: int, index: int, size_wh: tuple[int, int], recipe: Recipe = EMBEDDED
) -> Sample:
    """Compose scene number ``index``: a pure function of its arguments.

    Args:
        sources: the material.
        seed: of the dataset.
        index: of the scene in it.
        size_wh: canvas.
        recipe: how.
    """
    rng = np.random.default_rng((seed, index))
    is_empty = rng.random() < recipe.empty
    for _ in range(ATTEMPTS):
        sample = _attempt(sources, rng, size_wh, recipe, is_empty)
        if is_empty or len(sample.alphas):
            break
    return sample


def _attempt(
    sources: Sources,
    rng: np.random.Generator,
    size_wh: tuple[int, int],
    recipe: Recipe,
    is_empty: bool,
) -> Sample:
    background = _draw_background(sources.backgrounds, rng, size_wh, recipe)
    _add_clutter(background, sources.backgrounds, rng, recipe)
    layers = [] if is_empty else _draw_layers(sources, rng, background, recipe)
    drawn = len(layers)
    layers = [layer for layer in layers if layer.rgba.size]
    if layers and rng.random() < recipe.barrier:
        # Something stands before a character, as in any crowded picture.
        thing = _draw_thing(sources.backgrounds, rng, background.shape[:2])
        layers.insert(int(rng.integers(1, len(layers) + 1)), thing)
    shown = _keep_visible(layers, (size_wh[1], size_wh[0]))
    if rng.random() < recipe.blur / 2:  # the other half of the blurred ones is blurred at the end
        background = cv2.GaussianBlur(background, (0, 0), rng.uniform(0.8, 3.0)).astype(np.uint8)
    picture = background.astype(np.float32)
    for layer in shown.layers:
        if layer.file and rng.random() < recipe.shadow:
            cast_shadow(picture, layer.alpha(), rng)
        _paste(picture, layer)
    finished: Finished = finish(picture.round().clip(0, 255).astype(np.uint8), rng, recipe)
    files = tuple(layer.file for layer in shown.layers if layer.file)
    return Sample(finished.picture, shown.alphas, shown.amodal, files, drawn, finished.jpeg)


@dataclass
class _Layer:
    """Something on the canvas: RGBA of the rectangle at ``left, top``; a character has a file."""

    rgba: Picture
    left: int
    top: int
    canvas_hw: tuple[int, int]
    file: PictureFile | None = None

    def alpha(self) -> Picture:
        full = np.zeros(self.canvas_hw, np.uint8)
        height, width = self.rgba.shape[:2]
        full[self.top : self.top + height, self.left : self.left + width] = self.rgba[..., 3]
        return full


def _draw_background(
    library: Library, rng: np.random.Generator, size_wh: tuple[int, int], recipe: Recipe
) -> Picture:
    """A random crop of a random background; now and then a flat colour, as paper is."""
    width, height = size_wh
    if rng.random() < recipe.plain_background:
        return _plain(rng, size_wh)
    image = library.load(library.draw(rng))[..., :3]
    share = rng.uniform(0.5, 1.0)
    scale = max(width / image.shape[1], height / image.shape[0]) / share
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    resized = cv2.copyMakeBorder(resized, 0, 1, 0, 1, cv2.BORDER_REPLICATE)
    left = rng.integers(0, resized.shape[1] - width + 1)
    top = rng.integers(0, resized.shape[0] - height + 1)
    crop = resized[top : top + height, left : left + width]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < recipe.recolour_background:
        crop = vary_colours(np.ascontiguousarray(crop), rng)
    return np.ascontiguousarray(crop).astype(np.uint8)


def _plain(rng: np.random.Generator, size_wh: tuple[int, int]) -> Picture:
    """A gradient of two colours, or one that is nearly white."""
    top, bottom = rng.integers(0, 256, (2, 3))
    if rng.random() < 0.5:
        top = bottom = np.full(3, 255) - rng.integers(0, 25)
    ramp = np.linspace(0, 1, size_wh[1])[:, None, None]
    shaded = (top * (1 - ramp) + bottom * ramp) * np.ones((1, size_wh[0], 1))
    return shaded.astype(np.uint8)


def _add_clutter(
    background: Picture, library: Library, rng: np.random.Generator, recipe: Recipe
) -> None:
    if rng.random() < recipe.clutter:
        scatter_clutter(background, rng)
    if rng.random() < recipe.patches:
        for _ in range(rng.integers(1, 4)):
            _paste(background, _draw_thing(library, rng, background.shape[:2]))


def _draw_layers(
    sources: Sources, rng: np.random.Generator, background: Picture, recipe: Recipe
) -> list[_Layer]:
    """Subjects placed and coloured, rear to front; one off the canvas has no pixels."""
    library = sources.foregrounds
    count = draw_count(rng, recipe.mean_subjects)
    one_source = library.draw_source(rng) if rng.random() < recipe.same_source else None
    files = [library.draw(rng, one_source) for _ in range(count)]
    cutouts = [library.load(file) for file in files]
    figures = [
        Figure(cutout.shape[1] / cutout.shape[0], file.is_cut_at_the_bottom)
        for cutout, file in zip(cutouts, files, strict=True)
    ]
    places = draw_placements(rng, figures, parse_shares(recipe.placing), sources.photos)
    matched = rng.random() < recipe.match_histogram
    layers = []
    for place in places:
        layer = _place(cutouts[place.figure], place, background.shape[:2], rng, recipe)
        if layer.rgba.size:
            layer.rgba = _coloured(layer.rgba, background if matched else None, rng, recipe)
        layers.append(replace(layer, file=files[place.figure]))
    return layers


def _coloured(
    rgba: Picture, reference: Picture | None, rng: np.random.Generator, recipe: Recipe
) -> Picture:
    """A character in other colours, in those of a reference, or with a bright edge."""
    if rng.random() < recipe.recolour:
        rgb = vary_colours(np.ascontiguousarray(rgba[..., :3]), rng)
        rgba = np.dstack((rgb, rgba[..., 3]))
    if reference is not None:
        rgba = match_histogram(rgba, reference, recipe.match_strength)
    if rng.random() < recipe.rim_light:
        rgba = rim_light(rgba, rng)
    return rgba


def _place(
    cutout: Picture,
    place: Placement,
    canvas_hw: tuple[int, int],
    rng: np.random.Generator,
    recipe: Recipe,
) -> _Layer:
    """Scale, turn, mirror and move a cut-out; no pixels if next to nothing falls on the canvas."""
    height, width = cutout.shape[:2]
    side = float(np.sqrt(canvas_hw[0] * canvas_hw[1]))
    # Wide subjects (lying, animals) are sized by a mean of both sides, else they fill the canvas.
    extent = max(height, np.sqrt(height * width))
    scale = place.height * side / extent
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    small = cv2.resize(
        cutout, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    if rng.random() < 0.5:
        small = small[:, ::-1]
    if rng.random() < recipe.turn:
        small = _rotate(small, rng.normal(0, 8))
    h, w = small.shape[:2]
    left = round(place.centre_x * canvas_hw[1] - w / 2)
    top = round(place.bottom * canvas_hw[0] - h)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + w, canvas_hw[1]), min(top + h, canvas_hw[0])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return _Layer(np.zeros((0, 0, 4), np.uint8), 0, 0, canvas_hw)
    part = small[y0 - top : y1 - top, x0 - left : x1 - left]
    return _Layer(np.ascontiguousarray(part).astype(np.uint8), x0, y0, canvas_hw)


def _rotate(rgba: Picture, angle: float) -> Picture:
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


@dataclass(frozen=True)
class _Shown:
    """What is left of a scene's layers, rear to front, and the alphas of its characters."""

    layers: list[_Layer]
    alphas: Picture
    amodal: Picture


def _keep_visible(layers: list[_Layer], canvas_hw: tuple[int, int]) -> _Shown:
    """Drop what is hidden, front layers deciding, and work out what is seen of the rest."""
    kept: list[_Layer] = []
    alphas: list[Picture] = []
    amodal: list[Picture] = []
    uncovered: npt.NDArray[np.floating] = np.ones(canvas_hw, np.float32)
    for layer in reversed(layers):
        own = layer.alpha()
        visible = own * uncovered
        if visible.sum() < MIN_VISIBLE * float(own.sum()) or (visible > 127).sum() < MIN_PIXELS:
            continue
        kept.append(layer)
        if layer.file:
            alphas.append(visible.round().astype(np.uint8))
            amodal.append(own)
        uncovered = uncovered * (1 - own / np.float32(255))

    def stack(masks: list[Picture]) -> Picture:
        return np.array(masks[::-1], np.uint8).reshape(-1, *canvas_hw)

    return _Shown(kept[::-1], stack(alphas), stack(amodal))


def _draw_thing(library: Library, rng: np.random.Generator, canvas_hw: tuple[int, int]) -> _Layer:
    """A piece of another background, anywhere, wholly on the canvas."""
    side = int(min(canvas_hw) * np.exp(rng.uniform(np.log(0.1), np.log(0.7))))
    top, left = (int(rng.integers(n - side + 1)) for n in canvas_hw)
    return _Layer(draw_patch(library, rng, side), left, top, canvas_hw)


def _paste(picture: npt.NDArray[Any], layer: _Layer) -> None:
    height, width = layer.rgba.shape[:2]
    window = picture[layer.top : layer.top + height, layer.left : layer.left + width]
    alpha = layer.rgba[..., 3:] / np.float32(255)
    window[...] = window + alpha * (layer.rgba[..., :3] - window.astype(np.float32))
