"""A clip of Animated Drawings: its mesh, its poses, its camera, its frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.automatic import motion_config, retarget_config
from apps.puppet.classic.camera import CAMERA_FWD, CAMERA_POS, WINDOW_WH, homography
from apps.puppet.classic.character import INSIDE, Drawing
from apps.puppet.classic.config import (
    MotionConfig,
    read_motion_config,
    read_retarget_config,
)
from apps.puppet.classic.mesh import drawing_mesh
from apps.puppet.classic.painter import CharacterPainter, ClassicStage
from apps.puppet.classic.retarget import ClassicPoses, retarget
from apps.puppet.mesh.arap import Arap
from apps.puppet.motion.bvh import Bvh, read_bvh
from apps.puppet.options import PuppetOptions
from apps.puppet.performance import motion_file
from cartoonedit.errors import InvalidInput

__all__ = ["ClassicFilm", "classic_film"]

CHUNK = 32
"""Frames that are deformed at once."""


@dataclass(frozen=True, eq=False)
class ClassicFilm:
    """The frames of one drawing; a :class:`~apps.puppet.film.Film`.

    Attributes:
        poses: What it does.
        arap: How its mesh follows; its pins are the joints in ``pinned``.
        pinned: Indices of the joints that lie in the mesh.
        stage: What paints it.
        size_wh: Width and height of the frames.
        fps: Frames a second.
        transparent: Whether frames are RGBA.
        shown: The frame of the motion that each frame shows.
    """

    poses: ClassicPoses
    arap: Arap
    pinned: NDArray[np.intp]
    stage: ClassicStage
    size_wh: tuple[int, int]
    fps: float
    transparent: bool
    shown: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.shown)

    def vertices(self, frames: NDArray[np.intp]) -> NDArray[np.float64]:
        """Where the vertices are in the world, ``(F, V, 2)``, in frames of the motion."""
        deformed = self.arap.solve(self.poses.pins[frames][:, self.pinned])
        return deformed + self.poses.root[frames][:, None, :2]

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """RGB or RGBA ``uint8`` frames."""
        for start in range(0, len(self), CHUNK):
            chunk = self.shown[start : start + CHUNK]
            for frame, vertices in zip(chunk, self.vertices(chunk), strict=True):
                order = self.poses.joint_draw_order(int(frame))
                yield self.stage.paint_frame([(vertices, order)])
