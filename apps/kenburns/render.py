"""Drawing a frame: the plate as a displaced surface, then one warp per instance, back to front.

A pooled instance moves by an exact similarity. A surface is looked up backwards: the source of a
frame's point is the fixed point of ``u = (u' - shift) (1 - z q) / zoom + x q`` with ``q`` read at
``u`` itself. Where the surface is flat enough for that to be a contraction, a few rounds on a
coarse grid are exact to hundredths of a pixel; where it is not, a z-buffered splat of the surface's
points chooses among its several solutions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose, Stage
from apps.kenburns.layers import CutOut, Layers, Surface
from cartoonedit.inpaint import fill_smooth

__all__ = ["Renderer", "similarity"]

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
            index: _Lookup(layer, frame_wh, moves)
            for index, layer in enumerate(layers.stack)
            if isinstance(layer, Surface)
        }
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
        width = self._layers.canvas_wh[0]
        early = _fade(self._stage.gap(pose) * width)
        frame, _ = self._lookups[0](pose, early)
        for index, layer in enumerate(self._layers.stack[1:], start=1):
            if isinstance(layer, CutOut):
                move = similarity(pose, layer.q, self._layers.canvas_wh, self._frame_wh)
                _draw(frame, _texture(layer, early), layer.origin_xy, move)
                continue
            image, torn = self._lookups[index](pose, early)
            if torn is not None:
                frame = cv2.blendLinear(frame, image, torn, 1 - torn)
            else:
                _over(frame, image)
        return frame


def _fade(pixels: float) -> float:
    """1 up to the first of :data:`EARLY`, 0 from the second on, smooth between."""
    t = min(max((pixels - EARLY[0]) / (EARLY[1] - EARLY[0]), 0.0), 1.0)
    return 1 - t * t * (3 - 2 * t)


# ---------------------------------------------------------------- instances


def _texture(layer: Surface | CutOut, early: float) -> NDArray[np.uint8]:
    """The colours of a layer, the share ``early`` (0..1) of which match the picture."""
    if layer.early is None or early <= 0:
        return layer.texture
    if early >= 1:
        return layer.early
    return cv2.addWeighted(layer.early, early, layer.texture, 1 - early, 0)


def _draw(
    frame: NDArray[np.uint8],
    texture: NDArray[np.uint8],
    origin_xy: tuple[int, int],
    move: tuple[float, float, float],
) -> None:
    """Warp a cut-out and lay it over the frame, touching only its box."""
    scale, x, y = move
    x, y = x + scale * origin_xy[0], y + scale * origin_xy[1]
    height, width = texture.shape[:2]
    left, top = max(0, math.floor(x - scale)), max(0, math.floor(y - scale))
    right = min(frame.shape[1], math.ceil(x + scale * width) + 1)
    bottom = min(frame.shape[0], math.ceil(y + scale * height) + 1)
    if right <= left or bottom <= top:
        return
    matrix = np.array([[scale, 0, x - left], [0, scale, y - top]])
    warped = cv2.warpAffine(texture, matrix, (right - left, bottom - top), flags=cv2.INTER_CUBIC)
    _over(frame[top:bottom, left:right], warped)


def _over(frame: NDArray[np.uint8], rgba: NDArray[np.uint8]) -> None:
    """Lay premultiplied RGBA over RGB, in place."""
    clear = cv2.bitwise_not(cv2.extractChannel(rgba, 3))
    behind = cv2.multiply(frame, cv2.merge((clear, clear, clear)), scale=1 / 255)
    cv2.add(behind, cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), dst=behind)
    frame[...] = behind


# ---------------------------------------------------------------- surfaces


class _Lookup:
    """Renders one surface."""

    def __init__(self, surface: Surface, frame_wh: tuple[int, int], poses: list[Pose]) -> None:
        self._surface, self._frame_wh = surface, frame_wh
        self._steep = not poses or _contraction(surface.q, poses) > 0.5
        self._step = 2 if self._steep else 4
        self._points = _Points(surface.q, frame_wh) if self._steep else None

    def __call__(
        self, pose: Pose, early: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """The frame's pixels, and where the surface is torn (1) so that what is behind it shows."""
        map_x, map_y, torn = self._source(pose)
        texture = _texture(self._surface, early)
        image = cv2.remap(texture, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return image, torn if self._surface.torn else None

    def _source(
        self, pose: Pose
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
        """For each pixel of the frame, the pixel of the canvas to take."""
        (frame_w, frame_h), step = self._frame_wh, self._step
        height, width = self._surface.q.shape
        # One cell more on each side, so that the enlarged map is interpolated up to the border.
        columns, rows = (
            (np.arange(-1, math.ceil(side / step) + 1, dtype=np.float32) + 0.5) * step - 0.5
            for side in (frame_w, frame_h)
        )
        far_x = (columns - (frame_w - 1) / 2) - width * pose.shift_x
        far_y = ((rows - (frame_h - 1) / 2) - width * pose.shift_y)[:, None]
        centre_x, centre_y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
        if self._points is None:
            q = np.full((len(rows), len(columns)), self._surface.q.mean(), np.float32)
        else:
            q = self._points.nearest(pose, step, (len(columns), len(rows)))
        rounds = 6 if self._steep else 4
        for _ in range(rounds):
            back = (1 - np.float32(pose.z) * q) / np.float32(pose.zoom)
            x = far_x * back + np.float32(width * pose.x) * q + centre_x
            y = far_y * back + np.float32(width * pose.y) * q + centre_y
            before = q
            q = cv2.remap(self._surface.q, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        torn = None
        if self._surface.torn:
            # Where the rounds do not settle, no point of the surface appears.
            shift = np.abs(q - before) * width * max(abs(pose.x), abs(pose.y), abs(pose.z) / 2)
            torn = self._enlarge((shift > 0.5).astype(np.float32))
        return self._enlarge(x), self._enlarge(y), torn

    def _enlarge(self, grid: NDArray[np.float32]) -> NDArray[np.float32]:
        (frame_w, frame_h), step = self._frame_wh, self._step
        height, width = grid.shape
        full = cv2.resize(grid, (width * step, height * step), interpolation=cv2.INTER_LINEAR)
        return full[step : step + frame_h, step : step + frame_w]


def _contraction(q: NDArray[np.float32], poses: Iterable[Pose]) -> float:
    """The largest factor by which an error shrinks (or grows) in one round of the fixed point."""
    height, width = q.shape
    slope_x = float(np.abs(np.diff(q, axis=1)).max(initial=0)) * width
    slope_y = float(np.abs(np.diff(q, axis=0)).max(initial=0)) * width
    return max(
        (abs(pose.x) + 0.5 * abs(pose.z)) * slope_x
        + (abs(pose.y) + 0.5 * height / width * abs(pose.z)) * slope_y
        for pose in poses
    )


class _Points:
    """The points of a surface, far to near, so that writing them in order is a z-buffer."""

    _CELL = 3  # pixels; points lie 2 apart, so cells stay full up to a magnification of 1.5

    def __init__(self, q: NDArray[np.float32], frame_wh: tuple[int, int]) -> None:
        height, width = q.shape
        rows, columns = np.mgrid[0:height:2, 0:width:2]
        points = q[::2, ::2].ravel()
        order = np.argsort(points, kind="stable")
        self._q = points[order]
        self._x = (columns.ravel()[order] - (width - 1) / 2).astype(np.float32)
        self._y = (rows.ravel()[order] - (height - 1) / 2).astype(np.float32)
        self._width, self._frame_wh = width, frame_wh

    def nearest(self, pose: Pose, step: int, size_wh: tuple[int, int]) -> NDArray[np.float32]:
        """Disparity of the nearest point at each cell of the grid on which the map is refined."""
        (frame_w, frame_h), cell = self._frame_wh, self._CELL
        scale = np.float32(pose.zoom) / (1 - np.float32(pose.z) * self._q)
        shift_x, shift_y = self._width * pose.shift_x, self._width * pose.shift_y
        x = scale * (self._x - self._width * np.float32(pose.x) * self._q) + np.float32(shift_x)
        y = scale * (self._y - self._width * np.float32(pose.y) * self._q) + np.float32(shift_y)
        # The same margin of one cell of the finer grid on each side.
        i = ((x + (frame_w / 2 + step)) / cell).astype(np.intp)
        j = ((y + (frame_h / 2 + step)) / cell).astype(np.intp)
        wide, high = math.ceil(size_wh[0] * step / cell), math.ceil(size_wh[1] * step / cell)
        seen = (x > -frame_w / 2 - step) & (y > -frame_h / 2 - step) & (i < wide) & (j < high)
        cells = np.full(high * wide, np.nan, np.float32)
        cells[(j * wide + i)[seen]] = self._q[seen]  # the last, nearest one stays
        grid = cells.reshape(high, wide)
        hole = np.isnan(grid)
        if hole.any():
            grid = fill_smooth(np.nan_to_num(grid), hole)
        return cv2.resize(grid, size_wh, interpolation=cv2.INTER_NEAREST)
