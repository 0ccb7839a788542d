"""``cartoonedit train``: train the networks behind the masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.terminal import note, progress_bar
from cartoonedit.errors import InvalidInput
from segmentation.training.options import (
    BUDGETS,
    PRESETS,
    DetectorOptions,
    Material,
    RefinerOptions,
    TrainOptions,
)

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Train the networks behind the masks on your own material.",
)

Out = Annotated[
    Path, typer.Option("--out", "-o", file_okay=False, help="Folder of the run: weights, logs.")
]
Preset = Annotated[
    Literal["embedded", "paper"],
    typer.Option(
        help="Where the values come from that are not given: embedded is small and for a CPU, paper"
        " is section 4.3 for several GPUs."
    ),
]


@app.callback()
def train() -> None:
    """Train the networks behind the masks on your own material.

    A run that was stopped, even killed, goes on where it was when the same command is given again.
    On several GPUs: accelerate launch -m apps.cli train detector ...
    """


def _unset(*classes: type) -> dict[str, None]:
    """No defaults: those of the preset count."""
    return {"recipe": None} | {field.name: None for cls in classes for field in fields(cls)}


@app.command()
@options.expand(Material, DetectorOptions, TrainOptions, **_unset(DetectorOptions, TrainOptions))
def detector(out: Out, preset: Preset = "embedded", **values: Any) -> None:
    """Train the first stage, which finds characters and draws rough masks."""
    material, chosen, stage = _options("detector", DetectorOptions, preset, values)
    from segmentation.training.detector import train_detector

    with progress_bar() as show:
        train_detector(material, chosen, stage, out, share(show, 0, 1, out.name))
    note(f"-> {out / 'weights.safetensors'}")


@app.command()
@options.expand(Material, RefinerOptions, TrainOptions, **_unset(RefinerOptions, TrainOptions))
def refiner(out: Out, preset: Preset = "embedded", **values: Any) -> None:
    """Train the second stage, which makes fine masks of rough ones."""
    material, chosen, stage = _options("refiner", RefinerOptions, preset, values)
    from segmentation.training.refiner import train_refiner

    with progress_bar() as show:
        train_refiner(material, chosen, stage, out, share(show, 0, 1, out.name))
    note(f"-> {out / 'weights.safetensors'}")


@app.command()
def average(
    weights: Annotated[
        list[Path], typer.Argument(dir_okay=False, exists=True, help="Two files or more.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", dir_okay=False, help="File to write.")],
) -> None:
    """Average networks that were trained on from the same weights: often better than each."""
    from segmentation.training.soup import average_weights

    average_weights(weights, out)
    note(f"-> {out}")


def _options(
    stage: str, cls: type[Any], preset: str, values: Mapping[str, Any]
) -> tuple[Material, TrainOptions, Any]:
    """What was given on the command line, else what the preset says, else the defaults."""
    given = {name: value for name, value in values.items() if value is not None}
    base = dict(PRESETS[stage][preset])
    if any(name in given for name in BUDGETS):  # one budget takes the place of another
        base |= dict.fromkeys(BUDGETS, 0)
    together = base | given

    def made(kind: type[Any]) -> Any:
        return kind(**{f.name: together[f.name] for f in fields(kind) if f.name in together})

    try:
        return made(Material), made(TrainOptions), made(cls)
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from error
