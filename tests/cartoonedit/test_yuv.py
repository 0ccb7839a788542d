"""Planes of YUV against the formulas of BT.709."""

from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.yuv import Yuv420


def planes(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    height, width = frame.shape[:2]
    made = Yuv420((width, height))(frame).copy()
    luma, blue, red = np.split(made, [width * height, width * height * 5 // 4])
    half = (height // 2, width // 2)
    return luma.reshape(height, width), blue.reshape(half), red.reshape(half)


@pytest.mark.parametrize(
    ("rgb", "ycbcr"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
        ((128, 128, 128), (126, 128, 128)),
    ],
)
def test_colours(rgb: tuple[int, ...], ycbcr: tuple[int, ...]) -> None:
    frame = np.full((4, 6, 3), rgb, np.uint8)
    for plane, value in zip(planes(frame), ycbcr, strict=True):
        np.testing.assert_array_equal(plane, value)


def test_random_frames_follow_the_formula() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (34, 50, 3)).astype(np.uint8)
    red, green, blue = np.moveaxis(frame.astype(float) / 255, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    chroma = [(blue - luma) / 1.8556, (red - luma) / 1.5748]
    wanted = [16 + 219 * luma]
    for full in chroma:
        wanted.append(128 + 224 * full.reshape(17, 2, 25, 2).mean(axis=(1, 3)))
    for plane, exact in zip(planes(frame), wanted, strict=True):
        assert np.abs(plane - exact).max() <= 1.01


def test_frames_do_not_depend_on_the_ones_before() -> None:
    first, second = np.random.default_rng(1).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    convert = Yuv420((8, 8))
    convert(first)
    np.testing.assert_array_equal(convert(second), Yuv420((8, 8))(second))


def test_rows_may_lie_apart() -> None:
    wide = np.random.default_rng(2).integers(0, 256, (9, 11, 3)).astype(np.uint8)
    cut = wide[:8, :10]
    np.testing.assert_array_equal(Yuv420((10, 8))(cut), Yuv420((10, 8))(cut.copy()))
