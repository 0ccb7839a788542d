from __future__ import annotations

import pytest

from apps.kenburns.camera import FAR, Pose
from apps.kenburns.moves import MOVES, PARALLAX, plan
from apps.kenburns.path import Camera, Path, straight_path
from apps.kenburns.stage import Box, Stage
from cartoonedit.errors import InvalidInput
from tests.apps.kenburns.stages import NEAR_FLOOR, STAGES, STANDING, stage

NAMES = ["autozoom", *sorted(MOVES)]


def parallax(at: Stage, camera: Camera) -> float:
    return at.parallax(*camera.path.extremes)


@pytest.mark.parametrize("name", sorted(STAGES))
@pytest.mark.parametrize("move", NAMES)
@pytest.mark.parametrize("strength", [0.0, 1.0, 3.0])
def test_every_pose_of_every_move_fills_the_frame(name: str, move: str, strength: float) -> None:
    camera = plan(STAGES[name], move, strength=strength)
    for step in range(101):
        pose = camera(step / 100)
        assert STAGES[name].shortfall(pose) == pytest.approx(1, abs=2e-6)
        assert pose.z < 1


@pytest.mark.parametrize("name", sorted(STAGES))
@pytest.mark.parametrize(
    ("move", "s"),
    [("autozoom", 0), ("zoom-in", 0), ("zoom-out", 1), ("dolly", 0), ("dolly-zoom", 0)],
)
def test_some_moves_start_or_end_at_the_picture(name: str, move: str, s: float) -> None:
    assert plan(STAGES[name], move)(s) == Pose()


@pytest.mark.parametrize("move", sorted(MOVES))
def test_strength_scales_the_parallax(move: str) -> None:
    at, share = STAGES["two"], MOVES[move].share
    moved = [parallax(at, plan(at, move, strength=strength)) for strength in (0.0, 0.3, 0.6)]
    assert moved[0] == pytest.approx(0, abs=1e-4)
    assert moved[1] == pytest.approx(0.3 * share * PARALLAX, rel=0.05)
    assert moved[2] == pytest.approx(0.6 * share * PARALLAX, rel=0.05)


@pytest.mark.parametrize("move", ["circle", "sway"])
def test_closed_moves_end_where_they_start(move: str) -> None:
    camera = plan(STAGES["two"], move)
    assert camera.path.closed
    first, last = camera(0.0), camera(1.0)
    for name in ("x", "y", "z", "zoom", "shift_x", "shift_y"):
        assert getattr(first, name) == pytest.approx(getattr(last, name), abs=1e-9)


@pytest.mark.parametrize(
    ("move", "axis", "sign"),
    [("pan-left", "x", -1), ("pan-right", "x", 1), ("rise", "y", -1), ("orbit", "x", 1)],
)
def test_moves_go_where_their_names_say(move: str, axis: str, sign: int) -> None:
    camera = plan(STAGES["two"], move)
    assert sign * (getattr(camera.end, axis) - getattr(camera.start, axis)) > 0.01


def test_zoom_out_is_zoom_in_backwards() -> None:
    there, back = (plan(STAGES["two"], move) for move in ("zoom-in", "zoom-out"))
    for step in range(11):
        one, other = there(step / 10), back(1 - step / 10)
        assert one.project(0.2, 0.1, 0.5) == pytest.approx(other.project(0.2, 0.1, 0.5), abs=1e-6)


def test_a_dolly_zoom_keeps_the_size_of_the_characters_and_not_of_the_background() -> None:
    at = STAGES["standing"]
    camera = plan(at, "dolly-zoom")
    size = camera.end.scale(at.focus()[2])
    assert 1 <= size < 1.06  # the floor before them gets smaller, and must fill the frame
    assert camera.end.scale(FAR) > 1.05 * size


def test_orbit_and_circle_hold_the_characters_and_pan_does_not() -> None:
    at = STAGES["standing"]
    u, v, q = -0.2, 0.05, (STANDING.q + STANDING.behind) / 2

    def drift(move: str) -> float:
        first, last = plan(at, move).path.extremes
        return abs(last.project(u, v, q)[0] - first.project(u, v, q)[0])

    assert drift("orbit") < 0.01
    assert drift("circle") < 1e-6
    assert drift("pan-right") > 0.05


@pytest.mark.parametrize("name", ["standing", "two"])
def test_autozoom_shows_parallax_and_keeps_everyone(name: str) -> None:
    camera = plan(STAGES[name], "autozoom")
    assert parallax(STAGES[name], camera) >= 0.03
    assert STAGES[name].keeps(camera.end)


def test_autozoom_goes_aside_where_going_forward_would_cut_a_head_off() -> None:
    tall = stage(Box((-0.1, -0.275, 0.3, 0.2), q=0.6, behind=0.36))
    camera = plan(tall, "autozoom")
    assert parallax(tall, camera) >= 0.03
    assert tall.keeps(camera.end)


def test_autozoom_moves_visibly_even_where_nobody_has_room() -> None:
    assert parallax(STAGES["tight"], plan(STAGES["tight"], "autozoom")) >= 0.015


def test_of_an_instance_that_the_border_cuts_most_stays() -> None:
    left = Box((-0.5, -0.2, -0.35, 0.28), q=0.8, behind=0.4, cut=(True, False, False, True))
    right = Box((0.3, -0.2, 0.5, 0.28), q=0.8, behind=0.4, cut=(False, False, True, True))
    borders = ((FAR, 0.8), (FAR, FAR), (FAR, 0.8), (NEAR_FLOOR, 0.8))
    end = plan(stage(left, right, borders=borders), "autozoom").end
    scale = end.scale(0.8)
    assert end.project(-0.35, 0, 0.8)[0] + 0.5 >= 0.849 * scale * 0.15
    assert 0.5 - end.project(0.3, 0, 0.8)[0] >= 0.849 * scale * 0.2


def test_a_path_between_two_good_ends_is_made_good() -> None:
    at = STAGES["two"]
    start, end = Pose(x=-0.1, z=0.3, shift_x=0.1), Pose(x=0.15, y=0.05, z=-0.2, zoom=1.4)
    camera = Camera(at, straight_path(at, start, end, bow=-0.3))
    assert all(at.shortfall(camera(step / 500)) < 1 + 1e-6 for step in range(501))


def test_a_path_is_made_good_between_all_its_knots() -> None:
    at = STAGES["two"]
    first, middle, last = (at.fit(Pose(x=x, z=z))[0] for x, z in ((0, 0), (0.2, 0.3), (-0.2, 0)))

    def poses(s: float) -> Pose:
        return first.mix(middle, 2 * s) if s < 0.5 else middle.mix(last, 2 * s - 1)

    camera = Camera(at, Path(poses, (middle, last), knots=(0.0, 0.5, 1.0)))
    assert [camera(s) for s in (0.0, 0.5, 1.0)] == [first, middle, last]
    assert all(at.shortfall(camera(step / 500)) < 1 + 1e-6 for step in range(501))


def test_unknown_move() -> None:
    with pytest.raises(InvalidInput, match="autozoom, zoom-in"):
        plan(STAGES["two"], "fly")
