"""The guided filter: a map that follows the edges of a picture (He, Sun and Tang, 2010)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["guided_filter"]

Floats = NDArray[np.float32]


def guided_filter(
    picture: NDArray[np.uint8], values: Floats, radius: int, epsilon: float
) -> Floats:
    """Smooth a map where the picture is smooth, and keep its steps where the picture has edges.

    In every window the result is ``a . I + b``, linear in the picture's colours I, with the a and b
    that come closest to the map there (equations 4 and 8 of the paper, for colours).

    Args:
        picture: RGB `(H, W, 3)`.
        values: The map `(H, W)`.
        radius: Of the windows, in pixels; at least 1.
        epsilon: Colours that vary less count as one, as a variance of colours in 0..1.

    Returns:
        `(H, W)`; may overshoot the range of `values` a little.
    """
    side = 2 * radius + 1

    def mean(x: Floats) -> Floats:
        return cv2.boxFilter(x, -1, (side, side), borderType=cv2.BORDER_REFLECT).astype(np.float32)

    guide: Floats = picture.astype(np.float32) / np.float32(255)
    mean_guide, mean_values = mean(guide), mean(values)
    covariance = mean(guide * values[..., None]) - mean_guide * mean_values[..., None]
    variance = {
        (i, j): mean(guide[..., i] * guide[..., j]) - mean_guide[..., i] * mean_guide[..., j]
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    }
    for i in range(3):
        variance[i, i] += np.float32(epsilon)
    a = _solve(variance, covariance)
    b = mean_values - (a * mean_guide).sum(axis=2)
    return np.asarray((mean(a) * guide).sum(axis=2) + mean(b), np.float32)


def _solve(matrix: dict[tuple[int, int], Floats], vector: Floats) -> Floats:
    """Symmetric 3x3 systems, one for each pixel, by their adjugates.

    Args:
        matrix: The upper triangle, `(H, W)` each.
        vector: `(H, W, 3)`.
    """
    m = {**matrix, **{(j, i): value for (i, j), value in matrix.items()}}
    adjugate = {
        (i, j): m[(i + 1) % 3, (j + 1) % 3] * m[(i + 2) % 3, (j + 2) % 3]
        - m[(i + 1) % 3, (j + 2) % 3] * m[(i + 2) % 3, (j + 1) % 3]
        for i in range(3)
        for j in range(3)
    }
    determinant = sum(m[0, j] * adjugate[0, j] for j in range(3))
    rows = [sum(adjugate[i, j] * vector[..., j] for j in range(3)) / determinant for i in range(3)]
    return np.stack(rows, axis=-1).astype(np.float32)
