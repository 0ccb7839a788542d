from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.kenburns.camera import EASINGS, FAR, MOVES, Box, Camera, Pose, Stage, disparity, plan
from cartoonedit.errors import InvalidInput

NEAR_FLOOR = 0.6
BORDERS = ((FAR, NEAR_FLOOR), (FAR, FAR), (FAR, NEAR_FLOOR), (NEAR_FLOOR, NEAR_FLOOR))

poses = st.builds(
    Pose,
    x=st.floats(-0.2, 0.2),
    y=st.floats(-0.2, 0.2),
    z=st.floats(-0.5, 0.5),
    zoom=st.floats(0.5, 2),
    shift_x=st.floats(-0.2, 0.2),
    shift_y=st.floats(-0.2, 0.2),
)
disparities = st.floats(FAR, 1)
points = st.floats(-0.5, 0.5)


def stage(*boxes: Box, borders: tuple[tuple[float, float], ...] = BORDERS) -> Stage:
    return Stage((0.5, 0.28), (0.5, 0.28), borders, boxes, spread=(FAR, NEAR_FLOOR))


STANDING = Box((-0.3, -0.1, -0.1, 0.2), q=0.7, behind=0.35)
CUT = Box((0.0, -0.15, 0.3, 0.28), q=0.9, behind=0.4, cut=(False, False, False, True))
TIGHT = Box((-0.49, -0.27, 0.49, 0.28), q=0.9, behind=0.4, cut=(False, False, False, True))
WHOLE = Box((-0.5, -0.28, 0.5, 0.28), q=0.9, behind=FAR, cut=(True,) * 4)
NEAR_BORDERS = tuple((low, 0.9) for low, _ in BORDERS)
STAGES = {
    "nobody": stage(),
    "standing": stage(STANDING),
    "two": stage(STANDING, CUT, borders=(*BORDERS[:3], (NEAR_FLOOR, 0.9))),
    "tight": stage(TIGHT, borders=(*BORDERS[:3], (NEAR_FLOOR, 0.9))),
    "whole": stage(WHOLE, borders=NEAR_BORDERS),
    "flat": Stage((0.5, 0.28), (0.5, 0.28), ((FAR, FAR),) * 4, spread=(FAR, FAR)),
    "tall frame": Stage((0.5, 0.28), (0.1, 0.28), BORDERS, (CUT,)),
}


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


@given(poses, st.sampled_from(sorted(STAGES)))
@settings(max_examples=300)
def test_a_fitted_pose_fills_the_frame(pose: Pose, name: str) -> None:
    fitted, _ = STAGES[name].fit(pose)
    assert STAGES[name].shortfall(fitted) == pytest.approx(1, abs=1e-7)
    assert fitted.zoom >= pose.zoom


@given(poses, disparities, points)
def test_no_point_of_a_border_comes_into_a_frame_that_counts_as_filled(
    pose: Pose, mix: float, along: float
) -> None:
    at = STAGES["two"]
    fitted, _ = at.fit(pose)
    for side, (low, high) in enumerate(at.borders):
        q = low + (high - low) * mix
        axis, sign = side % 2, -1 if side < 2 else 1
        point = [along, along]
        point[axis] = sign * at.half_wh[axis]
        shown = fitted.project(point[0], point[1], q)[axis]
        assert sign * shown >= at.frame_wh[axis] - 1e-7


@given(poses)
def test_kept_instances_are_inside(pose: Pose) -> None:
    at = STAGES["two"]
    fitted, kept = at.fit(pose)
    if kept:
        for box in at.boxes:
            left, top = fitted.project(*box.edges[:2], box.q)
            right, bottom = fitted.project(*box.edges[2:], box.q)
            assert left >= -0.5
            assert top >= -0.28
            assert right <= 0.5
            assert bottom <= 0.28 or box.cut[3]


@pytest.mark.parametrize("name", sorted(STAGES))
@pytest.mark.parametrize("move", sorted(MOVES))
@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_every_pose_of_every_move_fills_the_frame(name: str, move: str, strength: float) -> None:
    camera = plan(STAGES[name], move, strength=strength, easing="linear")
    for step in range(101):
        pose = camera(step / 100)
        assert STAGES[name].shortfall(pose) == pytest.approx(1, abs=1e-6)
        assert pose.z < 1


@pytest.mark.parametrize("name", sorted(STAGES))
@pytest.mark.parametrize("move", ["auto", "zoom", "dolly"])
def test_some_moves_start_at_the_picture(name: str, move: str) -> None:
    assert plan(STAGES[name], move)(0.0) == Pose()


