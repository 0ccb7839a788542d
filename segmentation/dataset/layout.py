"""Where the characters of a scene stand (section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEAN_SUBJECTS = 2.5
MAX_SUBJECTS = 9


@dataclass(frozen=True)
class Placement:
    """One character's place in a scene.

    Attributes:
        height: of the upright figure, as a share of the canvas's geometric mean side.
        centre_x: as a share of the canvas's width.
        bottom: where the figure ends, as a share of the canvas's height; above 1 it is cut off.
        angle: degrees, anticlockwise.
        flip: mirrored.
    """

    height: float
    centre_x: float
    bottom: float
    angle: float
    flip: bool


def draw_count(rng: np.random.Generator) -> int:
    """Number of subjects: Poisson(2.5), at least one."""
    return int(np.clip(rng.poisson(MEAN_SUBJECTS), 1, MAX_SUBJECTS))


def draw_placements(rng: np.random.Generator, cut_at_bottom: list[bool]) -> list[Placement]:
    """Places for as many subjects as ``cut_at_bottom`` has entries, rear to front.

    Four kinds of scene: a group on common ground, people side by side, a huddle of which each
    hides some of another, and anything anywhere.

    Args:
        rng: source of chance.
        cut_at_bottom: whether each subject is a bust, whose cut belongs at the picture's border.
    """
    count = len(cut_at_bottom)
    kind = rng.choice(["ground", "row", "huddle", "free"], p=[0.3, 0.15, 0.3, 0.25])
    base = float(np.exp(rng.uniform(np.log(0.22), np.log(0.85))))
    if kind == "row":
        base = min(base, 1.6 / count)
    columns = rng.permutation((np.arange(count) + 0.5) / count)
    horizon = rng.uniform(0.3, 0.6)
    places: list[Placement] = []
    for i, bust in enumerate(cut_at_bottom):
        if kind == "ground":
            # Farther up means farther away, and smaller, towards the horizon.
            bottom = rng.uniform(horizon + 0.25, 1.1)
            height = base * 1.3 * (bottom - horizon) / (1 - horizon) * rng.uniform(0.85, 1.15)
            centre_x = rng.uniform(0.05, 0.95)
        elif kind == "row":
            bottom = rng.uniform(0.85, 1.05)
            height = base * rng.uniform(0.8, 1.2)
            centre_x = columns[i] + rng.uniform(-0.4, 0.4) / count
        elif kind == "huddle":
            height = float(np.exp(rng.normal(np.log(0.6), 0.4)))
            centre_x, bottom = rng.uniform(0.15, 0.85), rng.uniform(0.6, 1.1)
            if places:
                near = places[rng.integers(len(places))]
                centre_x = np.clip(near.centre_x + rng.normal(0, 0.4) * near.height, 0, 1)
                bottom = np.clip(near.bottom + rng.normal(0, 0.2) * near.height, 0.3, 1.15)
        else:
            height = float(np.exp(rng.uniform(np.log(0.14), np.log(1.2))))
            bottom = rng.uniform(0.3, 1.15)
            centre_x = rng.uniform(0.0, 1.0)
        if bust and rng.random() < 0.5:
            bottom = rng.uniform(1.0, 1.1)
        angle = rng.normal(0, 8) if rng.random() < 0.35 else 0.0
        height = float(np.clip(height, 0.12, 1.5))
        places.append(Placement(height, float(centre_x), float(bottom), angle, rng.random() < 0.5))
    order = (
        sorted(range(count), key=lambda i: places[i].bottom) if kind == "ground" else range(count)
    )
    return [places[i] for i in order]
