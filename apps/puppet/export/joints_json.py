"""Where every joint is in every frame, for programs that move characters of their own.

    {"version": 1, "width": 1024, "height": 576, "fps": 30, "frames": 90, "puppets": [
      {"name": "character-1", "loops": true,
       "joints": ["root", "hip", ...], "parents": [null, "root", ...],
       "rest": [[264.5, 397.5], ...],
       "frames": [[[264.5, 397.5], ...], ...],
       "depth": [[0, 0, ...], ...]}]}

Points are in pixels of the picture, y down, where the first pixel's centre is (0.5, 0.5); of each
frame there is one for each joint, in the order of ``joints``. A joint with a larger depth is nearer
to the viewer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path

__all__ = ["write_joint_frames"]

_DIGITS = 2
"""After the point: a hundredth of a pixel."""

_ROWS = 256
"""Frames that are turned into text at once."""


def write_joint_frames(
    path: str | Path,
    puppets: Iterable[tuple[str, Skeleton, Poses]],
    *,
    size_wh: tuple[int, int],
    fps: float,
) -> Path:
    """Write a JSON file; the text is never in memory as a whole.

    Args:
        path: ``.json``.
        puppets: Name, skeleton in rest and poses of each.
        size_wh: Width and height of the picture.
        fps: Frames a second.

    Returns:
        ``path``.

    Raises:
        InvalidInput: Poses are not of their skeleton, are not finite, or differ in length.
    """
    path, puppets = Path(path), list(puppets)
    counts = {len(poses) for _, _, poses in puppets}
    if len(counts) > 1:
        raise InvalidInput(
            f"all puppets must have as many frames; got {', '.join(map(str, sorted(counts)))}."
        )
    for name, skeleton, poses in puppets:
        _check(name, skeleton, poses)
    head = {
        "version": 1,
        "width": size_wh[0],
        "height": size_wh[1],
        "fps": fps,
        "frames": max(counts, default=0),
    }
    with atomic_path(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(f'{_text(head)[:-1]}, "puppets": [')
        for index, puppet in enumerate(puppets):
            file.write(",\n " if index else "\n ")
            _write_puppet(file, *puppet)
        file.write("\n]}\n")
    return path


def _check(name: str, skeleton: Skeleton, poses: Poses) -> None:
    wanted = (len(poses), len(skeleton))
    shapes = (poses.joints_xy.shape, poses.depth.shape)
    if shapes != ((*wanted, 2), wanted):
        raise InvalidInput(
            f"the poses of {name!r} must have a point and a depth for each of its"
            f" {len(skeleton)} joints in each frame; got {shapes[0]} and {shapes[1]}."
        )
    if not (np.isfinite(poses.joints_xy).all() and np.isfinite(poses.depth).all()):
        raise InvalidInput(f"the poses of {name!r} must be finite numbers.")


def _write_puppet(file: TextIO, name: str, skeleton: Skeleton, poses: Poses) -> None:
    head = {
        "name": name,
        "loops": poses.loops,
        "joints": list(skeleton.names),
        "parents": list(skeleton.tree.values()),
        "rest": _rounded(skeleton.points_xy),
    }
    file.write(f'{_text(head)[:-1]}, "frames": [')
    _write_rows(file, poses.joints_xy)
    file.write('],\n "depth": [')
    _write_rows(file, poses.depth)
    file.write("]}")


def _write_rows(file: TextIO, values: NDArray[np.float64]) -> None:
    for start in range(0, len(values), _ROWS):
        file.write(",\n  " if start else "\n  ")
        rows = _rounded(values[start : start + _ROWS])
        file.write(",\n  ".join(json.dumps(row, separators=(",", ":")) for row in rows))


def _rounded(values: NDArray[np.float64]) -> list[list[float]]:
    rounded: list[list[float]] = (np.round(values, _DIGITS) + 0.0).tolist()
    return rounded


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)
