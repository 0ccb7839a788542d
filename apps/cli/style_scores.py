"""The work of measuring a style: score every picture, sum up every set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.cli.batch import Failure, for_each
from apps.cli.style_sets import PictureSet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cartoonedit.bootstrap import Interval
    from cartoonedit.clip import ClipScorer
    from cartoonedit.runtime import Progress
    from cartoonedit.scene import Scene

__all__ = ["MEASURES", "StyleScore", "StyleTask", "Summary", "score", "summarise"]

MEASURES = ("clip", "structure", "characters")


@dataclass(frozen=True)
class StyleTask:
    """What pictures are scored against.

    Attributes:
        prompt: The global prompt of the style.
        scorer: Gives CLIP scores.
        sources: The original pictures by the names of the results.
        scenes: The folders of their scenes, likewise.
    """

    prompt: str
    scorer: ClipScorer
    sources: Mapping[str, Path] = field(default_factory=dict)
    scenes: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class StyleScore:
    """The scores of one picture.

    Attributes:
        set: The label of its set.
        name: Its name, by which it is paired.
        file: Where it is.
        clip: CLIP score of the whole picture.
        structure: How well it keeps the lines of its source; None without a source.
        characters: The mean CLIP score of its characters, each cut out on white; None where there
            is none.
    """

    set: str
    name: str
    file: str
    clip: float
    structure: float | None = None
    characters: float | None = None


@dataclass(frozen=True)
class Summary:
    """The means of one set, or of the differences of two.

    Attributes:
        label: Of the set.
        pictures: How many were scored, or are paired.
        means: By measure; without those that no picture has.
        minus: The label of the set that was subtracted, picture by picture.
    """

    label: str
    pictures: int
    means: Mapping[str, Interval]
    minus: str | None = None


def score(one: PictureSet, task: StyleTask) -> tuple[list[StyleScore], list[Failure]]:
    """Score the pictures of a set; one that cannot be scored fails alone."""
    names = {file: name for name, file in one.files.items()}

    def work(file: Path, progress: Progress) -> StyleScore:
        progress(0, 0, one.label)
        return _score(one.label, names[file], file, task)

    return for_each(list(names), work)


def _score(label: str, name: str, file: Path, task: StyleTask) -> StyleScore:
    from cartoonedit.scene import Scene
    from cartoonedit.structure import structure_score

    picture = Scene.open(file).picture
    characters: list[Any] = []
    if name in task.scenes:
        characters = _characters(picture, Scene.load(task.scenes[name]))
    scores = task.scorer([picture, *characters], task.prompt)
    structure = None
    if name in task.sources:
        structure = structure_score(Scene.open(task.sources[name]).picture, picture)
    return StyleScore(
        label,
        name,
        str(file),
        clip=float(scores[0]),
        structure=structure,
        characters=float(scores[1:].mean()) if characters else None,
    )


def _characters(picture: NDArray[np.uint8], scene: Scene) -> list[NDArray[np.uint8]]:
    """Every character cut out of the picture, in the middle of a white square.

    CLIP sees the central square of what it is given, and would see no head of one that stands.
    """
    import numpy as np

    from cartoonedit.images import open_image
    from cartoonedit.structure import at_size_of

    picture = at_size_of(picture, scene.size_wh)
    shown = []
    for instance in scene:
        left, top, right, bottom = instance.bounds_xyxy
        width, height = right - left, bottom - top
        side = max(width, height)
        x, y = (side - width) // 2, (side - height) // 2
        square = np.zeros((side, side, 4), np.uint8)
        square[y : y + height, x : x + width, :3] = picture[top:bottom, left:right]
        square[y : y + height, x : x + width, 3] = instance.mask[top:bottom, left:right]
        shown.append(open_image(square))
    return shown


def summarise(sets: Sequence[Sequence[StyleScore]], seed: int) -> list[Summary]:
    """The means of every set, and how each further one differs from the first.

    Differences are taken picture by picture, which is much surer than comparing two means: some
    pictures are easier than others, but for both sets.

    Args:
        sets: The scores of each set.
        seed: Of the bootstrap.

    Returns:
        A summary for each set that has a score, then the differences that share a picture.
    """
    scored = [scores for scores in sets if scores]
    means = [Summary(scores[0].set, len(scores), _means(scores, None, seed)) for scores in scored]
    differences = []
    for scores in scored[1:]:
        first = {one.name: one for one in scored[0]}
        paired = [one for one in scores if one.name in first]
        if paired:
            label, minus = scores[0].set, scored[0][0].set
            differences.append(
                Summary(label, len(paired), _means(paired, first, seed), minus=minus)
            )
    return means + differences


def _means(
    scores: Sequence[StyleScore], first: Mapping[str, StyleScore] | None, seed: int
) -> dict[str, Interval]:
    from cartoonedit.bootstrap import mean_interval

    means = {}
    for measure in MEASURES:
        values = []
        for one in scores:
            value = getattr(one, measure)
            base = 0.0 if first is None else getattr(first[one.name], measure)
            if value is not None and base is not None:
                values.append(value - base)
        if values:
            means[measure] = mean_interval(values, seed=seed)
    return means
