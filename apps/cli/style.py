"""``cartoonedit style``: pictures in another style, character by character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import find_pictures, for_each
from apps.cli.parts import PlateOptions, with_plate
from apps.cli.places import distinct, is_scene
from apps.cli.record import write_record
from apps.cli.results import check_result, input_files, keep_apart, new_scenes, open_scene
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


@dataclass
class StyleFiles:
    """What else is read and written.

    Attributes:
        recipe: A YAML file with these options by their names, and under parts what is different for
            single characters or the background. Options given here win.
        segmenter: What finds the characters; see --model of `cartoonedit segment`.
        sheet: Also write the picture before and after. Of one picture only.
        save_scene: New folder for the masks, tags and background as files: mend them, and give the
            folder in place of the picture. Of several pictures each has a folder in it.
    """

    recipe: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None
    segmenter: str = "embedded"
    sheet: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    save_scene: Annotated[Path | None, typer.Option(file_okay=False)] = None


@app.command()
@options.expand(StyleFiles, StyleOptions, PlateOptions, SegmentOptions, options.ModelOptions)
def style(
    ctx: typer.Context,
    pictures: options.Pictures,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The new picture; of several, a folder for them.")
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            callback=_print_presets,
            is_eager=True,
            help="A style by name, with settings that go with it; list prints them all.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Translate pictures into another style, character by character.

    Each character is translated with words of their own, all from the same noise, while a
    ControlNet holds the lines. Takes pictures, which are segmented first, and folders that
    `cartoonedit segment` or --save-scene wrote, whose masks and tags may have been edited. The
    models must have been fetched: `cartoonedit models fetch sd15`, controlnet-lineart, and
    wd-v1-4-swinv2-tagger-v2 for the tags.
    """
    from apps.style import StyleEditor
    from apps.style.recipe import Recipe, remember, remembered
    from apps.style.sheets import before_after
    from cartoonedit.images import save_image

    given = options.build(StyleFiles, values)
    said = _read_recipe(given.recipe)
    values = (
        values
        | {"preset": preset}
        | {name: value for name, value in said.options.items() if not _is_given(ctx, name)}
    )
    chosen = options.build(StyleOptions, values)
    plate = options.build(PlateOptions, values | _offload_of_plate(values))
    of_segmenter = values | {"model": given.segmenter, "dtype": "float32"}
    make_segmenter = options.segmenter_maker(of_segmenter)
    files, missing = find_pictures(pictures)
    results = _results(files, len(files) + len(missing), out)
    folders = new_scenes(files, given.save_scene)
    new = [folder for folder in folders.values() if not is_scene(folder)]
    _check_sheet(files, given.sheet)
    keep_apart([*files, plate.plate, given.recipe], [*results.values(), given.sheet, *new])
    editor = StyleEditor(chosen)
    editor.check_models()
    finder = None if all(map(is_scene, files)) else make_segmenter()

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        scene = open_scene(file, finder, progress)
        scene = with_plate(scene, plate, values["device"], chosen.seed, progress)
        if not len(scene):
            note(f"{file}: nobody was found, so the picture is translated as background")
        own = {**remembered(scene).parts, **said.parts}
        styled = editor(scene, own, progress=progress)
        styled.save(results[file])
        if given.sheet:
            save_image(given.sheet, before_after(styled))
        if given.save_scene:
            kept = Recipe({}, own)
            remember(styled.scene, kept).save(folders[file], parts=("plate",))
        models = {} if is_scene(file) else options.model_files(of_segmenter)
        actual = {"pictures": [file], "out": results[file], "save_scene": None, "sheet": None}
        inputs = [*input_files(file), *([given.recipe] if given.recipe else [])]
        write_record(ctx, results[file], inputs=inputs, models=models, **actual)
        if not as_json:
            say(f"{file}: {results[file]}")
        return {
            "file": str(file),
            "picture": str(results[file]),
            "parts": [
                {"name": part.name, "prompt": part.prompt, "negative": part.negative}
                for part in styled.parts
                if part.edited
            ],
        }

    done, failed = for_each(files, work)
    failed = missing + failed
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


def _check_sheet(files: list[Path], sheet: Path | None) -> None:
    if sheet is not None:
        if len(files) > 1:
            raise typer.BadParameter(f"--sheet is for one picture; got {len(files)}.")
        check_result("--sheet", sheet, folder=False)


def _offload_of_plate(values: Mapping[str, Any]) -> dict[str, str]:
    """One option serves both models; other inpainters have no use for it."""
    if values["inpainter"] == "latent-diffusion":
        return {}
    return {"offload": "none"}


def _results(files: list[Path], count: int, out: Path) -> dict[Path, Path]:
    """Where the new version of each picture goes; ``count`` of them were asked for.

    Raises:
        typer.BadParameter: There can be no such picture.
    """
    from cartoonedit.files import PICTURE_SUFFIXES

    if count > 1 and out.suffix:
        raise typer.BadParameter(
            f"{count} pictures make {count} pictures: give --out a folder, not {out}."
        )
    results = {files[0]: out}
    if count > 1:
        results = distinct(files, lambda name: out / f"{name}.png", lambda file, path: True)
    for result in results.values():
        if result.suffix.lower() not in PICTURE_SUFFIXES:
            raise typer.BadParameter(
                f"--out must name a picture, such as styled.png; got {str(result)!r}."
            )
        check_result("--out", result, folder=False)
    return results
