"""What every kind of puppet clip has in common: frames of one size, and how they are written."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cartoonedit.runtime import Progress, silent

__all__ = ["Film", "write_film"]


class Film(Protocol):
    """Frames that are made one after the other."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the frames, in pixels."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    @property
    def transparent(self) -> bool:
        """Whether frames are RGBA."""

    @property
    def preset(self) -> str:
        """How much effort x264 shall take, so that it keeps up with the frames."""

    def __len__(self) -> int:
        """How many frames there are."""

    def frames(
        self, start: int = 0, stop: int | None = None
    ) -> Generator[NDArray[np.uint8], None, None]:
        """RGB or RGBA ``uint8`` frames, RGBA not premultiplied; all, or some in a row."""


def write_film(film: Film, out_path: str | Path, progress: Progress = silent) -> Path:
    """Write a clip; its ending chooses the kind, see :class:`cartoonedit.video.VideoWriter`.

    Returns:
        ``out_path``.

    Raises:
        InvalidInput: The ending is unknown, or cannot hold transparency.
        CartooneditError: The clip could not be written.
    """
    from apps.puppet.workers import drawn_together
    from cartoonedit.video import VideoWriter

    writer = VideoWriter(
        out_path, film.size_wh, film.fps, alpha=film.transparent, preset=film.preset
    )
    with writer, closing(drawn_together(film)) as frames:
        for index, frame in enumerate(frames, 1):
            writer.write(frame)
            progress(index, len(film), "rendering")
    return Path(out_path)
