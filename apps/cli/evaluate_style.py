"""``cartoonedit evaluate style``: how well pictures fit the prompt of their style."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.cli import options
from apps.cli.batch import Failure, find_pictures
from apps.cli.report import markdown
from apps.cli.results import check_result, keep_apart
from apps.cli.style_scores import MEASURES, StyleScore, StyleTask, Summary, score, summarise
from apps.cli.style_sets import by_name, find_scenes, find_sets, matching
from apps.cli.terminal import note, print_json, print_table, say
from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

if TYPE_CHECKING:
    from cartoonedit.bootstrap import Interval

__all__ = ["style"]

Folder = Annotated[Path | None, typer.Option(exists=True, file_okay=False)]


@dataclass(frozen=True)
class StyleMeasures:
    """What to measure, and where to keep it.

    Attributes:
        prompt: The global prompt that the pictures were translated with.
        sets: Compare these sets of pictures, folders or patterns, in place of PICTURE; may be given
            several times. Each further set is also compared with the first, picture by picture,
            where their files have the same names.
        sources: Folder of the original pictures, with the same names; adds how well their lines are
            kept.
        scenes: Folder that `cartoonedit segment` wrote for the original pictures; adds the CLIP
            score of the characters alone.
        model: The CLIP model, a name from `cartoonedit models list`, a folder, or a hub repository
            that was fetched. Scores of different models do not compare.
        device: auto, cpu, cuda, cuda:N or mps.
        seed: Of the bootstrap behind the intervals.
        markdown: Print the table as Markdown.
        csv: Write the scores of every picture into this file, which must end in .csv.
    """

    prompt: str
    sets: Annotated[list[str] | None, typer.Option("--set", metavar="[LABEL=]PLACE")] = None
    sources: Folder = None
    scenes: Folder = None
    model: str = "clip-vit-l-14"
    device: str = "auto"
    seed: Annotated[int, typer.Option(min=0)] = 0
    markdown: bool = False
    csv: Annotated[Path | None, typer.Option(dir_okay=False)] = None

    def __post_init__(self) -> None:
        if not self.prompt.strip():
            raise InvalidInput("prompt must say something.")
        if self.csv is not None and self.csv.suffix.lower() != ".csv":
            raise InvalidInput(f"csv must end in .csv; got {self.csv}.")


@options.expand(StyleMeasures)
def style(
    pictures: Annotated[
        list[str] | None,
        typer.Argument(metavar="PICTURE", help="Files, folders of pictures, or patterns."),
    ] = None,
    as_json: options.AsJson = False,
    **values: Any,
) -> None:
    """Print how well pictures fit the prompt of their style.

    The CLIP score is 100 times the cosine between the embeddings of picture and prompt, the measure
    of the paper. Behind each mean stands its 95 % confidence interval, by bootstrap over the
    pictures.

    With --sources, structure says which share of the lines lies where it lay in the original: the
    F1 score of thinned line art, where 1 is all. With --scenes, characters is the CLIP score of
    the characters, each cut out on white.

    Example: cartoonedit evaluate style --prompt "a watercolour" --set ours=a --set global=b
    """
    from cartoonedit.clip import ClipScorer

    chosen = options.build(StyleMeasures, values)
    sets, failed = find_sets(pictures or [], chosen.sets or [])
    sources = by_name(find_pictures([str(chosen.sources)])[0]) if chosen.sources else {}
    scenes = find_scenes(chosen.scenes) if chosen.scenes else {}
    if chosen.csv is not None:
        check_result("--csv", chosen.csv, folder=False)
        measured = [file for one in sets for file in one.files.values()]
        keep_apart([*measured, *sources.values(), *scenes.values()], [chosen.csv])
    task = StyleTask(
        chosen.prompt,
        ClipScorer(chosen.model, chosen.device),
        matching("--sources", chosen.sources, sources, sets) if chosen.sources else {},
        matching("--scenes", chosen.scenes, scenes, sets) if chosen.scenes else {},
    )
    task.scorer.folder()  # a missing model is told before the work
    scores = []
    for one in sets:
        done, wrong = score(one, task)
        scores.append(done)
        failed += wrong
    summaries = summarise(scores, chosen.seed)
    every = [one for done in scores for one in done]
    if chosen.csv is not None and every:
        _write_csv(chosen.csv, every)
    if as_json:
        print_json(_as_json(chosen, summaries, every, failed))
    elif summaries:
        rows = _table(summaries)
        if chosen.markdown:
            say(markdown(rows).rstrip())
        else:
            print_table(rows)
        if chosen.csv is not None:
            note(f"-> {chosen.csv}")
    if failed:
        raise typer.Exit(1)


_HEADS = {"clip": "CLIP score", "structure": "structure", "characters": "CLIP of characters"}
_DIGITS = {"clip": 2, "structure": 3, "characters": 2}


def _table(summaries: Sequence[Summary]) -> list[tuple[str, ...]]:
    """A row for each set and each difference; columns that nobody has are left out."""
    shown = [name for name in MEASURES if any(name in one.means for one in summaries)]
    rows = [("", "pictures", *(_HEADS[name] for name in shown))]
    for one in summaries:
        label = f"{one.label} - {one.minus}" if one.minus else one.label
        cells = (_cell(one.means.get(name), _DIGITS[name], one.pictures) for name in shown)
        rows.append((label, str(one.pictures), *cells))
    return rows


def _cell(mean: Interval | None, digits: int, pictures: int) -> str:
    if mean is None:
        return "-"
    text = f"{mean.mean:.{digits}f}"
    if mean.low is not None:
        text += f" [{mean.low:.{digits}f}, {mean.high:.{digits}f}]"
    return text if mean.count == pictures else f"{text} of {mean.count}"


def _as_json(
    chosen: StyleMeasures,
    summaries: Sequence[Summary],
    scores: Sequence[StyleScore],
    failed: Sequence[Failure],
) -> dict[str, Any]:
    return {
        "prompt": chosen.prompt,
        "model": chosen.model,
        "seed": chosen.seed,
        "sets": [asdict(one) for one in summaries if one.minus is None],
        "differences": [asdict(one) for one in summaries if one.minus is not None],
        "pictures": [asdict(one) for one in scores],
        "failed": [asdict(failure) for failure in failed],
    }


def _write_csv(file: Path, scores: Sequence[StyleScore]) -> None:
    with (
        atomic_path(file) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as lines,
    ):
        writer = csv.DictWriter(lines, [column.name for column in fields(StyleScore)])
        writer.writeheader()
        writer.writerows(asdict(one) for one in scores)
