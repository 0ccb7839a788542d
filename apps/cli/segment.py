"""``cartoonedit segment``: pictures in, a folder of parts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import find_pictures, for_each
from apps.cli.places import file_names, scene_folders
from apps.cli.record import recorded_models, write_record
from apps.cli.terminal import note, print_json, say
from cartoonedit.files import write_json
from segmentation.options import SegmentOptions

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import PartName, Scene
    from segmentation.segmenter import Segmenter

__all__ = ["ANNOTATIONS", "app", "describe_scene", "merge_coco", "write_parts"]

app = typer.Typer(rich_markup_mode=None, add_completion=False)

ANNOTATIONS = "annotations.json"
# What is written into a scene's folder and must not outlive the masks that it was made from.
_LAYERS = ("layers.psd", "layers.ora")  # and not layers.kra, which is a person's
_STALE = ("masks/*.png", "depth.png", "plate.png", "overlay.png", "cutouts/*.png", *_LAYERS)


@app.command()
@options.expand(SegmentOptions, options.ModelOptions)
def segment(
    ctx: typer.Context,
    pictures: options.Pictures,
    out: Annotated[Path, typer.Option("--out", "-o", file_okay=False, help="Folder to write.")],
    psd: Annotated[bool, typer.Option("--psd", help="Add layers.psd to each scene.")] = False,
    ora: Annotated[bool, typer.Option("--ora", help="Add layers.ora (OpenRaster).")] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the background painted for --psd and --ora.")
    ] = 0,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Cut every character out of pictures.

    Writes OUT/annotations.json (COCO, all pictures) and for each picture a folder OUT/NAME with the
    scene (scene.json, picture.png, masks/), overlay.png and cutouts/.

    A scene that is there already is not segmented again: its masks, with what a person mended in
    them, are exported anew. So a run that was cut short can be taken up, and masks can be edited.
    Use --overwrite to segment again.
    """
    make_segmenter = options.segmenter_maker(values)
    files, missing = find_pictures(pictures, scenes=False)
    folders = scene_folders(files, out, reserved=(ANNOTATIONS, "run.json"))
    names = file_names(files)
    kept = set() if overwrite else {file for file in files if folders[file].exists()}
    segmenter = make_segmenter() if kept != set(files) else None

    def work(file: Path, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
        scene = _open(file, folders[file], None if file in kept else segmenter, progress)
        if seed and (psd or ora):
            scene = scene.repaint(seed)  # counts as chosen by the user, as a painted one does
        write_parts(scene, folders[file], psd=psd, ora=ora)
        summary = {"file": str(file), "folder": str(folders[file]), "kept": file in kept}
        if not as_json:
            say(f"{file}: {_count(len(scene))} -> {folders[file]}")
        return summary | describe_scene(scene), _coco(scene, names[file])

    done, failed = for_each(files, work)
    if done:
        write_json(out / ANNOTATIONS, merge_coco(coco for _, coco in done))
        models = options.model_files(values) if segmenter else recorded_models(out)
        write_record(ctx, out, inputs=files, models=models, pictures=files)
    if kept and not as_json:
        note(f"{len(kept)} of them were segmented before; --overwrite segments them again")
    failed = missing + failed
    if as_json:
        print_json(
            {
                "annotations": str(out / ANNOTATIONS) if done else None,
                "pictures": [summary for summary, _ in done],
                "failed": [asdict(failure) for failure in failed],
            }
        )
    if failed:
        raise typer.Exit(1)


def write_parts(
    scene: Scene,
    folder: Path,
    *,
    psd: bool = False,
    ora: bool = False,
    parts: Sequence[PartName] = (),
) -> None:
    """Write a scene's folder and all that is made from it; if that fails, write nothing."""
    from cartoonedit.export import overlay, save_cutouts, save_ora, save_psd
    from cartoonedit.files import atomic_folder
    from cartoonedit.images import save_image

    with atomic_folder(folder, stale=_STALE) as part:
        if psd:
            save_psd(scene, part / "layers.psd")
        if ora:
            save_ora(scene, part / "layers.ora")
        save_image(part / "overlay.png", overlay(scene))
        save_cutouts(scene, part / "cutouts")
        scene.save(part, parts)  # last, so that a plate made for the layers is saved with it


def merge_coco(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join COCO dicts of one picture each, numbering images and annotations from 1."""
    merged: dict[str, Any] = {}
    for number, part in enumerate(parts, 1):
        if not merged:
            merged = {**part, "images": [], "annotations": []}
        merged["images"] += [image | {"id": number} for image in part["images"]]
        for annotation in part["annotations"]:
            position = len(merged["annotations"]) + 1
            merged["annotations"].append(annotation | {"id": position, "image_id": number})
    return merged


def _open(file: Path, folder: Path, segmenter: Segmenter | None, progress: Progress) -> Scene:
    """Segment a picture; without a segmenter, load what was made of it before."""
    if segmenter is None:
        from cartoonedit.scene import Scene

        return Scene.load(folder)
    return segmenter(file, progress=progress).replace(source=str(file.absolute()))


def _coco(scene: Scene, name: str) -> dict[str, Any]:
    from cartoonedit.export import coco

    return coco([scene], [name])


def describe_scene(scene: Scene) -> dict[str, Any]:
    """What ``--json`` says about a scene."""
    return {
        "size_wh": scene.size_wh,
        "instances": [
            {
                "name": instance.name,
                "score": round(instance.score, 4),
                "bounds_xyxy": instance.bounds_xyxy,
                "area": instance.area,
            }
            for instance in scene
        ],
    }


def _count(characters: int) -> str:
    return {0: "no character", 1: "1 character"}.get(characters, f"{characters} characters")
