"""Where training scenes come from: composed when asked for, or stored on the disk.

Either way scene number i of a run is a pure function of (material, seed, i), so a resumed run goes
on exactly where it stopped, and the number of workers changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from cartoonedit.errors import InvalidInput
from segmentation.dataset.augment import augment, draw_size
from segmentation.dataset.compose import Labelled, Sources, compose
from segmentation.dataset.damaged import Damaged
from segmentation.dataset.recipe import EMBEDDED, Recipe
from segmentation.dataset.sources import Library
from segmentation.dataset.stored import Stored
from segmentation.preprocess import letterbox_geometry
from segmentation.refine import resample

__all__ = ["ComposedScenes", "Scenes", "StoredScenes", "open_sources", "thinned"]

ANIME_LIKE = (
    "nova-vn", "our-personal-space", "konado", "renjs", "fungus-sherlock", "dialogic", "suika2",
    "godot-vn-snowy",
)  # fmt: skip
"""Sources in the style that most users bring; few, so they are drawn more often."""
ANIME_BOOST = 3.0

Item = TypeVar("Item")


class Scenes(Protocol):
    """Endless scenes, by number."""

    def __len__(self) -> int:
        """How many pictures there are; 0 where each scene is a new one."""
        ...

    def __call__(self, index: int, size: int) -> Labelled:
        """Scene ``index``, at most ``size`` wide and high."""
        ...


class ComposedScenes:
    """Scenes composed of cut-outs and backgrounds.

    Args:
        sources: The material.
        seed: Of the run.
        recipe: How.
        square: All scenes are squares; otherwise a third are wider or higher.
    """

    def __init__(
        self, sources: Sources, seed: int, recipe: Recipe = EMBEDDED, *, square: bool = False
    ) -> None:
        self.sources, self.seed, self.recipe, self.square = sources, seed, recipe, square

    def __len__(self) -> int:
        return 0

    def __call__(self, index: int, size: int) -> Labelled:
        """Compose a scene."""
        rng = np.random.default_rng((self.seed, index, 2))
        size_wh = (size, size) if self.square else draw_size(rng, size)
        return compose(self.sources, self.seed, index, size_wh, self.recipe)


class StoredScenes:
    """Finished pictures, all once in a random order, then all again in another.

    Args:
        stored: The pictures.
        seed: Of the run.
        share: Only this share of the pictures, the same ones in every run.
        augmented: Vary them; otherwise each is scaled to fit.
    """

    def __init__(
        self, stored: Stored, seed: int, *, share: float = 1.0, augmented: bool = True
    ) -> None:
        self.stored, self.seed, self.augmented = stored, seed, augmented
        self.kept = thinned(range(len(stored)), share, "pictures")
        self._damaged = Damaged(len(self.kept))

    def __len__(self) -> int:
        return len(self.kept)

    def __call__(self, index: int, size: int) -> Labelled:
        """Read and vary a picture; in place of one that cannot be read another is drawn."""
        sample = self._read(index)
        if not self.augmented:
            return _fitted(sample, size)
        return augment(sample, np.random.default_rng((self.seed, index, 4)), size)

    def _read(self, index: int) -> Labelled:
        for attempt in count():
            number = self._number(index, attempt)
            if number in self._damaged:
                continue
            try:
                return self.stored[self.kept[number]]
            except InvalidInput as error:
                self._damaged.add(number, error)
        raise AssertionError  # count() never ends

    def _number(self, index: int, attempt: int) -> int:
        if attempt:
            return int(np.random.default_rng((self.seed, index, 5, attempt)).integers(len(self)))
        return int(_order(self.seed, index // len(self), len(self))[index % len(self)])


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, length: int) -> Sequence[int]:
    order: Sequence[int] = np.random.default_rng((seed, epoch, 6)).permutation(length).tolist()
    return order


def _fitted(sample: Labelled, size: int) -> Labelled:
    height, width = sample.picture.shape[:2]
    size_wh = letterbox_geometry((width, height), size).scaled_wh
    alphas = [resample(alpha, size_wh) for alpha in sample.alphas]
    shape = (len(alphas), size_wh[1], size_wh[0])
    return Labelled(resample(sample.picture, size_wh), np.array(alphas, np.uint8).reshape(shape))


def open_sources(art: Path, max_side: int, share: float = 1.0) -> Sources:
    """The cut-outs and backgrounds below a folder, or a share of each of their sources."""
    boosts = dict.fromkeys(ANIME_LIKE, ANIME_BOOST)
    foregrounds = Library.from_folder(art / "foregrounds", boosts=boosts, max_side=max_side)
    backgrounds = Library.from_folder(art / "backgrounds", max_side=2 * max_side)
    return Sources(_thin(foregrounds, share, boosts), _thin(backgrounds, share, {}))


def _thin(library: Library, share: float, boosts: dict[str, float]) -> Library:
    kept = [file for name, files in library.sources.items() for file in thinned(files, share, name)]
    return Library(kept, library.folder, boosts=boosts, max_side=library.max_side)


def thinned(items: Sequence[Item], share: float, key: str) -> list[Item]:
    """A share of some items, at least one, in their order; a smaller share is part of a larger.

    Args:
        items: At least one.
        share: 0 < share <= 1.
        key: Names the items, so that those of equal length are not thinned alike.
    """
    chance = np.random.default_rng(list(key.encode("utf-8", "surrogateescape")) or [0])
    kept = chance.permutation(len(items))[: math.ceil(share * len(items))]
    return [items[number] for number in sorted(kept.tolist())]
