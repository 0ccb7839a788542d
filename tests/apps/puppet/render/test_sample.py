import cv2
import numpy as np
import pytest

from apps.puppet.render import sample
from apps.puppet.render.sample import TexturedTriangles, bilinear, nearest

TRIANGLE = np.array([[0, 1, 2]])


def test_maps_carry_triangles_to_the_texture():
    random = np.random.default_rng(1)
    points, texture = random.random((30, 2)) * 90, random.random((30, 2)) * 50
    triangles = random.permutation(30).reshape(-1, 3)
    maps = TexturedTriangles(triangles, texture).maps(points, (40, 40))
    shares = random.dirichlet([1, 1, 1], len(triangles))
    x, y = np.einsum("tc,tcd->dt", shares, points[triangles] - 40)
    found = maps.at(np.arange(len(triangles)), x.astype(np.float32), y.astype(np.float32))
    assert np.allclose(found, np.einsum("tc,tcd->td", shares, texture[triangles]), atol=1e-3)


@pytest.mark.parametrize(
    "points",
    [
        [[1, 1], [5, 1], [9, 1]],
        [[2, 2], [2, 2], [2, 2]],
        [[0, 0], [1, 0], [0, 1e-300]],
        [[0, 0], [1e300, 0], [0, 1e300]],
        [[np.nan, 0], [1, 0], [0, 1]],
    ],
)
def test_maps_of_broken_triangles_are_finite(points):
    textured = TexturedTriangles(TRIANGLE, np.array([[3.0, 4], [9, 4], [3, 9]]))
    maps = textured.maps(np.array(points, float))
    found = maps.at(np.zeros(1, int), np.ones(1, np.float32), np.ones(1, np.float32))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 40000])
def test_bilinear_gives_the_texture_at_its_pixels(count):
    random = np.random.default_rng(count)
    texture = random.integers(0, 256, (40, 50, 4), np.uint8)
    places = random.integers(0, 40, (count, 2))
    found = bilinear(texture, places.astype(np.float32) + np.float32(2e-4))
    assert np.array_equal(found, texture[places[:, 1], places[:, 0]])


@pytest.mark.parametrize("count", [2047, 2048, 2049, 5000])
def test_more_points_than_opencv_takes_at_once(monkeypatch, count):
    monkeypatch.setattr(sample, "_MOST", 2048)
    texture = np.random.default_rng(1).integers(0, 256, (40, 50, 4), np.uint8)
    places = np.random.default_rng(2).integers(0, 40, (count, 2))
    for method in (nearest, bilinear):
        found = method(texture, places.astype(np.float32))
        assert np.array_equal(found, texture[places[:, 1], places[:, 0]])


def test_bilinear_mixes_neighbours_and_has_nothing_outside():
    texture = np.array([[[0] * 4, [100] * 4]], np.uint8)
    places = np.array([[0.25, 0], [1, 0.5], [5, 5]], np.float32)
    assert bilinear(texture, places)[:, 0].tolist() == [25, 50, 0]


@pytest.mark.parametrize(("border", "outside"), [(cv2.BORDER_CONSTANT, 0), (cv2.BORDER_WRAP, 7)])
def test_nearest(border, outside):
    texture = np.arange(12, dtype=np.uint8).reshape(3, 4, 1).repeat(4, axis=2)
    places = np.array([[2.4, 0.6], [-0.4, 2.4], [3, -1.6], [7, 4]], np.float32)
    expected = [6, 8, outside, outside]
    assert nearest(texture, places, border)[:, 3].tolist() == expected


def test_nearest_takes_the_farther_one_of_two():
    texture = np.arange(8, dtype=np.uint8).reshape(1, 8, 1).repeat(4, axis=2)
    places = np.stack([np.arange(0.5, 7), np.zeros(7)], axis=1).astype(np.float32)
    assert nearest(texture, places)[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("texture_xy", "points", "expected"),
    [
        ([[0, 0], [9, 0], [0, 9]], [[0, 0], [10, 0], [0, 10]], True),
        ([[0, 0], [9, 0], [0, 9]], [[0, 0], [0, 10], [10, 0]], True),
        ([[0, 0], [9, 0], [0, 9]], [[0, 0], [8, 0], [0, 8]], False),
        # As large, and yet two texels per pixel across.
        ([[0, 0], [9, 0], [0, 9]], [[0, 0], [4, 0], [0, 80]], False),
        ([[0, 0], [9, 0], [0, 9]], [[0, 0], [np.nan, 0], [0, 10]], False),
    ],
)
def test_enlarged(texture_xy, points, expected):
    textured = TexturedTriangles(TRIANGLE, np.array(texture_xy, float))
    assert textured.enlarged(np.array(points, float)).tolist() == [expected]
