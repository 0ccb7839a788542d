from __future__ import annotations

import cv2
import numpy as np
import pytest

from cartoonedit.depth import (
    Room,
    estimate_depth,
    instance_layout,
    plate_depth,
    read_room,
)
from cartoonedit.depth.evidence import EYE
from cartoonedit.depth.room import STEEPEST

SIZE = (160, 90)


def blank() -> np.ndarray:
    return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def layout(masks: list[np.ndarray], room: Room | None = None) -> list[float]:
    return instance_layout(masks, plate_depth(SIZE, room))


# ---------------------------------------------------------------- the stage


ROOMS = {
    "land": Room(),
    "high horizon": Room(0.2, 0.2),
    "low horizon": Room(0.85, 0.85),
    "back wall": Room(0.45, 0.75),
    "wide room": Room(0.4, 0.6, 0.5, 1, 1, 1),
    "corner": Room(0.5, 0.5, 0.95, 1, 1, 0.5),
}


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
@pytest.mark.parametrize("size", [SIZE, (90, 160), (400, 90), (1, 1), (16, 3)])
def test_a_stage_is_smooth_enough_to_render(room: Room, size: tuple[int, int]) -> None:
    depth = plate_depth(size, room)
    assert depth.shape == size[::-1] and depth.dtype == np.float32
    assert depth.min() >= 0 and depth.max() <= 1
    for axis in (0, 1):
        slope = np.abs(np.diff(depth, axis=axis)) * size[0]
        assert slope.max(initial=0) < STEEPEST + 0.01
    bend = np.abs(np.diff(plate_depth((1600, 900), room), n=2, axis=0)) * 900**2
    assert bend.max() < 500  # a corner would be thousands


def test_the_land_comes_nearer_towards_the_bottom_and_the_sky_is_far() -> None:
    depth = plate_depth(SIZE)
    assert (np.diff(depth[:, 0]) <= 0).all()
    assert depth[0, 0] > 0.99
    assert 0.4 < depth[-1, 0] < 0.5
    assert (depth == depth[:, :1]).all()


def test_a_back_wall_is_flat_and_meets_its_floor() -> None:
    depth = plate_depth(SIZE, Room(0.45, 0.75))[:, 0]
    assert np.ptp(depth[:55]) < 0.005  # the wall
    assert 0.6 < depth[0] < 0.8
    assert depth[-1] < depth[0] - 0.15  # the floor before it


def test_the_sides_of_a_room_come_nearer_towards_the_borders() -> None:
    depth = plate_depth(SIZE, Room(0.5, 0.5, 0.5, left=1, right=0.5, ceiling=1))
    middle = depth[45]
    assert middle[0] < middle[-1] < middle[80]
    assert depth[0, 80] < depth[40, 80]


# ---------------------------------------------------------------- what a picture shows


