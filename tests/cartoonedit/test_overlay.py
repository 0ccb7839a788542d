from __future__ import annotations

import numpy as np
import pytest

from cartoonedit.overlay import colour_of, overlay
from cartoonedit.scene import Instance, Scene


@pytest.mark.parametrize(("width", "height"), [(1, 1), (12000, 200), (300, 200), (64, 64)])
@pytest.mark.parametrize("count", [0, 1, 7])
def test_any_size_and_number(width: int, height: int, count: int) -> None:
    picture = np.full((height, width, 3), 90, np.uint8)
    mask = np.full((height, width), 255, np.uint8)
    scene = Scene(picture, [Instance(mask) for _ in range(count)])
    drawn = overlay(scene)
    assert drawn.shape == picture.shape and drawn.dtype == np.uint8
    assert (drawn != picture).any() == (count > 0)
    assert (picture == 90).all()  # it is drawn on a copy


def test_the_fill_is_translucent_and_ends_at_the_mask(tiny_scene: Scene) -> None:
    drawn = overlay(tiny_scene)
    x, y = (round(value) for value in tiny_scene[0].centre_xy)
    before, after = tiny_scene.picture[y, x].astype(int), drawn[y, x].astype(int)
    expected = before + 0.28 * (np.array(colour_of("character-1")) - before)
    assert np.abs(after - expected).max() <= 1
    assert np.array_equal(drawn[-1, 0], tiny_scene.picture[-1, 0])


def test_colours_are_stable_and_distinct() -> None:
    colours = [colour_of(f"character-{number}") for number in range(1, 13)]
    assert len(set(colours)) == 12
    assert colour_of("character-13") == colours[0]
    assert colour_of("りんご") == colour_of("りんご")
    assert colour_of("x" + "9" * 500) in colours


def test_labels_do_not_cover_each_other() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    masks = [np.zeros((200, 300), np.uint8) for _ in range(2)]
    masks[0][50:150, 100:200] = masks[1][50:150, 102:202] = 255
    drawn = overlay(Scene(picture, [Instance(mask) for mask in masks]))
    plaques = [
        np.nonzero((np.abs(drawn[:, :, :].astype(int) - colour_of(name)) < 25).all(axis=2))[0]
        for name in ("character-1", "character-2")
    ]
    assert all(rows.size > 200 for rows in plaques)


def test_names_in_other_scripts() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[40:90, 20:80] = 255
    drawn = overlay(Scene(np.zeros((100, 100, 3), np.uint8), [Instance(mask, name="りんご")]))
    assert drawn.any()
