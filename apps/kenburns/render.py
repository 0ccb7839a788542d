"""Drawing a frame: the plate as a displaced surface, then one warp per instance, back to front.

Textures are kept at twice their density, filled in by cubic interpolation once, so that the linear
interpolation that every frame can afford looks like cubic.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose, Stage
from apps.kenburns.layers import CutOut, Layers, Surface
from apps.kenburns.surface import Lookup

__all__ = ["Renderer", "similarity"]

DENSITY = 2
"""Pixels of a texture for one of the picture, on each axis."""

EARLY = (0.5, 6.0)
"""Pixels of movement between instances and plate over which the plate gives up what it carries of
the picture around them, and shows the inpainted fill alone."""


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
    ) -> None:
        """Prepare.

        Args:
            layers: What to render.
            stage: Their measures.
            frame_wh: Size of the frames in pixels.
            poses: Poses of the move, by which each surface chooses its way of being looked up.
                Without them the way that always works is taken.
        """
        self._layers, self._stage, self._frame_wh = layers, stage, frame_wh
        moves = list(poses)
        self._lookups = {
            index: Lookup(layer.q, frame_wh, moves, torn=layer.torn)
            for index, layer in enumerate(layers.stack)
            if isinstance(layer, Surface)
        }
        self._colours = [_Colours(layer) for layer in layers.stack]
        # What the layers get wrong by rounding and at soft edges, while they lie where they were.
        exact = self._compose(Pose())
        self._residual = cv2.subtract(layers.reference, exact, dtype=cv2.CV_16S)
        self._exact = not self._residual.any()

    def __call__(self, pose: Pose) -> NDArray[np.uint8]:
        """Render a frame.

        Returns:
            RGB ``uint8`` ``(h, w, 3)``, a new array. For the identity, the picture to the bit.
        """
        frame = self._compose(pose)
        weight = 1 - self._stage.travel(pose) * self._layers.canvas_wh[0] / 1.5
        if weight > 0 and not self._exact:
            corrected = cv2.addWeighted(frame, 1.0, self._residual, weight, 0.0, dtype=cv2.CV_16S)
            frame = np.clip(corrected, 0, 255).astype(np.uint8)
        return frame

    def _compose(self, pose: Pose) -> NDArray[np.uint8]:
        early = _fade(self._stage.gap(pose) * self._layers.canvas_wh[0])
        frame = self._surface(0, pose, early)
        for index, layer in enumerate(self._layers.stack[1:], start=1):
            if isinstance(layer, CutOut):
                move = similarity(pose, layer.q, self._layers.canvas_wh, self._frame_wh)
                _draw(frame, self._colours[index](early), layer.origin_xy, move)
            else:
                _over(frame, self._surface(index, pose, early))
        return cv2.cvtColor(frame, cv2.COLOR_RGBA2RGB)

    def _surface(self, index: int, pose: Pose, early: float) -> NDArray[np.uint8]:
        """A surface as it appears in the frame, premultiplied RGBA."""
        x, y, torn = self._lookups[index](pose, DENSITY)
        image = cv2.remap(
            self._colours[index](early), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if torn is None:
            return image
        whole = np.rint(255 * (1 - torn)).astype(np.uint8)
        return cv2.multiply(image, cv2.merge((whole,) * 4), scale=1 / 255)


def _fade(pixels: float) -> float:
    """1 up to the first of :data:`EARLY`, 0 from the second on, smooth between."""
    t = min(max((pixels - EARLY[0]) / (EARLY[1] - EARLY[0]), 0.0), 1.0)
    return 1 - t * t * (3 - 2 * t)


class _Colours:
    """The colours of a layer: those that match the picture, giving way to those for afterwards."""

    def __init__(self, layer: Surface | CutOut) -> None:
        self._later = _dense(layer.texture)
        self._early = None if layer.early is None else _dense(layer.early)

    def __call__(self, early: float) -> NDArray[np.uint8]:
        """Premultiplied RGBA at :data:`DENSITY`, the share ``early`` of it the early one."""
        if self._early is None or early <= 0:
            return self._later
        if early >= 1:
            return self._early
        return cv2.addWeighted(self._early, early, self._later, 1 - early, 0)


def _dense(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGBA with pixels between the pixels; pixel ``i`` is found at ``DENSITY * i``, unchanged."""
    height, width = texture.shape[:2]
    if texture.shape[2] == 3:
        texture = cv2.cvtColor(texture, cv2.COLOR_RGB2RGBA)
    dense = cv2.warpAffine(
        texture,
        np.array([[1 / DENSITY, 0, 0], [0, 1 / DENSITY, 0]]),
        (DENSITY * (width - 1) + 1, DENSITY * (height - 1) + 1),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Cubic interpolation overshoots; a premultiplied colour cannot exceed its alpha.
    return np.minimum(dense, dense[..., 3:])


def _draw(
    frame: NDArray[np.uint8],
    texture: NDArray[np.uint8],
    origin_xy: tuple[int, int],
    move: tuple[float, float, float],
) -> None:
    """Warp a cut-out and lay it over the frame, touching only its box."""
    scale, x, y = move
    x, y = x + scale * origin_xy[0], y + scale * origin_xy[1]
    height, width = (side / DENSITY + 1 for side in texture.shape[:2])
    left, top = max(0, math.floor(x - scale)), max(0, math.floor(y - scale))
    right = min(frame.shape[1], math.ceil(x + scale * width) + 1)
    bottom = min(frame.shape[0], math.ceil(y + scale * height) + 1)
    if right <= left or bottom <= top:
        return
    matrix = np.array([[scale / DENSITY, 0, x - left], [0, scale / DENSITY, y - top]])
    warped = cv2.warpAffine(texture, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    _over(frame[top:bottom, left:right], warped)


def _over(frame: NDArray[np.uint8], layer: NDArray[np.uint8]) -> None:
    """Lay premultiplied RGBA over RGBA, in place."""
    clear = cv2.bitwise_not(cv2.extractChannel(layer, 3))
    cv2.multiply(frame, cv2.merge((clear,) * 4), dst=frame, scale=1 / 255)
    cv2.add(frame, layer, dst=frame)
