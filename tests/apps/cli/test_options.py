from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest
import typer

from apps.cli.options import ModelOptions, Size, build, describe_field, expand
from apps.kenburns import KenBurnsOptions
from cartoonedit.errors import InvalidInput
from segmentation.options import SegmentOptions


@dataclass
class Weather:
    """The weather.

    Attributes:
        kind: What falls
            from ``above``.
        degrees: How warm it is.
        size_wh: The size.
        end_window: What is seen of it.
        windy: Hold on to your hat.
        calm: Not so.
    """

    kind: Literal["rain", "snow"] = "rain"
    degrees: float = 12.5
    size_wh: tuple[int, int] | None = None
    end_window: tuple[float, float, float, float] | None = None
    windy: bool = False
    calm: bool = True

    def __post_init__(self) -> None:
        if self.degrees < -273:
            raise InvalidInput("degrees below the least, whatever size_wh or so_what.")


def run(*words: str) -> Weather:
    made = []
    app = typer.Typer(rich_markup_mode=None, add_completion=False)

    @app.command()
    @expand(Weather)
    def command(**values: Any) -> None:
        made.append(build(Weather, values))

    typer.main.get_command(app).main(list(words), standalone_mode=False)
    return made[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Weather()),
        (["--kind", "snow", "--degrees", "-2"], Weather("snow", -2.0)),
        (["--size", "640x480"], Weather(size_wh=(640, 480))),
        (["--to", "1,2.5,30,40"], Weather(end_window=(1, 2.5, 30, 40))),
        (["--windy", "--no-calm"], Weather(windy=True, calm=False)),
    ],
)
def test_fields_become_options(words: list[str], expected: Weather) -> None:
    assert run(*words) == expected


@pytest.mark.parametrize("words", [["--kind", "fog"], ["--degrees", "-300"], ["--size", "0x5"]])
def test_refused_values_are_wrong_usage(words: list[str]) -> None:
    with pytest.raises(Exception) as error:
        run(*words)
    assert getattr(error.value, "exit_code", None) == 2


def test_refusals_name_options_as_they_are_typed() -> None:
    with pytest.raises(Exception, match="--degrees below the least, whatever --size or so_what"):
        run("--degrees", "-300")


def test_help_comes_from_the_docstring() -> None:
    assert describe_field(Weather, "kind") == "What falls from above."
    assert describe_field(Weather, "calm") == "Not so."
    assert describe_field(Weather, "absent") == ""
    for cls in (ModelOptions, SegmentOptions, KenBurnsOptions):
        assert all(describe_field(cls, field.name) for field in fields(cls))


def test_model_options_are_those_of_the_segmenter() -> None:
    from segmentation.segmenter import Segmenter

    parameters = inspect.signature(Segmenter).parameters
    for field in fields(ModelOptions):
        assert parameters[field.name].default == field.default, field.name


@pytest.mark.parametrize("text", ["1280x720", " 1280X720 ", "1280×720"])
def test_size(text: str) -> None:
    assert str(Size.parse(text)) == "1280x720"
