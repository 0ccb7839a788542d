"""Values from files that people write."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.fields import entries, mapping, names, number, numbers, required, text, whole

HUGE = 10**6000


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (required({"a": 0}, "a", "it"), 0),
        (mapping({"a": 1}, "it"), {"a": 1}),
        (entries([1, 2], "it", least=2), [1, 2]),
        (text("hip", "it"), "hip"),
        (text(7, "it"), "7"),
        (names(["a", 1], "it"), ("a", "1")),
        (number("1e-3", "it", 0, 1), 0.001),
        (number(1, "it", 0, 1), 1.0),
        (numbers((1, "2"), "it", 2), (1.0, 2.0)),
        (whole(3.0, "it", 0, 5), 3),
    ],
)
def test_what_is_taken(found: Any, expected: Any) -> None:
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda: required({"b": 0}, "a", "it"), "it lacks 'a'. It has b"),
        (lambda: required({}, "a", "it"), "It has nothing"),
        (lambda: mapping([1], "it"), r"it must be a mapping .* got \[1\]"),
        (lambda: entries({}, "it"), "it must be a list; got"),
        (lambda: entries([1], "it", least=2), "a list of at least 2"),
        (lambda: text("", "it"), "it must be a name"),
        (lambda: text(True, "it"), "it must be a name; got True"),
        (lambda: names(["a", "b"], "it", most=1), "it must be 1 names; got 2"),
        (lambda: number(True, "it", 0, 1), "it must be a number from 0 to 1; got True"),
        (lambda: number(math.nan, "it", 0, 1), "got nan"),
        (lambda: number("x", "it", 0, 1), "got 'x'"),
        (lambda: number(HUGE, "it", 0, 1), "a very large or broken int"),
        (lambda: number([], "it", 0, 1), r"got \[\]"),
        (lambda: numbers("12", "it", 2), "it must be 2 numbers; got '12'"),
        (lambda: numbers([1], "it", 2), "it must be 2 numbers"),
        (lambda: numbers(b"12", "it", 2), "it must be 2 numbers; got b'12'"),
        (lambda: numbers([1, 2e6], "it", 2), "from -1e"),
        (lambda: whole(1.5, "it", 0, 5), "it must be a whole number; got 1.5"),
    ],
)
def test_what_is_refused_in_words(read: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read()
