from __future__ import annotations

import pytest

from cartoonedit.errors import InvalidInput
from prompts import negative_prompt


def test_the_papers_negative_prompt() -> None:
    assert negative_prompt("background") == (
        "human, single, person, girl, 1girl, boy, 1boy, creature, animal, alien, robot, body"
    )


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InvalidInput, match="background"):
        negative_prompt("nonsense")
