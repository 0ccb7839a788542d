"""``cartoonedit evaluate``: results against annotations, and styles against their prompt."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from apps.cli import options
from apps.cli.contenders import contenders, rendered
from apps.cli.evaluate_style import style
from apps.cli.measure import Outcome, Task, check, measure
from apps.cli.record import command_line
from apps.cli.report import markdown, single_table, table, write_report
from apps.cli.terminal import note, print_json, print_table, say
from segmentation.options import SegmentOptions

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="Measure masks against annotations, and styles against their prompt.",
)

Named = Annotated[list[str] | None, typer.Option(metavar="[LABEL=]PATH")]


@app.callback()
def evaluate() -> None:
    """Measure masks against annotations, and styles against their prompt."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What to measure, and where to keep it.

    Attributes:
        model: A name from `cartoonedit models list`, a detector file, or a folder with both files;
            may be given several times. By default the embedded one.
        predictions: Measure these, COCO results or the annotations.json of `cartoonedit segment`;
            may be given several times. Without --model nothing is segmented.
        ablation: Add a row of the paper's Table 2: without refinement, with a refiner trained
            without L_ppa, with what was trained on an eighth of the data; may be given several
            times. WEIGHTS are a detector, a refiner, or a folder with either or both; what they
            lack is the full model's.
        render: Measure the models also on the pictures drawn like this; may be given several times.
        sizes: Where medium and large characters begin: at 32x32 and 96x96 pixels, or at 5 and 15 %
            of the picture.
        operating_threshold: Score from which findings count for precision, recall and F1, and
            among the worst pictures.
        out: Keep the predictions: in this file, if it ends in .json and there is one set of them;
            otherwise in this folder, from which a later run takes what it need not do again.
        sheet: Draw the worst pictures into this file; one for each of several contenders.
        worst: So many of the worst pictures.
        markdown: Print the table as Markdown.
        report: Write all numbers and the worst pictures into this Markdown file.
    """

    model: Named = None
    predictions: Named = None
    ablation: Annotated[
        list[str] | None, typer.Option(metavar="no-refine|no-ppa=WEIGHTS|eighth=WEIGHTS")
    ] = None
    render: Annotated[list[str] | None, typer.Option(metavar="grey|screentone|lineart|manga")] = (
        None
    )
    sizes: Literal["coco", "picture"] = "coco"
    operating_threshold: Annotated[float, typer.Option(min=0, max=1)] = SegmentOptions.threshold
    out: Annotated[Path | None, typer.Option("--out", "-o")] = None
    sheet: Annotated[Path | None, typer.Option(dir_okay=False)] = None
    worst: Annotated[int, typer.Option(min=1)] = 12
    markdown: bool = False
    report: Annotated[Path | None, typer.Option(dir_okay=False)] = None


@app.command()
@options.expand(
    EvaluateOptions,
    SegmentOptions,
    options.ModelOptions,
    threshold=0.05,
    overlap=True,
    duplicate_iou=1.0,
)
def segmentation(
    ctx: typer.Context,
    pictures: Annotated[
        Path, typer.Argument(metavar="PICTURES", exists=True, file_okay=False, help="Their folder.")
    ],
    annotations: Annotated[
        Path,
        typer.Argument(metavar="ANNOTATIONS", exists=True, dir_okay=False, help="The truth, COCO."),
    ],
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Print COCO's average precision of boxes, masks and mask boundaries.

    The default threshold is low, and overlaps and duplicates stay, because average precision looks
    at every score: what is unsure must not bite into what is certain. Where the annotations hold
    boxes only, only boxes are measured.

    Several models, files of predictions, ablations and renderings make one table with a row for
    each. All numbers are in --json and --report: AP and recall by size, and precision, recall and
    F1 at the operating threshold.
    """
    chosen = options.build(EvaluateOptions, values)
    of_models = {name: value for name, value in values.items() if name not in vars(chosen)}
    plain = contenders(
        chosen.model or [], chosen.predictions or [], chosen.ablation or [], of_models
    )
    everyone = rendered(plain, chosen.render or [])
    task = Task(
        pictures,
        annotations,
        out=chosen.out,
        sheet=chosen.sheet,
        worst=chosen.worst if chosen.sheet or chosen.report else 0,
        sizes=chosen.sizes,
        threshold=chosen.operating_threshold,
    )
    check(everyone, task, chosen.report)
    outcomes = measure(everyone, task)
    if chosen.report is not None:
        write_report(chosen.report, _command(ctx), outcomes, task)
    if as_json:
        print_json(_as_json(outcomes))
        return
    rows = single_table(outcomes[0]) if len(outcomes) == 1 else table(outcomes)
    if chosen.markdown or chosen.ablation:
        say(markdown(rows).rstrip())
    else:
        print_table(rows)
    for file in (*(outcome.sheet for outcome in outcomes), chosen.report):
        if file is not None:
            note(f"-> {file}")


app.command()(style)


def _as_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The measures of a single contender, or a list of all with theirs."""
    described = [
        {"label": outcome.contender.label, "rendering": outcome.contender.rendering}
        | {"measures": outcome.measures, "ratios": outcome.ratios}
        | {"worst": [asdict(score) for score in outcome.worst]}
        | {"sheet": str(outcome.sheet) if outcome.sheet else None}
        for outcome in outcomes
    ]
    return dict(outcomes[0].measures) if len(outcomes) == 1 else {"contenders": described}


def _command(ctx: typer.Context) -> str:
    """The command line as it was given."""
    given = {
        name: value
        for name, value in ctx.params.items()
        if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    }
    words = command_line(ctx.command, given)
    return shlex.join(["cartoonedit", "evaluate", str(ctx.info_name), *words])
