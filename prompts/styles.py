"""Styles by name: their words, and settings that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from cartoonedit.errors import InvalidInput, shown

__all__ = ["Style", "load_styles", "style", "style_names"]


@dataclass(frozen=True)
class Style:
    """A style. None leaves a setting as it is for all styles.

    Attributes:
        name: What users call it.
        prompt: Comma-separated words.
        negative: What must not appear.
        checkpoint: A diffusion model that was made for it.
        loras: That are added to the model, each as ``FILE`` or ``FILE:WEIGHT``.
        strength: How much may change, above 0 to 1.
        guidance: How strongly the words are followed, 0 to 50.
        control: How strongly the lines are followed, 0 to 2.
        lineart: How lines are drawn for it.
        note: One line for people.
    """

    name: str
    prompt: str
    negative: str | None = None
    checkpoint: str | None = None
    loras: tuple[str, ...] = ()
    strength: float | None = None
    guidance: float | None = None
    control: float | None = None
    lineart: str | None = None
    note: str = ""


_RANGES = {"strength": (0.01, 1), "guidance": (0, 50), "control": (0, 2)}


def style_names() -> list[str]:
    """The names of all styles that come with cartoonedit."""
    return list(_shipped())


def style(name: str) -> Style:
    """A style that comes with cartoonedit.

    Raises:
        InvalidInput: There is none of that name; the message lists those there are.
    """
    if name not in _shipped():
        raise InvalidInput(f"there is no style {shown(name)}; there are: {', '.join(_shipped())}.")
    return _shipped()[name]


def load_styles(file: str | Path) -> dict[str, Style]:
    """Read styles of your own from a YAML file of the form of ``styles.yaml``.

    Raises:
        InvalidInput: The file cannot be read, or an entry is not as it must be.
    """
    from cartoonedit.yaml_file import read_yaml

    return _parse(read_yaml(file, "list of styles"), str(file))


@cache
def _shipped() -> dict[str, Style]:
    from cartoonedit.yaml_file import parse_yaml

    file = resources.files(__package__).joinpath("styles.yaml")
    return _parse(parse_yaml(file.read_text(encoding="utf-8"), "styles.yaml"), "styles.yaml")


def _parse(entries: object, source: str) -> dict[str, Style]:
    if not isinstance(entries, dict):
        raise InvalidInput(f"{source} must map names to styles; got {shown(entries)}.")
    return {name: _entry(name, entry, source) for name, entry in entries.items()}


def _entry(name: str, entry: object, source: str) -> Style:
    known = [field.name for field in fields(Style) if field.name != "name"]
    label = f"{source}: the style {shown(name)}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("prompt"), str):
        raise InvalidInput(f"{label} must have a prompt.")
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise InvalidInput(f"{label} has no {unknown[0]!s:.60}; there are: {', '.join(known)}.")
    values = {key: _value(key, value, label) for key, value in entry.items() if value is not None}
    return Style(name, **values)


def _value(key: str, value: Any, label: str) -> Any:
    if key in _RANGES:
        low, high = _RANGES[key]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            raise InvalidInput(f"{label}: {key} must be from {low} to {high}; got {shown(value)}.")
        return float(value)
    if key == "loras":
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise InvalidInput(f"{label}: loras must be a list of FILE:WEIGHT; got {shown(value)}.")
        return tuple(value)
    if not isinstance(value, str):
        raise InvalidInput(f"{label}: {key} must be text; got {shown(value)}.")
    return " ".join(value.split())
