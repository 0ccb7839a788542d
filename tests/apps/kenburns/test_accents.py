from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.kenburns import KenBurns
from apps.kenburns.accents import Accents
from apps.kenburns.stage import Stage
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Instance, Scene
from tests.apps.kenburns.stages import CUT, STANDING, stage

STAGE = stage(replace(STANDING, name="a"), replace(CUT, name="b"))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", {}),
        ("float", {"a": "float", "b": "float"}),
        ("a=sway", {"a": "sway"}),
        ("float, b=sway", {"a": "float", "b": "sway"}),
    ],
)
def test_text(text: str, kinds: dict[str, str]) -> None:
    assert Accents.parse(text, STAGE, 4, 1).kinds == kinds


@pytest.mark.parametrize("text", ["jump", "a=jump", "c=float", "=float=", "=float", "="])
def test_unknown_text(text: str) -> None:
    with pytest.raises(InvalidInput):
        Accents.parse(text, STAGE, 4, 1)


@pytest.mark.parametrize("text", ["float", "sway"])
@pytest.mark.parametrize("duration", [0.5, 4, 20])
def test_a_clip_starts_and_ends_at_rest(text: str, duration: float) -> None:
    accents = Accents.parse(text, STAGE, duration, 1)
    assert accents.at(0.0, STAGE) == {}
    for move in accents.at(1.0, STAGE).values():
        np.testing.assert_allclose(move, [[1, 0, 0], [0, 1, 0]], atol=1e-9)


@pytest.mark.parametrize("text", ["float", "sway"])
def test_nobody_goes_farther_than_said_and_feet_stay(text: str) -> None:
    accents = Accents.parse(text, STAGE, 4, 1)
    reach, most = accents.reach(STAGE), 0.0
    for t in np.linspace(0, 1, 50):
        for name, move in accents.at(float(t), STAGE).items():
            box = STAGE.box(name)
            left, top, right, foot = box.edges
            corners = np.array([[left, right, left, right], [top, top, foot, foot]])
            moved = move[:, :2] @ corners + move[:, 2:]
            most = max(most, float(np.abs(moved - corners).max()))
            if text == "sway" or box.cut[3]:
                np.testing.assert_allclose(moved[:, 2:], corners[:, 2:], atol=1e-12)
    assert 0 < most <= reach + 1e-12


def test_characters_move_and_the_background_does_not(make_scene) -> None:
    scene = make_scene("standing")
    still, moving = (
        list(
            KenBurns(
                strength=0.0 if accent is None else 1.0,
                accent=accent,
                move="sway",
                duration=0.4,
                fps=20,
                start_window=(0, 0, 128, 72),
            ).frames(scene)
        )
        for accent in (None, "float")
    )
    np.testing.assert_array_equal(moving[0], scene.picture)
    changed = (moving[2] != still[2]).any(axis=2)
    far = np.ones_like(changed)
    far[:, 20:60] = False
    assert changed.any()
    assert not changed[far].any()


def test_nobody_is_torn_from_the_border_that_cuts_them() -> None:
    picture = np.full((72, 128, 3), (200, 0, 0), np.uint8)
    mask = np.zeros((72, 128), np.uint8)
    mask[30:, :40] = 255
    plate = picture.copy()
    picture[mask > 0] = (0, 200, 0)
    scene = Scene(picture, [Instance(mask, depth=0.2)], plate=plate)
    for accent in ("float", "sway"):
        shot = KenBurns(accent=accent, strength=3.0, start_window=(0, 0, 128, 72)).prepare(scene)
        for t in (0.1, 0.25, 0.6):
            frame = shot.render(shot.pose(0.0), moves=shot.accents.at(t, shot.stage))
            assert (frame[-1, :30, 0] < 20).all(), (accent, t)
            assert (frame[45:, 0, 0] < 20).all(), (accent, t)


def test_a_stage_without_anybody() -> None:
    nobody = Stage(STAGE.half_wh, STAGE.frame_wh, STAGE.borders)
    accents = Accents.parse("float", nobody, 4, 1)
    assert accents.reach(nobody) == 0
    assert accents.at(0.3, nobody) == {}
