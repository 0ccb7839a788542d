from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.yaml_file import MOST_BYTES, parse_yaml, read_yaml

MERGES = "a0: &a0 {x: 1}\n" + "\n".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("\ufeffa: 紅", {"a": "紅"}),
        ("{1: a, no: b, ~: c}", {"1": "a", "False": "b", "None": "c"}),
        ("a: &x [1, 2.5, 'no']\nb: *x", {"a": [1, 2.5, "no"], "b": [1, 2.5, "no"]}),
    ],
)
def test_what_is_read(tmp_path: Path, text: str, data: Any) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_yaml(file, "recipe") == data


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: !!python/object:os.system {}",
        "a: !!bool maybe",
        'a: !!int ""',
        'a: !!float ""',
        "a: !!timestamp x",
        "a: 2024-99-99",
        "a: " + "9" * 6000,
        "a: !!float 1" + ":1" * 200,
        "[" * 2000,
        "? [a]\n: b",
        MERGES,
    ],
)
def test_what_is_no_yaml_is_told_in_short(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"any\.yaml is not valid YAML") as told:
        parse_yaml(text, "any.yaml")
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    ("content", "said"), [(b"#" * (MOST_BYTES + 1), "larger than 200 kB"), (b"\xff", "decode")]
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "any.yaml"
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match=rf"the recipe .*any\.yaml cannot be read: .*{said}"):
        read_yaml(file, "recipe")
    with pytest.raises(InvalidInput, match=r"the styles .* cannot be read: No such file"):
        read_yaml(tmp_path / "absent", "styles")
    with pytest.raises(InvalidInput, match=r"cannot be read: .*null"):
        read_yaml("a\0b", "styles")


def test_json(tmp_path: Path) -> None:
    file = tmp_path / "any.JSON"
    file.write_text('\ufeff{"a": [1e-3,\n\t"no"]}', encoding="utf-8")
    assert read_yaml(file, "recipe") == {"a": [0.001, "no"]}
    file.write_text(" " * 2000 + "1")
    assert read_yaml(file, "recipe", most_bytes=2001) == 1
    with pytest.raises(InvalidInput, match="larger than 2 kB"):
        read_yaml(file, "recipe", most_bytes=2000)


@pytest.mark.parametrize("text", ["", "{a: 1}", "[" * 100_000, "[" + "9" * 6000 + "]", "a\n" * 500])
def test_what_is_no_json_is_told_in_short(tmp_path: Path, text: str) -> None:
    (tmp_path / "any.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"the recipe .*any\.json cannot be read") as told:
        read_yaml(tmp_path / "any.json", "recipe")
    assert len(str(told.value)) < 500 + len(str(tmp_path))


def test_keys_are_short_texts() -> None:
    (key,) = parse_yaml("? 0x" + "f" * 6000 + "\n: 1", "any.yaml")
    assert len(key) < 100


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1", encoding="utf-8-sig")
    assert read_yaml(tmp_path / "a.yaml", "recipe") == {"a": 1}


def test_tuples_of_python_are_lists_where_they_are_expected() -> None:
    text = "a: !!python/tuple [b, [c]]\nd: !!python/tuple\n- 1\n- 2"
    assert parse_yaml(text, "any.yaml", tuples=True) == {"a": ["b", ["c"]], "d": [1, 2]}
    with pytest.raises(InvalidInput, match="python/tuple"):
        parse_yaml(text, "any.yaml")


@pytest.mark.parametrize("value", ["!!python/tuple b", "!!python/name:os.system ''"])
def test_nothing_else_of_python_is_read_with_tuples(value: str) -> None:
    with pytest.raises(InvalidInput, match="not valid YAML"):
        parse_yaml(f"a: {value}", "any.yaml", tuples=True)
