"""The pictures that scenes are composed of: cut-out characters and backgrounds.

A library is a folder with one sub-folder per source (an artist, a pack, a film): what comes from
one source looks alike, so sources are drawn first and pictures second.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg"}
SOURCE_POWER = 0.6
"""A source of n pictures is drawn with weight n ** 0.6: large packs count more, but not much."""


@dataclass(frozen=True)
class PictureFile:
    """One picture of a library.

    Attributes:
        path: where it lies.
        source: name of its sub-folder.
        kind: what it shows (``character-full``, ``character-half``, ``character-head``, ``animal``,
            ``background``), or empty if no manifest says so.
    """

    path: Path
    source: str
    kind: str = ""

    @property
    def is_cut_at_the_bottom(self) -> bool:
        """Whether the figure ends in a straight cut, as busts do."""
        return self.kind in ("character-half", "character-head")


class Library:
    """Pictures grouped by source, drawn at random, decoded once.

    Args:
        files: the pictures.
        boosts: factors on the weights of some sources, by name.
        max_side: longer pictures are shrunk to this, which saves memory and later work.
    """

    def __init__(
        self,
        files: Sequence[PictureFile],
        *,
        boosts: dict[str, float] | None = None,
        max_side: int = 640,
    ) -> None:
        if not files:
            raise InvalidInput("the library is empty: it needs at least one picture")
        self.max_side = max_side
        self.sources: dict[str, list[PictureFile]] = {}
        for file in files:
            self.sources.setdefault(file.source, []).append(file)
        self._names = sorted(self.sources)
        weights = np.array(
            [
                len(self.sources[name]) ** SOURCE_POWER * (boosts or {}).get(name, 1.0)
                for name in self._names
            ]
        )
        self._weights = weights / weights.sum()
        self._decoded: dict[Path, npt.NDArray[np.uint8]] = {}

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        boosts: dict[str, float] | None = None,
        max_side: int = 640,
    ) -> Library:
        """Read a folder of sub-folders; ``MANIFEST.csv`` beside it, if there, tells the kinds."""
        folder = Path(folder)
        kinds = _read_kinds(folder.parent / "MANIFEST.csv")
        files = [
            PictureFile(
                path,
                path.parent.name,
                kinds.get(f"{folder.name}/{path.parent.name}/{path.name}", ""),
            )
            for path in sorted(folder.glob("*/*"))
            if path.suffix.lower() in SUFFIXES
        ]
        if not files:
            raise InvalidInput(
                f"{folder} holds no pictures; expected {folder}/<source>/<picture> with endings "
                + ", ".join(sorted(SUFFIXES))
            )
        return cls(files, boosts=boosts, max_side=max_side)

    def draw_source(self, rng: np.random.Generator) -> str:
        """A source's name, by weight."""
        return self._names[rng.choice(len(self._names), p=self._weights)]

    def draw(self, rng: np.random.Generator, source: str | None = None) -> PictureFile:
        """A picture, of ``source`` if given."""
        files = self.sources[source or self.draw_source(rng)]
        return files[rng.integers(len(files))]

    def load(self, file: PictureFile) -> npt.NDArray[np.uint8]:
        """The picture as RGBA or RGB, ``(H, W, 4 or 3)``; treat it as read-only."""
        if file.path not in self._decoded:
            self._decoded[file.path] = _read(file.path, self.max_side)
        return self._decoded[file.path]


def _read_kinds(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8") as lines:
        return {row["path"]: row["kind"] for row in csv.DictReader(lines)}


def _read(path: Path, max_side: int) -> npt.NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise InvalidInput(f"{path} is not a picture that can be read")
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    elif image.shape[2] == 4:
        image = cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)
    else:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    scale = max_side / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return image.astype(np.uint8, copy=False)
