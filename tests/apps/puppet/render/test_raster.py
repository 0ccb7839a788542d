import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from apps.puppet.render.raster import cover, fragments

SQUARE = np.array([[2.0, 1], [6, 1], [6, 4], [2, 4]])
HALVES = np.array([[0, 1, 2], [0, 2, 3]])


def shown(points, triangles, size_wh, starts=(0,)):
    """The picture of the triangles, -1 where there is none."""
    result = np.full(size_wh[::-1], -1)
    found = cover(np.asarray(points, float), np.asarray(triangles), size_wh, starts)
    result[found.y, found.x] = found.triangle
    return result


@settings(max_examples=150, deadline=None)
@given(
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from([1, 2, 3, 64, 1e9]),
    st.integers(0, 10**6),
)
@example(8, 8, 2, 0)
def test_a_mesh_covers_each_pixel_of_a_rectangle_once(width, height, fineness, seed):
    random = np.random.default_rng(seed)
    points = random.random((random.integers(1, 50), 2)) * (width, height)
    # On a coarse grid, edges pass through the centres of pixels.
    points = np.round(points * fineness) / fineness + (0.5 if fineness == 1 else 0)
    corners = [[0, 0], [width, 0], [0, height], [width, height]]
    points = np.unique(np.clip([*points, *corners], 0, (width, height)), axis=0)
    triangles = random.permutation(Delaunay(points).simplices)
    turned = random.random(len(triangles)) < 0.5
    triangles[turned] = triangles[turned][:, ::-1]
    size = (width + 4, height + 4)
    place, _ = fragments(points + 2, triangles, size)
    counts = np.bincount(place, minlength=size[0] * size[1]).reshape(size[1], size[0])
    assert np.array_equal(counts, np.pad(np.ones((height, width), int), 2))
    found = cover(points + 2, triangles, size)
    assert np.array_equal(np.sort(place), found.y * size[0] + found.x)
    assert found.box[0] <= found.x.min() and found.x.max() < found.box[2]
    assert found.box[1] <= found.y.min() and found.y.max() < found.box[3]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_the_last_triangle_that_contains_the_centre_shows(seed):
    random = np.random.default_rng(seed)
    points = random.normal(8, 9, (9, 2))
    triangles = np.stack([random.choice(9, 3, replace=False) for _ in range(6)])
    x, y = np.meshgrid(np.arange(16) + 0.5, np.arange(12) + 0.5)
    expected = np.full((12, 16), -1)
    for index, corners in enumerate(points[triangles]):
        sides = [
            (bx - ax) * (y - ay) - (by - ay) * (x - ax)
            for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, 0), strict=True)
        ]
        inside = np.all(np.array(sides) > 0, axis=0) | np.all(np.array(sides) < 0, axis=0)
        expected[inside] = index
    assert np.array_equal(shown(points, triangles, (16, 12)), expected)


def test_pixels_on_the_left_and_upper_edge_belong_to_a_rectangle():
    half = SQUARE + 0.5
    assert np.argwhere(shown(half, HALVES, (9, 7)) >= 0).min(axis=0).tolist() == [1, 2]
    assert np.argwhere(shown(half, HALVES, (9, 7)) >= 0).max(axis=0).tolist() == [3, 5]


@pytest.mark.parametrize(
    ("points", "count"),
    [
        ([[1, 1], [5, 1], [9, 1]], 0),  # without area
        ([[3, 3], [3, 3], [3, 3]], 0),
        ([[-9, -9], [-5, -9], [-9, -5]], 0),  # off screen
        ([[30, 3], [40, 3], [30, 13]], 0),
        ([[np.nan, 1], [5, 1], [9, 9]], 0),
        ([[np.inf, 1], [5, 1], [9, 9]], 0),
        ([[-1e9, -1e9], [1e9, -1e9], [0, 1e9]], 70),  # larger than anything
        ([[-1e300, -1e300], [1e300, -1e300], [0, 1e300]], 70),
        ([[-1e6, 1.4], [1e6, 2.4], [-1e6, 3.4]], 10),
    ],
)
def test_strange_triangles_cover_what_they_should(points, count):
    found = cover(np.array(points, float), np.array([[0, 1, 2]]), (10, 7))
    assert len(found) == count
    if not count:
        assert found.box == (0, 0, 0, 0)


def test_triangles_that_are_not_finite_leave_the_others_alone():
    points = np.concatenate([SQUARE, [[np.nan, 0]]])
    triangles = np.array([[0, 1, 2], [0, 4, 3], [0, 2, 3]])
    picture = shown(points, triangles, (9, 7))
    assert set(np.unique(picture)) == {-1, 0, 2}
    assert (picture >= 0).sum() == 12


def test_layers_do_not_hide_each_other():
    triangles = np.concatenate([HALVES, HALVES])
    found = cover(SQUARE, triangles, (9, 7), (0, 0, 2, 4))
    assert found.ends == (0, 0, 12, 24, 24)
    assert np.array_equal(found.x[:12], found.x[12:])
    assert np.array_equal(found.triangle[:12] + 2, found.triangle[12:])


def test_points_stay_as_they_are():
    points = np.asfortranarray([[1.0, 1], [1e12, 3], [4, 9]])
    before = points.copy()
    fragments(points, np.array([[0, 1, 2]]), (20, 20))
    assert np.array_equal(points, before)


def test_no_triangles_cover_nothing():
    found = cover(SQUARE, np.zeros((0, 3), int), (9, 7))
    assert (len(found), found.ends, found.box) == (0, (0, 0), (0, 0, 0, 0))
