"""Options of ``cartoonedit style`` about single parts: ``--prompt-for character-2="red scarf"``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.style.options import PartOptions
from cartoonedit.errors import InvalidInput

__all__ = ["ByHand"]


def _repeated(metavar: str) -> Any:
    return typer.Option(metavar=metavar)


@dataclass
class ByHand:
    """What is different for single characters, or for background. These win over a recipe.

    Attributes:
        prompt_for: Words for one part, such as character-2="red scarf"; may be repeated, as all of
            these.
        strength_for: How much of one part may change, such as background=0.5.
        seed_for: The noise of one part.
        lora_for: A LoRA for one part in place of those for all; repeat it for several.
        reference_for: A picture whose look one part takes on, such as character-1=look.png.
        skip: A part to leave as it is.
    """

    prompt_for: Annotated[list[str], _repeated("NAME=TEXT")] = field(default_factory=list)
    strength_for: Annotated[list[str], _repeated("NAME=NUMBER")] = field(default_factory=list)
    seed_for: Annotated[list[str], _repeated("NAME=NUMBER")] = field(default_factory=list)
    lora_for: Annotated[list[str], _repeated("NAME=FILE:WEIGHT")] = field(default_factory=list)
    reference_for: Annotated[list[str], _repeated("NAME=FILE")] = field(default_factory=list)
    skip: Annotated[list[str], _repeated("NAME")] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.laid_over({})
        for file in self.references:
            if not file.is_file():
                raise InvalidInput(f"reference_for names a picture; there is no file {file}.")

    @property
    def references(self) -> list[Path]:
        """The reference pictures."""
        return [Path(value).expanduser() for _, value in self._pairs("reference_for")]

    def laid_over(self, parts: Mapping[str, PartOptions]) -> dict[str, PartOptions]:
        """Parts with what is said here in place of what was said before.

        Raises:
            InvalidInput: Something has another form or is out of its range.
        """
        made = dict(parts)
        for name, said in self._by_name().items():
            made[name] = replace(made.get(name, PartOptions()), **said)
        return made

    def for_record(self) -> dict[str, list[str]]:
        """The options that name files, with their whole paths, to be repeated from anywhere."""
        from apps.style.recipe import anchored_lora

        return {
            "reference_for": [
                f"{name}={Path(file).expanduser().absolute()}"
                for name, file in self._pairs("reference_for")
            ],
            "lora_for": [
                f"{name}={anchored_lora(text, Path.cwd())}"
                for name, text in self._pairs("lora_for")
            ],
        }

    def _by_name(self) -> dict[str, dict[str, Any]]:
        said: dict[str, dict[str, Any]] = {name: {"skip": True} for name in self.skip}
        for option, (key, read) in _READ.items():
            for name, text in self._pairs(option):
                try:
                    value = read(text)
                    PartOptions(**{key: value})
                except InvalidInput as error:
                    raise InvalidInput(f"{option} {name}: {error}") from error
                of_part = said.setdefault(name, {})
                of_part[key] = of_part.get(key, []) + value if key == "lora" else value
        return said

    def _pairs(self, option: str) -> list[tuple[str, str]]:
        """Names and values of an option.

        Raises:
            InvalidInput: One has another form.
        """
        pairs = []
        for text in getattr(self, option):
            name, equals, value = text.partition("=")
            if not name.strip() or not equals or not value.strip():
                raise InvalidInput(
                    f"{option} must be NAME=VALUE, such as character-1=...; got {text!r:.60}."
                )
            pairs.append((name.strip(), value.strip()))
        return pairs


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput(f"a number is needed; got {text!r:.60}.") from error


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput(f"a whole number is needed; got {text!r:.60}.") from error


_READ: dict[str, tuple[str, Callable[[str], Any]]] = {
    "prompt_for": ("prompt", str),
    "strength_for": ("strength", _number),
    "seed_for": ("seed", _whole),
    "lora_for": ("lora", lambda text: [text]),
    "reference_for": ("reference", lambda text: Path(text).expanduser()),
}
"""Option to the field of PartOptions that it sets, and how its text is read."""
