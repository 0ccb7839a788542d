"""``cartoonedit kenburns``: a camera move through pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import find_pictures, for_each
from apps.cli.parts import DepthOptions, PlateOptions, with_depth, with_plate
from apps.cli.places import is_scene
from apps.cli.record import write_record
from apps.cli.results import (
    check_result,
    clip_places,
    input_files,
    keep_apart,
    new_scenes,
    open_scene,
)
from apps.cli.terminal import print_json, say
from apps.kenburns import KenBurnsOptions
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress

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
    save_scene: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="New folder for the masks, depth map and background as files: mend them, and give"
            " the folder in place of the picture. Of several pictures each has a folder in it.",
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

    Takes pictures, which are segmented first, and folders that `cartoonedit segment` or
    --save-scene wrote, whose masks, depth map and plate may have been edited. Of several pictures
    each has its clip in the folder OUT: .mp4, or .webm with --transparent.
    """
    from apps.kenburns import KenBurns

    camera = options.build(KenBurnsOptions, values)
    depth, plate = options.build(DepthOptions, values), options.build(PlateOptions, values)
    make_segmenter = options.segmenter_maker(values)
    files, missing = find_pictures(pictures)
    clips = clip_places(files, len(files) + len(missing), out, camera.fps, alpha=camera.transparent)
    _check_layers(files, layers)
    folders = new_scenes(files, save_scene)
    new = [folder for folder in folders.values() if not is_scene(folder)]
    keep_apart([*files, camera.keyframes, plate.plate, depth.file], [*clips.values(), layers, *new])
    segmenter = None if all(map(is_scene, files)) else make_segmenter()

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        scene = with_depth(open_scene(file, segmenter, progress), depth, values["device"])
        scene = with_plate(scene, plate, values["device"], camera.seed, progress)
        if save_scene:
            scene.save(folders[file], parts=("depth", "plate"))
        KenBurns(camera)(scene, clips[file], progress)
        models = {} if is_scene(file) else options.model_files(values)
        inputs = [*input_files(file), *([camera.keyframes] if camera.keyframes else [])]
        # A record repeats the clip. Scene and layers may have been worked on since: not over those.
        actual = {"pictures": [file], "out": clips[file], "save_scene": None, "layers": None}
        write_record(ctx, clips[file], inputs=inputs, models=models, **actual)
        if layers:
            KenBurns(camera).export_layers(scene, layers, progress)
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
    check_result("--layers", layers, folder=not layers.suffix)
