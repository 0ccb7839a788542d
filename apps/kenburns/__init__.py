"""3D Ken Burns: a camera move through a still picture, with parallax (paper section 6.1).

Example:
    >>> from cartoonedit.scene import Scene
    >>> KenBurns(move="auto", duration=5)(Scene.open("scene/"), "clip.mp4")
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.kenburns.camera import Camera
    from apps.kenburns.render import Renderer
    from cartoonedit.scene import Scene

__all__ = ["Easing", "KenBurns", "KenBurnsOptions", "Move", "Pool"]

Move = Literal["auto", "zoom", "pan", "dolly", "orbit"]
Pool = Literal["mean", "median", "base", "none"]
Easing = Literal["smooth", "linear", "in", "out"]

LONGEST_SIDE = 3840
"""The longest side of a frame where no size is asked for; H.264 players stop at 4096."""


@dataclass
class KenBurnsOptions:
    """What a clip shall be like.

    Attributes:
        move: How the camera moves. auto goes forward and aside so far that the parallax shows while
            every character stays in the frame; zoom and dolly go forward, with the lens or on foot;
            pan slides from left to right; orbit does, too, while the lens holds on to the
            characters.
        duration: Seconds, more than 0 to 600.
        fps: Frames per second, 1 to 120.
        size_wh: Width and height of the frames in pixels; the picture is cropped to their shape. By
            default those of the picture, reduced to 3840 at most.
        strength: How far the camera goes, 0 to 3; 1 is normal.
        pool: How a character gets its one depth: the mean of the depth map inside it (the paper's),
            its median, its base (the depth where it stands), or none to keep the depth at every
            pixel.
        easing: How the move starts and stops.
        seed: Same seed, same frames.
    """

    move: Move = "auto"
    duration: float = 4.0
    fps: float = 30.0
    size_wh: tuple[int, int] | None = None
    strength: float = 1.0
    pool: Pool = "mean"
    easing: Easing = "smooth"
    seed: int = 0

    def __post_init__(self) -> None:
        _choice("move", self.move, get_args(Move))
        _choice("pool", self.pool, get_args(Pool))
        _choice("easing", self.easing, get_args(Easing))
        _in_range("duration", self.duration, 1e-3, 600)
        _in_range("fps", self.fps, 1, 120)
        _in_range("strength", self.strength, 0, 3)
        _in_range("seed", self.seed, 0, 2**32 - 1)
        if self.size_wh is not None:
            width, height = self.size_wh
            _in_range("the width in size_wh", width, 2, 8192)
            _in_range("the height in size_wh", height, 2, 8192)
            self.size_wh = (int(width), int(height))

    @property
    def frame_count(self) -> int:
        """How many frames the clip has, at least 1."""
        return max(1, round(self.duration * self.fps))


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}; got {value!r}.")


def _in_range(name: str, value: object, low: float, high: float) -> None:
    number = value if isinstance(value, int | float) and value is not True else float("nan")
    if not low <= number <= high:  # not a number fails the comparison
        raise InvalidInput(f"{name} must be a number from {low:g} to {high:g}; got {value!r}.")


class KenBurns:
    """Renders camera moves.

    Example:
        >>> clip = KenBurns(move="orbit", strength=1.5)
        >>> clip(scene, "clip.mp4")
    """

    def __init__(self, options: KenBurnsOptions | None = None, **overrides: Any) -> None:
        """Take options, single fields of them, or both.

        Raises:
            InvalidInput: A field is unknown or out of its range.
        """
        try:
            self.options = replace(options or KenBurnsOptions(), **overrides)
        except TypeError as error:
            known = ", ".join(KenBurnsOptions.__dataclass_fields__)
            raise InvalidInput(f"{error}. The options are: {known}.") from error

    def prepare(self, scene: Scene) -> tuple[Camera, Renderer]:
        """Make the layers of a scene and choose the camera; what all frames have in common.

        Returns:
            ``camera(t) -> Pose`` for t in 0..1, and ``renderer(pose) -> frame``.
        """
        from apps.kenburns import layers
        from apps.kenburns.camera import plan
        from apps.kenburns.render import Renderer

        options, size_wh = self.options, self.frame_size(scene)
        canvas = layers.make_canvas(scene, size_wh, pool=options.pool, seed=options.seed)
        stage = layers.measure(canvas, size_wh)
        camera = plan(stage, options.move, strength=options.strength, easing=options.easing)
        poses = [camera(i / 16) for i in range(17)]
        reach = stage.reach(poses) * canvas.picture.shape[1]
        made = layers.build(canvas, size_wh, reach, seed=options.seed)
        return camera, Renderer(made, stage, size_wh, poses)

    def frame_size(self, scene: Scene) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        if self.options.size_wh is not None:
            return self.options.size_wh
        scale = min(1.0, LONGEST_SIDE / max(scene.size_wh))
        width, height = (max(1, round(side * scale)) for side in scene.size_wh)
        return width, height

    def frames(
        self, scene: Scene, progress: Progress | None = None
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Render frame by frame; memory does not grow with their number.

        Args:
            scene: What to show. Without instances its depth alone makes the parallax.
            progress: Called after each frame; may raise to stop.

        Yields:
            RGB ``uint8`` ``(h, w, 3)``. The first frame of auto, zoom and dolly is the picture
            itself.
        """
        report, count = progress or silent, self.options.frame_count
        report(0, count, "preparing the layers")
        camera, render = self.prepare(scene)
        for index in range(count):
            yield render(camera(index / (count - 1) if count > 1 else 0.0))
            report(index + 1, count, "rendering")

    def __call__(
        self, scene: Scene, out_path: str | Path, progress: Progress | None = None
    ) -> Path:
        """Write a clip.

        Args:
            scene: What to show.
            out_path: The ending chooses the kind, see :class:`cartoonedit.video.VideoWriter`.
            progress: Called after each frame; may raise to stop, and then nothing is left behind.

        Returns:
            ``out_path``.

        Raises:
            InvalidInput: The ending is unknown.
            CartooneditError: The clip could not be written.
        """
        from cartoonedit.video import VideoWriter

        with (
            VideoWriter(out_path, self.frame_size(scene), self.options.fps) as writer,
            closing(self.frames(scene, progress)) as frames,
        ):
            for frame in frames:
                writer.write(frame)
        return Path(out_path)
