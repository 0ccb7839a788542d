"""The guided filter against its definition, and what it is for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from segmentation.guided import guided_filter


def by_definition(
    picture: np.ndarray, values: np.ndarray, radius: int, epsilon: float
) -> np.ndarray:
    """Window by window, in float64."""
    guide = np.pad(picture / 255, [(radius, radius)] * 2 + [(0, 0)], mode="symmetric")
    mapped = np.pad(values.astype(float), radius, mode="symmetric")
    height, width = values.shape
    a, b = np.zeros((height, width, 3)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            window = guide[y : y + 2 * radius + 1, x : x + 2 * radius + 1].reshape(-1, 3)
            inside = mapped[y : y + 2 * radius + 1, x : x + 2 * radius + 1].ravel()
            variance = np.cov(window.T, bias=True) + epsilon * np.eye(3)
            covariance = (window * inside[:, None]).mean(0) - window.mean(0) * inside.mean()
            a[y, x] = np.linalg.solve(variance, covariance)
            b[y, x] = inside.mean() - a[y, x] @ window.mean(0)
    side = 2 * radius + 1
    blur = [cv2.blur(np.ascontiguousarray(m), (side, side), borderType=cv2.BORDER_REFLECT)
            for m in (*np.moveaxis(a, 2, 0), b)]  # fmt: skip
    return sum(blur[i] * picture[..., i] / 255 for i in range(3)) + blur[3]


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-2), (2, 1e-3), (4, 1e-2)])
def test_it_is_what_it_is_defined_as(radius: int, epsilon: float) -> None:
    rng = np.random.default_rng(radius)
    picture = rng.integers(0, 256, (14, 17, 3), np.uint8)
    values = rng.random((14, 17), np.float32)
    result = guided_filter(picture, values, radius, epsilon)
    np.testing.assert_allclose(result, by_definition(picture, values, radius, epsilon), atol=2e-3)


def test_a_blurred_step_becomes_as_sharp_as_the_picture() -> None:
    picture = np.full((60, 60, 3), 30, np.uint8)
    picture[:, 33:] = (220, 120, 60)
    step = cv2.GaussianBlur((np.arange(60)[None] >= 33) * np.ones((60, 1), np.float32), (0, 0), 3)
    result = guided_filter(picture, step, 8, 1e-4)
    assert np.diff(step, axis=1).max() < 0.15
    assert np.diff(result, axis=1)[:, 32].min() > 0.6
    assert np.abs(np.delete(np.diff(result, axis=1), 32, axis=1)).max() < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (5, 3)])
def test_one_value_stays(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    values = np.full(shape, 0.7, np.float32)
    np.testing.assert_allclose(guided_filter(picture, values, 2, 1e-4), values, atol=1e-3)
