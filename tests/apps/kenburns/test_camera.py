from __future__ import annotations

import pytest
from hypothesis import given

from apps.kenburns.camera import FAR, Pose, disparity
from tests.apps.kenburns.stages import disparities, points, poses


@given(poses, points, points, disparities)
def test_projection_is_a_pinhole_camera(pose: Pose, u: float, v: float, q: float) -> None:
    # The point in space, seen from the camera's place through its shifted and zoomed lens.
    distance = 1 / q
    x, y = u * distance - pose.x, v * distance - pose.y
    expected_u = pose.zoom * x / (distance - pose.z) + pose.shift_x
    expected_v = pose.zoom * y / (distance - pose.z) + pose.shift_y
    assert pose.project(u, v, q) == pytest.approx((expected_u, expected_v), abs=1e-9)


@given(points, points, disparities)
def test_identity_shows_the_picture(u: float, v: float, q: float) -> None:
    assert Pose().project(u, v, q) == (u, v)


@pytest.mark.parametrize(("depth", "q"), [(0.0, 1.0), (1.0, FAR), (0.5, (1 + FAR) / 2)])
def test_disparity(depth: float, q: float) -> None:
    assert disparity(depth) == pytest.approx(q)
