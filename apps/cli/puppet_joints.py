"""``cartoonedit puppet joints``: where the joints of every character are, to check and correct."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.puppet_parts import (
    DrawingOptions,
    check_beside,
    files_read,
    find_puppets,
    needs_segmenter,
    open_puppets,
)
from apps.cli.record import read_record, record_path, write_record
from apps.cli.results import check_result, keep_apart
from apps.cli.terminal import print_json, print_table, progress_bar, say
from cartoonedit.errors import InvalidInput
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
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over a file of joints that was corrected.")
    ] = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Write the joints of every character, and a picture of them.

    Correct the numbers, which are pixels of the picture, with the picture beside you, and give the
    file to `cartoonedit puppet --joints`. A file that was corrected is not written over.
    """
    from apps.puppet import Puppet
    from apps.puppet.joints import draw_joints, write_joints
    from cartoonedit.files import sha256
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
    read = [*files_read([file]), *filter(None, [chosen.joints])]
    keep_apart(read, [out, image, record_path(out)])
    for place in (out, image):
        check_result("--out", place, folder=False)
    if not out.exists():  # a picture that is there is none of joints
        check_beside("--out", out, image)
    elif not overwrite:
        _check_untouched(out)
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
    made = {_WRITTEN: sha256(out)}
    write_record(ctx, out, inputs=read, models=models, picture=file, out=out, **made)
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


_WRITTEN = "written_sha256"
"""In the record: what the file of joints was when it was written."""


def _check_untouched(out: Path) -> None:
    """Refuse a file of joints in which somebody has corrected something since it was written.

    Raises:
        typer.BadParameter: It is one, or nothing tells that it is none.
    """
    from cartoonedit.files import sha256

    try:
        written = read_record(record_path(out))["arguments"].get(_WRITTEN)
    except (InvalidInput, OSError):
        written = None
    if written != sha256(out):
        raise typer.BadParameter(
            f"--out: {str(out)!r} was changed after it was written, and what was corrected in it"
            " would be lost. Give another name, or --overwrite."
        )
