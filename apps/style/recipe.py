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

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.style.options import PartOptions, StyleOptions, check_types
from cartoonedit.errors import InvalidInput, shown

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

__all__ = ["Recipe", "anchored_lora", "read_recipe", "remember", "remembered", "write_recipe"]

_PARTS = "parts"
_META = "style"  # in the meta of a scene
_PATHS = {"reference", "config"}
_NAMES_OR_PATHS = {"model", "controlnet", "reference_adapter", "tagger"}


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

    Where a name may stand in place of a path, as for models and LoRAs, a file or folder is meant if
    there is one.

    Raises:
        InvalidInput: It cannot be read, is no recipe, or has a value that is not allowed.
    """
    from cartoonedit.yaml_file import read_yaml

    return _parse(read_yaml(file, "recipe"), str(file), Path(file).parent)


def write_recipe(file: str | Path, recipe: Recipe) -> Path:
    """Write a recipe as :func:`read_recipe` reads it; paths in it are absolute."""
    import yaml

    from cartoonedit.files import atomic_path

    path = Path(file)
    text = yaml.safe_dump(_plain(recipe), allow_unicode=True, sort_keys=False, width=100)
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


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
    values = _mapping(stored, source, [*_names(StyleOptions), _PARTS])
    parts = values.pop(_PARTS, None)
    parts = _mapping({} if parts is None else parts, f"{source}: {_PARTS}", None)
    with _naming(source):
        options = _anchored(_said(StyleOptions, values), folder)
    return Recipe(
        options,
        {name: _part(each, f"{source}: {name:.60}", folder) for name, each in parts.items()},
    )


def _part(stored: object, label: str, folder: Path) -> PartOptions:
    values = _mapping({} if stored is None else stored, label, _names(PartOptions))
    with _naming(label):
        return PartOptions(**_anchored(_said(PartOptions, values), folder))


@contextmanager
def _naming(label: str) -> Iterator[None]:
    """Say in errors what they are about."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{label}: {error}") from error


def _names(cls: type) -> list[str]:
    return [one.name for one in fields(cls)]


def _said(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were said, all of the types of their fields; ranges are the class's matter.

    Raises:
        InvalidInput: One has another type.
    """
    said = {name: value for name, value in values.items() if value is not None}
    check_types(cls, said)
    return said


def _mapping(stored: object, label: str, known: list[str] | None) -> dict[str, Any]:
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"{label} must be names and values; got {shown(stored)}.")
    unknown = [key for key in stored if known is not None and key not in known]
    if unknown and known:
        raise InvalidInput(f"{label} has no {unknown[0]!s:.60}. There are: {', '.join(known)}.")
    return dict(stored)


def _anchored(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Values whose paths are relative to a folder, found wherever one works."""
    found = dict(values)
    for name in _PATHS & found.keys():
        found[name] = _inside(folder, found[name])
    for name in _NAMES_OR_PATHS & found.keys():
        found[name] = _anchored_name(found[name], folder)
    if "lora" in found:
        found["lora"] = [anchored_lora(text, folder) for text in found["lora"]]
    return found


def anchored_lora(text: str, folder: Path) -> str:
    """A LoRA as options name it, with the whole path where it is a file of ``folder``.

    Raises:
        InvalidInput: No LoRA is written so, or no path.
    """
    from cartoonedit.diffusion import Lora

    lora = Lora.parse(text)
    there = _inside(folder, lora.weights)
    return f"{there}:{lora.weight:g}" if there.is_file() else text


def _anchored_name(name: str, folder: Path) -> str:
    """A model's name, or its whole path where it is a file or folder of ``folder``."""
    from cartoonedit.catalogue import CATALOGUE

    if not name or name == "none" or name in CATALOGUE:  # those win over files of their name
        return name
    there = _inside(folder, name)
    return str(there) if there.exists() else name


def _inside(folder: Path, path: str | Path) -> Path:
    """A path as it is seen from a folder.

    Raises:
        InvalidInput: Nothing can be there, whether or not there is something.
    """
    try:
        there = folder / Path(path).expanduser()
        with suppress(FileNotFoundError, NotADirectoryError):
            there.stat()
    except (OSError, RuntimeError, ValueError) as error:  # too long; no such user; a zero in it
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"{shown(str(path))} cannot be used as a path: {reason}.") from error
    return there


def _plain(recipe: Recipe) -> dict[str, Any]:
    """A recipe as what JSON and YAML can hold, wherever it is read."""
    parts = {
        name: _texts(
            {
                one.name: value
                for one in fields(part)
                if (value := getattr(part, one.name)) != one.default
            }
        )
        for name, part in recipe.parts.items()
    }
    return _texts(recipe.options) | ({_PARTS: parts} if parts else {})


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in values.items() if value is not None}
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in _anchored(said, Path.cwd()).items()
    }
