"""A clip of Animated Drawings: its mesh, its poses, its camera, its frames."""

from __future__ import annotations

from collections.abc import Generator
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
from apps.puppet.classic.mesh import drawing_mesh, square_mask
from apps.puppet.classic.ownership import classic_owners, far_to_near
from apps.puppet.classic.painter import CharacterPainter, ClassicStage
from apps.puppet.classic.retarget import ClassicPoses, retarget
from apps.puppet.mesh.arap import Arap
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.pins import pins_inside
from apps.puppet.motion.bvh import Bvh, read_bvh
from apps.puppet.motion.library import motion_file
from apps.puppet.options import PuppetOptions
from apps.puppet.timing import frame_count
from cartoonedit.errors import InvalidInput

__all__ = ["ClassicFilm", "classic_film"]

CHUNK = 32
"""Frames that are deformed at once."""

MOST_FPS = 240
"""Frames a second of a clip that has those of its motion."""

LONGEST = 8192
"""Pixels of a picture's longer side; its square is what memory has to hold, several times."""


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

    @property
    def preset(self) -> str:
        """How much effort x264 shall take, so that it keeps up with the frames."""
        return "ultrafast"

    def vertices(self, frames: NDArray[np.intp]) -> NDArray[np.float64]:
        """Where the vertices are in the world, ``(F, V, 2)``, in frames of the motion."""
        deformed = self.arap.solve(self.poses.pins[frames][:, self.pinned])
        return deformed + self.poses.root[frames][:, None, :2]

    def frames(
        self, start: int = 0, stop: int | None = None
    ) -> Generator[NDArray[np.uint8], None, None]:
        """RGB or RGBA ``uint8`` frames; all, or some in a row."""
        wanted = self.shown[start:stop]
        for first in range(0, len(wanted), CHUNK):
            chunk = wanted[first : first + CHUNK]
            for frame, vertices in zip(chunk, self.vertices(chunk), strict=True):
                order = self.poses.joint_draw_order(int(frame))
                yield self.stage.paint_frame([(vertices, order)])


def classic_film(drawing: Drawing, options: PuppetOptions) -> ClassicFilm:
    """Let a drawing move as Animated Drawings does, before its camera.

    Args:
        drawing: The character.
        options: Motion, retarget file, frames a second (by default the motion's), duration, speed,
            size (500x500), background and whether edges are smooth. The rest has no meaning here.

    Raises:
        InvalidInput: The motion is none in space, or does not fit its retarget file; or the picture
            is very large.
    """
    if max(drawing.size_wh) > LONGEST:
        width, height = drawing.size_wh
        raise InvalidInput(
            f"{drawing.name}: the classic way takes pictures of up to {LONGEST} pixels a side; got"
            f" {width}x{height}. Make it smaller, or retarget the natural way."
        )
    word = options.motion_of(drawing.name)
    bvh, actor = _read_motion(word)
    config = (
        read_retarget_config(options.retarget_file)
        if options.retarget_file is not None
        else retarget_config(bvh, word)
    )
    poses = retarget(bvh, actor, config, drawing.skeleton, drawing.size_wh)
    mesh = drawing_mesh(drawing.mask)
    rest = poses.rest_xy
    pins, pinned = pins_inside(mesh, rest)
    arap = Arap(mesh, pins)
    own_fps = float(max(1, round(1 / poses.frame_time)))
    fps = options.fps or min(own_fps, MOST_FPS)
    # Frame by frame at the motion's own rate, so that rounding of its frame time skips none.
    between = 1 / own_fps if options.fps is None else poses.frame_time
    seconds = options.duration or len(poses) * between / options.speed
    step = options.speed / fps / between
    shown = np.rint(np.arange(frame_count(seconds, fps)) * step).astype(np.intp)
    size_wh = options.size_wh or WINDOW_WH
    return ClassicFilm(
        poses=poses,
        arap=arap,
        pinned=np.flatnonzero(pinned),
        stage=_stage(drawing, mesh, config.char_starting_location[2], size_wh, options),
        size_wh=size_wh,
        fps=fps,
        transparent=options.transparent,
        shown=np.minimum(shown, len(poses) - 1),
    )


def _read_motion(word: str) -> tuple[Bvh, MotionConfig]:
    """A motion file of Animated Drawings, or a BVH file and what such a file would say of it."""
    file = motion_file(word)
    if file.suffix.lower() in (".yaml", ".yml"):
        config = read_motion_config(file)
        return read_bvh(config.filepath), config
    if file.suffix.lower() != ".bvh":
        raise InvalidInput(
            f"the classic way needs a .bvh file, a motion of ours, or a motion file of Animated"
            f" Drawings; got {Path(word).name!r}."
        )
    bvh = read_bvh(file)
    return bvh, motion_config(bvh, word)


def _inside(drawing: Drawing) -> NDArray[np.uint8]:
    return np.where(drawing.mask > INSIDE, 255, 0).astype(np.uint8)


def _stage(
    drawing: Drawing,
    mesh: Mesh,
    z: float,
    size_wh: tuple[int, int],
    options: PuppetOptions,
) -> ClassicStage:
    skeleton, (width, height) = drawing.skeleton, drawing.size_wh
    side = max(width, height)
    # In Animated Drawings' own order of operations: halves are rounded later.
    x = skeleton.points_xy[:, 0] / side
    y = 1 - (skeleton.points_xy[:, 1] / side + (1 - height / side))
    owners, distances = classic_owners(
        square_mask(drawing.mask), np.stack([x, y], axis=1), skeleton.parents, mesh
    )
    by_joint = {
        skeleton.names[joint]: triangles
        for joint, triangles in far_to_near(owners, distances).items()
    }
    painter = CharacterPainter(
        mesh,
        by_joint,
        drawing.texture,
        homography(CAMERA_POS, CAMERA_FWD, size_wh, z),
        size_wh,
        antialias=options.antialias,
        mask=_inside(drawing),
    )
    red, green, blue = options.colour or (255, 255, 255)
    clear = (red / 255, green / 255, blue / 255, 0.0)
    return ClassicStage(
        [painter],
        size_wh,
        clear,
        antialias=options.antialias,
        opaque=not options.transparent,
    )
