from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from apps.puppet.classic.contours import find_contours, simplified


def hills(seed: int, blur: float, binary: bool) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).standard_normal((40, 50))
    smooth = cv2.GaussianBlur(noise, (0, 0), blur) if blur else noise
    return (smooth > 0) * 255.0 if binary else 128 + 100 * smooth


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("blur", [0, 1, 3])
def test_the_same_lines_as_scikit_image(blur: float, binary: bool) -> None:
    measure = pytest.importorskip("skimage.measure")
    for seed in range(5 if blur else 1):
        picture = hills(seed, blur, binary)
        expected = measure.find_contours(picture, 128.0)
        found = find_contours(picture, 128.0)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)
            np.testing.assert_array_equal(
                simplified(one, 0.25), measure.approximate_polygon(one, 0.25)
            )


def test_a_pixel_has_a_line_of_four_points() -> None:
    picture = np.zeros((5, 6))
    picture[2, 3] = 1
    (line,) = find_contours(picture, 0.25)
    assert line.tolist() == [[2.75, 3], [2, 3.75], [1.25, 3], [2, 2.25], [2.75, 3]] or (
        sorted(line[1:].tolist()) == [[1.25, 3], [2, 2.25], [2, 3.75], [2.75, 3]]
        and (line[0] == line[-1]).all()
    )


def test_a_line_that_meets_the_border_is_open() -> None:
    (line,) = find_contours(np.array([[0, 1], [0, 1], [0, 1]]), 0.5)
    assert sorted(line.tolist()) == [[0, 0.5], [1, 0.5], [2, 0.5]]


@pytest.mark.parametrize("picture", [np.zeros((4, 4)), np.ones((1, 9)), np.eye(1)])
def test_without_a_slope_there_is_no_line(picture: NDArray[np.float64]) -> None:
    assert find_contours(picture, 0.5) == []


@pytest.mark.parametrize(
    ("line", "tolerance", "expected"),
    [
        ([[0, 0], [1, 0.2], [2, 0]], 0.25, [[0, 0], [2, 0]]),
        ([[0, 0], [1, 0.3], [2, 0]], 0.25, [[0, 0], [1, 0.3], [2, 0]]),
        ([[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]], 0.5, [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]),
        ([[0, 0], [-1, 0], [2, 0]], 0.5, [[0, 0], [-1, 0], [2, 0]]),
        ([[0, 0], [1, 1]], 5, [[0, 0], [1, 1]]),
    ],
)
def test_points_near_the_line_are_left_out(
    line: list[list[float]], tolerance: float, expected: list[list[float]]
) -> None:
    assert simplified(np.array(line, np.float64), tolerance).tolist() == expected
