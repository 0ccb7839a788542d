"""``cartoonedit dataset key``: cut-outs from chroma-key videos."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import for_each
from apps.cli.terminal import print_json, say
from segmentation.dataset.material_options import KeyOptions

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from segmentation.dataset.foregrounds import CutOut


@options.expand(KeyOptions)
def key(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", exists=True, dir_okay=False, help="Clips.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder of all cut-outs.")
    ],
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Cut the subjects out of videos with a key colour such as green or blue.

    The key colour is found by itself; a clip without one is refused. Each clip gets a sub-folder of
    RGBA pictures, ready for `dataset synthesise`, and MANIFEST.csv says which are cut by the frame.
    """
    from segmentation.dataset.foregrounds import key_video, write_manifest

    chosen = options.build(KeyOptions, values)

    def work(video: Path, progress: Progress) -> list[CutOut]:
        made = key_video(video, out, chosen, progress)
        write_manifest(out, made)
        if not as_json:
            colour = f" of key {made[0].key}" if made else ""
            say(f"{video}: {len(made)} cut-outs{colour} -> {out / video.stem}")
        return made

    done, failed = for_each(videos, work)
    if as_json:
        made = [asdict(cutout) for cutouts in done for cutout in cutouts]
        print_json({"cutouts": made, "failed": [asdict(failure) for failure in failed]})
    if failed:
        raise typer.Exit(1)
