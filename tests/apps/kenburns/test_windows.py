from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.kenburns.path import Camera
from apps.kenburns.windows import Window, window_path, window_pose
from cartoonedit.errors import InvalidInput
from tests.apps.kenburns.stages import STAGES, STANDING, disparities

centres = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2))


@given(centres, st.floats(1, 4), disparities, st.floats(0, 1))
def test_a_window_is_met_exactly_by_its_plane(
    centre: tuple[float, float], scale: float, q: float, share: float
) -> None:
    pose = window_pose(centre, scale, q, share)
    assume(pose.z < 0.95 / q)
    # The corners of a window of half the frame's size appear at the corners of the frame; 0.01
    # pixels of a 4K frame are 2.6e-6 of its width.
    for side in (-1, 1):
        u, v = centre[0] + side * 0.5 / scale, centre[1] + side * 0.28 / scale
        assert pose.project(u, v, q) == pytest.approx((side * 0.5, side * 0.28), abs=1e-6)


@given(centres, st.floats(1, 3), disparities)
def test_without_going_there_is_no_parallax(
    centre: tuple[float, float], scale: float, q: float
) -> None:
    pose = window_pose(centre, scale, q, share=0.0)
    assert pose.project(0.1, 0.2, 0.3) == pytest.approx(pose.project(0.1, 0.2, 0.9))


@pytest.mark.parametrize(
    ("rectangle", "centre", "scale"),
    [
        ((-0.5, -0.28, 0.5, 0.28), (0, 0), 1),
        ((-0.25, -0.14, 0.25, 0.14), (0, 0), 2),
        ((-0.1, -0.14, 0.1, 0.14), (0, 0), 2),  # too narrow: grown to the frame's shape
        ((0.4, -0.14, 0.5, 0.14), (0.25, 0), 2),  # and pushed into the picture
        ((-0.5, -0.28, -0.4, -0.18), (-0.41071, -0.23), 5.6),
    ],
)
def test_windows_have_the_shape_of_the_frame(
    rectangle: tuple[float, float, float, float], centre: tuple[float, float], scale: float
) -> None:
    window = Window.around(rectangle, STAGES["two"])
    assert window.scale == pytest.approx(scale, rel=1e-3)
    assert window.centre == pytest.approx(centre, abs=2e-3)
    left, top, right, bottom = window.covers(STAGES["two"])
    assert left >= -0.5 - 1e-9
    assert right <= 0.5 + 1e-9
    assert top >= -0.28 - 1e-9
    assert bottom <= 0.28 + 1e-9


@pytest.mark.parametrize(
    "rectangle", [(0, 0, 0, 0.1), (0.2, 0, 0.1, 0.1), (-0.6, 0, 0, 0.1), (0, 0, 0.1, 0.3)]
)
def test_windows_outside_of_the_picture(rectangle: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidInput, match="inside of it"):
        Window.around(rectangle, STAGES["two"])


@pytest.mark.parametrize("name", ["nobody", "standing", "two"])
def test_a_path_meets_both_its_windows_and_has_parallax(name: str) -> None:
    at = STAGES[name]
    start = Window((0.0, 0.0), 1.0)
    end = Window.around((-0.35, -0.15, -0.05, 0.2), at)
    path = window_path(at, start, end, most=0.08)
    q = STANDING.q if at.boxes else sum(at.spread) / 2
    for pose, window in zip(path.extremes, (start, end), strict=True):
        left, top, right, bottom = window.covers(at)
        assert pose.project(left, top, q) == pytest.approx((-0.5, -0.28), abs=1e-6)
        assert pose.project(right, bottom, q) == pytest.approx((0.5, 0.28), abs=1e-6)
    assert 0.005 < at.parallax(*path.extremes) <= 0.08 + 1e-9
    camera = Camera(at, path)
    assert all(at.shortfall(camera(step / 100)) < 1 + 1e-6 for step in range(101))
