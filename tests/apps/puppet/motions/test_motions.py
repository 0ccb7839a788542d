"""Our own motions: they loop, stand firmly, and are what the script makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from apps.puppet.motion.bvh import Bvh, read_bvh
from apps.puppet.motion.library import find_motion
from apps.puppet.motions.actor import SIDES
from apps.puppet.motions.make import ACTS, main, make, strain
from apps.puppet.motions.sheet import facing, flat_puppet, plane_of

each_motion = pytest.mark.parametrize("name", ACTS)


@cache
def stored(name: str) -> Bvh:
    return read_bvh(find_motion(name))


@cache
def positions(name: str) -> np.ndarray:
    return stored(name).positions()


@each_motion
def test_files_are_what_the_script_makes(name: str) -> None:
    made, file = make(name), stored(name)
    assert (file.names, file.parents, file.channels) == (made.names, made.parents, made.channels)
    np.testing.assert_array_equal(file.offsets, made.offsets)
    # Another machine may round the last digit the other way.
    np.testing.assert_allclose(file.values, made.values, atol=0.011)


@each_motion
def test_files_are_small_and_short(name: str) -> None:
    assert find_motion(name).stat().st_size < 120_000
    assert 2 <= len(stored(name)) * stored(name).frame_time <= 8
    assert stored(name).frame_time == pytest.approx(1 / 30)


@each_motion
def test_goes_on_from_its_end_to_its_start(name: str) -> None:
    # Were there a seam, the joints would be thrown there as they are nowhere else.
    places = positions(name)
    thrown = np.linalg.norm(
        np.roll(places, -1, axis=0) - 2 * places + np.roll(places, 1, axis=0), axis=2
    )
    seam = thrown[[-1, 0]].max(axis=0)
    assert (seam <= np.maximum(thrown[1:-1].max(axis=0) * 1.05, 0.1)).all()
    step = np.linalg.norm(places[0] - places[-1], axis=1).max()
    assert step <= np.linalg.norm(np.diff(places, axis=0), axis=2).max()


@each_motion
def test_feet_neither_slide_nor_sink(name: str) -> None:
    index = {joint: number for number, joint in enumerate(stored(name).names)}
    for side in SIDES:
        ball, ankle = (positions(name)[:, index[f"{side}{part}"]] for part in ("Toe", "Foot"))
        low = ball[:, 1] < 2.15
        both = low & np.roll(low, -1)
        assert both.sum() > len(both) / 4
        slid = np.linalg.norm((np.roll(ball, -1, axis=0) - ball)[:, [0, 2]], axis=1)
        assert slid[both].max() < 0.1
        assert ball[:, 1].min() > 1.95
        assert ankle[:, 1].min() > 7.9


@each_motion
def test_legs_reach_their_feet(name: str) -> None:
    assert strain(name) < 1


@each_motion
def test_faces_the_viewer_at_first(name: str) -> None:
    front = facing(stored(name), positions(name))
    assert front[0, 2] > 0.95
    if name != "walk":
        assert front[:, 2].min() > 0.8


@each_motion
def test_left_is_the_actors_own(name: str) -> None:
    index = {joint: number for number, joint in enumerate(stored(name).names)}
    left, right = (
        positions(name)[0, index[f"{side}Arm"], 0] - positions(name)[0, 0, 0] for side in SIDES
    )
    assert left > 10
    assert right < -10


def outwards(name: str, side: str, upper: str, lower: str) -> np.ndarray:
    """How far a bone leans to the outside at its lower end, as seen from the front; degrees."""
    index = {joint: number for number, joint in enumerate(stored(name).names)}
    bone = positions(name)[:, index[side + lower]] - positions(name)[:, index[side + upper]]
    return np.asarray(np.degrees(np.arctan2(SIDES[side] * bone[:, 0], -bone[:, 1])))


@pytest.mark.parametrize("name", ["idle", "wave", "nod", "bow", "sway"])
@pytest.mark.parametrize("side", SIDES)
def test_who_stands_has_straight_legs_from_the_front(name: str, side: str) -> None:
    thigh, shin = (outwards(name, side, *bone) for bone in (("UpLeg", "Leg"), ("Leg", "Foot")))
    assert np.abs(thigh - shin).max() < 5
    assert shin.min() > -2
    assert np.median(thigh) > 1  # apart at the ankles


@pytest.mark.parametrize(("name", "turned_out"), [("jump", 20), ("cheer", 17), ("dance", 20)])
@pytest.mark.parametrize("side", SIDES)
def test_who_sinks_keeps_the_shins_upright(name: str, turned_out: float, side: str) -> None:
    # Shoes are drawn on shins: one that leans inwards turns its shoe over.
    assert outwards(name, side, "Leg", "Foot").min() > -4
    assert turned_out < outwards(name, side, "UpLeg", "Leg").max() < 40


@pytest.mark.parametrize("name", [name for name in ACTS if name not in ("walk", "run")])
def test_legs_never_cross(name: str) -> None:
    index = {joint: number for number, joint in enumerate(stored(name).names)}
    for part, least in (("Leg", 15), ("Foot", 17)):
        apart = positions(name)[:, index[f"Left{part}"]] - positions(name)[:, index[f"Right{part}"]]
        assert apart[:, 0].min() > least


@each_motion
def test_limbs_move_in_the_plane_that_shows_them(name: str) -> None:
    assert plane_of(stored(name), "arms") == "frontal"
    legs = "sagittal" if name in ("walk", "run") else "frontal"
    assert plane_of(stored(name), "legs") == legs


@each_motion
def test_arms_do_not_point_at_the_viewer(name: str) -> None:
    index = {joint: number for number, joint in enumerate(stored(name).names)}
    front = facing(stored(name), positions(name))
    for side in SIDES:
        for upper, lower in (("Arm", "ForeArm"), ("ForeArm", "Hand")):
            bone = positions(name)[:, index[side + lower]] - positions(name)[:, index[side + upper]]
            towards = np.einsum("fi,fi->f", bone, front) / np.linalg.norm(bone, axis=1)
            assert np.abs(towards).max() < np.sin(np.radians(66))


@each_motion
def test_root_comes_back(name: str) -> None:
    root = positions(name)[:, 0]
    assert np.linalg.norm(root[0] - root[-1]) < 6
    if name != "walk":
        assert np.abs(root[:, [0, 2]]).max() < 15


def test_walk_goes_somewhere_and_turns() -> None:
    front = facing(stored("walk"), positions("walk"))
    assert np.ptp(positions("walk")[:, 0, 2]) > 150
    assert front[:, 2].min() < -0.95


@pytest.mark.parametrize(
    ("name", "joint", "height"),
    [("wave", "RightHand", 150), ("cheer", "LeftHand", 160), ("jump", "LeftToe", 15)],
)
def test_does_what_it_is_called(name: str, joint: str, height: float) -> None:
    assert positions(name)[:, stored(name).names.index(joint), 1].max() > height


def test_bows_deeply_and_rises() -> None:
    head = positions("bow")[:, stored("bow").names.index("Head"), 1]
    assert head.max() - head.min() > 20
    assert head[0] == pytest.approx(head.max(), abs=4)


def test_flat_puppet_keeps_its_bones() -> None:
    bvh = stored("dance")
    flat = flat_puppet(bvh)
    bones = np.linalg.norm(flat[:, 1:] - flat[:, list(bvh.parents[1:])], axis=2)
    assert np.abs(bones - np.linalg.norm(bvh.offsets[1:], axis=1)).max() < 1e-9


def test_sheet_shows_every_motion(tmp_path: Path) -> None:
    import cv2

    main(["--sheet", str(tmp_path / "sheet.png"), "--columns", "3", "wave", "run"])
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (2 * 3 * 210, 3 * 150, 3)
    for row, view in enumerate(("front", "side", "flat") * 2):
        for column in range(3):
            cell = sheet[210 * row :, 150 * column :][20:205, 2:148].astype(int)
            redder = cell[..., 2] - cell[..., 0]
            assert (redder > 100).sum() > 50
            assert view == "side" or (redder < -100).sum() > 50  # the left is behind the right
