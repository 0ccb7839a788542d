"""The outcome of an evaluation as tables, for the terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cartoonedit
from apps.cli import options
from apps.cli.measure import Outcome, Task
from cartoonedit.files import atomic_path, sha256

__all__ = ["markdown", "single_table", "table", "write_report"]

NAMES = {"bbox": "box", "segm": "mask", "boundary": "boundary"}
SHORT = ("AP", "AP50", "AP75", "AR")
Rows = list[tuple[str, ...]]


def single_table(outcome: Outcome) -> Rows:
    """One row for each kind of overlap."""
    rows = [
        (NAMES[kind], *(_percent(numbers[name]) for name in SHORT))
        for kind, numbers in outcome.measures.items()
    ]
    return [("", *SHORT), *rows]


def table(outcomes: Sequence[Outcome]) -> Rows:
    """One row for each contender, the columns of the paper's tables; ratios stand in brackets."""
    rows = [
        (outcome.contender.label, *(_cell(outcome, kind) for kind in NAMES)) for outcome in outcomes
    ]
    return [("", *(f"{name.capitalize()} AP" for name in NAMES.values())), *rows]


def markdown(rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """Write rows as a Markdown table whose source lines up, too.

    Args:
        rows: The first is the head.
        words: Columns on the left that hold words; the others are aligned to the right.
    """
    safe = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*safe, strict=True)]
    rule = [
        "-" * width if column < words else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    lines = []
    for row in (safe[0], rule, *safe[1:]):
        cells = (
            cell.ljust(width) if column < words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write_report(place: Path, command: str, outcomes: Sequence[Outcome], task: Task) -> None:
    """Write a whole report in Markdown, and beside it a diagram of precision by recall.

    Args:
        place: The report's file.
        command: The command line that made it.
        outcomes: Of all contenders.
        task: What was done with them.
    """
    with_ratios = any(outcome.ratios for outcome in outcomes)
    parts = [
        "# Evaluation\n",
        f"    {command}\n",
        markdown(_settings(outcomes, task), words=2),
        "## Average precision\n",
        "Over IoU 0.50 to 0.95, in percent."
        + (" In brackets the ratio to the plain pictures." if with_ratios else "")
        + "\n",
        markdown(table(outcomes)),
        "## All numbers\n",
        "AP and recall AR with at most 100 findings a picture (AR1, AR10: 1 and 10), also of small"
        f" (s), medium (m) and large (l) characters; P, R and F1 of findings that score"
        f" {task.threshold:g} or more, at IoU 0.50. All in percent.\n",
        markdown(_all_numbers(outcomes), words=2),
        "## Precision and recall\n",
        f"Of {_kind(outcomes)[1]} at IoU 0.50.\n",
        f"![precision by recall]({_link(_draw(place, outcomes, task), place)})\n",
    ]
    for outcome in outcomes:
        if outcome.worst:
            parts += _worst(outcome, place)
    with atomic_path(place) as partial:
        text = "\n".join(parts)
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def _kind(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    return ("segm", "masks") if "segm" in outcomes[0].measures else ("bbox", "boxes")


def _draw(place: Path, outcomes: Sequence[Outcome], task: Task) -> Path:
    from cartoonedit.images import save_image
    from segmentation.evaluate import precision_curves
    from segmentation.evaluate.curves import draw_curves

    kind, _ = _kind(outcomes)
    lines = {
        o.contender.label: precision_curves(o.results, task.annotations, [kind])[kind]
        for o in outcomes
    }
    curves = place.with_name(f"{place.stem}-curves.png")
    save_image(curves, draw_curves(lines))
    return curves


def _all_numbers(outcomes: Sequence[Outcome]) -> Rows:
    measures = list(next(iter(outcomes[0].measures.values())))
    short = {"precision": "P", "recall": "R"}
    rows: Rows = [("", "", *(short.get(name, name) for name in measures))]
    for outcome in outcomes:
        for kind, numbers in outcome.measures.items():
            percents = (_percent(numbers[name]) for name in measures)
            rows.append((outcome.contender.label, NAMES[kind], *percents))
    return rows


def _worst(outcome: Outcome, place: Path) -> list[str]:
    rows: Rows = [("picture", "IoU", "characters", "found", "wrong")]
    for score in outcome.worst:
        counts = (str(count) for count in (score.characters, score.found, score.wrong))
        rows.append((score.file_name, f"{score.score:.2f}", *counts))
    shown = [f"![the worst pictures]({_link(outcome.sheet, place)})\n"] if outcome.sheet else []
    return [
        f"## The worst pictures: {outcome.contender.label}\n",
        "Mean IoU over characters and findings, paired one to one; what has no partner counts 0.\n",
        *shown,
        markdown(rows),
    ]


def _cell(outcome: Outcome, kind: str) -> str:
    if kind not in outcome.measures:
        return "-"
    ratio = (outcome.ratios or {}).get(kind)
    percent = _percent(outcome.measures[kind]["AP"])
    return percent if ratio is None else f"{percent} ({ratio:.2f})"


def _percent(value: float) -> str:
    """In percent; COCO's -1 means that there is nothing to be measured."""
    return "-" if value < 0 else f"{100 * value:.1f}"


def _link(file: Path, place: Path) -> str:
    try:
        path: Any = file.resolve().relative_to(place.resolve().parent)
    except ValueError:
        path = file.resolve()
    return quote(path.as_posix())


def _settings(outcomes: Sequence[Outcome], task: Task) -> Rows:
    from segmentation.evaluate.coco_files import read_truth

    truth = read_truth(task.annotations)
    ignored = sum(annotation["iscrowd"] for annotation in truth["annotations"])
    rows: Rows = [
        ("setting", "value"),
        ("cartoonedit", cartoonedit.__version__),
        ("annotations", _digested(task.annotations)),
        ("pictures", str(len(truth["images"]))),
        ("characters", str(len(truth["annotations"]) - ignored)),
        ("ignored regions", str(ignored)),
        ("sizes", task.sizes),
    ]
    for contender in (outcome.contender for outcome in outcomes):
        if contender.predictions is not None:
            rows.append((contender.label, _digested(contender.predictions)))
        elif contender.values is not None and contender.rendering is None:
            files = options.model_files(contender.values).values()
            chosen = (f"{name} {contender.values[name]}" for name in ("threshold", "refine"))
            rows.append((contender.label, ", ".join([*map(_digested, files), *chosen])))
    return rows


def _digested(file: Path) -> str:
    return f"{file.name} ({sha256(file)[:12]})"
