"""Drawing a frame: the plate as a displaced surface, then one warp per instance, back to front."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from apps.kenburns.colours import Colours, Layer
from apps.kenburns.detail import fine_textures, share
from apps.kenburns.focus import DepthOfField
from apps.kenburns.layers import CutOut, Layers, Surface, pad
from apps.kenburns.painter import DENSITY, CpuPainter, Painter
from apps.kenburns.stage import Stage
from apps.kenburns.surface import Lookup
from apps.kenburns.timing import EASINGS

__all__ = ["Look", "Renderer", "similarity"]

EARLY = (0.5, 6.0)
"""Pixels of movement between instances and plate over which the plate gives up what it carries of
the picture around them, and shows the inpainted fill alone."""

Moves = Mapping[str, NDArray[np.float64]]
"""How instances move by themselves: name to an affine map ``(2, 3)`` in picture widths."""


@dataclass(frozen=True)
class Look:
    """How frames are drawn.

    Attributes:
        aperture: How strong the depth of field is; 0 has everything sharp.
        planes: Disparities of the nearest and the farthest plane that will be in focus.
        linear: Whether colours are mixed in linear light.
        background: Whether the plate is drawn; without it frames are RGBA.
        reach: How far instances move by themselves at most, in picture widths.
        device: Where frames are drawn: ``cpu``, or as for
            :func:`cartoonedit.runtime.pick_device`, with PyTorch.
    """

    aperture: float = 0.0
    planes: tuple[float, float] = (0.25, 1.0)
    linear: bool = False
    background: bool = True
    reach: float = 0.0
    device: str = "cpu"


def similarity(
    pose: Pose, q: float, canvas_wh: tuple[int, int], frame_wh: tuple[int, int]
) -> tuple[float, float, float]:
    """The map from canvas pixels of the plane ``q`` to frame pixels: ``scale * pixel + (x, y)``."""
    (width, height), (frame_w, frame_h) = canvas_wh, frame_wh
    scale = pose.scale(q)
    x = (frame_w - 1) / 2 + width * (pose.shift_x - scale * pose.x * q) - scale * (width - 1) / 2
    y = (frame_h - 1) / 2 + width * (pose.shift_y - scale * pose.y * q) - scale * (height - 1) / 2
    return scale, x, y


class Renderer:
    """Renders layers from any pose."""

    def __init__(
        self,
        layers: Layers,
        stage: Stage,
        frame_wh: tuple[int, int],
        poses: Iterable[Pose] = (),
        look: Look | None = None,
        fine: Layers | None = None,
    ) -> None:
        """Prepare.

        Args:
            layers: What to render.
            stage: Their measures.
            frame_wh: Size of the frames in pixels.
            poses: Poses of the move, by which each surface chooses its way of being looked up.
                Without them the way that always works is taken.
            look: How; None is sharp, on the plate.
            fine: The same layers at a larger scale, for where they are magnified; not used with
                depth of field.
        """
        self._layers, self._stage, self._frame_wh = layers, stage, frame_wh
        self._look = look or Look()
        self._painter = _painter(frame_wh, self._look)
        moves = list(poses)
        self._lookups = {
            index: Lookup(layer.q, frame_wh, moves, torn=layer.torn)
            for index, layer in enumerate(layers.stack)
            if isinstance(layer, Surface)
        }
        finer: list[Layer | None] = [None] * len(layers.stack)
        if fine is not None and self._look.aperture == 0 and self._look.reach == 0:
            finer = fine_textures(layers, fine, self._painter.colours)
        self._textures = [
            _Texture(layer, layers.canvas_wh, self._painter, self._look, texture)
            for layer, texture in zip(layers.stack, finer, strict=True)
        ]
        # What the layers get wrong by rounding and at soft edges, while they lie where they were.
        self._residual: NDArray[np.int16] | None = None
        if self._look.background and self._look.aperture == 0:
            exact = self._painter.rgb(self._compose(Pose(), None, {}))
            residual = cv2.subtract(layers.reference, exact, dtype=cv2.CV_16S)
            self._residual = residual if residual.any() else None

    def __call__(
        self, pose: Pose, *, focus: float | None = None, moves: Moves | None = None
    ) -> NDArray[np.uint8]:
        """Render a frame.

        Args:
            pose: Where the camera is.
            focus: Disparity of the plane in focus; only with an aperture does it matter.
            moves: How instances move by themselves; those not named rest.

        Returns:
            RGB ``uint8`` ``(h, w, 3)``, a new array. For the identity, sharp and at rest, the
            picture to the bit. Without background RGBA ``(h, w, 4)``, not premultiplied.
        """
        moves = moves or {}
        drawn = self._compose(pose, focus, moves)
        if not self._look.background:
            return self._painter.rgba(drawn)
        frame = self._painter.rgb(drawn)
        travel = self._stage.travel(pose) + (self._look.reach if moves else 0)
        weight = 1 - travel * self._layers.canvas_wh[0] / 1.5
        if weight > 0 and self._residual is not None:
            corrected = cv2.addWeighted(frame, 1.0, self._residual, weight, 0.0, dtype=cv2.CV_16S)
            frame = np.clip(corrected, 0, 255).astype(np.uint8)
        return frame

    def _compose(self, pose: Pose, focus: float | None, moves: Moves) -> Any:
        gap = self._stage.gap(pose) + (self._look.reach if moves else 0)
        early = _fade(gap * self._layers.canvas_wh[0])
        painter = self._painter
        frame = painter.frame()
        for index, layer in enumerate(self._layers.stack):
            if index < self._layers.plates and not self._look.background:
                continue
            scale = pose.scale(float(np.mean(layer.q)))
            texture, origin_xy = self._textures[index](early, focus, scale)
            if isinstance(layer, CutOut):
                matrix = self._matrix(layer, origin_xy, pose, moves.get(layer.name))
                frame = painter.move(frame, texture, matrix)
            else:
                frame = painter.bend(frame, texture, self._lookups[index](pose, DENSITY))
        return frame

    def _matrix(
        self,
        layer: CutOut,
        origin_xy: tuple[int, int],
        pose: Pose,
        own: NDArray[np.float64] | None,
    ) -> NDArray[np.float64]:
        """From the pixels of a dense texture to those of the frame."""
        (width, height), (left, top) = self._layers.canvas_wh, origin_xy
        scale, x, y = similarity(pose, layer.q, (width, height), self._frame_wh)
        matrix = np.array([[scale, 0, x], [0, scale, y]])
        if own is not None:  # to picture widths, moved there, and back
            middle = np.array([(width - 1) / 2, (height - 1) / 2])
            shift = middle + own[:, 2] * width - own[:, :2] @ middle
            matrix = matrix @ np.vstack([np.column_stack([own[:, :2], shift]), [0, 0, 1]])
        place = np.array([[1 / DENSITY, 0, left], [0, 1 / DENSITY, top], [0, 0, 1]])
        return matrix @ place


def _painter(frame_wh: tuple[int, int], look: Look) -> Painter:
    colours = Colours(look.linear)
    if look.device == "cpu":
        return CpuPainter(frame_wh, colours)
    from apps.kenburns.torch_painter import TorchPainter
    from cartoonedit.runtime import pick_device

    return TorchPainter(frame_wh, colours, pick_device(look.device))


def _fade(pixels: float) -> float:
    """1 up to the first of :data:`EARLY`, 0 from the second on, smooth between."""
    t = min(max((pixels - EARLY[0]) / (EARLY[1] - EARLY[0]), 0.0), 1.0)
    return 1 - EASINGS["smooth"](t)


class _Texture:
    """The texture of a layer: what matches the picture, giving way to what is for afterwards.

    With depth of field nothing matches the picture, and there is only the latter, blurred.
    """

    def __init__(
        self,
        layer: Surface | CutOut,
        size: tuple[int, int],
        painter: Painter,
        look: Look,
        fine: Layer | None = None,
    ) -> None:
        self._fine = None if fine is None else painter.load(fine)
        self._origin_xy = layer.origin_xy if isinstance(layer, CutOut) else (0, 0)
        self._field: DepthOfField | None = None
        self._early: Any = None
        self._painter, encode = painter, painter.colours.encode
        later, first = layer.texture, layer.early
        if isinstance(layer, CutOut) and look.reach > 0:  # its own moves may bare where it is cut
            rim = math.ceil(look.reach * size[0]) + 1
            later = pad(later, self._origin_xy, size, rim)
            first = None if first is None else pad(first, self._origin_xy, size, rim)
            self._origin_xy = (self._origin_xy[0] - rim, self._origin_xy[1] - rim)
            layer = CutOut(layer.name, later, self._origin_xy, layer.q)
        if look.aperture > 0:
            self._field = DepthOfField(layer, encode(later), size, look.aperture, look.planes)
            self._plane: float | None = None
        else:
            self._later = painter.texture(encode(later))
            self._early = None if first is None else painter.texture(encode(first))

    def __call__(
        self, early: float, focus: float | None, scale: float
    ) -> tuple[Any, tuple[int, int]]:
        """At :data:`DENSITY`, the share ``early`` of it the early one; and where it starts.

        The larger the scale at which it is shown, the more of it is the fine one.
        """
        if self._field is not None:
            plane = 1.0 if focus is None else focus
            if self._plane != plane:
                sharp = self._field.is_sharp(plane)
                self._later = self._painter.texture(self._field(plane), sharp=sharp)
                self._plane = plane
            return self._later, self._field.origin_xy
        later, mix = self._later, self._painter.mix
        finer = 0.0 if self._fine is None else share(scale)
        if finer > 0:
            later = self._fine if finer >= 1 else mix(self._fine, finer, later)
        if self._early is None or early <= 0:
            return later, self._origin_xy
        if early >= 1:
            return self._early, self._origin_xy
        return mix(self._early, early, later), self._origin_xy
