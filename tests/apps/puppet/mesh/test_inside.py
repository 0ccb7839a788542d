from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.mesh.inside import even_odd, loop_segments


def test_inside_a_square_with_a_hole() -> None:
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    curves = np.concatenate([loop_segments(10 * square), loop_segments(4 + 2 * square)])
    points = np.array([[1, 1], [5, 5], [11, 5], [7, 5], [5, -1]], np.float64)
    assert even_odd(points, curves).tolist() == [True, False, False, True, False]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.booleans())
def test_the_same_as_opencv(seed: int, corners: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    reach = rng.uniform(1, 20, corners)
    loop = np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=1)
    loop = (loop.round() if whole else loop).astype(np.float32)
    points = rng.uniform(-20, 20, (60, 2)).astype(np.float32)
    signed = np.array([cv2.pointPolygonTest(loop, p.tolist(), True) for p in points])
    sure = np.abs(signed) > 1e-3
    inside = even_odd(points.astype(np.float64), loop_segments(loop.astype(np.float64)))
    # OpenCV also says by the even-odd rule, where corners on whole numbers cross.
    assert (inside[sure] == (signed[sure] > 0)).all()


def test_no_segments_and_no_points() -> None:
    assert even_odd(np.zeros((2, 2)), np.zeros((0, 2, 2))).tolist() == [False, False]
    assert even_odd(np.zeros((0, 2)), np.zeros((3, 2, 2))).tolist() == []
