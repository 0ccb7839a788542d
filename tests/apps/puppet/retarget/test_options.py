"""Options that make no sense are refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from apps.puppet.retarget import RetargetOptions
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fps", 0),
        ("fps", True),
        ("fps", float("nan")),
        ("speed", -1),
        ("speed", "fast"),
        ("phase", 1.5),
        ("duration", -1),
        ("duration", float("inf")),
        ("mirror", "yes"),
        ("arms", "above"),
        ("legs", None),
        ("faces", "up"),
        ("travel", "far"),
        ("room", (0, 0, 10)),
        ("room", (10, 0, 0, 10)),
        ("room", (0, 0, float("nan"), 10)),
        ("reach", (0, 0, -1, 0)),
        ("reach", 5),
        ("foreshorten", 2),
        ("foreshorten_legs", -0.1),
        ("give", 0.9),
        ("blend_in", -0.1),
    ],
)
def test_what_is_wrong_is_named_with_what_was_given(name: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=name):
        RetargetOptions(**{name: value})


def test_all_options_have_defaults_that_are_allowed() -> None:
    options = RetargetOptions()
    assert {name: getattr(options, name) for name in RetargetOptions.names()}
