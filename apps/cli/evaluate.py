"""``cartoonedit evaluate``: results against annotations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import share
from apps.cli.terminal import print_json, print_table, progress_bar
from cartoonedit.files import write_json
from segmentation.options import SegmentOptions

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Measure results against annotations.",
)

MEASURES = ("AP", "AP50", "AP75", "AR")
NAMES = {"bbox": "box", "segm": "mask", "boundary": "boundary"}


@app.callback()
def evaluate() -> None:
    """Measure results against annotations."""


@app.command()
@options.expand(
    SegmentOptions, options.ModelOptions, threshold=0.05, overlap=True, duplicate_iou=1.0
)
def segmentation(
    pictures: Annotated[
        Path, typer.Argument(metavar="PICTURES", exists=True, file_okay=False, help="Their folder.")
    ],
    annotations: Annotated[
        Path,
        typer.Argument(metavar="ANNOTATIONS", exists=True, dir_okay=False, help="The truth, COCO."),
    ],
    predictions: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Measure these, COCO results or the annotations.json of `cartoonedit segment`, "
            "instead of segmenting the pictures.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", dir_okay=False, help="Keep the predictions in this file."),
    ] = None,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Print COCO's average precision of boxes, masks and mask boundaries.

    The default threshold is low, and overlaps and duplicates stay, because average precision looks
    at every score: what is unsure must not bite into what is certain. Where the annotations hold
    boxes only, only boxes are measured.
    """
    from segmentation.evaluate import evaluate, predict

    make_segmenter = options.segmenter_maker(values)
    if predictions is None:
        with progress_bar() as show:
            found = predict(
                make_segmenter(), pictures, annotations, share(show, 0, 1, "segmenting")
            )
        if out is not None:
            write_json(out, found)
        measured = evaluate(found, annotations)
    else:
        measured = evaluate(predictions, annotations)
    if as_json:
        print_json(measured)
        return
    print_table([("", *MEASURES), *(_row(name, numbers) for name, numbers in measured.items())])


def _row(name: str, numbers: Mapping[str, float]) -> tuple[str, ...]:
    return NAMES[name], *(f"{100 * numbers[measure]:.1f}" for measure in MEASURES)
