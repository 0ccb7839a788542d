import json

import numpy as np
import pytest

from apps.puppet.classic.camera import (
    homography,
    pixels_per_unit,
    plane_points,
    project,
    projection,
    view,
)
from cartoonedit.errors import InvalidInput

CASES = ["char1_dab", "char1_zombie", "char1_jumping_jacks", "char5_six_arms_dab"]


@pytest.mark.parametrize("case", CASES)
def test_parity(shared, case):
    data = np.load(shared / "fixtures" / "puppet" / f"{case}.npz")
    meta = json.loads(str(data["meta"]))
    window = tuple(data["window"].tolist())
    position, forward = meta["camera_pos"], meta["camera_fwd"]
    assert np.allclose(view(position, forward), data["view_m"], atol=1e-6)
    assert np.allclose(projection(window), data["proj_m"], atol=1e-6)
    matrix = homography(position, forward, window, meta["char_start_loc"][2])
    found = project(matrix, data["verts"][..., :2])
    assert np.allclose(found, data["screen_xy"], atol=1e-4)


def test_a_camera_straight_ahead_looks_at_the_middle_of_the_window():
    matrix = homography((3, 2, 5), (0, 0, 1), (640, 400), 1.0)
    assert np.allclose(project(matrix, [[3, 2]]), [[320, 200]])
    # Half the height of the window is the distance times the tangent of half the field of view.
    edge = 4 * np.tan(np.radians(17.5))
    assert np.allclose(project(matrix, [[3, 2 + edge], [3 - edge, 2]]), [[320, 0], [120, 200]])
    assert pixels_per_unit(matrix, np.array([1.0, 1])) == pytest.approx(200 / edge)


def test_points_come_back_from_the_pixels():
    matrix = homography((1, 0.7, 2), (0.4, 0.5, 2), (40, 30), -0.5)
    x, y = np.meshgrid(np.arange(40) + 0.5, np.arange(30) + 0.5)
    found = project(matrix, plane_points(matrix, (40, 30)))
    assert np.allclose(found, np.stack([x.ravel(), y.ravel()], 1))


def test_what_is_behind_the_camera_is_nowhere():
    matrix = homography((0, 0, 2), (0, 0, 1), (40, 30), 3.0)
    assert np.isnan(project(matrix, [[0, 0], [1, 2]])).all()
    assert pixels_per_unit(matrix, np.zeros(2)) == 0


@pytest.mark.parametrize("forward", [(0, 1, 0), (0, -2, 0), (0, 0, 0), (np.nan, 0, 1)], ids=str)
def test_a_camera_that_looks_nowhere_is_refused(forward):
    with pytest.raises(InvalidInput, match="CAMERA_FWD must be"):
        view((0, 0, 2), forward)


def test_a_plane_seen_from_its_edge_is_refused():
    with pytest.raises(InvalidInput, match="along the plane"):
        plane_points(homography((0, 0, 0), (1, 0, 0), (40, 30), 0.0), (40, 30))


def test_one_point_is_mapped_as_many_are():
    matrix = homography()
    points = np.random.default_rng(1).random((2, 3, 2))
    found = project(matrix, points)
    assert found.shape == (2, 3, 2)
    assert np.allclose(project(matrix, points[1, 2]), found[1, 2])
