"""Films: what every kind of puppet clip has in common, frames of one size."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Film"]


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
