"""Looking up the plate: which point of a displaced surface appears at each pixel of a frame.

A surface is looked up backwards. The source of a frame's point is the fixed point of
``u = (u' - shift) (1 - z q) / zoom + x q``, with ``q`` read at ``u`` itself. Where the surface is
flat enough for that to be a contraction, a few rounds on a coarse grid are exact to hundredths of a
pixel; where it is not, a z-buffered splat of the surface's points chooses among its several
solutions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from cartoonedit.inpaint import fill_smooth

__all__ = ["Lookup", "Maps"]


Maps = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32] | None]
"""Where each pixel of a frame comes from: x, y, and how torn the surface is (None: nowhere)."""


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
        self._points = _Points(q, frame_wh) if factor > 0.7 else None
        # The first error is at most the picture's width, the last at most a hundredth of a pixel.
        wanted = math.log(0.01 / q.shape[1]) / math.log(min(max(factor, 1e-3), 0.7))
        self._rounds = math.ceil(wanted)

    def __call__(self, pose: Pose, density: int) -> Maps:
        """For each pixel of the frame the pixel of the surface to take, and how torn it is there.

        Args:
            pose: Where the camera is.
            density: How many pixels of the texture lie between two of the surface, on each axis.

        Returns:
            x and y in the texture, ``float32`` ``(h, w)``; and 0 where the surface is whole to 1
            where no point of it appears, None unless asked for.
        """
        if self._points is None:
            return self._smooth(pose, density)
        return self._steep(pose, density, self._points)

    def _smooth(self, pose: Pose, density: int) -> Maps:
        step = 4
        grid = _Grid(self._frame_wh, step)
        q = np.full(grid.shape, self._q.mean(), np.float32)
        for _ in range(self._rounds):
            x, y = grid.source(q, pose, self._q.shape)
            q = cv2.remap(self._q, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x, y = (grid.enlarge(density * way, cv2.INTER_LINEAR) for way in (x, y))
        return x, y, None

    def _steep(self, pose: Pose, density: int, points: _Points) -> Maps:
        # A cell that the near side touches starts as near: rounds can lead out of it, not into it.
        around = np.ones((3, 3), np.uint8)
        coarse, fine = _Grid(self._frame_wh, 2), _Grid(self._frame_wh, 1)
        q = cv2.dilate(points.nearest(pose, coarse), around)
        q, _ = self._settle(q, pose, coarse, rounds=4)
        q = cv2.dilate(coarse.enlarge(q, cv2.INTER_NEAREST), around)
        q, before = self._settle(q, pose, fine, rounds=2)
        x, y = fine.source(q, pose, self._q.shape)
        torn = None
        if self._find_tears:  # where the rounds do not settle, no point of the surface appears
            most = self._q.shape[1] * max(abs(pose.x), abs(pose.y), abs(pose.z) / 2)
            torn = (np.abs(q - before) * most > 0.5).astype(np.float32)
        return density * x, density * y, torn

    def _settle(
        self, q: NDArray[np.float32], pose: Pose, grid: _Grid, rounds: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The disparity after some rounds, and before the last."""
        for _ in range(rounds):
            x, y = grid.source(q, pose, self._q.shape)
            before = q
            # Nearest: between the two sides of an edge of depth lies nothing.
            q = cv2.remap(self._q, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        return q, before


class _Grid:
    """Every ``step``-th pixel of a frame, with one cell more on each side where that is above 1."""

    def __init__(self, frame_wh: tuple[int, int], step: int) -> None:
        self.step, self.frame_wh = step, frame_wh
        self.rim = 0 if step == 1 else 1  # so that an enlarged map is interpolated up to the border
        columns, rows = (
            (np.arange(-self.rim, math.ceil(side / step) + self.rim, dtype=np.float32) + 0.5) * step
            - (side / 2)
            for side in frame_wh
        )
        self.columns, self.rows = columns, rows[:, None]
        self.shape = (len(rows), len(columns))

    def source(
        self, q: NDArray[np.float32], pose: Pose, canvas_hw: tuple[int, ...]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The pixel of the canvas seen at each point, if it has disparity ``q``."""
        height, width = canvas_hw
        back = (1 - np.float32(pose.z) * q) * np.float32(1 / pose.zoom)
        x = (self.columns - np.float32(width * pose.shift_x)) * back
        y = (self.rows - np.float32(width * pose.shift_y)) * back
        x += np.float32(width * pose.x) * q
        y += np.float32(width * pose.y) * q
        x += np.float32((width - 1) / 2)
        y += np.float32((height - 1) / 2)
        return x, y

    def enlarge(self, grid: NDArray[np.float32], how: int) -> NDArray[np.float32]:
        """Values at each pixel of the frame."""
        (frame_w, frame_h), step, rim = self.frame_wh, self.step, self.rim * self.step
        height, width = grid.shape
        full = cv2.resize(grid, (width * step, height * step), interpolation=how)
        return full[rim : rim + frame_h, rim : rim + frame_w]


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

    def nearest(self, pose: Pose, grid: _Grid) -> NDArray[np.float32]:
        """Disparity of the nearest point at each cell of a grid."""
        (frame_w, frame_h), cell, rim = self._frame_wh, self._CELL, grid.rim * grid.step
        scale = np.float32(pose.zoom) / (1 - np.float32(pose.z) * self._q)
        shift_x, shift_y = self._width * pose.shift_x, self._width * pose.shift_y
        x = scale * (self._x - self._width * np.float32(pose.x) * self._q) + np.float32(shift_x)
        y = scale * (self._y - self._width * np.float32(pose.y) * self._q) + np.float32(shift_y)
        x, y = (x + (frame_w / 2 + rim)) / cell, (y + (frame_h / 2 + rim)) / cell
        high, wide = (math.ceil(side * grid.step / cell) for side in grid.shape)
        seen = (x >= 0) & (y >= 0) & (x < wide) & (y < high)
        cells = np.full(high * wide, np.nan, np.float32)
        places = y[seen].astype(np.intp) * wide + x[seen].astype(np.intp)
        cells[places] = self._q[seen]  # of several points the last, nearest one stays
        found = cells.reshape(high, wide)
        hole = np.isnan(found)
        if hole.any():
            found = fill_smooth(np.nan_to_num(found), hole)
        return cv2.resize(found, grid.shape[::-1], interpolation=cv2.INTER_NEAREST)
