"""Things in a scene that are no characters: what a network must learn to leave alone."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from segmentation.dataset.sources import Library

Picture = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]


def scatter_clutter(canvas: Picture, rng: np.random.Generator) -> None:
    """Draw shapes with outlines, words, clouds and trees onto a background, in place.

    Args:
        canvas: RGB ``(H, W, 3)``, C-contiguous.
        rng: source of chance.
    """
    height, width = canvas.shape[:2]
    for _ in range(rng.integers(1, 6)):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        size = int(np.exp(rng.uniform(np.log(0.02), np.log(0.25))) * min(width, height)) + 2
        draw = _DRAWINGS[rng.integers(len(_DRAWINGS))]
        draw(canvas, rng, (x, y), size, _colour(rng, 256), _colour(rng, 80))


def draw_patch(backgrounds: Library, rng: np.random.Generator, side: int) -> Picture:
    """A piece of some background as a thing of its own, RGBA, in a random shape.

    Composites differ from drawings by their seams. With such pieces about, a seam is no sign of a
    character, nor is its absence.

    Args:
        backgrounds: where to cut from.
        rng: source of chance.
        side: of the square result in pixels.
    """
    image = backgrounds.load(backgrounds.draw(rng))[..., :3]
    share = rng.uniform(0.3, 0.9)
    extent = max(8, int(min(image.shape[:2]) * share))
    top, left = (int(rng.integers(n - extent + 1)) for n in image.shape[:2])
    piece = cv2.resize(
        image[top : top + extent, left : left + extent], (side, side), interpolation=cv2.INTER_AREA
    )
    piece = np.ascontiguousarray(piece).astype(np.uint8)
    alpha = _smooth_blob(side, rng)
    if rng.random() < 0.5:
        outline, _ = cv2.findContours(alpha, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        thickness = max(1, side // 120)
        cv2.drawContours(piece, outline, -1, _colour(rng, 80), thickness, cv2.LINE_AA)
    return np.dstack((piece, alpha))


def _smooth_blob(side: int, rng: np.random.Generator) -> Picture:
    """An alpha ``(side, side)``: a lump, from nearly round to ragged."""
    cells = int(rng.integers(3, 8))
    noise = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    noise = cv2.resize(noise, (side, side), interpolation=cv2.INTER_CUBIC)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    distance = np.sqrt(axis[:, None] ** 2 + axis[None] ** 2)
    height = 1.6 * (0.75 - distance) + rng.uniform(0.05, 0.45) * noise
    height[distance > 0.98] = -1
    return (np.clip(height * side / 6, 0, 1) * 255).astype(np.uint8)


def _colour(rng: np.random.Generator, brightest: int) -> Colour:
    red, green, blue = rng.integers(0, brightest, 3)
    return int(red), int(green), int(blue)


Point = tuple[int, int]
Drawing = Callable[[Picture, np.random.Generator, Point, int, Colour, Colour], None]
"""Draws onto a canvas, with some chance: where, how large, filled and outlined in which colours."""


def _ellipse(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    axes = (size, int(size * rng.uniform(0.4, 1)) + 1)
    angle = rng.uniform(0, 180)
    cv2.ellipse(canvas, at, axes, angle, 0, 360, fill, -1, cv2.LINE_AA)
    cv2.ellipse(canvas, at, axes, angle, 0, 360, ink, 1, cv2.LINE_AA)


def _box(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    corner = (at[0] + size, at[1] + int(size * rng.uniform(0.3, 1.5)))
    cv2.rectangle(canvas, at, corner, fill, -1)
    cv2.rectangle(canvas, at, corner, ink, 1)


def _polygon(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 9)))
    radii = size * rng.uniform(0.4, 1, len(angles))
    points = np.stack((at[0] + radii * np.cos(angles), at[1] + radii * np.sin(angles)), 1)
    cv2.fillPoly(canvas, [points.astype(np.int32)], fill, cv2.LINE_AA)
    cv2.polylines(canvas, [points.astype(np.int32)], True, ink, 1, cv2.LINE_AA)


def _word(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    letters = "".join(chr(c) for c in rng.integers(65, 91, rng.integers(2, 8)))
    thickness = int(rng.integers(1, 4))
    cv2.putText(
        canvas, letters, at, cv2.FONT_HERSHEY_DUPLEX, size / 30, ink, thickness, cv2.LINE_AA
    )


def _cloud(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    """Overlapping discs with one outline around all; a bush, if they are green."""
    if rng.random() < 0.5:
        fill = (255, 255, 255)
    count = int(rng.integers(3, 8))
    centres = rng.normal(0, (size, 0.35 * size), (count, 2)) + at
    radii = size * rng.uniform(0.3, 0.7, count)
    line = max(1, size // 30)
    for grow, colour in ((line, ink), (0, fill)):
        for centre, radius in zip(centres, radii, strict=True):
            x, y = centre.astype(int).tolist()
            cv2.circle(canvas, (x, y), int(radius) + grow, colour, -1, cv2.LINE_AA)


def _tree(
    canvas: Picture, rng: np.random.Generator, at: Point, size: int, fill: Colour, ink: Colour
) -> None:
    """A trunk that forks into ever thinner branches, outlined."""
    branches: list[tuple[Point, Point, int]] = []

    def grow(start: Point, angle: float, length: float, width: float, depth: int) -> None:
        end = (
            int(start[0] + length * np.cos(angle)),
            int(start[1] - length * np.sin(angle)),
        )
        branches.append((start, end, max(1, int(width))))
        if depth:
            for _ in range(rng.integers(2, 4)):
                grow(
                    end, angle + rng.normal(0, 0.6), length * rng.uniform(0.5, 0.9), width * 0.6,
                    depth - 1,
                )  # fmt: skip

    grow(at, np.pi / 2 + rng.normal(0, 0.15), size, size * rng.uniform(0.1, 0.4), 3)
    for extra, colour in ((2, ink), (0, fill)):
        for start, end, width in branches:
            cv2.line(canvas, start, end, colour, width + extra, cv2.LINE_AA)


_DRAWINGS: tuple[Drawing, ...] = (_ellipse, _box, _polygon, _word, _cloud, _tree)
