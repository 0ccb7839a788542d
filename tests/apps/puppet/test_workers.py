"""Frames that several processes draw are those that one draws, whatever becomes of the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import pytest

from apps.puppet.workers import BLOCK, LEAST, drawn_together

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")


@dataclass
class Numbered:
    """A film whose frames say their number, and in which process they were drawn."""

    count: int
    transparent: bool = False
    dies_at: int | None = None
    hangs_at: int | None = None
    size_wh: tuple[int, int] = (6, 4)
    fps: float = 10.0
    preset: str = "ultrafast"

    def __len__(self) -> int:
        return self.count

    def frames(self, start: int = 0, stop: int | None = None) -> Generator[np.ndarray, None, None]:
        for index in range(start, self.count if stop is None else stop):
            if (
                self.dies_at is not None
                and index >= self.dies_at
                and multiprocessing.parent_process()
            ):
                os.kill(os.getpid(), signal.SIGKILL)
            if self.hangs_at == index and multiprocessing.parent_process():
                time.sleep(60)
            frame = np.zeros((4, 6, 4 if self.transparent else 3), np.uint8)
            frame[:2] = index
            frame[2:] = multiprocessing.parent_process() is not None
            yield frame


def drawn(film: Numbered, processes: int) -> list[tuple[int, int]]:
    return [(int(frame[0, 0, 0]), int(frame[3, 5, 2])) for frame in drawn_together(film, processes)]


@pytest.mark.parametrize("count", [LEAST, LEAST + BLOCK - 1, 150])
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.parametrize("transparent", [False, True])
def test_all_frames_in_order(count: int, processes: int, transparent: bool) -> None:
    frames = drawn(Numbered(count, transparent), processes)
    assert [number for number, _ in frames] == list(range(count))
    assert {child for _, child in frames} == {0, 1}


@pytest.mark.parametrize(("count", "processes"), [(LEAST - 1, 4), (150, 1)])
def test_short_films_are_drawn_here(count: int, processes: int) -> None:
    assert drawn(Numbered(count), processes) == [(number, 0) for number in range(count)]


@pytest.mark.parametrize("dies_at", [0, 20, 90])
def test_frames_of_a_child_that_dies_are_drawn_here(dies_at: int) -> None:
    frames = drawn(Numbered(120, dies_at=dies_at), 2)
    assert [number for number, _ in frames] == list(range(120))
    assert frames[-1][1] == 0


def test_frames_of_a_child_that_hangs_are_drawn_here(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("apps.puppet.workers.LONGEST", 0.4)
    monkeypatch.setattr("apps.puppet.workers.PATIENCE", 0.1)
    frames = drawn(Numbered(100, hangs_at=30), 2)
    assert [number for number, _ in frames] == list(range(100))
    assert frames[-1][1] == 0
    assert len(caplog.records) == 1


def test_nobody_is_left_when_it_is_stopped() -> None:
    film = drawn_together(Numbered(200), 3)
    next(film)
    assert len(multiprocessing.active_children()) == 2
    film.close()
    assert not multiprocessing.active_children()


def test_a_show_is_the_same() -> None:
    from apps.puppet.options import PuppetOptions
    from apps.puppet.show import make_show
    from tests.apps.puppet.scenes import make_scene

    show = make_show(make_scene(), PuppetOptions(motion="dance", duration=2, fps=25))
    alone = list(show.frames())
    for frame, other in zip(drawn_together(show, 2), alone, strict=True):
        np.testing.assert_array_equal(frame, other)
