"""Frames of a clip: counting them, and choosing ones that differ (section 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.video_reader import VideoReader
from segmentation.dataset.keying import shrink

__all__ = ["differing_frames", "survey"]

Picture = npt.NDArray[np.uint8]

HASH_SIDE = 12
MIN_APART = 0.08
"""Two frames are alike if fewer of the bits of their hashes differ."""


def survey(video: Path, least: int) -> tuple[int, list[Picture]]:
    """Count a clip's frames, and take some that are spread over it, shrunk to look at.

    Args:
        video: any file that ffmpeg reads.
        least: take so many at least, and less than twice as many; all of a shorter clip.

    Raises:
        InvalidInput: No frame can be read.
    """
    taken: list[Picture] = []
    stride = 1
    total = 0
    for number, frame in enumerate(VideoReader(video)):
        total = number + 1
        if number % stride == 0:
            taken.append(shrink(frame))
        if len(taken) == 2 * least:  # the length is not known before the end: thin out
            taken, stride = taken[::2], 2 * stride
    return total, taken


def differing_frames(
    video: Path,
    most: int,
    refusal: Callable[[Picture], str],
    watch: Callable[[int], None],
) -> tuple[set[int], dict[int, str]]:
    """Frames that can be used and differ from each other, spread over the clip.

    Args:
        video: the clip.
        most: at most so many.
        refusal: why a frame cannot be used, or an empty text.
        watch: called with the number of each frame.

    Returns:
        Their numbers, and why others that differ cannot be used, by number.
    """
    hashes: dict[int, npt.NDArray[np.bool_]] = {}
    refused: dict[int, str] = {}
    last_refused: npt.NDArray[np.bool_] | None = None
    for number, frame in enumerate(VideoReader(video)):
        watch(number)
        seen = _difference_hash(frame)
        if any(_alike(seen, other) for other in hashes.values()):
            continue
        if reason := refusal(frame):
            if last_refused is None or not _alike(seen, last_refused):
                refused[number], last_refused = reason, seen
            continue
        hashes[number] = seen
    kept = sorted(hashes)
    chosen = {kept[round(n)] for n in np.linspace(0, len(kept) - 1, min(most, len(kept)))}
    return chosen, refused


def _alike(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> bool:
    return bool((one != other).mean() < MIN_APART)


def _difference_hash(frame: Picture) -> npt.NDArray[np.bool_]:
    """Where a small copy of the frame gets brighter to the right: alike for frames that are."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    return small[:, 1:] > small[:, :-1].astype(np.int16) + 1
