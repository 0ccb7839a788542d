"""Looking up the plate: which point of a displaced surface appears at each pixel of a frame.

A surface is looked up backwards. The source of a frame's point is the fixed point of
``u = (u' - shift) (1 - z q) / zoom + x q``, with ``q`` read at ``u`` itself. Where the surface is flat
enough for that to be a contraction, a few rounds on a coarse grid are exact to hundredths of a pixel;
where it is not, a z-buffered splat of the surface's points chooses among its several solutions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from cartoonedit.inpaint import fill_smooth

__all__ = ["Lookup"]


class Lookup:
    """Finds the points of one surface."""

    def __init__(
        self, q: NDArray[np.float32], frame_wh: tuple[int, int], poses: list[Pose], *, torn: bool
    ) -> None:
        """Choose how to look the surface up.

        Args:
            q: Its disparity, ``float32`` ``(H, W)``.
            frame_wh: Size of the frames.
            poses: Samples of the move; without any, the way that always works is taken.
            torn: Whether to find out where the surface is torn.
        """
        self._q, self._frame_wh, self._find_tears = q, frame_wh, torn
        factor = _contraction(q, poses) if poses else math.inf
        self._steep = factor > 0.7
        self._step = 2 if self._steep else 4
        # The first error is at most the picture's width, the last at most a hundredth of a pixel.
        wanted = math.log(0.01 / q.shape[1]) / math.log(min(max(factor, 1e-3), 0.7))
        self._rounds = 6 if self._steep else math.ceil(wanted)
        self._points = _Points(q, frame_wh) if self._steep else None

    def __call__(
        self, pose: Pose, density: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]:
        """For each pixel of the frame the pixel of the surface to take, and how torn it is there.

        Args:
            pose: Where the camera is.
            density: How many pixels of the texture lie between two of the surface, on each axis.

        Returns:
            x and y in the texture, ``float32`` ``(h, w)``; and 0 where the surface is whole to 1 where
            no point of it appears, None unless asked for.
        """
        (frame_w, frame_h), step = self._frame_wh, self._step
        height, width = self._q.shape
        # One cell more on each side, so that the enlarged map is interpolated up to the border.
        columns, rows = (
            (np.arange(-1, math.ceil(side / step) + 1, dtype=np.float32) + 0.5) * step - 0.5
            for side in (frame_w, frame_h)
        )
        far_x = (columns - (frame_w - 1) / 2) - width * pose.shift_x
        far_y = ((rows - (frame_h - 1) / 2) - width * pose.shift_y)[:, None]
        centre_x, centre_y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
        if self._points is None:
            q = np.full((len(rows), len(columns)), self._q.mean(), np.float32)
        else:
            q = self._points.nearest(pose, step, (len(columns), len(rows)))
        for _ in range(self._rounds):
            back = (1 - np.float32(pose.z) * q) / np.float32(pose.zoom)
            x = far_x * back + np.float32(width * pose.x) * q + centre_x
            y = far_y * back + np.float32(width * pose.y) * q + centre_y
            before = q
            q = cv2.remap(self._q, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        torn = None
        if self._find_tears:
            # Where the rounds do not settle, no point of the surface appears.
            shift = np.abs(q - before) * width * max(abs(pose.x), abs(pose.y), abs(pose.z) / 2)
            torn = self._enlarge((shift > 0.5).astype(np.float32))
        return self._enlarge(density * x), self._enlarge(density * y), torn

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
