from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cartoonedit.diffusion.emphasis import Piece, parse


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("", []),
        ("a cat", [("a cat", 1)]),
        ("a (red) cat", [("a ", 1), ("red", 1.1), (" cat", 1)]),
        ("((red))", [("red", 1.21)]),
        ("[red]", [("red", 1 / 1.1)]),
        ("([red])", [("red", 1)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red: 0.5 ) cat", [("red", 0.5), (" cat", 1)]),
        ("(red:.5)", [("red", 0.5)]),
        ("(a (b:2) c:1.5)", [("a ", 1.5), ("b", 3), (" c", 1.5)]),
        ("(red:2.)", [("red", 2)]),
        ("(red:1.2.3)", [("red:1.2.3", 1.1)]),
        ("(red:-1)", [("red", -1)]),
        ("(red:0)", [("red", 0)]),
        ("(ratio 3:4)", [("ratio 3", 4)]),  # as every parser of this language reads it
        ("16:9 and 3:4", [("16:9 and 3:4", 1)]),
        (r"clock \(object\)", [("clock (object)", 1)]),
        (r"(clock \(object\):1.2)", [("clock (object)", 1.2)]),
        (r"a \[b\] \\ c", [(r"a [b] \ c", 1)]),
        ("back\\slash", [("back\\slash", 1)]),
        (":)", [(":)", 1)]),
        ("(unclosed", [("(unclosed", 1)]),
        ("closed)", [("closed)", 1)]),
        ("((red)", [("(", 1), ("red", 1.1)]),
        ("([red)]", [("[red", 1.1), ("]", 1)]),
        ("a:1.2)", [("a:1.2)", 1)]),
        ("a BREAK b", [("a ", 1), (None, 1), (" b", 1)]),
        ("(a BREAK b:2)", [("a ", 2), (None, 1), (" b", 2)]),
        ("OUTBREAK", [("OUTBREAK", 1)]),
    ],
)  # fmt: skip
def test_pieces(prompt: str, pieces: list[tuple[str | None, float]]) -> None:
    found = parse(prompt)
    assert [piece.text for piece in found] == [text for text, _ in pieces]
    assert [piece.weight for piece in found] == pytest.approx([weight for _, weight in pieces])


@given(st.text(alphabet="ab ():[]\\.,1-", max_size=60))
@example("(" * 40 + ")" * 39)
@example("(a:1e5)")
@example("((a:" + "9" * 400 + "):0)")  # as a float, infinity
def test_anything_is_a_prompt(prompt: str) -> None:
    pieces = parse(prompt)
    assert all(isinstance(piece, Piece) and abs(piece.weight) <= 100 for piece in pieces)
    kept = "".join(piece.text or "" for piece in pieces)
    assert sum(kept.count(letter) for letter in "ab") == sum(map(prompt.count, "ab"))


@given(st.text(alphabet="ab()[]\\", max_size=30))
def test_escaped_text_is_plain(text: str) -> None:
    escaped = "".join(f"\\{letter}" if letter in "()[]\\" else letter for letter in text)
    assert "".join(piece.text or "" for piece in parse(escaped)) == text
    assert all(piece.weight == 1 for piece in parse(escaped))


@pytest.mark.parametrize(
    "prompt",
    [
        "(" * 100_000,
        "(a" * 30_000 + ")" * 30_000,
        ":1" * 50_000,
        "[(" * 50_000,
        "a:" + " " * 100_000,
        "(a:" + "1" * 100_000,
        "(a:1" + " " * 100_000,
    ],
    ids=["open", "nested", "colons", "mixed", "spaces", "digits", "spaces after a number"],
)
def test_takes_linear_time(prompt: str) -> None:
    started = time.process_time()
    parse(prompt)
    assert time.process_time() - started < 5  # quadratic time would be minutes
