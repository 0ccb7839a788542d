"""The work of an evaluation: let every contender find what it finds, and measure it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

import cartoonedit
from apps.cli import options
from apps.cli.batch import share
from apps.cli.contenders import Contender
from apps.cli.terminal import progress_bar
from cartoonedit.errors import InvalidInput
from cartoonedit.files import write_json

if TYPE_CHECKING:
    from cartoonedit.runtime import Progress
    from segmentation.evaluate.worst import PictureScore

__all__ = ["Outcome", "Task", "check", "measure"]

SHEET_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True)
class Task:
    """What is to be done with each contender.

    Attributes:
        pictures: The folder of the pictures.
        annotations: The truth.
        out: Where predictions are kept: a file or a folder.
        sheet: Where the worst pictures are drawn.
        worst: How many of them; 0 for none.
        sizes: By what small, medium and large are told apart.
        threshold: Score from which findings count.
    """

    pictures: Path
    annotations: Path
    out: Path | None
    sheet: Path | None
    worst: int
    sizes: Literal["coco", "picture"]
    threshold: float


@dataclass(frozen=True)
class Outcome:
    """What was measured of one contender.

    Attributes:
        contender: Which.
        results: What it found.
        measures: For each kind of overlap the numbers of `segmentation.evaluate.evaluate`.
        ratios: AP as a share of that on the plain pictures; None if these are the plain ones.
        worst: The worst pictures, if they were asked for.
        sheet: The file that shows them, if there is one.
    """

    contender: Contender
    results: Any
    measures: Mapping[str, Mapping[str, float]]
    ratios: Mapping[str, float | None] | None = None
    worst: Sequence[PictureScore] = ()
    sheet: Path | None = None


def check(everyone: Sequence[Contender], task: Task, report: Path | None = None) -> None:
    """Find out before the work what could not be done after it.

    Args:
        everyone: All contenders.
        task: What is to be done.
        report: A file that is to be written as well.

    Raises:
        typer.BadParameter: A place cannot be written.
        CartooneditError: A model is not there.
    """
    out, sheet = task.out, task.sheet
    for contender in everyone:
        if contender.values is not None:
            options.segmenter_maker(contender.values)
            options.model_files(contender.values)
    if sheet is not None and sheet.suffix.lower() not in SHEET_SUFFIXES:
        raise typer.BadParameter(f"--sheet ends in {', '.join(SHEET_SUFFIXES)}; got {sheet}.")
    models = [contender for contender in everyone if contender.values is not None]
    if out is not None and _is_one_file(out) and len(models) > 1:
        raise typer.BadParameter(
            f"{out} is one file, but there are {len(models)} sets of predictions. Name a folder."
        )
    if out is not None and not _is_one_file(out) and out.is_file():
        raise typer.BadParameter(f"{out} is a file; name a folder, or a file that ends in .json.")
    for place in (out, sheet, report):
        blocked = [p for p in (place.parents if place else ()) if p.exists() and not p.is_dir()]
        if blocked:
            raise typer.BadParameter(f"{blocked[0]} is a file; nothing can be written below it.")


def _is_one_file(out: Path) -> bool:
    return out.suffix.lower() == ".json" and not out.is_dir()


def measure(everyone: Sequence[Contender], task: Task) -> list[Outcome]:
    """Measure all contenders, files of results first: what is wrong with them is soon known.

    Returns:
        The outcomes in the order of the contenders.
    """
    found: dict[str, Any] = {}
    with progress_bar() as show:
        order = sorted(everyone, key=lambda contender: contender.values is not None)
        for index, contender in enumerate(order):
            progress = share(show, index, len(order), contender.label)
            found[contender.label] = _predictions(contender, task, progress)
    outcomes: list[Outcome] = []
    for contender in everyone:
        of_plain = [o for o in outcomes if o.contender.label == contender.plain]
        results = found[contender.label]
        outcomes.append(_outcome(contender, results, task, len(everyone) > 1, of_plain))
    return outcomes


def _predictions(contender: Contender, task: Task, progress: Progress) -> Any:
    """What a contender found: results, checked, or its file of them."""
    from segmentation.evaluate.coco_files import read_results, read_truth
    from segmentation.evaluate.predictions import fingerprint, predict, predict_once

    if contender.predictions is not None:
        try:
            return read_results(contender.predictions, read_truth(task.annotations))
        except InvalidInput as error:
            raise InvalidInput(f"{contender.predictions}: {error}") from error
    values = dict(contender.values or {})
    make = options.segmenter_maker(values)
    render = _render(contender)
    if task.out is None or _is_one_file(task.out):
        results = predict(make(), task.pictures, task.annotations, progress, render=render)
        if task.out is not None:
            write_json(task.out, results)
        return results
    settings = {k: v for k, v in values.items() if k not in ("model", "refiner", "device")}
    settings |= {"rendering": contender.rendering, "cartoonedit": cartoonedit.__version__}
    return predict_once(
        make,
        task.pictures,
        task.annotations,
        task.out / f"{contender.slug}.json",
        fingerprint(options.model_files(values), settings),
        progress,
        render=render,
    )


def _render(contender: Contender) -> Any:
    if contender.rendering is None:
        return None
    from segmentation.dataset.manga import RENDERINGS

    return RENDERINGS[contender.rendering]


def _outcome(
    contender: Contender, results: Any, task: Task, several: bool, plain: Sequence[Outcome]
) -> Outcome:
    from cartoonedit.images import save_image
    from segmentation.evaluate import evaluate
    from segmentation.evaluate.contact_sheet import contact_sheet
    from segmentation.evaluate.worst import picture_scores

    measures = evaluate(results, task.annotations, sizes=task.sizes, threshold=task.threshold)
    ratios = _ratios(measures, plain[0].measures) if plain else None
    if not task.worst:
        return Outcome(contender, results, measures, ratios)
    scores = picture_scores(results, task.annotations, task.threshold)[: task.worst]
    sheet = task.sheet
    if sheet is not None:
        if several:
            sheet = sheet.with_name(f"{sheet.stem}-{contender.slug}{sheet.suffix}")
        drawn = contact_sheet(
            scores,
            task.pictures,
            results,
            task.annotations,
            threshold=task.threshold,
            title=f"The worst pictures: {contender.label}",
            render=_render(contender),
        )
        save_image(sheet, drawn)
    return Outcome(contender, results, measures, ratios, scores, sheet)


def _ratios(
    measures: Mapping[str, Mapping[str, float]], plain: Mapping[str, Mapping[str, float]]
) -> dict[str, float | None]:
    """AP as a share of that on the plain pictures, where that is not 0."""
    return {
        kind: numbers["AP"] / plain[kind]["AP"] if plain[kind]["AP"] else None
        for kind, numbers in measures.items()
    }
