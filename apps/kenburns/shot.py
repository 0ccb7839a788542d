"""A shot: all that the frames of a clip need, made once, and the frame at any time of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.kenburns.accents import Accents
from apps.kenburns.camera import Pose, disparity
from apps.kenburns.canvas import Canvas, make_canvas, measure, painted
from apps.kenburns.detail import FINER, has_detail
from apps.kenburns.finish import Finish, make_finish
from apps.kenburns.keyframes import keyframe_path
from apps.kenburns.layers import build
from apps.kenburns.moves import PARALLAX, plan
from apps.kenburns.options import KenBurnsOptions
from apps.kenburns.path import Camera
from apps.kenburns.render import Look, Renderer
from apps.kenburns.stage import Stage
from apps.kenburns.stereo import Eyes, join
from apps.kenburns.timing import EASINGS, progress
from apps.kenburns.windows import Rectangle, Window, window_path
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Scene

__all__ = ["Shot", "camera_of", "make_shot"]

SAMPLES = 16
"""Poses along the path by which the layers learn how far the camera can look."""

WINDOW_PARALLAX = 2.5
"""Windows may go that many times farther than named moves: whoever draws them asks for it."""

Focus = Callable[[float], float]
"""Disparity of the plane in focus by the share of the path that is done."""


@dataclass(frozen=True)
class Shot:
    """A clip, ready to be rendered.

    Attributes:
        options: What it shall be like.
        stage: What the camera respects.
        camera: The move: ``camera(s) -> Pose``.
        render: ``render(pose) -> frame``.
        focus: What is in focus along the path.
        accents: How the characters move by themselves.
        finish: What finished frames go through.
        eyes: The two eyes of a stereo clip.
    """

    options: KenBurnsOptions
    stage: Stage
    camera: Camera
    render: Renderer
    focus: Focus
    accents: Accents
    finish: Finish
    eyes: Eyes | None = None

    def pose(self, t: float) -> Pose:
        """Where the camera is at the time ``t`` in 0..1 of the clip."""
        return self.camera(self._progress(t))

    def frame(self, t: float) -> NDArray[np.uint8]:
        """The frame at the time ``t`` in 0..1 of the clip.

        Returns:
            RGB ``uint8`` ``(h, w, 3)``; RGBA ``(h, w, 4)`` of a transparent clip; twice as wide for
            two views side by side.
        """
        pose, focus = self.pose(t), self.focus(self._progress(t))
        moves = self.accents.at(t, self.stage)
        seen = self.eyes(pose) if self.eyes else (pose,)
        views = [self.finish(self.render(eye, focus=focus, moves=moves)) for eye in seen]
        return join(views[0], views[1], self.options.stereo) if self.eyes else views[0]

    def _progress(self, t: float) -> float:
        return _progress(self.camera, self.options, t)


def make_shot(scene: Scene, size_wh: tuple[int, int], options: KenBurnsOptions) -> Shot:
    """Take a scene apart into layers and choose the camera.

    Args:
        scene: What to show.
        size_wh: Size of a view in pixels.
        options: What the clip shall be like.

    Raises:
        InvalidInput: An option names a character that is not there, a window leaves the picture, or
            a key frame the world.
    """
    scene = painted(scene, options.seed)  # once, for both canvases
    canvas, stage, camera, focus, accents = _directed(scene, size_wh, options)
    eyes = Eyes(stage, camera, stage.focus()[2]) if options.stereo != "off" else None
    poses = [camera(step / SAMPLES) for step in range(SAMPLES + 1)]
    if eyes:
        poses = [eye for pose in poses for eye in eyes(pose)]
    own = accents.reach(stage)
    reach = (stage.reach(poses) + own) * canvas.q.shape[1]
    made, fine = build(canvas, size_wh, reach, seed=options.seed), None
    if has_detail(canvas, stage, poses) and not (_aperture(options) or own):
        fine_wh = (FINER * size_wh[0], FINER * size_wh[1])
        finer = _canvas(scene, fine_wh, options)
        fine = build(finer, fine_wh, FINER * reach, seed=options.seed)
    planes = [focus(step / SAMPLES) for step in range(SAMPLES + 1)]
    look = Look(
        aperture=_aperture(options),
        planes=(min(planes), max(planes)),
        linear=options.linear_light,
        background=not options.transparent,
        reach=own,
        device=options.render_device,
    )
    render = Renderer(made, stage, size_wh, poses, look, fine)
    finish = make_finish(size_wh, vignette=options.vignette, grade=options.grade)
    return Shot(options, stage, camera, render, focus, accents, finish, eyes)


def camera_of(
    scene: Scene, size_wh: tuple[int, int], options: KenBurnsOptions
) -> Callable[[float], Pose]:
    """The camera of a shot alone, ``camera(t) -> Pose``, without layers; see :func:`make_shot`."""
    camera = _directed(scene, size_wh, options)[2]
    return lambda t: camera(_progress(camera, options, t))


def _directed(
    scene: Scene, size_wh: tuple[int, int], options: KenBurnsOptions
) -> tuple[Canvas, Stage, Camera, Focus, Accents]:
    """Who is where, and where camera, focus and characters go."""
    _check_inside(scene.size_wh, options)
    canvas = _canvas(scene, size_wh, options)
    stage = measure(canvas, size_wh)
    camera = _camera(canvas, stage, options)
    accents = Accents.parse(options.accent or "", stage, options.seconds, options.strength)
    return canvas, stage, camera, _focus(stage, options), accents


def _canvas(scene: Scene, size_wh: tuple[int, int], options: KenBurnsOptions) -> Canvas:
    return make_canvas(
        scene,
        size_wh,
        pool=options.pool,
        seed=options.seed,
        whole=options.start_window is not None or options.end_window is not None,
        outlines=options.snap_outlines,
    )


def _progress(camera: Camera, options: KenBurnsOptions, t: float) -> float:
    easing = "linear" if options.keys else options.easing  # key frames have their own
    return progress(t, easing=easing, loop=options.loop, closed=camera.path.closed)


# ---------------------------------------------------------------- the camera


def _check_inside(size_wh: tuple[int, int], options: KenBurnsOptions) -> None:
    picture = "the picture, which is {}x{} pixels".format(*size_wh)
    windows = {"start": options.start_window, "end": options.end_window}
    for name, window in windows.items():
        if window is None:
            continue
        right, bottom = window[0] + window[2], window[1] + window[3]
        if right > size_wh[0] + 0.5 or bottom > size_wh[1] + 0.5:
            raise InvalidInput(f"the {name} window leaves {picture}; got {window}.")
    for index, key in enumerate(options.keys, 1):
        if isinstance(key.target, tuple) and not all(
            0 <= at <= side for at, side in zip(key.target, size_wh, strict=True)
        ):
            raise InvalidInput(
                f"key frame {index}: its target is outside of {picture}; got {list(key.target)}."
            )


def _camera(canvas: Canvas, stage: Stage, options: KenBurnsOptions) -> Camera:
    if options.keys:
        targets = {
            index: canvas.place(*key.target)
            for index, key in enumerate(options.keys)
            if isinstance(key.target, tuple)
        }
        return Camera(stage, keyframe_path(stage, options.keys, targets))
    if options.start_window is not None or options.end_window is not None:
        start, end = (
            _window(canvas, stage, window) for window in (options.start_window, options.end_window)
        )
        most = WINDOW_PARALLAX * PARALLAX * options.strength
        return Camera(stage, window_path(stage, start, end, most=most))
    return plan(stage, options.move, strength=options.strength)


def _window(
    canvas: Canvas, stage: Stage, pixels: tuple[float, float, float, float] | None
) -> Window:
    if pixels is None:
        (half_w, half_h) = stage.frame_wh
        whole: Rectangle = (-half_w, -half_h, half_w, half_h)
        return Window.around(whole, stage)
    x, y, width, height = pixels
    return Window.around((*canvas.place(x, y), *canvas.place(x + width, y + height)), stage)


# ---------------------------------------------------------------- the focus


def _aperture(options: KenBurnsOptions) -> float:
    """A focus that travels can only be seen with an aperture."""
    travels = options.move == "focus-pull" or options.focus_to or _has_focus(options)
    return options.aperture or (1.0 if travels else 0.0)


def _has_focus(options: KenBurnsOptions) -> bool:
    return any(key.focus is not None for key in options.keys)


def _focus(stage: Stage, options: KenBurnsOptions) -> Focus:
    if _has_focus(options):
        times = np.array([key.time for key in options.keys if key.focus is not None])
        planes = [_plane(stage, key.focus) for key in options.keys if key.focus is not None]
        begin, length = options.keys[0].time, options.keys[-1].time - options.keys[0].time
        return lambda s: float(np.interp(begin + s * length, times, planes))
    nearest = max((box.q for box in stage.boxes), default=stage.spread[1])
    start = nearest if options.focus is None else _plane(stage, options.focus)
    if options.focus_to is not None:
        end = _plane(stage, options.focus_to)
    elif options.move == "focus-pull":
        others = [box.q for box in stage.boxes if abs(box.q - start) > 0.05]
        end = min(others, key=lambda q: -abs(q - start)) if others else stage.spread[0]
    else:
        return lambda s: start
    ease = EASINGS["smooth"]
    # It rests a while at both ends, so that one can see what is sharp.
    return lambda s: start + (end - start) * ease(min(max((s - 0.2) / 0.6, 0.0), 1.0))


def _plane(stage: Stage, what: str | float | None) -> float:
    """Disparity of what a person named: a character, near, far, or a depth."""
    if what == "near":
        return stage.near_plane()
    if what == "far":
        return stage.spread[0]
    try:
        depth = float(what)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return stage.box(str(what)).q
    if not 0 <= depth <= 1:
        raise InvalidInput(f"a depth to focus on must be from 0 to 1; got {what!r}.")
    return float(disparity(depth))
