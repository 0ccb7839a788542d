"""Where the characters of a scene stand (section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from segmentation.dataset.photos import Boxes, PersonPhotos

MIN_HEIGHT, MAX_HEIGHT = 0.12, 1.5


@dataclass(frozen=True)
class Figure:
    """What a layout knows of a character.

    Attributes:
        aspect: width over height.
        is_cut_at_the_bottom: a bust, whose straight cut belongs at the picture's border.
    """

    aspect: float
    is_cut_at_the_bottom: bool = False


@dataclass(frozen=True)
class Placement:
    """One character's place in a scene.

    Attributes:
        figure: number of the character in the list that was laid out.
        height: of the upright figure, as a share of the canvas's geometric mean side. Figures wider
            than high have the mean of both sides of this size.
        centre_x: as a share of the canvas's width.
        bottom: where the figure ends, as a share of the canvas's height; above 1 it is cut off.
    """

    figure: int
    height: float
    centre_x: float
    bottom: float


def draw_count(rng: np.random.Generator, mean: float) -> int:
    """Number of subjects: Poisson, at least one."""
    return max(1, int(rng.poisson(mean)))


def draw_placements(
    rng: np.random.Generator,
    figures: Sequence[Figure],
    shares: dict[str, float],
    photos: PersonPhotos | None = None,
) -> list[Placement]:
    """Places for all figures, rear to front.

    Args:
        rng: source of chance.
        figures: the characters.
        shares: of each kind of layout, summing to 1; see `Recipe.placing`.
        photos: for the layout ``photo``; without it, or without a photo of more people than there
            are figures, ``ground`` does.
    """
    kind = str(rng.choice(list(shares), p=list(shares.values())))
    photo = photos.draw(rng, len(figures)) if kind == "photo" and photos else None
    places = _by_photo(figures, *photo) if photo else _LAYOUTS[kind](rng, figures)
    if kind == "photo" and photo:
        return places
    return [_bust_at_the_border(rng, place, figures) for place in places]


def _bust_at_the_border(
    rng: np.random.Generator, place: Placement, figures: Sequence[Figure]
) -> Placement:
    """Half of all busts end at the picture's border; every height is kept within limits."""
    bottom = place.bottom
    if figures[place.figure].is_cut_at_the_bottom and rng.random() < 0.5:
        bottom = rng.uniform(1.0, 1.1)
    height = float(np.clip(place.height, MIN_HEIGHT, MAX_HEIGHT))
    return Placement(place.figure, height, float(place.centre_x), float(bottom))


def _by_photo(
    figures: Sequence[Figure], boxes: Boxes, size: tuple[float, float]
) -> list[Placement]:
    """Each figure in the free box closest to it in aspect, lower boxes in front."""
    cells = [
        (box[0] / size[0], box[1] / size[1], box[2] / size[0], box[3] / size[1]) for box in boxes
    ]
    aspects = [box[2] / box[3] for box in boxes]
    places = _into_cells(figures, cells, aspects)
    return sorted(places, key=lambda place: place.bottom)


Cell = tuple[float, float, float, float]
"""Left, top, width and height as shares of the canvas."""


def _into_cells(
    figures: Sequence[Figure], cells: Sequence[Cell], aspects: Sequence[float]
) -> list[Placement]:
    """Each figure in turn takes the free cell closest in aspect, and fills as much area as it."""
    free = list(range(len(cells)))
    places = []
    for number, figure in enumerate(figures):
        best = min(free, key=lambda i: abs(np.log(aspects[i] / figure.aspect)))
        free.remove(best)
        left, top, width, height = cells[best]
        side = float(np.sqrt(width * height) * max(1.0, figure.aspect**-0.5))
        places.append(Placement(number, side, left + width / 2, top + height))
    return places


def _ground(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """A group on common ground: farther up means farther away, and smaller, to the horizon."""
    base, horizon = _base_height(rng), rng.uniform(0.3, 0.6)
    places = []
    for number in range(len(figures)):
        bottom = rng.uniform(horizon + 0.25, 1.1)
        height = base * 1.3 * (bottom - horizon) / (1 - horizon) * rng.uniform(0.85, 1.15)
        places.append(Placement(number, height, rng.uniform(0.05, 0.95), bottom))
    return sorted(places, key=lambda place: place.bottom)


def _row(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """Side by side, touching now and then."""
    count = len(figures)
    base = min(_base_height(rng), 1.6 / count)
    columns = rng.permutation((np.arange(count) + 0.5) / count)
    return [
        Placement(
            number,
            base * rng.uniform(0.8, 1.2),
            columns[number] + rng.uniform(-0.4, 0.4) / count,
            rng.uniform(0.85, 1.05),
        )
        for number in range(count)
    ]


def _huddle(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """Close together, of which each hides some of another."""
    places: list[Placement] = []
    for number in range(len(figures)):
        height = float(np.exp(rng.normal(np.log(0.6), 0.4)))
        centre_x, bottom = rng.uniform(0.15, 0.85), rng.uniform(0.6, 1.1)
        if places:
            near = places[rng.integers(len(places))]
            centre_x = np.clip(near.centre_x + rng.normal(0, 0.4) * near.height, 0, 1)
            bottom = np.clip(near.bottom + rng.normal(0, 0.2) * near.height, 0.3, 1.15)
        places.append(Placement(number, height, centre_x, bottom))
    return places


def _free(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """Anything anywhere, of any size."""
    return [
        Placement(
            number,
            float(np.exp(rng.uniform(np.log(0.14), np.log(1.2)))),
            rng.uniform(0.0, 1.0),
            rng.uniform(0.3, 1.15),
        )
        for number in range(len(figures))
    ]


def _regular(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """Evenly spaced and of one size, in two rows where there are many."""
    count = len(figures)
    rows = 1 if count < 5 else 2
    columns = -(-count // rows)
    height = min(0.9 / rows, 1.5 / columns) * rng.uniform(0.75, 1.0)
    places = []
    for number, figure in enumerate(rng.permutation(count).tolist()):
        row, column = divmod(number, columns)
        places.append(
            Placement(figure, height, (column + 0.5) / columns, (row + rng.uniform(0.93, 1)) / rows)
        )
    return places


def _partition(rng: np.random.Generator, figures: Sequence[Figure]) -> list[Placement]:
    """The canvas cut in two again and again; one figure in each cell, growing over it a little."""
    cells: list[Cell] = [(0.0, 0.0, 1.0, 1.0)]
    while len(cells) < len(figures):
        largest = max(range(len(cells)), key=lambda i: cells[i][2] * cells[i][3])
        left, top, width, height = cells.pop(largest)
        cut = rng.uniform(0.35, 0.65)
        if width >= height:
            cells += [
                (left, top, cut * width, height),
                (left + cut * width, top, (1 - cut) * width, height),
            ]
        else:
            cells += [
                (left, top, width, cut * height),
                (left, top + cut * height, width, (1 - cut) * height),
            ]
    grow = rng.uniform(0.7, 1.15)
    return [
        Placement(place.figure, grow * place.height, place.centre_x, place.bottom)
        for place in _into_cells(figures, cells, [cell[2] / cell[3] for cell in cells])
    ]


def _base_height(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(0.22), np.log(0.85))))


_LAYOUTS: dict[str, Callable[[np.random.Generator, Sequence[Figure]], list[Placement]]] = {
    "photo": _ground,  # what stands in where no photo is at hand
    "ground": _ground,
    "row": _row,
    "huddle": _huddle,
    "free": _free,
    "regular": _regular,
    "partition": _partition,
}