def scene(
    row: float,
    above: tuple[int, int, int],
    below: tuple[int, int, int],
    *,
    clutter: int = 0,
    seed: int = 0,
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Two colours that meet at a row, things before them, and three figures on the ground."""
    rng = np.random.default_rng(seed)
    height, width = 360, 640
    line = round(row * height)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:line], picture[line:] = above, below
    for _ in range(clutter):
        x, y = rng.integers(0, width), rng.integers(0, line + 20)
        w, h = rng.integers(20, 80, 2)
        picture[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    masks = []
    for x, foot in ((100, 0.5), (300, 0.65), (500, 0.8)):
        bottom = round((row + (1 - row) * foot) * height)
        mask = np.zeros((height, width), np.uint8)
        mask[max(0, bottom - 130) : bottom, x : x + 50] = 255
        picture[mask > 0] = rng.integers(0, 256, 3)
        masks.append(mask)
    noise = rng.normal(0, 6, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1) + noise, 0, 255).astype(np.uint8), masks


SKY, GRASS = (120, 180, 240), (90, 150, 60)
WALL, PLANKS = (220, 205, 180), (130, 85, 50)


@pytest.mark.parametrize("row", [0.3, 0.4, 0.5, 0.6, 0.7])
@pytest.mark.parametrize("clutter", [0, 6])
def test_the_horizon_under_a_sky_is_found(row: float, clutter: int) -> None:
    room = read_room(*scene(row, SKY, GRASS, clutter=clutter, seed=round(100 * row)))
    assert room.horizon == pytest.approx(row, abs=0.05)
    assert room.base == pytest.approx(room.horizon, abs=0.05)


@pytest.mark.parametrize("row", [0.5, 0.6, 0.7, 0.8])
@pytest.mark.parametrize("clutter", [0, 6])
@pytest.mark.parametrize(("above", "below"), [(WALL, PLANKS), ((60, 60, 70), (150, 150, 150))])
def test_the_end_of_a_floor_is_found_and_a_wall_put_there(
    row: float, clutter: int, above: tuple[int, int, int], below: tuple[int, int, int]
) -> None:
    picture, masks = scene(row, above, below, clutter=clutter, seed=round(100 * row))
    room = read_room(picture, masks)
    assert room.base == pytest.approx(row, abs=0.05)
    assert room.horizon < room.base
    depth = plate_depth((640, 360), room)
    assert depth[0, 0] < 0.99


def gradient() -> np.ndarray:
    rows = np.linspace(0, 255, 360)[:, None, None]
    return np.broadcast_to(rows, (360, 640, 3)).astype(np.uint8)


def noise(cell: int) -> np.ndarray:
    values = np.random.default_rng(1).integers(0, 256, (360 // cell, 640 // cell, 3), np.uint8)
    return cv2.resize(values, (640, 360), interpolation=cv2.INTER_NEAREST)


POOR = {
    "black": np.zeros((360, 640, 3), np.uint8),
    "white": np.full((360, 640, 3), 255, np.uint8),
    "gradient": gradient(),
    "noise": noise(1),
    "blocks": noise(20),
    "columns": np.broadcast_to(noise(20)[:1], (360, 640, 3)),
}


@pytest.mark.parametrize("picture", POOR.values(), ids=POOR)
def test_habit_wins_where_the_picture_tells_nothing(picture: np.ndarray) -> None:
    assert read_room(np.ascontiguousarray(picture), []) == Room(EYE, EYE)


@pytest.mark.parametrize("foot", [0.55, 0.7, 0.9])
def test_the_horizon_is_above_all_feet(foot: float) -> None:
    mask = np.zeros((360, 640), np.uint8)
    mask[100 : round(360 * foot), 300:350] = 255
    for picture in (POOR["black"], scene(0.75, WALL, PLANKS)[0]):
        room = read_room(picture, [mask])
        assert room.base < foot


def corridor(centre: float) -> np.ndarray:
    """Lines of a room that run to one point, on all four sides."""
    picture = np.full((360, 640, 3), 200, np.uint8)
    point = (round(centre * 640), 170)
    for x in range(-400, 1041, 90):
        for y in (0, 359):
            cv2.line(picture, (x, y), point, (60, 50, 40), 2, cv2.LINE_AA)
    for y in range(-200, 560, 60):
        for x in (0, 639):
            cv2.line(picture, (x, y), point, (60, 50, 40), 2, cv2.LINE_AA)
    cv2.rectangle(picture, (point[0] - 70, 130), (point[0] + 70, 210), (150, 150, 150), -1)
    return picture


@pytest.mark.parametrize("centre", [0.3, 0.5, 0.7])
def test_a_vanishing_point_tells_the_horizon_and_the_sides(centre: float) -> None:
    room = read_room(corridor(centre), [])
    assert room.centre == pytest.approx(centre, abs=0.05)
    assert room.horizon == pytest.approx(170 / 360, abs=0.05)
    assert min(room.left, room.right, room.ceiling) > 0.9


# ---------------------------------------------------------------- who stands where


def test_who_stands_lower_is_nearer() -> None:
    near = layout([box(10, 20, 40, 60), box(60, 20, 90, 70), box(110, 20, 140, 80)])
    assert near[0] < near[1] < near[2]


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_everyone_stands_on_the_plate_and_before_it(room: Room) -> None:
    plate = 1 - plate_depth(SIZE, room)
    for bottom in (60, 70, 80, 88):
        for left in (2, 70, 130):
            mask = box(left, 20, left + 25, bottom)
            (near,) = layout([mask], room)
            behind = plate[mask > 0].max()
            assert near > behind
            ground = plate[bottom, left : left + 25].max()
            stands = ground > plate[20, left : left + 25].min() + 0.1
            if stands:  # nearer than the ground at its feet, but by no more than is needed
                assert ground <= near < max(ground, behind) + 0.03


def test_cut_by_the_lower_border_is_nearer_than_any_floor() -> None:
    masks = [box(10, 30, 50, 90), box(80, 10, 150, 90), box(55, 30, 70, 80)]
    depth = estimate_depth(blank(), masks)
    standing, small, large = depth[60, 60], depth[60, 20], depth[60, 100]
    assert large < small < standing
    assert small < depth[np.max(masks, axis=0) == 0].min()


def test_what_flies_is_ordered_by_size() -> None:
    near = layout([box(10, 5, 20, 15), box(60, 5, 100, 35)])
    assert 0.2 < near[0] < near[1] < 0.6


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("bottom", [80, 90])
def test_who_covers_the_other_is_nearer(flipped: bool, bottom: int) -> None:
    front, rear = box(60, 20, 90, bottom), box(30, 15, 130, bottom)
    rear[front > 0] = 0
    near = layout([front, rear][:: -1 if flipped else 1])[:: -1 if flipped else 1]
    assert near[0] > near[1]


def test_a_chain_of_covers_is_ordered_throughout() -> None:
    masks, hidden = [], np.zeros((90, 160), bool)
    for step in range(12):  # front to back
        mask = box(110 - 9 * step, 40 - 3 * step, 150 - 9 * step, 90)
        mask[hidden] = 0
        hidden |= mask > 0
        masks.append(mask)
    near = layout(masks)
    assert near == sorted(near, reverse=True) and len(set(near)) == 12
    assert all(0 <= value <= 1 for value in near)


@pytest.mark.parametrize(
    "mask", [box(0, 0, 160, 90), box(5, 5, 6, 6), box(0, 0, 160, 10), box(0, 0, 0, 0)]
)
def test_odd_instances_stay_in_range(mask: np.ndarray) -> None:
    depth = estimate_depth(blank(), [mask, np.asfortranarray(mask)])
    assert np.isfinite(depth).all()
    assert 0 <= depth.min() <= depth.max() <= 1
    assert len(np.unique(depth[mask > 0])) <= 1


@pytest.mark.parametrize("size", [(1, 1), (16, 3), (3, 16), (2000, 4), (4, 2000)])
def test_tiny(size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    whole = np.full((size[1], size[0]), 255, np.uint8)
    for masks in ([], [whole], [whole, np.zeros_like(whole)]):
        assert estimate_depth(picture, masks).shape == whole.shape


def test_the_same_picture_gives_the_same_depth() -> None:
    picture, masks = scene(0.7, WALL, PLANKS, clutter=5)
    first, second = (estimate_depth(picture, masks) for _ in range(2))
    np.testing.assert_array_equal(first, second)
