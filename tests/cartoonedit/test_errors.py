from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import shown


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def nested(levels: int) -> list[Any]:
    """A few hundred bytes of lists that are gigabytes when they are written out."""
    made: list[Any] = ["hat"]
    for _ in range(levels):
        made = [made] * 9
    return made


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        ("hat", "'hat'"),
        (["a", 1], "['a', 1]"),
        ({"a": None}, "{'a': None}"),
    ],
)
def test_values_in_messages(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_number_that_python_does_not_write() -> None:
    assert shown(16**6000) == "a very large or broken int"


@pytest.mark.parametrize(
    "value", ["hat" * 99, nested(30), {"a": nested(30)}, Broken(), np.zeros((30, 30))]
)
def test_values_that_would_fill_the_screen(value: object) -> None:
    assert len(shown(value)) <= 60
    assert "\n" not in shown(value)
