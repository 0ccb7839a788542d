"""Drawing the frames of a film in several processes at once.

Frames do not depend on each other, so each process draws blocks of its own, in turn. The children
are forks: they have the film as it is, and hand frames back through memory that is shared. Whatever
becomes of a child, its frames are drawn: by the parent, if need be.
"""

from __future__ import annotations

import logging
import mmap
import multiprocessing
import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.film import Film
from cartoonedit.runtime import cpu_count

__all__ = ["drawn_together"]

logger = logging.getLogger(__name__)

BLOCK = 8
"""Frames that a process draws before it is another's turn."""

SHARE = 3
"""Blocks that each child draws for one of the parent's."""

LEAST = 48
"""Frames from which children pay."""

MOST = 4
"""Processes; with more of them, it is the encoder that takes the time."""

AHEAD = 2 * BLOCK
"""Frames of a child that may wait; more of them would not stay in the cache."""

SHARED_BYTES = 1 << 26
"""Memory that a child has for them, at most."""

LONGEST = 20.0
"""Seconds that a frame may take before its process is given up."""

PATIENCE = 0.5
"""Seconds between two looks whether the other process is alive."""


def drawn_together(
    film: Film, processes: int | None = None
) -> Generator[NDArray[np.uint8], None, None]:
    """All frames of a film, in order.

    Args:
        film: The film.
        processes: This one included; None takes as many as there are cores, up to :data:`MOST`.
            Where processes cannot be forked, and for short films, there is this one only.

    Yields:
        Frames; each may be used until the next one is asked for.
    """
    count = min(cpu_count(), MOST) if processes is None else processes
    size = _frame_bytes(film)
    alone = sys.platform != "linux" or len(film) < LEAST or 2 * size > SHARED_BYTES
    if count < 2 or alone:
        yield from film.frames()
        return
    turns = _turns(film, count)
    with _without_threads():
        children = [_Child(film, turns, number, size) for number in range(1, count)]
    try:
        for start, stop, number in turns:
            drawn = children[number - 1].frames(start, stop) if number else film.frames(start, stop)
            yield from drawn
    finally:
        for child in children:
            child.end()


@contextmanager
def _without_threads() -> Iterator[None]:
    """Let OpenCV have no threads while this process is forked: a fork would wait for them."""
    import cv2

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _turns(film: Film, count: int) -> list[tuple[int, int, int]]:
    """First frame, end, and process of each block; this one, which has frames to write, is 0."""
    children = [*range(1, count)]
    order = [*children, 0, *children * (SHARE - 1)]
    return [
        (start, min(start + BLOCK, len(film)), order[turn % len(order)])
        for turn, start in enumerate(range(0, len(film), BLOCK))
    ]


def _frame_bytes(film: Film) -> int:
    width, height = film.size_wh
    return width * height * (4 if film.transparent else 3)


class _Child:
    """A process that draws some blocks of a film."""

    def __init__(
        self, film: Film, turns: list[tuple[int, int, int]], number: int, size: int
    ) -> None:
        context: Any = multiprocessing.get_context("fork")
        width, height = film.size_wh
        places = min(AHEAD, SHARED_BYTES // size)
        shape = (places, height, width, 4 if film.transparent else 3)
        self._film = film
        self._places = np.frombuffer(mmap.mmap(-1, places * size), np.uint8).reshape(shape)
        self._free, self._filled = context.Semaphore(places), context.Semaphore(0)
        self._taken, self._gone = 0, False
        mine = [(start, stop) for start, stop, one in turns if one == number]
        work = (mine, os.getpid())
        self._process = context.Process(target=self._draw, args=work, daemon=True)
        self._process.start()

    def frames(self, start: int, stop: int) -> Iterator[NDArray[np.uint8]]:
        """Frames of one of its blocks."""
        for index in range(start, stop):
            self._gone = self._gone or not self._wait()
            if self._gone:
                yield from self._film.frames(index, stop)
                return
            yield self._places[self._taken % len(self._places)]
            self._taken += 1
            self._free.release()

    def end(self) -> None:
        """Stop it, whatever it does."""
        self._process.kill()
        self._process.join()

    def _wait(self) -> bool:
        """Whether there is a frame; not if the process ended before it drew one, or hangs."""
        for _ in range(round(LONGEST / PATIENCE)):
            if self._filled.acquire(timeout=PATIENCE):
                return True
            if not self._process.is_alive():
                return bool(self._filled.acquire(block=False))
        logger.warning("a process that draws frames does not answer; they are drawn without it")
        self.end()
        return False

    def _draw(self, blocks: list[tuple[int, int]], parent: int) -> None:
        """What the child does."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        drawn = 0
        for start, stop in blocks:
            for frame in self._film.frames(start, stop):
                while not self._free.acquire(timeout=PATIENCE):
                    if os.getppid() != parent:
                        os._exit(1)
                self._places[drawn % len(self._places)] = frame
                drawn += 1
                self._filled.release()
