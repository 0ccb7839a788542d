from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from cartoonedit.scene import Instance, Scene

SceneMaker = Callable[..., Scene]


def textured(width: int, height: int, seed: int = 0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = [
        128 + 60 * np.sin(columns / (5 + k) + k) + 50 * np.cos(rows / (6 - k)) for k in range(3)
    ]
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    return np.clip(np.dstack(waves) + noise, 0, 255).astype(np.uint8)


def ellipse(width: int, height: int, x: float, y: float, a: float, b: float) -> np.ndarray:
    """An ellipse with a soft edge, in shares of width and height."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    inside = 1 - np.hypot((columns - x * width) / (a * width), (rows - y * height) / (b * height))
    return (np.clip(inside * min(a * width, b * height) + 0.5, 0, 1) * 255).astype(np.uint8)


SHAPES = {
    "none": [],
    "standing": [(0.3, 0.6, 0.08, 0.25)],
    "cut below": [(0.5, 0.9, 0.15, 0.5)],
    "cut left and right": [(0.0, 0.6, 0.15, 0.3), (1.0, 0.9, 0.2, 0.5)],
    "overlap": [(0.4, 0.8, 0.15, 0.4), (0.55, 0.9, 0.15, 0.4), (0.8, 0.6, 0.05, 0.2)],
    "everything": [(0.5, 0.5, 5, 5)],
}


@pytest.fixture(scope="session")
def make_scene() -> SceneMaker:
    """Scenes by name of :data:`SHAPES`; later instances cover earlier ones. Plates are given."""

    def make(name: str, width: int = 128, height: int = 72, **parts: object) -> Scene:
        plate = textured(width, height)
        picture, masks = plate.astype(float), []
        for index, shape in enumerate(SHAPES[name]):
            mask = ellipse(width, height, *shape)
            alpha = mask[..., None] / 255
            colour = textured(width, height, index + 1)[::-1] * np.array([0.3, 1, 0.6])
            picture = picture * (1 - alpha) + colour * alpha
            masks = [np.minimum(other, 255 - mask) for other in masks] + [mask]
        parts = {"plate": plate} | parts
        instances = [Instance(mask) for mask in masks]
        return Scene(np.rint(picture).astype(np.uint8), instances, **parts)  # type: ignore[arg-type]

    return make


@pytest.fixture(params=sorted(SHAPES))
def scene(request: pytest.FixtureRequest, make_scene: SceneMaker) -> Scene:
    return make_scene(request.param)
