"""``cartoonedit kenburns``: a camera move through pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import find_pictures, for_each
from apps.cli.parts import DepthOptions, PlateOptions, with_depth, with_plate
from apps.cli.places import distinct, is_scene, scene_folders
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
@options.expand(KenBurnsOptions, DepthOptions, PlateOptions, SegmentOptions, options.ModelOptions)
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
    save_scene: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder for the masks, depth map and background as files: mend them, and give the"
            " folder in place of the picture. Of several pictures each has its own folder in it.",
        ),
    ] = None,
    layers: Annotated[
        Path | None,
        typer.Option(
            help="Also write the layers and the camera for other programs: .glb .gltf (3D), .psd"
            " .ora (paint), or a folder for After Effects. Of one picture only.",
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
    depth, plate = options.build(DepthOptions, values), options.build(PlateOptions, values)
    make_segmenter = options.segmenter_maker(values)
    files, missing = find_pictures(pictures)
    clips = _clips(files, out)
    _check_layers(files, layers)
    folders = scene_folders(files, save_scene) if save_scene and len(files) > 1 else {}
    segmenter = None if all(map(is_scene, files)) else make_segmenter()

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        scene = with_depth(_open(file, segmenter, progress), depth, values["device"])
        scene = with_plate(scene, plate, values["device"], progress)
        KenBurns(camera)(scene, clips[file], progress)
        if layers:
            KenBurns(camera).export_layers(scene, layers, progress)
        if save_scene:
            scene.save(folders.get(file, save_scene), parts=("depth", "plate"))
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


def _check_layers(files: list[Path], layers: Path | None) -> None:
    from apps.kenburns.export import FORMATS

    if layers is None:
        return
    if layers.suffix.lower() not in FORMATS:
        known = ", ".join(ending for ending in FORMATS if ending)
        raise typer.BadParameter(
            f"--layers must end in one of {known}, or be a folder; got {layers}."
        )
    if len(files) > 1:
        raise typer.BadParameter(f"--layers is for one picture; got {len(files)}.")


def _open(file: Path, segmenter: Segmenter | None, progress: Progress) -> Scene:
    """Open a saved scene, or segment a picture."""
    if segmenter is None or is_scene(file):
        from cartoonedit.scene import Scene

        return Scene.open(file)
    return segmenter(file, progress=progress)


def _inputs(file: Path) -> list[Path]:
    return sorted(path for path in file.rglob("*") if path.is_file()) if is_scene(file) else [file]
