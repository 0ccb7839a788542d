"""Who takes part in an evaluation: models, what is left of one without a part, result files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from apps.cli import options

__all__ = ["ABLATIONS", "Contender", "contenders", "named", "rendered"]

ABLATIONS = {"eighth": "1/8 dataset", "no-refine": "W/o 2nd stage", "no-ppa": "W/o L_ppa"}
"""The rows of the paper's Table 2 above the full model, in its order."""
FULL = "Full model"


@dataclass(frozen=True)
class Contender:
    """One row of the result.

    Attributes:
        label: Its name in tables and files.
        values: The options of its segmenter; None for predictions of another program.
        predictions: COCO results to be measured instead.
        rendering: What the pictures are drawn as before they are segmented; None for as they are.
        plain: The label of the same contender on the pictures as they are.
    """

    label: str
    values: Mapping[str, Any] | None = None
    predictions: Path | None = None
    rendering: str | None = None
    plain: str | None = None

    @property
    def slug(self) -> str:
        """The label as part of a file name."""
        return re.sub(r"[^\w.]+", "-", self.label).strip("-.") or "contender"


def contenders(
    models: Sequence[str],
    predictions: Sequence[str],
    ablations: Sequence[str],
    values: Mapping[str, Any],
) -> list[Contender]:
    """All that is named on the command line, in order.

    Args:
        models: Names of the catalogue and paths, each with `LABEL=` before it or not; the embedded
            model if there is nothing at all.
        predictions: Files, likewise.
        ablations: `NAME` or `NAME=WEIGHTS` of `ABLATIONS`.
        values: The options that all models share.

    Raises:
        typer.BadParameter: A file is missing, an ablation is unknown or lacks its weights, or two
            contenders have one name.
    """
    if not models and (ablations or not predictions):
        models = ["embedded"]
    chosen = [named(text) for text in models]
    if ablations:
        if len(chosen) != 1:
            raise typer.BadParameter("--ablation takes parts from one model; give one --model.")
        found = _without_parts(ablations, {**values, "model": chosen[0][1]})
    else:
        found = [Contender(label, {**values, "model": model}) for label, model in chosen]
    found += [_of_file(text) for text in predictions]
    slugs = Counter(contender.slug.casefold() for contender in found)
    twice = [contender.label for contender in found if slugs[contender.slug.casefold()] > 1]
    if twice:
        raise typer.BadParameter(
            f"two contenders are called {twice[0]!r}. Give them names: NAME=PATH."
        )
    return found


def rendered(found: Sequence[Contender], renderings: Sequence[str]) -> list[Contender]:
    """Each contender, and after it itself on every rendering; files of results stay alone.

    Raises:
        typer.BadParameter: A rendering is unknown.
    """
    if renderings:
        from segmentation.dataset.manga import RENDERINGS

        unknown = [name for name in renderings if name not in RENDERINGS]
        if unknown:
            raise typer.BadParameter(
                f"--render is one of {', '.join(RENDERINGS)}; got {unknown[0]!r}."
            )
    return [
        one
        for plain in found
        for one in (plain, *_renderings(plain, dict.fromkeys(renderings)))
    ]  # fmt: skip


def _renderings(plain: Contender, renderings: Mapping[str, None]) -> list[Contender]:
    if plain.values is None:
        return []
    return [
        replace(plain, label=f"{plain.label}, {name}", rendering=name, plain=plain.label)
        for name in renderings
    ]


def named(text: str) -> tuple[str, str]:
    """Split `LABEL=PATH`; a path alone is called as its file or folder is."""
    label, mark, path = text.partition("=")
    if mark and label and path and not Path(text).exists():
        return label, path
    plain = Path(text)
    return (plain.stem if plain.suffix else plain.name) or text, text


def _of_file(text: str) -> Contender:
    label, path = named(text)
    if not Path(path).is_file():
        raise typer.BadParameter(f"there is no file of predictions at {path!r}.")
    return Contender(label, predictions=Path(path))


def _without_parts(ablations: Sequence[str], values: dict[str, Any]) -> list[Contender]:
    """The rows of Table 2 that can be made, the full model last."""
    weights: dict[str, str] = {}
    for text in ablations:
        name, _, path = text.partition("=")
        if name not in ABLATIONS or name in weights or (name == "no-refine") != (not path):
            raise typer.BadParameter(
                "--ablation is no-refine, no-ppa=WEIGHTS or eighth=WEIGHTS, each once; got"
                f" {text!r}."
            )
        weights[name] = path
    rows = []
    for name, label in ABLATIONS.items():
        if name in weights:
            changed = _exchanged(values, weights[name]) if weights[name] else {"refine": "none"}
            rows.append(Contender(label, {**values, **changed}))
    return [*rows, Contender(FULL, values)]


def _exchanged(values: Mapping[str, Any], weights: str) -> dict[str, str | None]:
    from segmentation.models import exchange

    full = options.model_files(values)
    detector, refiner = exchange((full["detector"], full.get("refiner")), weights)
    return {"model": str(detector), "refiner": str(refiner) if refiner else None}
