"""A film becomes a clip, or nothing."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.puppet.writing import write_film
from cartoonedit.errors import Cancelled, InvalidInput


@dataclass
class Colours:
    """A film of plain frames, each brighter than the one before."""

    size_wh: tuple[int, int] = (6, 4)
    transparent: bool = False
    fps: float = 10.0
    preset: str = "ultrafast"

    def __len__(self) -> int:
        return 5

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[np.ndarray, None, None]:
        width, height = self.size_wh
        for index in range(start, len(self) if stop is None else stop):
            yield np.full((height, width, 4 if self.transparent else 3), 40 * index, np.uint8)


@pytest.mark.parametrize("transparent", [False, True])
def test_every_frame_is_written_in_order(tmp_path: Path, transparent: bool) -> None:
    seen = []
    film = Colours(transparent=transparent)
    out = write_film(film, tmp_path / "frames", lambda *step: seen.append(step))
    pictures = [np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))]
    assert [int(each[0, 0, 0]) for each in pictures] == [0, 40, 80, 120, 160]
    assert {each.shape for each in pictures} == {(4, 6, 4 if transparent else 3)}
    assert seen == [(index, 5, "rendering") for index in range(1, 6)]


def test_a_clip_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    def stop(step: int, total: int, message: str) -> None:
        if step == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_film(Colours(), tmp_path / "clip.mp4", stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("film", "name", "reason"),
    [
        (Colours(transparent=True), "clip.mp4", "transparency"),
        (Colours(size_wh=(20000, 4)), "clip.mp4", "16384 a side"),
        (Colours(), "clip.avi", "the ending must be one of"),
    ],
)
def test_what_cannot_be_written_is_told_before_the_first_frame(
    tmp_path: Path, film: Colours, name: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        write_film(film, tmp_path / name)
    assert not list(tmp_path.iterdir())
