from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.puppet.options import PuppetOptions
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0}, "speed must be from 0.05 to 20; got 0"),
        ({"speed": float("nan")}, "speed must be from"),
        ({"fps": "30"}, "fps must be from 1 to 120; got '30'"),
        ({"fps": True}, "fps must be from"),
        ({"duration": 0}, "duration must be from 0.01 to 3600"),
        ({"supersample": 1.5}, "supersample must be a whole number; got 1.5"),
        ({"seed": -1}, "seed must be from 0"),
        ({"retarget": "modern"}, "retarget must be one of natural, classic; got 'modern'"),
        ({"view": "top"}, "view must be one of auto, front, side"),
        ({"travel": []}, "travel must be one of"),
        ({"frame": "fill"}, "frame must be one of auto, picture, fit"),
        ({"joints": "nowhere.yaml"}, "joints: there is no file 'nowhere.yaml'"),
        ({"retarget_file": "nowhere.yaml"}, "retarget_file: there is no file"),
        ({"size_wh": (0, 10)}, "size_wh must be a width and a height of 1 to 16384 pixels"),
        ({"size_wh": 5}, "size_wh must be a width and a height"),
        ({"background": "blau"}, "background must be plate, or a colour"),
        (
            {"background": "white", "transparent": True},
            "background has no place in a transparent clip",
        ),
        ({"motion_for": ["wave"]}, "motion_for must be NAME=MOTION; got 'wave'"),
        ({"motion_for": ["=wave"]}, "motion_for must be NAME=MOTION"),
        ({"motion_for": ["a="]}, "motion_for must be NAME=MOTION"),
        ({"motion": "waltz"}, "motion: there is no motion 'waltz'"),
        ({"motion": "~nobody/a.bvh"}, "motion: there is no "),
        ({"motion_for": ["a=nowhere.bvh"]}, "motion_for: there is no file"),
        ({"motion_for": "a=wave"}, "motion_for must be a list"),
        ({"motion_for": ["a=wave", "a=nod"]}, "motion_for: 'a' is given twice"),
        ({"phase": ["1.5"]}, "phase must be from 0 to 1; got 1.5"),
        ({"phase": ["a=x"]}, "phase must be SHARE or NAME=SHARE; got 'a=x'"),
        ({"phase": ["hero"]}, "phase must be SHARE or NAME=SHARE; got 'hero'"),
        ({"phase": ["=0.5"]}, "phase must be SHARE or NAME=SHARE; got '=0.5'"),
        ({"motion": " "}, "motion: there is no motion"),
        ({"phase": ["nan"]}, "phase must be from 0 to 1"),
        ({"phase": 0.5}, "phase must be a list, such as .* got 0.5"),
        ({"only": "hero"}, "only must be a list, such as .* got 'hero'"),
        ({"mirror": None}, "mirror must be a list"),
        ({"joints": 5}, "joints: there is no file '5'"),
        ({"joints_by": ""}, "joints_by must be auto, silhouette"),
        ({"cut": "no"}, "cut must be true or false; got 'no'"),
    ],
)
def test_what_makes_no_show(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PuppetOptions(**options)


def test_numbers_and_paths_of_other_types_are_taken(tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text("keyframes: [{time: 0}]")
    options = PuppetOptions(
        motion=tmp_path / "keys.yaml",
        phase=(0.5,),
        supersample=2.0,
        seed=3.0,
    )
    assert (options.motion, options.phase_of("a")) == (str(tmp_path / "keys.yaml"), 0.5)
    assert all(isinstance(number, int) for number in (options.supersample, options.seed))


def test_what_each_character_does() -> None:
    options = PuppetOptions(
        motion="dance",
        motion_for=["b=nod"],
        phase=["0.25", "b=0.5"],
        mirror=["b"],
    )
    assert [options.motion_of(name) for name in "ab"] == ["dance", "nod"]
    assert [options.phase_of(name) for name in "ab"] == [0.25, 0.5]
    assert [options.mirrors(name) for name in "ab"] == [False, True]
    assert PuppetOptions(mirror=["all"]).mirrors("a")


@pytest.mark.parametrize("option", ["only", "mirror"])
def test_names_of_nobody(option: str) -> None:
    options = PuppetOptions(**{option: ["b"]})
    options.check_names(["a", "b"])
    with pytest.raises(InvalidInput, match=f"{option}: there is no character 'b'; there is a."):
        options.check_names(["a"])


@pytest.mark.parametrize(
    ("background", "colour"),
    [
        (None, None),
        ("plate", None),
        ("white", (255, 255, 255)),
        ("#102030", (16, 32, 48)),
        ("#10203040", (16, 32, 48)),
    ],
)
def test_colours(background: str | None, colour: tuple[int, int, int] | None) -> None:
    assert PuppetOptions(background=background).colour == colour
