"""Frames that are done, kept beside a clip while it is made, so that stopped work goes on.

Translating a clip takes hours. Each frame is written as it is done, with what the next ones need to
know of it; the folder is removed when the clip is whole.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.files import write_json
from cartoonedit.images import open_image, save_image
from cartoonedit.instance import Tag
from cartoonedit.scene import Scene

__all__ = ["Done", "KeptFrames", "fingerprint"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A frame that was translated.

    Attributes:
        scene: What it was made from, with names and tags.
        styled: RGB ``uint8`` ``(H, W, 3)``.
        levels: The scales that its parts were worked on at, by name; empty if nothing was.
    """

    scene: Scene
    styled: NDArray[np.uint8]
    levels: Mapping[str, int]


def fingerprint(*parts: Any) -> str:
    """What all kept frames of a clip have in common: anything that they depend on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


class KeptFrames:
    """The folder ``NAME.part`` beside a result."""

    _NOTE = "made_of.json"
    _OURS = re.compile(r"\d{6,}\.(png|json)|made_of\.json")

    def __init__(self, out: Path, made_of: str) -> None:
        """Open the folder, or begin a new one if it is of other work.

        Args:
            out: The result.
            made_of: A :func:`fingerprint`.

        Raises:
            InvalidInput: There is a folder of that name that holds something else.
        """
        self.folder = out.with_name(f"{out.name}.part")
        if self.folder.exists() and self._read(self.folder / self._NOTE) != made_of:
            self.remove()
        self._made_of = made_of

    def get(self, number: int, scene: Scene) -> Done | None:
        """What became of a frame, if it is kept.

        Args:
            number: Of the frame, from 0.
            scene: The frame taken apart, with names.
        """
        picture, notes = self._files(number)
        told = self._read(notes)
        if told is None or not picture.is_file():
            return None
        try:
            tags = {name: tuple(Tag(**tag) for tag in each) for name, each in told["tags"].items()}
            styled, levels, meta = open_image(picture), dict(told["levels"]), dict(told["meta"])
        except (KeyError, TypeError, ValueError, AttributeError, InvalidInput):
            return None  # damaged; it is made anew
        if styled.shape != scene.picture.shape or {one.name for one in scene} != tags.keys():
            return None
        instances = [replace(one, tags=tags[one.name]) for one in scene]
        return Done(scene.replace(instances=instances, meta=meta), styled, levels)

    def put(self, number: int, done: Done) -> None:
        """Keep a frame.

        Raises:
            CartooneditError: The place cannot be written to.
        """
        if not self.folder.is_dir():
            self.folder.mkdir()
            write_json(self.folder / self._NOTE, self._made_of)
        picture, notes = self._files(number)
        save_image(picture, done.styled)
        tags = {one.name: [asdict(tag) for tag in one.tags] for one in done.scene}
        # Last: it says that the picture is whole.
        write_json(
            notes, {"tags": tags, "meta": dict(done.scene.meta), "levels": dict(done.levels)}
        )

    def remove(self) -> None:
        """Remove the folder, and nothing that somebody else put into it.

        Raises:
            InvalidInput: There is something else in it.
        """
        if not self.folder.exists():
            return
        files = list(self.folder.iterdir()) if self.folder.is_dir() else [self.folder]
        if any(not self._OURS.fullmatch(file.name) for file in files):
            raise InvalidInput(
                f"{self.folder} is where frames are kept while a clip is made, but it holds"
                " something else. Move it, or choose another name for the result."
            )
        for file in files:
            file.unlink()
        self.folder.rmdir()

    def tell(self) -> None:
        """Say how stopped work goes on, if any frame is kept."""
        count = len(list(self.folder.glob("*.png"))) if self.folder.is_dir() else 0
        if count:
            logger.warning(
                "%d finished frames are kept in %s; the same command goes on from there",
                count,
                self.folder,
            )

    def _files(self, number: int) -> tuple[Path, Path]:
        return self.folder / f"{number:06d}.png", self.folder / f"{number:06d}.json"

    @staticmethod
    def _read(file: Path) -> Any:
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
