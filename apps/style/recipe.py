"""Recipes: a small YAML file that says what is different for each part of a picture.

.. code-block:: yaml

    preset: watercolour            # any field of StyleOptions, by its name
    prompt: at dusk
    parts:
      character-1: {prompt: red scarf, strength: 0.6, seed: 3, lora: [knight.safetensors:0.8]}
      character-2: {skip: true}
      background: {strength: 0.5, tags: [forest, night]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.style.options import PartOptions, StyleOptions
from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

__all__ = ["Recipe", "read_recipe", "remember", "remembered"]

_PARTS = "parts"
_META = "style"  # in the meta of a scene
_LARGEST = 1_000_000  # bytes; a longer one is no recipe
_PATHS = ("reference", "config")


@dataclass(frozen=True)
class Recipe:
    """What a person said about a picture's style.

    Attributes:
        options: Fields of :class:`~apps.style.StyleOptions`, those that were named.
        parts: What is different for single parts, by name.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, PartOptions] = field(default_factory=dict)


def read_recipe(file: str | Path) -> Recipe:
    """Read a recipe; paths in it are relative to its folder.

    Raises:
        InvalidInput: It cannot be read, is no recipe, or has a value that is not allowed.
    """
    import yaml

    path = Path(file)
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInput(f"{path} is larger than any recipe.")
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the recipe {path} cannot be read: {error}.") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput(f"{path} is not valid YAML: {error}.") from error
    return _parse(stored, str(path), path.parent)


def remember(scene: Scene, recipe: Recipe) -> Scene:
    """A scene that keeps a recipe in its files."""
    return scene.replace(meta=dict(scene.meta) | {_META: _plain(recipe)})


def remembered(scene: Scene) -> Recipe:
    """The recipe that a scene keeps; an empty one if it keeps none.

    Raises:
        InvalidInput: Somebody wrote something else in its place.
    """
    return _parse(scene.meta.get(_META), f"the scene's meta[{_META!r}]", Path())


def _parse(stored: object, source: str, folder: Path) -> Recipe:
    if stored is None:
        return Recipe()
    known = [one.name for one in fields(StyleOptions)]
    values = _mapping(stored, source, [*known, _PARTS])
    parts = _mapping(values.pop(_PARTS, None) or {}, f"{source}: {_PARTS}", None)
    return Recipe(
        _anchored(values, folder),
        {name: _part(name, each, source, folder) for name, each in parts.items()},
    )


def _part(name: str, stored: object, source: str, folder: Path) -> PartOptions:
    known = [one.name for one in fields(PartOptions)]
    label = f"{source}: {name}"
    values = _anchored(_mapping(stored or {}, label, known), folder)
    for key in ("tags", "lora"):
        if values.get(key) is not None and not _are_texts(values[key]):
            raise InvalidInput(f"{label}: {key} must be a list of texts; got {values[key]!r:.60}.")
    for key in ("prompt", "negative"):
        if not isinstance(values.get(key, ""), str):
            raise InvalidInput(f"{label}: {key} must be text; got {values[key]!r:.60}.")
    if not isinstance(values.get("skip", False), bool):
        raise InvalidInput(f"{label}: skip must be true or false; got {values['skip']!r:.60}.")
    try:
        return PartOptions(**values)
    except InvalidInput as error:
        raise InvalidInput(f"{label}: {error}") from error


def _mapping(stored: object, label: str, known: list[str] | None) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"{label} must be names and values; got {stored!r:.60}.")
    unknown = [str(key) for key in stored if known is not None and key not in known]
    if unknown and known:
        raise InvalidInput(f"{label} has no {', '.join(unknown)}. There are: {', '.join(known)}.")
    return {str(key): value for key, value in stored.items()}


def _anchored(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Values whose paths are relative to a folder."""
    found = dict(values)
    for key in _PATHS:
        if found.get(key) is not None:
            found[key] = folder / str(found[key])
    if _are_texts(found.get("lora")):
        found["lora"] = [_lora(text, folder) for text in found["lora"]]
    return found


def _lora(text: str, folder: Path) -> str:
    from cartoonedit.diffusion import Lora

    lora = Lora.parse(text)
    there = folder / lora.weights
    return f"{there}:{lora.weight:g}" if there.is_file() else text


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as what JSON and YAML can hold."""
    parts = {
        name: {
            one.name: _text(value)
            for one in fields(part)
            if (value := getattr(part, one.name)) not in (None, "", False)
        }
        for name, part in recipe.parts.items()
    }
    options = {key: _text(value) for key, value in recipe.options.items()}
    return options | ({_PARTS: parts} if parts else {})


def _text(value: Any) -> Any:
    return str(value.absolute()) if isinstance(value, Path) else value
