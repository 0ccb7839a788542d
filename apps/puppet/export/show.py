"""A show for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.puppet.export.drawing import export_drawing
from apps.puppet.export.joints_json import write_joint_frames
from apps.puppet.export.sheet import write_sprite_sheet
from apps.puppet.export.spine import write_spine
from apps.puppet.show import Show
from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent
from cartoonedit.scene import Scene

__all__ = ["EXPORTS", "export_show"]


def _sprite_sheet(show: Show, scene: Scene, path: Path, progress: Progress) -> None:
    alone = replace(show, ground=None)

    def reported() -> Iterator[NDArray[np.uint8]]:
        for number, frame in enumerate(alone.frames(), 1):
            yield frame
            progress(number, len(alone), "drawing sprites")

    write_sprite_sheet(reported(), path, show.fps, scale=show.view.scale)


def _joints(show: Show, scene: Scene, path: Path, progress: Progress) -> None:
    view = show.view
    puppets = [
        (
            name,
            actor.rig.skeleton.moved(view.apply(actor.rig.skeleton.points_xy)),
            replace(actor.poses, joints_xy=view.apply(actor.poses.joints_xy)),
        )
        for name, actor in show.actors.items()
    ]
    write_joint_frames(path, puppets, size_wh=show.size_wh, fps=show.fps)


def _drawings(show: Show, scene: Scene, path: Path, progress: Progress) -> None:
    for name, actor in show.actors.items():
        export_drawing(path / name, name, scene.picture, scene[name].mask, actor.rig.skeleton)


def _spine(show: Show, scene: Scene, path: Path, progress: Progress) -> None:
    for number, (name, actor) in enumerate(show.actors.items(), 1):
        motion = Path(show.options.motion_of(name)).stem
        write_spine(path / name, actor.rig, {motion: actor.poses})
        progress(number, len(show.actors), "writing Spine skeletons")


EXPORTS: Mapping[str, Callable[[Show, Scene, Path, Progress], None]] = {
    "sprite-sheet": _sprite_sheet,
    "joints-out": _joints,
    "drawings": _drawings,
    "spine": _spine,
}
"""What a show can be exported as."""


def export_show(
    kind: str, show: Show, scene: Scene, path: str | Path, progress: Progress = silent
) -> Path:
    """Write a show for another program.

    Args:
        kind: ``sprite-sheet``: a .png with all frames, characters alone, and a .json beside it;
            ``joints-out``: a .json with the joints of all frames, in their pixels; ``drawings`` and
            ``spine``: a folder with a folder for each character.
        show: The show.
        scene: What it was made of.
        path: The file or folder.
        progress: Called after each step; may raise to stop.

    Returns:
        ``path``.

    Raises:
        InvalidInput: There is no such kind, or the result would be too large.
        CartooneditError: It cannot be written.
    """
    if kind not in EXPORTS:
        raise InvalidInput(f"kind must be one of {', '.join(EXPORTS)}; got {kind!r}.")
    EXPORTS[kind](show, scene, Path(path), progress)
    return Path(path)
