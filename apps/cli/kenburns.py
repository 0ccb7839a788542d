"""``cartoonedit kenburns``: a camera move through pictures."""

from __future__ import annotations

from collections.abc import Iterable
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
from cartoonedit.errors import CartooneditError, InvalidInput
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
    clips = _clips(files, len(files) + len(missing), out, camera)
    _check_layers(files, layers)
    folders = _scene_folders(files, save_scene)
    new = [folder for folder in folders.values() if not is_scene(folder)]
    _keep_apart(
        [*files, camera.keyframes, plate.plate, depth.file], [*clips.values(), layers, *new]
    )
    segmenter = None if all(map(is_scene, files)) else make_segmenter()

    def work(file: Path, progress: Progress) -> dict[str, Any]:
        scene = with_depth(_open(file, segmenter, progress), depth, values["device"])
        scene = with_plate(scene, plate, values["device"], camera.seed, progress)
        if save_scene:
            scene.save(folders[file], parts=("depth", "plate"))
        KenBurns(camera)(scene, clips[file], progress)
        models = {} if is_scene(file) else options.model_files(values)
        inputs = [*_inputs(file), *([camera.keyframes] if camera.keyframes else [])]
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


def _clips(files: list[Path], count: int, out: Path, camera: KenBurnsOptions) -> dict[Path, Path]:
    """Where the clip of each picture goes; ``count`` of them were asked for.

    Raises:
        typer.BadParameter: There can be no such clip.
    """
    from cartoonedit.video import VideoWriter

    clips = {files[0]: out}
    if count == 1 and out.name in ("", ".."):
        raise typer.BadParameter(
            f"--out must name a clip, or a new folder for its frames; got {str(out)!r}."
        )
    if count > 1:
        if out.suffix:
            raise typer.BadParameter(
                f"{count} pictures make {count} clips: give --out a folder, not {out}."
            )
        ending = ".webm" if camera.transparent else ".mp4"
        clips = distinct(files, lambda name: out / f"{name}{ending}", lambda file, path: True)
    for clip in clips.values():
        try:
            VideoWriter(clip, (2, 2), camera.fps, alpha=camera.transparent)
        except InvalidInput as error:
            raise typer.BadParameter(f"--out: {error}") from error
        _check_place("--out", clip, folder=not clip.suffix)
    return clips


def _check_place(option: str, path: Path, *, folder: bool) -> None:
    from cartoonedit.files import check_place

    try:
        check_place(path, folder=folder)
    except CartooneditError as error:
        raise typer.BadParameter(f"{option}: {error}") from error


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
    _check_place("--layers", layers, folder=not layers.suffix)


def _scene_folders(files: list[Path], out: Path | None) -> dict[Path, Path]:
    """The folder for the scene of each picture; none is one with a scene in it already.

    Raises:
        typer.BadParameter: There is a scene already, in which a person may have mended something.
    """
    if out is None:
        return {}
    folders = scene_folders(files, out) if len(files) > 1 else {files[0]: out}
    for file, folder in folders.items():
        if is_scene(folder) and not (file.exists() and folder.exists() and file.samefile(folder)):
            raise typer.BadParameter(
                f"--save-scene: {folder} holds a scene already. Give it in place of {file}, to"
                " render it as it is, or name another folder."
            )
        _check_place("--save-scene", folder, folder=True)
    return folders


def _keep_apart(read: Iterable[Path | None], made: Iterable[Path | None]) -> None:
    """Refuse to write over what is read, or one result over another.

    Raises:
        typer.BadParameter: Two are the same.
    """
    taken = {path.expanduser().resolve() for path in read if path}
    for path in filter(None, made):
        if path.resolve() in taken:
            raise typer.BadParameter(
                f"{path} would be written over what this run reads or writes. Give another place."
            )
        taken.add(path.resolve())


def _open(file: Path, segmenter: Segmenter | None, progress: Progress) -> Scene:
    """Open a saved scene, or segment a picture."""
    if segmenter is None or is_scene(file):
        from cartoonedit.scene import Scene

        return Scene.open(file)
    return segmenter(file, progress=progress)


def _inputs(file: Path) -> list[Path]:
    return sorted(path for path in file.rglob("*") if path.is_file()) if is_scene(file) else [file]
