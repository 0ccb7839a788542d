"""The pictures that scenes are composed of: cut-out characters and backgrounds.

A library is a folder with one sub-folder per source (an artist, a pack, a film): what comes from
one source looks alike, so sources are drawn first and pictures second.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from cartoonedit.errors import InvalidInput
from segmentation.dataset.damaged import Damaged
from segmentation.dataset.manifest import MANIFEST_NAME, read_rows

SUFFIXES = {".png", ".webp", ".jpg", ".jpeg"}
SOURCE_POWER = 0.6
"""A source of n pictures is drawn with weight n ** 0.6: large packs count more, but not much."""
CACHE_BYTES = 4_000_000_000
"""So much of decoded pictures a library keeps; of a larger one, those that were used last."""


@dataclass(frozen=True)
class PictureFile:
    """One picture of a library.

    Attributes:
        path: where it lies.
        source: name of its sub-folder.
        kind: what it shows (``character-full``, ``character-half``, ``character-head``, ``animal``,
            ``background``), or empty if no manifest says so.
        tags: what else a manifest says about it.
    """

    path: Path
    source: str
    kind: str = ""
    tags: tuple[str, ...] = ()

    @property
    def is_cut_at_the_bottom(self) -> bool:
        """Whether the figure ends in a straight cut, as busts do."""
        return self.kind in ("character-half", "character-head")


class Library:
    """Pictures grouped by source, drawn at random, kept decoded.

    Args:
        files: the pictures.
        folder: that they lie below.
        boosts: factors on the weights of some sources, by name.
        max_side: longer pictures are shrunk to this, which saves memory and later work.
    """

    def __init__(
        self,
        files: Sequence[PictureFile],
        folder: Path,
        *,
        boosts: dict[str, float] | None = None,
        max_side: int = 640,
    ) -> None:
        if not files:
            raise InvalidInput("the library is empty: it needs at least one picture")
        self.folder, self.max_side = folder, max_side
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
        self._decoded: OrderedDict[Path, npt.NDArray[np.uint8]] = OrderedDict()
        self._bytes = 0
        self._numbers = {file.path: number for number, file in enumerate(files)}
        self._damaged = Damaged(len(self._numbers))

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        boosts: dict[str, float] | None = None,
        max_side: int = 640,
    ) -> Library:
        """Read a folder of sub-folders; ``MANIFEST.csv`` beside or in it tells the kinds."""
        folder = Path(folder)
        known = _read_manifest(folder.parent / MANIFEST_NAME)
        own = _read_manifest(folder / MANIFEST_NAME).items()
        known |= {f"{folder.name}/{path}": row for path, row in own}
        files = []
        for path in sorted(folder.glob("*/*")):
            if path.suffix.lower() in SUFFIXES:
                row = known.get(path.relative_to(folder.parent).as_posix(), {})
                tags = tuple((row.get("tags") or "").split())
                files.append(PictureFile(path, path.parent.name, row.get("kind") or "", tags))
        if not files:
            raise InvalidInput(
                f"{folder} holds no pictures; expected {folder}/<source>/<picture> with endings "
                + ", ".join(sorted(SUFFIXES))
            )
        return cls(files, folder, boosts=boosts, max_side=max_side)

    def draw_source(self, rng: np.random.Generator) -> str:
        """A source's name, by weight."""
        return self._names[rng.choice(len(self._names), p=self._weights)]

    def draw(self, rng: np.random.Generator, source: str | None = None) -> PictureFile:
        """A picture that can be read, of ``source`` if given and if that has any.

        One that cannot is named in the log, once, and another is drawn.

        Raises:
            InvalidInput: None can be read.
        """
        while True:
            files = self.sources[source or self.draw_source(rng)]
            file = files[rng.integers(len(files))]
            if self._is_readable(file):
                return file
            if all(self._numbers[other.path] in self._damaged for other in files):
                source = None

    def _is_readable(self, file: PictureFile) -> bool:
        number = self._numbers[file.path]
        if number not in self._damaged:
            try:
                self.load(file)
            except InvalidInput as error:
                self._damaged.add(number, error)
        return number not in self._damaged

    def load(self, file: PictureFile) -> npt.NDArray[np.uint8]:
        """The picture as RGBA or RGB, ``(H, W, 4 or 3)``; treat it as read-only."""
        if file.path in self._decoded:
            self._decoded.move_to_end(file.path)
        else:
            self._decoded[file.path] = image = read_picture(file.path, self.max_side)
            self._bytes += image.nbytes
        while self._bytes > CACHE_BYTES and len(self._decoded) > 1:
            self._bytes -= self._decoded.popitem(last=False)[1].nbytes
        return self._decoded[file.path]


def _read_manifest(manifest: Path) -> dict[str, dict[str, str]]:
    """Rows of a manifest by path; a folder without one has none."""
    return {row["path"]: row for row in read_rows(manifest, "path")}


def read_picture(path: Path, max_side: int) -> npt.NDArray[np.uint8]:
    """A picture as RGBA or RGB, ``(H, W, 4 or 3)``, shrunk to a longest side of ``max_side``.

    Raises:
        InvalidInput: it cannot be read.
    """
    try:
        with Image.open(path) as whole:
            whole.load()  # which notices what OpenCV lets pass: that the end is missing
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(f"{path} is not a picture that can be read: {error}") from error
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise InvalidInput(f"{path} is not a picture that can be read")
    if image.dtype == np.uint16:
        image = image // 257
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