@pytest.mark.parametrize("name", ["standing", "two"])
def test_auto_shows_parallax_and_keeps_everyone(name: str) -> None:
    camera = plan(STAGES[name], "auto")
    assert STAGES[name].parallax(camera.start, camera.end) >= 0.03
    assert STAGES[name].fit(camera.end)[1]


def test_auto_goes_aside_where_going_forward_would_cut_a_head_off() -> None:
    tall = stage(Box((-0.1, -0.275, 0.3, 0.2), q=0.6, behind=0.36))
    camera = plan(tall, "auto")
    assert tall.parallax(camera.start, camera.end) >= 0.03
    assert tall.fit(camera.end)[1]


def test_of_an_instance_that_the_border_cuts_most_stays() -> None:
    left = Box((-0.5, -0.2, -0.35, 0.28), q=0.8, behind=0.4, cut=(True, False, False, True))
    right = Box((0.3, -0.2, 0.5, 0.28), q=0.8, behind=0.4, cut=(False, False, True, True))
    borders = ((FAR, 0.8), (FAR, FAR), (FAR, 0.8), (NEAR_FLOOR, 0.8))
    end = plan(stage(left, right, borders=borders), "auto").end
    scale = end.scale(0.8)
    assert end.project(-0.35, 0, 0.8)[0] + 0.5 >= 0.849 * scale * 0.15
    assert 0.5 - end.project(0.3, 0, 0.8)[0] >= 0.849 * scale * 0.2


def test_auto_moves_visibly_even_where_nobody_has_room() -> None:
    camera = plan(STAGES["tight"], "auto")
    assert STAGES["tight"].parallax(camera.start, camera.end) >= 0.015


@pytest.mark.parametrize("move", sorted(MOVES))
def test_strength_scales_the_parallax(move: str) -> None:
    at = STAGES["two"]
    moved = [
        at.parallax(camera.start, camera.end)
        for camera in (plan(at, move, strength=strength) for strength in (0.0, 0.3, 0.6))
    ]
    assert moved[0] == pytest.approx(0, abs=1e-4)
    assert moved[1] == pytest.approx(0.3 * 0.035, rel=0.05)
    assert moved[2] == pytest.approx(0.6 * 0.035, rel=0.05)


def test_orbit_holds_the_characters_and_pan_does_not() -> None:
    at = STAGES["standing"]
    u, v = -0.2, 0.05

    def drift(move: str) -> float:
        camera = plan(at, move)
        q = (STANDING.q + STANDING.behind) / 2
        return abs(camera.end.project(u, v, q)[0] - camera.start.project(u, v, q)[0])

    assert drift("orbit") < 0.01
    assert drift("pan") > 0.05


def test_the_camera_rests_before_and_after() -> None:
    camera = plan(STAGES["two"])
    assert camera(-1) == camera(0)
    assert camera(2) == camera(1)


@pytest.mark.parametrize("name", sorted(EASINGS))
def test_easings_go_from_0_to_1_and_never_back(name: str) -> None:
    values = [EASINGS[name](step / 100) for step in range(101)]
    assert values[0] == 0
    assert values[-1] == 1
    assert values == sorted(values)


def test_a_path_between_two_good_ends_is_made_good() -> None:
    at = STAGES["two"]
    start, _ = at.fit(Pose(x=-0.1, z=0.3, shift_x=0.1))
    end, _ = at.fit(Pose(x=0.15, y=0.05, z=-0.2, zoom=1.4))
    camera = Camera(at, start, end, bow=-0.3)
    assert all(at.shortfall(camera(step / 500)) < 1 + 1e-6 for step in range(501))


@given(poses)
@settings(max_examples=50)
def test_travel_bounds_every_point(pose: Pose) -> None:
    at = STAGES["two"]
    most = at.travel(pose)
    for u in (-0.5, -0.1, 0.5):
        for v in (-0.28, 0.2, 0.28):
            for q in (FAR, 0.5, 0.9):
                x, y = pose.project(u, v, q)
                # Opposite corners bound a scaling and a shift together, each axis by its own.
                assert math.hypot(x - u, y - v) <= 2 * most + 1e-9


@pytest.mark.parametrize("arguments", [{"move": "fly"}, {"easing": "bounce"}])
def test_unknown_names(arguments: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match="must be one of"):
        plan(STAGES["two"], **arguments)
