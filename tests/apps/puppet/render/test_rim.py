import numpy as np

from apps.puppet.render.rim import rim_of
from tests.apps.puppet.render.rigs import grid


def test_a_rim_lies_all_around():
    points, triangles = grid(10, 20, 30, 28)
    rim = rim_of(triangles, points, 1.5, len(points))
    assert len(rim) == 2 * 14  # two points for each edge of the outline: 5 + 5 + 2 + 2
    found = rim.extend(points)
    assert np.allclose(found[: len(points)], points)
    assert found.min(axis=0).tolist() == [8.5, 18.5]
    assert found.max(axis=0).tolist() == [31.5, 29.5]


def test_a_rim_follows_where_the_mesh_goes():
    points, triangles = grid(0, 0, 20, 8)
    rim = rim_of(triangles, points, 1.0, len(points))
    turn = np.array([[0.0, -3.0], [3.0, 0.0]])  # a quarter round, three times as large
    moved = rim.extend(points @ turn + 5)
    assert np.allclose(moved, rim.extend(points) @ turn + 5)


def test_nothing_breaks_where_points_fall_together():
    points, triangles = grid(0, 0, 8, 8)
    rim = rim_of(triangles, points, 1.0, len(points))
    assert np.isfinite(rim.extend(np.full_like(points, 3.0))).all()
    assert len(rim_of(np.zeros((0, 3), int), points, 1.0, 9)) == 0
    flat = rim_of(triangles, np.zeros_like(points), 1.0, len(points))
    assert len(flat) == 0
