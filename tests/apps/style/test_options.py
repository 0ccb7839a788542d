from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.style.options import PartOptions, StyleOptions
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 201}, "steps must be a whole number from 1 to 200; got 201"),
        ({"steps": 0}, "steps must be a whole number from 1 to 200; got 0"),
        ({"steps": 51, "scheduler": "lcm"}, "from 1 to 50 with the scheduler LCM; got 51"),
        ({"scheduler": "none"}, "scheduler must be one of"),
    ],
)
def test_what_no_scheduler_can_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        StyleOptions(prompt="ink", **options)


@pytest.mark.parametrize("options", [{"steps": 200}, {"steps": 50, "scheduler": "LCM"}])
def test_the_most_steps(options: dict[str, Any]) -> None:
    assert StyleOptions(prompt="ink", **options).steps == options["steps"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": 5}, "prompt must be text, in quotes; got 5"),
        ({"prompt": None}, "prompt must be text, in quotes; got None"),
        ({"quality": 3}, "quality must be text"),
        ({"negative": 4}, "negative must be text"),
        ({"preset": ["ink"]}, "preset must be text"),
        ({"mode": ["fused"]}, "mode must be text"),
        ({"lora": "a.safetensors"}, "lora must be a list of texts; got 'a.safetensors'"),
        ({"only": "character-1"}, "only must be a list of texts"),
        ({"only": [1]}, "only must be a list of texts"),
        ({"retag": "no"}, "retag must be true or false; got 'no'"),
        ({"match_tone": 1}, "match_tone must be true or false"),
        ({"strength": "0.5"}, "strength must be a number"),
        ({"strength": float("nan")}, "strength must be a number from"),
        ({"seed": 1.0}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"steps": 24.0}, "steps must be a whole number"),
        ({"reference_weight": None}, "reference_weight must be a number"),
        ({"config": 3}, "config must be the path of a file"),
    ],
)
def test_values_of_another_type(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        StyleOptions(**{"prompt": "ink"} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": 5}, "prompt must be text"),
        ({"negative": 4}, "negative must be text"),
        ({"tags": "hat"}, "tags must be a list of texts; got 'hat'"),
        ({"lora": "a.safetensors"}, "lora must be a list of texts"),
        ({"skip": "no"}, "skip must be true or false"),
        ({"skip": None}, "skip must be true or false"),
        ({"reference": 3}, "reference must be the path"),
        ({"seed": "3"}, "seed must be a whole number"),
    ],
)
def test_values_of_another_type_for_a_part(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PartOptions(**options)


@pytest.mark.parametrize("name", ["steps", "seed", "strength"])
def test_numbers_that_python_does_not_write(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be a .*number from .*; got a very large"):
        StyleOptions(**{"prompt": "ink", name: 16**6000})


def test_what_is_as_good() -> None:
    options: Any = {"config": "settings", "lora": ("a", "b:0.5"), "strength": 1}
    assert StyleOptions(prompt="ink", **options) == StyleOptions(
        prompt="ink", config=Path("settings"), lora=["a", "b:0.5"], strength=1.0
    )
    part: Any = {"reference": "a.png", "tags": ()}
    assert PartOptions(**part) == PartOptions(reference=Path("a.png"), tags=[])


def test_the_whole_picture_and_a_part_of_it() -> None:
    with pytest.raises(InvalidInput, match="global_only translates the picture as a whole"):
        StyleOptions(prompt="ink", global_only=True, only=["character-1"])
    assert StyleOptions(prompt="ink", global_only=True, only=[]).global_only
