"""``cartoonedit demo``: all that cartoonedit does, on a picture that comes with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.record import write_record
from apps.cli.segment import ANNOTATIONS, describe_scene, write_parts
from apps.cli.terminal import bytes_for_people, print_json, print_table, progress_bar, say
from cartoonedit.files import write_json
from cartoonedit.samples import sample_path

app = typer.Typer(rich_markup_mode=None, add_completion=False)

# What the demo writes, in the order of the table, and what a person can do with it.
PRODUCTS = {
    "picture.png": "the picture",
    "overlay.png": "every character outlined",
    "masks": "one soft mask per character: paint in them, then run kenburns on this folder",
    "cutouts": "one character each, on transparency",
    "plate.png": "the background with the characters painted out",
    "depth.png": "the depth map, black = near",
    "layers.psd": "all layers, for Photoshop, Krita, GIMP or Clip Studio",
    ANNOTATIONS: "the masks as COCO",
    "clip.mp4": "the camera move",
    "run.json": "how it was made; `cartoonedit rerun` makes it again",
}


@app.command()
def demo(
    ctx: typer.Context,
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder to write.")
    ] = Path("demo"),
    sample: Annotated[
        Literal["concert", "duo", "novel"], typer.Option(help="Which sample picture.")
    ] = "concert",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    as_json: options.AsJson = False,
) -> None:
    """Do it all to a sample picture, without a network.

    Writes the picture, a cut-out per character, an overlay, COCO json, a layered PSD, the
    background plate, the depth map and a clip with a camera move.
    """
    from apps.kenburns import KenBurns
    from cartoonedit.export import coco
    from segmentation.segmenter import Segmenter

    picture = sample_path(sample)
    started = time.perf_counter()
    with progress_bar() as show:
        segmenter = Segmenter(device=device)
        scene = segmenter(picture, progress=share(show, 0, 3, "segmenting"))
        share(show, 1, 3, "taking the picture apart")
        write_parts(scene, out, psd=True, parts=("depth", "plate"))
        write_json(out / ANNOTATIONS, coco([scene], [picture.name]))
        KenBurns()(scene, out / "clip.mp4", share(show, 2, 3, "rendering"))
    write_record(ctx, out, inputs=[picture], models=options.model_files({"model": "embedded"}))
    seconds = round(time.perf_counter() - started, 1)
    made = {name: out / name for name in PRODUCTS if (out / name).exists()}
    if as_json:
        files = {name: str(path) for name, path in made.items()}
        print_json({"seconds": seconds, "files": files} | describe_scene(scene))
        return
    found = ", ".join(f"{instance.name} ({instance.score:.2f})" for instance in scene) or "none"
    say(f"Characters in the sample {sample!r}: {found}\n")
    print_table([(str(path), _size(path), PRODUCTS[name]) for name, path in made.items()])
    say(f"\nMade in {seconds} s. Now your own: cartoonedit kenburns PICTURE -o clip.mp4")


def _size(path: Path) -> str:
    if path.is_file():
        return bytes_for_people(path.stat().st_size)
    files = [file for file in path.iterdir() if file.suffix == ".png"]
    return f"{len(files)} files"
