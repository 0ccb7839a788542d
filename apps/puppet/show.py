"""A show: the characters of a scene, each doing its own thing, frame by frame."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.drawings import is_on_paper
from apps.puppet.layers import Layers, take_apart
from apps.puppet.mesh.deform import Deformer
from apps.puppet.options import PuppetOptions
from apps.puppet.performance import Box, Part, Performance, find_performance
from apps.puppet.poses import Poses
from apps.puppet.render.painter import Stage, View
from apps.puppet.retarget.room import Body
from apps.puppet.rig import Rig
from apps.puppet.rigging import find_all_joints
from apps.puppet.timing import frame_count
from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent
from cartoonedit.scene import Scene

__all__ = ["Actor", "Show", "make_show"]

CHUNK = 32
"""Frames that are posed at once: enough to be quick, few enough for memory not to grow."""

LONGEST_SIDE = 3840
"""The longest side of a frame where no size is asked for."""

SAMPLES = 48
"""Frames looked at to find out how much room all that moves needs."""

WHITE = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Actor:
    """A character that moves.

    Attributes:
        rig: Its sheets.
        poses: What it does.
        deformer: How its vertices follow its joints.
    """

    rig: Rig
    poses: Poses
    deformer: Deformer

    def vertices(self, frames: slice) -> NDArray[np.float64]:
        """Where the vertices are, ``(F, V, 2)``, in pixels of the picture."""
        return self.deformer.deform(self.poses.joints_xy[frames])


@dataclass(frozen=True, eq=False)
class Show:
    """All that a clip is made of; a :class:`~apps.puppet.film.Film`.

    Attributes:
        layers: Everybody, from the back to the front.
        actors: Those who move, by name.
        size_wh: Width and height of the frames.
        view: What part of the picture they show.
        ground: What is behind everybody, RGB ``uint8``, as large as a frame; None is transparent.
        count: How many frames there are.
        options: What it shall be like.
    """

    layers: Layers
    actors: Mapping[str, Actor]
    size_wh: tuple[int, int]
    view: View
    ground: NDArray[np.uint8] | None
    count: int
    options: PuppetOptions = field(default_factory=PuppetOptions)

    def __len__(self) -> int:
        return self.count

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.options.rate

    @property
    def preset(self) -> str:
        """How much effort x264 shall take, so that it keeps up with the frames."""
        return "veryfast"

    @property
    def transparent(self) -> bool:
        """Whether frames are RGBA."""
        return self.ground is None

    @cached_property
    def stage(self) -> Stage:
        """What paints the frames; made once, for that takes longer than a frame."""
        return Stage(
            self.size_wh if self.ground is None else self.ground,
            self.layers.rigs,
            self.view,
            antialias=self.options.antialias,
            supersample=self.options.supersample,
        )

    def frames(
        self, start: int = 0, stop: int | None = None
    ) -> Generator[NDArray[np.uint8], None, None]:
        """RGB ``uint8`` frames, or RGBA ones, not premultiplied; all, or some in a row."""
        still = [(rig.mesh.vertices_xy, None) for rig in self.layers.rigs]
        end = self.count if stop is None else min(stop, self.count)
        for first in range(start, end, CHUNK):
            chunk = slice(first, min(first + CHUNK, end))
            moved = {name: actor.vertices(chunk) for name, actor in self.actors.items()}
            for index in range(chunk.stop - chunk.start):
                yield self.stage.paint_frame(
                    [
                        (moved[rig.name][index], self.actors[rig.name].poses.depth[first + index])
                        if rig.name in moved
                        else at_rest
                        for rig, at_rest in zip(self.layers.rigs, still, strict=True)
                    ]
                )


def make_show(scene: Scene, options: PuppetOptions, progress: Progress = silent) -> Show:
    """Rig the characters of a scene and pose them.

    Args:
        scene: With at least one character.
        options: What it shall be like.
        progress: Called before each step; may raise to stop.

    Raises:
        InvalidInput: An option does not fit the scene, or nobody is in it.
    """
    if not len(scene):
        raise InvalidInput("there is no character in the scene; a puppet show needs one or more.")
    options.check_names(instance.name for instance in scene)
    moving = [one.name for one in scene if not options.only or one.name in options.only]
    words = dict.fromkeys(options.motion_of(name) for name in moving)
    known = {word: find_performance(word, options) for word in words}
    performances = {name: known[options.motion_of(name)] for name in moving}
    seconds = options.duration or max(one.seconds for one in performances.values())
    count = frame_count(seconds, options.rate)
    found = find_all_joints(scene, options, moving)
    skeletons = {name: found[name].skeleton for name in moving}
    layers = take_apart(
        scene,
        skeletons,
        cut=options.cut,
        snap=options.snap_outlines,
        seed=options.seed,
        progress=progress,
    )
    framed = _is_framed(scene, options)
    picture: Box = (0.0, 0.0, float(scene.size_wh[0]), float(scene.size_wh[1]))
    actors: dict[str, Actor] = {}
    for rig in layers.rigs:
        if rig.name in performances:
            progress(len(actors), len(moving), f"posing {rig.name}")
            part = _part(scene, rig, seconds, picture if framed else None, options)
            actors[rig.name] = _actor(rig, part, performances[rig.name], options)
    box = picture if framed else _reach(layers, actors, count)
    size_wh, view = _view(box, options)
    ground = _ground(scene, layers, size_wh, view, options)
    return Show(layers, actors, size_wh, view, ground, count, options)


def _is_framed(scene: Scene, options: PuppetOptions) -> bool:
    """Whether the frames show the picture, and not just what moves."""
    if options.frame == "auto":
        return _shows_plate(scene, options)
    return options.frame == "picture"


def _shows_plate(scene: Scene, options: PuppetOptions) -> bool:
    if options.transparent or options.colour is not None:
        return False
    return options.background == "plate" or not is_on_paper(scene)


def _part(
    scene: Scene,
    rig: Rig,
    seconds: float,
    room: Box | None,
    options: PuppetOptions,
) -> Part:
    left, top, right, bottom = scene[rig.name].bounds_xyxy
    return Part(
        skeleton=rig.skeleton,
        bounds_xyxy=(float(left), float(top), float(right), float(bottom)),
        seconds=seconds,
        room=room,
        body=Body.around(rig.mesh.vertices_xy, rig.bones),
        phase=options.phase_of(rig.name),
        mirror=options.mirrors(rig.name),
    )


def _actor(rig: Rig, part: Part, performance: Performance, options: PuppetOptions) -> Actor:
    stiffness = {"neck": options.stiff_head}
    deformer = Deformer(rig.mesh, rig.bones, rig.skeleton, stiffness=stiffness)
    return Actor(rig, performance.play(part), deformer)


def _reach(layers: Layers, actors: Mapping[str, Actor], count: int) -> Box:
    """The box around everybody in all frames, with a margin."""
    points = [rig.mesh.vertices_xy for rig in layers.rigs if rig.name not in actors]
    step = max(1, count // SAMPLES)
    for actor in actors.values():
        points.append(actor.vertices(slice(0, count, step)).reshape(-1, 2))
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    margin = 0.04 * float((high - low).max()) + 2
    left, top = np.floor(low - margin)
    right, bottom = np.ceil(high + margin)
    return float(left), float(top), float(right), float(bottom)


def _view(box: Box, options: PuppetOptions) -> tuple[tuple[int, int], View]:
    """Size of the frames, and what they show: the box, in the middle."""
    width, height = box[2] - box[0], box[3] - box[1]
    if options.size_wh is None:
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    else:
        size_wh = options.size_wh
        scale = min(size_wh[0] / width, size_wh[1] / height)
    shift = (
        (size_wh[0] - width * scale) / 2 - box[0] * scale,
        (size_wh[1] - height * scale) / 2 - box[1] * scale,
    )
    return size_wh, View(scale, shift)


def _ground(
    scene: Scene,
    layers: Layers,
    size_wh: tuple[int, int],
    view: View,
    options: PuppetOptions,
) -> NDArray[np.uint8] | None:
    if options.transparent:
        return None
    ground = np.empty((size_wh[1], size_wh[0], 3), np.uint8)
    ground[:] = options.colour or WHITE
    if not _shows_plate(scene, options):
        return ground
    if view == View() and size_wh == scene.size_wh:
        return layers.backdrop
    return _shown(layers.backdrop, size_wh, view)


def _shown(picture: NDArray[np.uint8], size_wh: tuple[int, int], view: View) -> NDArray[np.uint8]:
    """A picture as a view shows it; beyond its borders they go on."""
    if view.scale < 1:  # averaged first, so that nothing shimmers
        small = (
            max(1, round(picture.shape[1] * view.scale)),
            max(1, round(picture.shape[0] * view.scale)),
        )
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        view = View(1.0, view.shift_xy)
    matrix = np.array(
        [
            [view.scale, 0, view.shift_xy[0] + (view.scale - 1) / 2],
            [0, view.scale, view.shift_xy[1] + (view.scale - 1) / 2],
        ]
    )
    return np.asarray(
        cv2.warpAffine(
            picture, matrix, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ),
        np.uint8,
    )
