"""3D Ken Burns: a camera move through a still picture, with parallax (paper section 6.1).

Example:
    >>> from cartoonedit.scene import Scene
    >>> KenBurns(move="orbit", duration=5)(Scene.open("scene/"), "clip.mp4")
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.kenburns.options import KenBurnsOptions
from apps.overrides import with_overrides
from cartoonedit.runtime import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from apps.kenburns.shot import Shot
    from cartoonedit.scene import Scene

__all__ = ["KenBurns", "KenBurnsOptions"]

LONGEST_SIDE = 3840
"""The longest side of a frame where no size is asked for; H.264 players stop at 4096."""


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
        self.options = with_overrides(KenBurnsOptions, options, overrides)

    def prepare(self, scene: Scene) -> Shot:
        """Make the layers of a scene and choose the camera; what all frames have in common.

        Raises:
            InvalidInput: An option does not fit the scene, such as a window outside of it.
        """
        from apps.kenburns.shot import make_shot

        return make_shot(scene, self.view_size(scene), self.options)

    def view_size(self, scene: Scene) -> tuple[int, int]:
        """Width and height of what one eye sees, in pixels."""
        if self.options.size_wh is not None:
            return self.options.size_wh
        width, height = map(float, scene.size_wh)
        ratio = self.options.ratio()
        if ratio is not None:
            width, height = min(width, height * ratio), min(height, width / ratio)
        scale = min(1.0, LONGEST_SIDE / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def frame_size(self, scene: Scene) -> tuple[int, int]:
        """Width and height of the frames in pixels."""
        width, height = self.view_size(scene)
        return (2 * width, height) if self.options.stereo == "side-by-side" else (width, height)

    def frames(
        self, scene: Scene, progress: Progress | None = None
    ) -> Generator[NDArray[np.uint8], None, None]:
        """Render frame by frame; memory does not grow with their number.

        Args:
            scene: What to show. Without instances its depth alone makes the parallax.
            progress: Called after each frame; may raise to stop.

        Yields:
            RGB ``uint8`` ``(h, w, 3)``, or RGBA of a transparent clip. The first frame of autozoom,
            zoom-in, dolly and dolly-zoom is the picture itself.
        """
        from apps.kenburns.timing import times

        report, count = progress or silent, self.options.frame_count
        report(0, count, "preparing the layers")
        shot = self.prepare(scene)
        for index, t in enumerate(times(count, self.options.loop), 1):
            yield shot.frame(t)
            report(index, count, "rendering")

    def export_layers(
        self, scene: Scene, out_path: str | Path, progress: Progress | None = None
    ) -> Path:
        """Write what the clip is made of, and its camera, for other programs.

        Args:
            scene: What to export, whole, at the size of its picture.
            out_path: ``.glb``, ``.gltf``, ``.psd``, ``.ora``, or a folder for After Effects; see
                :func:`apps.kenburns.export.export_layers`.
            progress: Called before and after each step; may raise to stop.

        Returns:
            ``out_path``.

        Raises:
            InvalidInput: The ending is unknown, or an option does not fit the scene.
            CartooneditError: The place cannot be written to.
        """
        from apps.kenburns.canvas import painted
        from apps.kenburns.export import export_layers
        from apps.kenburns.shot import camera_of

        options = replace(self.options, size_wh=scene.size_wh, aspect=None)
        scene = painted(scene, options.seed)  # once, for camera and layers
        return export_layers(
            scene,
            out_path,
            pool=options.pool,
            seed=options.seed,
            camera=camera_of(scene, scene.size_wh, options),
            fps=options.fps,
            duration=options.seconds,
            loop=options.loop,
            outlines=options.snap_outlines,
            progress=progress,
        )

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
            InvalidInput: The ending is unknown, or an option does not fit the scene.
            CartooneditError: The clip could not be written.
        """
        from cartoonedit.video import VideoWriter

        writer = VideoWriter(
            out_path, self.frame_size(scene), self.options.fps, alpha=self.options.transparent
        )
        with writer, closing(self.frames(scene, progress)) as frames:
            for frame in frames:
                writer.write(frame)
        return Path(out_path)
