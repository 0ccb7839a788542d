"""``cartoonedit kenburns``: a camera move through pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import find_pictures, for_each
from apps.cli.parts import PartOptions, replace_parts
from apps.cli.places import distinct, is_scene
from apps.cli.record import write_record
from apps.cli.terminal import print_json, say
from apps.kenburns import KenBurnsOptions
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import Scene
    from segmentation.segmenter import Segmenter

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
@options.expand(KenBurnsOptions, PartOptions, SegmentOptions, options.ModelOptions)
def kenburns(
    ctx: typer.Context,
    pictures: options.Pictures,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The clip: .mp4 .webm .mov .gif .apng .webp, or a folder of PNGs."
        ),
    ],
    start_window: Annotated[
        options.Window | None,
        typer.Option(
            "--from",
            parser=options.Window.parse,
            metavar="X,Y,W,H",
            help="What of the picture the first frame shows, in its pixels.",
        ),
    ] = None,
    end_window: Annotated[
        options.Window | None,
        typer.Option(
            "--to",
            parser=options.Window.parse,
            metavar="X,Y,W,H",
            help="What the last frame shows. Windows take the place of a named move.",
        ),
    ] = None,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Render a camera move with the characters as layers.

    Takes pictures, which are segmented first, and folders that `cartoonedit segment` wrote, whose
    masks, depth map and plate may have been edited. Of several pictures each has its clip in OUT.
    """
    from apps.kenburns import KenBurns

    values |= {"start_window": start_window, "end_window": end_window}
    camera = options.build(KenBurnsOptions, values)
    parts = options.build(PartOptions, values)
    make_segmenter = options.segmenter_maker(values)
    files, missing = find_pictures(pictures)
    clips = _clips(files, out)
    segmenter = None if all(map(is_scene, files)) else make_segmenter()

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        scene = replace_parts(_open(file, segmenter, progress), parts, values["device"])
        KenBurns(camera)(scene, clips[file], progress)
        models = {} if is_scene(file) else options.model_files(values)
        inputs = [*_inputs(file), *([camera.keyframes] if camera.keyframes else [])]
        write_record(
            ctx, clips[file], inputs=inputs, models=models, pictures=[file], out=clips[file]
        )
        if not as_json:
            say(f"{file}: {clips[file]}")
        return {
            "file": str(file),
            "clip": str(clips[file]),
            "frames": camera.frame_count,
            "fps": camera.fps,
            "instances": len(scene),
        }

    done, failed = for_each(files, work)
    failed = missing + failed
    if as_json:
        print_json({"clips": done, "failed": [asdict(failure) for failure in failed]})
    if failed:
        raise typer.Exit(1)


def _clips(files: list[Path], out: Path) -> dict[Path, Path]:
    from cartoonedit.video import FORMATS

    if out.suffix and out.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"--out must end in one of {', '.join(FORMATS)}; got {out}.")
    if len(files) == 1:
        return {files[0]: out}
    if out.suffix:
        raise typer.BadParameter(
            f"{len(files)} pictures make {len(files)} clips: give --out a folder, not {out}."
        )
    return distinct(files, lambda name: out / f"{name}.mp4", lambda file, path: True)


def _open(file: Path, segmenter: Segmenter | None, progress: Progress) -> Scene:
    """Open a saved scene, or segment a picture."""
    if segmenter is None or is_scene(file):
        from cartoonedit.scene import Scene

        return Scene.open(file)
    return segmenter(file, progress=progress)


def _inputs(file: Path) -> list[Path]:
    return sorted(path for path in file.rglob("*") if path.is_file()) if is_scene(file) else [file]
