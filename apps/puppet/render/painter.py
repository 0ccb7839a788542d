"""Painting natural puppets: rigs whose vertices have moved, over a picture or over nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.render.colours import unpremultiply
from apps.puppet.render.layers import LayerPainter
from apps.puppet.render.sheets import rig_layers
from apps.puppet.rig import Rig
from cartoonedit.errors import InvalidInput

__all__ = ["RigPainter", "Stage", "View", "paint_rig"]


@dataclass(frozen=True)
class View:
    """Which part of the picture a frame shows: ``frame = picture * scale + shift``, in pixels.

    Attributes:
        scale: Pixels of the frame for one of the picture.
        shift_xy: Where the picture's upper left corner lies in the frame.
    """

    scale: float = 1.0
    shift_xy: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if not (np.isfinite([self.scale, *self.shift_xy]).all() and self.scale > 0):
            raise InvalidInput(
                f"a view needs a scale above 0 and a finite shift; got {self.scale} and"
                f" {self.shift_xy}."
            )

    def apply(self, points_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the picture as points of the frame."""
        return np.asarray(points_xy, np.float64) * self.scale + self.shift_xy


class RigPainter:
    """Paints a rig, frame after frame. Textures are prepared once.

    Args:
        rig: The rig.
        view: What the frames show.
        antialias: False shows the nearest pixels, with hard edges.
        supersample: How many times finer the edges of sheets are, along each axis.
    """

    def __init__(
        self, rig: Rig, view: View | None = None, *, antialias: bool = True, supersample: int = 1
    ) -> None:
        self.rig, self.view = rig, view or View()
        self._supersample = supersample
        self._painter: LayerPainter | None = None
        if any(len(sheet.triangles) for sheet in rig.sheets):
            layers = rig_layers(rig, self.view.scale)
            rim = 1.0 if antialias else 0.0
            self._painter = LayerPainter(layers, rim=rim, hard=not antialias)

    def order(self, depth: NDArray[np.floating] | None = None) -> list[int]:
        """The sheets from the back to the front.

        Args:
            depth: ``(J,)`` of the joints, larger is nearer; None leaves the sheets as in rest.
        """
        if depth is None:
            return list(range(len(self.rig.sheets)))
        depths = [
            float(np.mean(np.asarray(depth)[list(sheet.joints)])) if sheet.joints else 0.0
            for sheet in self.rig.sheets
        ]
        return sorted(range(len(depths)), key=depths.__getitem__)

    def paint(
        self,
        canvas: NDArray[np.uint8],
        vertices_xy: NDArray[np.floating],
        depth: NDArray[np.floating] | None = None,
    ) -> tuple[int, int, int, int]:
        """Paint the rig over a canvas.

        Args:
            canvas: RGB, or premultiplied RGBA, ``uint8``; painted in place.
            vertices_xy: ``(V, 2)``: where the vertices of the rig are, in pixels of the picture.
            depth: See :meth:`order`.

        Returns:
            The box ``(left, top, right, bottom)`` out of which nothing was changed.
        """
        if self._painter is None:
            return (0, 0, 0, 0)
        points = self.view.apply(vertices_xy)
        return self._painter.paint(canvas, points, self.order(depth), supersample=self._supersample)


def paint_rig(
    canvas: NDArray[np.uint8],
    rig: Rig,
    vertices_xy: NDArray[np.floating],
    depth: NDArray[np.floating] | None = None,
    view: View | None = None,
) -> None:
    """Paint a rig once; for many frames make a :class:`RigPainter`, whose ``paint`` this is."""
    RigPainter(rig, view).paint(canvas, vertices_xy, depth)


class Stage:
    """Paints the frames of a clip with several puppets.

    Args:
        ground: What is behind them, RGB ``uint8`` ``(H, W, 3)``, as large as a frame; or the size
            ``(width, height)`` of frames that are transparent.
        rigs: The puppets from the back to the front.
        view: What the frames show of the picture that the rigs are made of.
        antialias: See :class:`RigPainter`.
        supersample: See :class:`RigPainter`.
    """

    def __init__(
        self,
        ground: NDArray[np.uint8] | tuple[int, int],
        rigs: Sequence[Rig],
        view: View | None = None,
        *,
        antialias: bool = True,
        supersample: int = 1,
    ) -> None:
        if isinstance(ground, tuple):
            ground = np.zeros((ground[1], ground[0], 4), np.uint8)
        self._ground = ground
        self.painters = [
            RigPainter(rig, view, antialias=antialias, supersample=supersample) for rig in rigs
        ]

    def paint_frame(
        self,
        poses: Sequence[tuple[NDArray[np.floating], NDArray[np.floating] | None]],
        order: Sequence[int] | None = None,
    ) -> NDArray[np.uint8]:
        """Paint one frame.

        Args:
            poses: For each rig its vertices and the depth of its joints; see
                :meth:`RigPainter.paint`.
            order: Indices of the rigs to paint, from the back to the front; None paints all.

        Returns:
            RGB; or, where there is no ground, RGBA that is not premultiplied. A new array.

        Raises:
            InvalidInput: There are not as many poses as rigs.
        """
        if len(poses) != len(self.painters):
            raise InvalidInput(
                f"a frame of {len(self.painters)} puppets needs as many poses; got {len(poses)}."
            )
        frame = self._ground.copy()
        touched = []
        for index in range(len(poses)) if order is None else order:
            vertices, depth = poses[index]
            touched.append(self.painters[index].paint(frame, vertices, depth))
        if frame.shape[2] == 4:
            unpremultiply(frame, touched)
        return frame
