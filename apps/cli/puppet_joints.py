"""``cartoonedit puppet joints``: where the joints of every character are, to check and correct."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.puppet_parts import DrawingOptions, find_puppets, needs_segmenter, open_puppets
from apps.cli.record import write_record
from apps.cli.results import check_result, input_files, keep_apart
from apps.cli.terminal import print_json, print_table, progress_bar, say
from segmentation.options import SegmentOptions

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@dataclass
class JointOptions:
    """How joints are found.

    Attributes:
        joints_by: What finds joints: auto takes those in the scene, or else the silhouette's, which
            need no weights; silhouette takes these in any case; or a pose network: a name from
            `cartoonedit models list`, or an .onnx file.
        joints: A file with joints to begin with: an earlier one, a char_cfg.yaml of Animated
            Drawings, or COCO keypoints.
    """

    joints_by: str = "auto"
    joints: Path | None = None


@app.command()
@options.expand(JointOptions, DrawingOptions, SegmentOptions, options.ModelOptions)
def joints(
    ctx: typer.Context,
    picture: Annotated[
        str, typer.Argument(metavar="PICTURE", help="A picture, a scene or a character folder.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The joints, .yaml; a .png of them goes beside it.")
    ] = Path("joints.yaml"),
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Write the joints of every character, and a picture of them.

    Correct the numbers, which are pixels of the picture, with the picture beside you, and give the
    file to `cartoonedit puppet --joints`.
    """
    from apps.puppet import Puppet
    from apps.puppet.joints import draw_joints, write_joints
    from cartoonedit.images import save_image

    chosen, kind = options.build(JointOptions, values), options.build(DrawingOptions, values)
    make_segmenter = options.segmenter_maker(values)
    if out.suffix.lower() not in (".yaml", ".yml"):
        raise typer.BadParameter(f"--out must end in .yaml; got {out}.")
    files, _ = find_puppets([picture])
    if len(files) != 1:
        raise typer.BadParameter(f"give one picture; {picture!r} stands for {len(files)}.")
    (file,) = files
    image = out.with_suffix(".png")
    for place in (out, image):
        check_result("--out", place, folder=False)
    keep_apart([*input_files(file), chosen.joints], [out, image])
    puppet = Puppet(joints=chosen.joints, joints_by=chosen.joints_by, device=values["device"])
    with progress_bar() as show:
        progress = share(show, 0, 1, file.name)
        segmenter = make_segmenter() if needs_segmenter(file, kind) else None
        scene = open_puppets(file, kind, segmenter, progress)
        found = puppet.find_joints(scene)
    skeletons = {name: one.skeleton for name, one in found.items()}
    write_joints(out, skeletons)
    save_image(image, draw_joints(scene.picture, skeletons))
    models = options.model_files(values) if segmenter else {}
    write_record(ctx, out, inputs=input_files(file), models=models, picture=file, out=out)
    if as_json:
        print_json(
            {
                "joints": str(out),
                "picture": str(image),
                "characters": {
                    name: {"joints": len(one.skeleton), "confidence": round(one.confidence, 3)}
                    for name, one in found.items()
                },
            }
        )
        return
    rows = [
        (name, f"{len(one.skeleton)} joints", f"confidence {one.confidence:.2f}", one.note)
        for name, one in found.items()
    ]
    print_table(rows)
    say(f"{out}, drawn in {image}")
