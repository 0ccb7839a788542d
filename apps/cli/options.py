"""Options that several commands share, and options made from the fields of a dataclass."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NamedTuple,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

import typer

from cartoonedit.errors import InvalidInput
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from segmentation.segmenter import Segmenter

__all__ = [
    "AsJson",
    "ModelOptions",
    "Overwrite",
    "Pictures",
    "Size",
    "Window",
    "build",
    "expand",
    "model_files",
    "segmenter_maker",
    "segmenter_words",
]

Command = TypeVar("Command", bound=Callable[..., Any])
Made = TypeVar("Made")

Pictures = Annotated[
    list[str], typer.Argument(metavar="PICTURE", help="Files, folders of pictures, or patterns.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Make again what is there already.")]


@dataclass
class ModelOptions:
    """Which networks, and where they run.

    Attributes:
        model: A name from `cartoonedit models list`, a detector file, or a folder with both files.
        refiner: A name or file whose refiner takes the place of the model's own.
        detector_size: Side of the detector's input in pixels; larger finds smaller characters. By
            default what the model was made for.
        runtime: What runs the networks.
        dtype: The networks' numbers; the short ones are faster where the device has them.
        device: auto, cpu, cuda, cuda:N or mps.
    """

    model: str = "embedded"
    refiner: str | None = None
    detector_size: Annotated[int | None, typer.Option(min=32)] = None
    runtime: Literal["torch", "onnx"] = "torch"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    device: str = "auto"


def segmenter_maker(values: Mapping[str, Any]) -> Callable[[], Segmenter]:
    """Check a command's options at once; the segmenter that they describe is made when called."""
    model, options = build(ModelOptions, values), build(SegmentOptions, values)

    def make() -> Segmenter:
        from segmentation.segmenter import Segmenter

        return Segmenter(**vars(model), options=options)

    return make


def segmenter_words(values: Mapping[str, Any]) -> str:
    """What a command says of its segmenter, the same for the same options."""
    return repr((build(ModelOptions, values), build(SegmentOptions, values)))


def model_files(values: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files of the segmenter that a command's options describe, by what they are for."""
    from segmentation.models import find_files

    detector, refiner = find_files(values["model"], values.get("refiner"))
    return {"detector": detector} | ({"refiner": refiner} if refiner else {})


SIZES = {
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "4k": (3840, 2160),
    "square": (1080, 1080),
    "portrait": (1080, 1920),
}
"""Sizes that have a name."""


class Size(NamedTuple):
    """Width and height in pixels, written as on the command line."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``1280x720`` or a name in :data:`SIZES`.

        Raises:
            typer.BadParameter: It has another form.
        """
        if text.strip().lower() in SIZES:
            return cls(*SIZES[text.strip().lower()])
        match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", text.strip().lower())
        if not match or "0" in match.groups():
            raise typer.BadParameter(
                f"give a size in pixels such as 1280x720, or {', '.join(SIZES)}; got {text!r}."
            )
        return cls(int(match[1]), int(match[2]))


class Window(NamedTuple):
    """A rectangle of a picture in pixels, written as on the command line."""

    x: float
    y: float
    width: float
    height: float

    def __str__(self) -> str:
        return ",".join(f"{number:g}" for number in self)

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read ``x,y,width,height``.

        Raises:
            typer.BadParameter: It has another form.
        """
        try:
            return cls(*(float(number) for number in text.split(",")))
        except (TypeError, ValueError) as error:
            raise typer.BadParameter(
                f"give a window as x,y,width,height in pixels of the picture; got {text!r}."
            ) from error


def expand(*classes: type, **defaults: Any) -> Callable[[Command], Command]:
    """Give a command one option per field of dataclasses, in place of its ``**values``.

    The option's type and default are the field's, its help is what the ``Attributes`` section of
    the class says about the field: defaults and their description have one source. Of options with
    one name the first is taken: the command's own, then those of the classes in order.

    Args:
        classes: The dataclasses.
        defaults: Other defaults than the fields' own.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        together = {p.name: p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD}
        for cls in classes:
            for field in fields(cls):
                if field.name not in together:
                    default = defaults.get(field.name, _default(field))
                    together[field.name] = _parameter(cls, field, default)
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[p.replace(kind=p.KEYWORD_ONLY) for p in together.values()]
        )
        command.__annotations__ = {name: p.annotation for name, p in together.items()}
        return command

    return decorate


def build(cls: type[Made], values: Mapping[str, Any]) -> Made:
    """Make a dataclass from the options of a command; a value it refuses is wrong usage."""
    try:
        return cls(**{field.name: values[field.name] for field in fields(cls)})  # type: ignore[arg-type]
    except InvalidInput as error:
        names = {field.name for field in fields(cls)}  # type: ignore[arg-type]

        def spell(word: re.Match[str]) -> str:
            return flag(word[0]) if word[0] in names else word[0]

        # The name of a field is its first word, or has an underscore, as no other word has.
        message = re.sub(r"^\w+|\b[a-z]+(_[a-z]+)+\b", spell, str(error))
        raise typer.BadParameter(message) from error


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _parameter(cls: type, field: Field[Any], default: Any) -> inspect.Parameter:
    """A parameter of a typer command for a field of a dataclass."""
    hint = _hints(cls)[field.name]
    option = typer.Option()
    if get_origin(hint) is Annotated:
        hint, shared = get_args(hint)
        option = copy(shared)
    word = next((word for ending, word in _WORDS.items() if field.name.endswith(ending)), None)
    if word is not None:
        option = typer.Option(flag(field.name), parser=word.parse, metavar=_METAVARS[word])
        hint = word if default is not None else word | None
        default = None if default is None else str(word(*default))
    elif hint is bool:
        names = flag(field.name)
        option = typer.Option(f"{names}/--no-{names[2:]}" if default else names)
    option.help = describe_field(cls, field.name)
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[hint, option],
    )


_WORDS: dict[str, type[Size | Window]] = {"_wh": Size, "_window": Window}
"""Fields of several numbers that are one word on the command line, by how their names end."""

_METAVARS = {Size: "WxH", Window: "X,Y,W,H"}
_FLAGS = {"start_window": "--from", "end_window": "--to"}


def flag(name: str) -> str:
    """The option of a field."""
    return _FLAGS.get(name, f"--{name.removesuffix('_wh').replace('_', '-')}")


def describe_field(cls: type, name: str) -> str:
    """What the ``Attributes`` section of a Google docstring says about a field, as one line."""
    return _descriptions(cls).get(name, "")


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


@cache
def _descriptions(cls: type) -> dict[str, str]:
    section = re.split(r"^Attributes:\s*$", inspect.getdoc(cls) or "", flags=re.MULTILINE)[-1]
    found = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.replace("`", "").split()) for name, text in found}
