"""``cartoonedit style``: pictures in another style, character by character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import Failure, for_each
from apps.cli.parts import PlateOptions
from apps.cli.places import is_scene
from apps.cli.record import write_record
from apps.cli.results import input_files, keep_apart, new_scenes
from apps.cli.style_files import (
    ClipOptions,
    StyleFiles,
    find_sources,
    made_before,
    place_results,
)
from apps.cli.style_parts import ByHand
from apps.cli.style_work import Work
from apps.cli.terminal import note, print_json, print_table, say
from apps.style.options import StyleOptions
from cartoonedit.errors import InvalidInput
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from apps.style.recipe import Recipe
    from cartoonedit.runtime import Progress

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _print_presets(value: str | None) -> str | None:
    if value == "list":
        from prompts import style, style_names

        print_table([(name, style(name).prompt, style(name).note) for name in style_names()])
        raise typer.Exit
    return value


@app.command()
@options.expand(
    StyleOptions,
    ByHand,
    StyleFiles,
    ClipOptions,
    PlateOptions,
    SegmentOptions,
    options.ModelOptions,
)
def style(
    ctx: typer.Context,
    pictures: options.Pictures,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The new picture or clip; of several, a folder for them."),
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            callback=_print_presets,
            is_eager=True,
            help="A style by name, with settings that go with it; list prints them all.",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Translate pictures into another style, character by character.

    Each character is translated with words of their own, all from the same noise, while a
    ControlNet holds the lines. Takes pictures, which are segmented first, and folders that
    `cartoonedit segment` or --save-scene wrote, whose masks and tags may have been edited. The
    models must have been fetched: `cartoonedit models fetch sd15`, controlnet-lineart, and
    wd-v1-4-swinv2-tagger-v2 for the tags.

    Clips (.mp4 .webm .mov .mkv .gif ...) and, with --flow or a clip for --out, folders of frames
    are translated frame by frame, without their sound; see --flow.

    Of several pictures, those whose result and its run.json are in OUT already are left as they
    are. So a run that was cut short can be taken up. Use --overwrite to translate them again.
    """
    from apps.style import StyleEditor

    given, by_hand = options.build(StyleFiles, values), options.build(ByHand, values)
    clip = options.build(ClipOptions, values)
    said = _read_recipe(given.recipe)
    merged = {name: value for name, value in said.options.items() if not _is_given(ctx, name)}
    values = values | {"preset": preset} | merged
    chosen = options.build(StyleOptions, values)
    plate = options.build(PlateOptions, values | _offload_of_plate(values))
    of_segmenter = values | {"model": given.segmenter, "dtype": "float32"}
    make_segmenter = options.segmenter_maker(of_segmenter)
    files, missing = find_sources(pictures, out, clip)
    results, clips = place_results(pictures, files, len(files) + len(missing), out, clip)
    kept = set() if overwrite else made_before(results, out)
    rest = [file for file in files if file not in kept]
    folders = new_scenes(files, given.save_scene, kept)
    new = [folder for folder in folders.values() if not is_scene(folder)]
    given.check(files, clips)
    keep_apart(
        [*files, plate.plate, given.recipe, *by_hand.references],
        [*results.values(), *given.of_one.values(), given.preview, *new],
    )
    editor = StyleEditor(chosen)
    of_style = editor.find_models(by_hand.laid_over(said.parts)) if rest else {}
    finder = None if all(map(is_scene, rest)) else make_segmenter()

    words = options.segmenter_words(of_segmenter)
    watch = ctx.with_resource(given.watching())
    job = Work(editor, said, by_hand, given, clip, plate, values["device"], finder, words, watch)

    def translate(file: Path, progress: Progress) -> dict[str, Any]:
        if file in clips:
            made = job.moving(file, results[file], progress)
        else:
            made = job.still(file, results[file], folders.get(file), progress)
        models = {} if is_scene(file) else options.model_files(of_segmenter)
        models = models | of_style
        inputs = [*input_files(file), *by_hand.references, *filter(None, [given.recipe])]
        # What was read from a recipe is recorded, too: when repeated, all options are given.
        actual = merged | by_hand.for_record() | _NOT_REPEATED
        actual |= {"pictures": [file], "out": results[file]}
        write_record(ctx, results[file], inputs=inputs, models=models, **actual)
        return made

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        if file in kept:
            made = {"clip" if file in clips else "picture": str(results[file])}
        else:
            made = translate(file, progress)
        if not as_json:
            say(f"{file}: {results[file]}")
        return {"file": str(file), "kept": file in kept, **made}

    done, failed = for_each(files, work)
    _finish(done, missing + failed, as_json)


def _finish(done: list[dict[str, Any]], failed: list[Failure], as_json: bool) -> None:
    kept = sum(entry["kept"] for entry in done)
    if kept and not as_json:
        note(f"{kept} of them were translated before; --overwrite translates them again")
    if as_json:
        print_json({"pictures": done, "failed": [asdict(failure) for failure in failed]})
    if failed:
        raise typer.Exit(1)


def _read_recipe(file: Path | None) -> Recipe:
    from apps.style.recipe import Recipe, read_recipe

    try:
        return read_recipe(file) if file else Recipe()
    except InvalidInput as error:
        raise typer.BadParameter(f"--recipe: {error}") from error


def _is_given(ctx: typer.Context, name: str) -> bool:
    return getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"


def _offload_of_plate(values: Mapping[str, Any]) -> dict[str, str]:
    """One option serves both models; other inpainters have no use for it."""
    if values["inpainter"] == "latent-diffusion":
        return {}
    return {"offload": "none"}


_NOT_REPEATED = dict.fromkeys(("save_scene", "sheet", "strips", "layers", "preview"))
"""A record repeats the result. What else was written may have been worked on: not over those."""
