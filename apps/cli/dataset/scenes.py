"""``cartoonedit dataset synthesise`` and ``pack``: scenes from material, and material to travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.terminal import (
    bytes_for_people,
    complain,
    print_json,
    print_table,
    progress_bar,
    say,
)
from cartoonedit.errors import InvalidInput
from segmentation.dataset.recipe import RECIPES, Recipe

if TYPE_CHECKING:
    from segmentation.dataset.synthesise import Engine


@options.expand(Recipe, **dict.fromkeys(field.name for field in fields(Recipe)))
def synthesise(
    foregrounds: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Cut-outs, a sub-folder for each source."),
    ],
    backgrounds: Annotated[
        Path,
        typer.Option(exists=True, file_okay=False, help="Backgrounds, laid out the same."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder of the dataset.")
    ],
    count: Annotated[int, typer.Option(min=1, help="How many scenes; the paper has 98600.")] = 1000,
    layout: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="COCO annotations such as instances_train2017.json: scenes are laid out as the "
            "people of a random photo. Without it, people stand on common ground.",
        ),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help=f"How scenes are composed: {', '.join(RECIPES)}.")
    ] = "paper",
    size: Annotated[
        Any, typer.Option(parser=options.Size.parse, metavar="WxH", help="Of a scene.")
    ] = "720x720",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 0,
    form: Annotated[
        Literal["folder", "webdataset"],
        typer.Option("--format", help="Shards as folders with COCO json, or WebDataset tars."),
    ] = "folder",
    shard_size: Annotated[int | None, typer.Option(min=1, help="Scenes in a shard.")] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Processes of this machine, or a ray cluster.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; by default one for each core.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Of a running ray cluster, as HOST:PORT or 'auto'.")
    ] = None,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Compose scenes with exact masks: what is seen of each character, and all of it.

    Scene number i is the same wherever and with however many workers it is made. A run that was
    stopped, even killed, is completed by the same command; a larger --count extends a dataset.
    """
    from segmentation.dataset.shards import Job
    from segmentation.dataset.synthesise import shard_size_for
    from segmentation.dataset.synthesise import synthesise as run

    try:
        job = Job(
            foregrounds=foregrounds.absolute(), backgrounds=backgrounds.absolute(),
            photos=layout.absolute() if layout else None, out=out.absolute(), count=count,
            seed=seed, size_wh=tuple(size), form=form,
            shard_size=shard_size or shard_size_for(out, count), recipe=_recipe(recipe, values),
        )  # fmt: skip
    except InvalidInput as error:
        raise typer.BadParameter(str(error)) from error
    with progress_bar() as show:
        made = run(job, _engine(engine, workers, address), share(show, 0, 1, out.name))
    statistics, mean = made.statistics, job.recipe.mean_subjects
    if as_json:
        print_json(
            {
                "folder": str(out), "scenes": statistics.scenes, "instances": statistics.instances,
                "shards": len(made.records), "kept": made.kept,
                "poisson_p": statistics.poisson_p_value(mean), "statistics": statistics.to_dict(),
            }
        )  # fmt: skip
        return
    print_table(statistics.rows(mean))
    for line in statistics.summary(mean):
        say(line)


def _recipe(name: str, values: Mapping[str, Any]) -> Recipe:
    """A named recipe with the values that were given on the command line."""
    if name not in RECIPES:
        raise InvalidInput(f"recipe must be one of {', '.join(RECIPES)}; got {name!r}")
    given = {f.name: values[f.name] for f in fields(Recipe) if values[f.name] is not None}
    return replace(RECIPES[name], **given)


def _engine(name: str, workers: int | None, address: str | None) -> Engine:
    from cartoonedit.runtime import cpu_count
    from segmentation.dataset.engines import run_local, run_ray

    if name == "ray":
        return partial(run_ray, workers=workers, address=address)
    if address:
        raise typer.BadParameter("--address is of a ray cluster: add --engine ray.")
    return partial(run_local, workers=workers or cpu_count())


def pack(
    art: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="Holds foregrounds/ and backgrounds/."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Folder for the copy.")],
    max_side: Annotated[
        int, typer.Option(min=16, help="Of a cut-out, in pixels; backgrounds have twice that.")
    ] = 384,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of WebP.")] = 80,
    as_json: options.AsJson = False,
) -> None:
    """Make a small copy of training material, to take it to a machine with a GPU."""
    from segmentation.dataset.packing import pack as run

    with progress_bar() as show:
        packed = run(
            art, out, max_side=max_side, quality=quality, progress=share(show, 0, 1, out.name)
        )
    for problem in packed.refused.values():
        complain(problem)
    if as_json:
        print_json({"folder": str(out), **asdict(packed)})
    else:
        say(f"{packed.pictures} pictures, {bytes_for_people(packed.bytes)} -> {out}")
    if packed.refused:
        raise typer.Exit(1)
