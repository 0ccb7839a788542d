"""A silhouette in one small size, cleaned: what the estimator works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Shape", "normalise"]

SIDE = 160
"""The longer side of a silhouette, in cells: a joint cannot be placed better than to 1/160."""
_SAMPLES = 4  # pixels a cell is measured with, along each side: of a large mask not all are read
_RIM = 2  # empty cells around it, so that everything in it has an outside
_COVERED = 0.35  # a cell that is covered by that much counts: lines thinner than a cell stay
# A cut: how wide the last row is, compared with those close above; how wide these are, compared
# with those farther above, at least and at most; how wide, compared with the height. Most figures
# that end at the border of the picture are cut there.
_CUT, _CUT_AT_BORDER = (0.85, 0.8, 1.2, 0.17), (0.65, 0.65, 1.22, 0.14)
# Feet: how high the gap between them is and how high the ankles may be, of the height; how alike
# their widths are, how much of the lower end both make up, how much wider a foot is than a leg.
_FEET, _ANKLE, _ALIKE, _BOTH, _FOOT = 0.03, 0.16, 0.55, 0.85, 1.2
_WIDE_CUT, _SLOPING = 0.45, 2.2  # cut there: how wide, of the height; and then, compared with above
_LEAST_ISLAND = 0.06  # of the area of the largest piece
_LEAST_HOLE = 0.002  # of the area; a smaller hole is a flaw of the mask


@dataclass(frozen=True, eq=False)
class Shape:
    """A mask in small.

    Attributes:
        inside: ``bool`` ``(h, w)``, with an empty rim.
        scale: Cells a pixel.
        offset_xy: Pixel of the picture at the corner of cell (0, 0).
        cut: Whether it goes down to the lower border of the picture.
    """

    inside: NDArray[np.bool_]
    scale: float
    offset_xy: tuple[float, float]
    cut: bool

    @cached_property
    def distance(self) -> NDArray[np.float32]:
        """Distance of each cell to the nearest one outside; 0 outside.

        What is cut off goes on below the cut, so that the middle of a bust is in its middle.
        """
        inside = self.inside.astype(np.uint8)
        if self.ends_straight:
            last = self.rows[1]
            inside[last + 1 :] = inside[last]
            inside = np.vstack([inside, np.repeat(inside[-1:], SIDE, axis=0)])
        far = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
        return far[: len(self.inside)] * self.inside

    @cached_property
    def ends_straight(self) -> bool:
        """Whether the figure ends in a cut and not in feet: straight, and no wider than above."""
        last = self.rows[1]
        if self._ends_in_feet():
            return False

        def width(*shares: float) -> float:
            rows = [max(0, last - round(share * self.height)) for share in shares]
            return float(np.median(self.inside[rows].sum(axis=1)))

        lowest, low, above = width(0), width(0.025, 0.05), width(0.1, 0.15, 0.2)
        straight, narrower, wider, least = _CUT_AT_BORDER if self.cut else _CUT
        if self.cut and lowest >= _WIDE_CUT * self.height:  # through sloping shoulders
            wider = _SLOPING
        return (
            lowest >= straight * low
            and narrower * above <= low <= wider * above
            and low >= least * self.height
        )

    def _ends_in_feet(self) -> bool:
        """Whether it stands on two things that are alike, though these be short and flat below."""
        last, rise = self.rows[1], max(2, round(_FEET * self.height))
        columns = np.flatnonzero(self.inside[last - rise + 1 : last + 1].any(axis=0))
        between = np.flatnonzero(np.diff(columns) > 1)
        if not len(between):
            return False
        feet = [(int(part[0]), int(part[-1]) + 1) for part in np.split(columns, between + 1)]
        feet = sorted(feet, key=lambda foot: foot[0] - foot[1])[:2]
        (_, widest), *_ = widths = [(x, x_end - x) for x, x_end in feet]
        narrowest = widths[-1][1]
        if narrowest < _ALIKE * widest or widest + narrowest < _BOTH * len(columns):
            return False
        if not self.cut:
            return True
        return all(self._widens(slice(*foot)) for foot in feet)

    def _widens(self, columns: slice) -> bool:
        """Whether a part of the lower end is wider there than above, as a foot is."""
        last = self.rows[1]
        rows = self.inside[max(0, last - round(_ANKLE * self.height)) : last + 1, columns]
        widths = rows.sum(axis=1)
        return bool(widths.max() >= _FOOT * max(1, widths[: len(widths) // 2 + 1].min()))

    @cached_property
    def rows(self) -> tuple[int, int]:
        """First and last row that is not empty."""
        rows = np.flatnonzero(self.inside.any(axis=1))
        return int(rows[0]), int(rows[-1])

    @property
    def height(self) -> int:
        """Rows that are not empty."""
        return self.rows[1] - self.rows[0] + 1

    @cached_property
    def width(self) -> int:
        """Columns that are not empty."""
        columns = np.flatnonzero(self.inside.any(axis=0))
        return int(columns[-1] - columns[0]) + 1

    def run(self, x: float, y: float) -> tuple[int, int] | None:
        """First and last column of the run of cells in row ``y`` that holds, or is next to, ``x``.

        None where the row is empty.
        """
        row = int(np.clip(round(y), 0, len(self.inside) - 1))
        starts, ends = runs_of(self.inside[row])
        if not len(starts):
            return None
        apart = np.maximum(np.maximum(starts - x, x - ends), 0)
        nearest = int(np.argmin(apart))
        return int(starts[nearest]), int(ends[nearest])

    def to_picture(self, points_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Cells to pixels of the picture; the centre of cell (0, 0) is (0, 0)."""
        points = (np.asarray(points_xy, np.float64) + 0.5) / self.scale
        return points + np.asarray(self.offset_xy)


def runs_of(row: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and last index of every run of true values in a row whose ends are false."""
    edges = np.flatnonzero(row[1:] != row[:-1])
    return edges[::2] + 1, edges[1::2]


def normalise(mask: NDArray[np.uint8]) -> Shape | None:
    """Bring a mask to one small size, without islands and holes that are small.

    Args:
        mask: Alpha ``uint8`` ``(H, W)``.

    Returns:
        None if the mask is empty.
    """
    _, solid = cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)
    if not cv2.countNonZero(solid):
        _, solid = cv2.threshold(mask, 0, 255, cv2.THRESH_BINARY)
    x, y, width, height = cv2.boundingRect(solid)
    if not width:
        return None
    scale = SIDE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    step = max(1, int(1 / scale) // _SAMPLES)
    crop = solid[y : y + height : step, x : x + width : step]
    small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA) >= _COVERED * 255
    if not small.any():  # specks far apart: none covers enough of a cell
        small = cv2.resize(crop, size, interpolation=cv2.INTER_AREA) > 0
    inside = np.pad(_without_islands(_without_specks(small)), _RIM)
    return Shape(
        inside=inside,
        scale=scale,
        offset_xy=(x - _RIM / scale, y - _RIM / scale),
        cut=y + height >= len(mask),
    )


def _without_islands(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece, and those that are no specks beside it, such as a head without a neck."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(
        inside.astype(np.uint8), connectivity=8
    )
    areas = statistics[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= _LEAST_ISLAND * areas.max())[labels] & inside


def _without_specks(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill small holes: those of lines that were not closed, or of bright spots."""
    outside = np.pad(~inside, 1, constant_values=True).astype(np.uint8)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(outside, connectivity=4)
    small = statistics[:, cv2.CC_STAT_AREA] < max(4.0, _LEAST_HOLE * inside.sum())
    small[[0, labels[0, 0]]] = False
    return inside | small[labels][1:-1, 1:-1]
