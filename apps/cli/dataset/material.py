"""``cartoonedit dataset key``, ``cutouts`` and ``backgrounds``: material to compose scenes of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import for_each, share
from apps.cli.options import Overwrite
from apps.cli.terminal import note, print_json, progress_bar, say
from cartoonedit.files import expand_pictures
from segmentation.dataset.material_options import BackgroundOptions, CutoutOptions, KeyOptions

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from segmentation.dataset.collect import Collected

Out = Annotated[
    Path, typer.Option("--out", "-o", file_okay=False, help="Folder of all that is collected.")
]
Pictures = Annotated[
    list[str],
    typer.Argument(metavar="PICTURE...", help="Files, patterns, or folders with all below them."),
]
Metadata = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Tags of the pictures as JSON lines, such as Danbooru's; without it, all are taken.",
    ),
]
Model = Annotated[str, typer.Option(help="Of the segmenter that looks, as for `segment`.")]


@options.expand(KeyOptions)
def key(
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", exists=True, dir_okay=False, help="Clips.")
    ],
    out: Out,
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Cut the subjects out of videos with a key colour such as green or blue.

    The key colour is found by itself; a clip without one is refused. Each clip gets a sub-folder of
    RGBA pictures, ready for `dataset synthesise`. MANIFEST.csv says which are cut by the frame,
    REFUSED.csv what was left out and why, and sheet.jpg shows them. Clips that are done are passed
    over.
    """
    from segmentation.dataset.foregrounds import key_video, record
    from segmentation.dataset.manifest import Manifest
    from segmentation.dataset.material_sheet import write_sheet

    chosen = options.build(KeyOptions, values)
    manifest = Manifest(out)
    done = set() if overwrite else manifest.taken()

    def work(video: Path, progress: Progress) -> list[dict[str, Any]]:
        if str(video) in done:
            note(f"{video} is done; --overwrite does it again")
            return []
        source = manifest.source_for(str(video), video.stem)
        keyed = key_video(video, out, chosen, progress, source=source)
        record(manifest, video, keyed)
        if not as_json:
            left_out = f", {len(keyed.refused)} frames left out" if keyed.refused else ""
            say(f"{video}: {len(keyed.cutouts)} cut-outs of key {keyed.key.hex}{left_out}"
                f" -> {out / source}")  # fmt: skip
        return [asdict(cutout) for cutout in keyed.cutouts]

    done_now, failed = for_each(videos, work)
    for failure in failed:
        manifest.refuse(failure.file, failure.error)
    if failed:
        manifest.save()
    write_sheet(manifest)
    if as_json:
        made = [cutout for cutouts in done_now for cutout in cutouts]
        print_json({"cutouts": made, "failed": [asdict(failure) for failure in failed]})
    if failed:
        raise typer.Exit(1)


@options.expand(CutoutOptions)
def cutouts(
    pictures: Pictures,
    out: Out,
    metadata: Metadata = None,
    model: Model = "embedded",
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Collect illustrations of one subject with a transparent background.

    Opaque, translucent and small ones are left out, and those with several subjects. MANIFEST.csv
    has their measures, REFUSED.csv says what was left out and why, and sheet.jpg shows them. A
    stopped run goes on where it was; what is decided is passed over.
    """
    from segmentation.dataset.collect import collect_cutouts

    chosen = options.build(CutoutOptions, values)
    gathered = _gather(pictures, out, metadata, model if chosen.check else None)
    _collect(partial(collect_cutouts, options=chosen, **gathered), out, overwrite, as_json)


@options.expand(BackgroundOptions)
def backgrounds(
    pictures: Pictures,
    out: Out,
    metadata: Metadata = None,
    model: Model = "embedded",
    overwrite: Overwrite = False,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Collect backgrounds: large pictures with nobody in them.

    MANIFEST.csv lists them, REFUSED.csv says what was left out and why, and sheet.jpg shows them. A
    stopped run goes on where it was; what is decided is passed over.
    """
    from segmentation.dataset.collect import collect_backgrounds

    chosen = options.build(BackgroundOptions, values)
    gathered = _gather(pictures, out, metadata, model if chosen.check else None)
    _collect(partial(collect_backgrounds, options=chosen, **gathered), out, overwrite, as_json)


def _gather(
    patterns: Sequence[str], out: Path, metadata: Path | None, model: str | None
) -> dict[str, Any]:
    """The pictures, without those that lie in the folder of the results; tags; the segmenter."""
    from segmentation.dataset.people import people_finder
    from segmentation.dataset.tags import read_tags

    inside = out.absolute()
    found = expand_pictures(patterns, below=True)
    files = [file for file in found if inside not in file.absolute().parents]
    return {
        "files": files,
        "tags": read_tags(metadata, {file.stem for file in files}) if metadata else None,
        "find": people_finder(model) if model else None,
    }


def _collect(run: Callable[..., Collected], out: Path, overwrite: bool, as_json: bool) -> None:
    """Collect, and say how many were kept, and how many were left out for which kind of reason."""
    from segmentation.dataset.manifest import REFUSED_NAME, Manifest
    from segmentation.dataset.material_sheet import write_sheet

    with progress_bar() as show:
        collected = run(out=out, overwrite=overwrite, progress=share(show, 0, 1, out.name))
    write_sheet(Manifest(out))
    if as_json:
        print_json({"folder": str(out), **asdict(collected)})
        return
    before = f", {collected.known} decided before" if collected.known else ""
    say(f"{collected.kept} pictures kept, {len(collected.refused)} left out{before} -> {out}")
    kinds = Counter(reason.split(":")[0] for reason in collected.refused.values())
    for kind, number in kinds.most_common(8):
        say(f"  {number} {kind}")
    if kinds:
        say(f"the reason of each: {out / REFUSED_NAME}")
