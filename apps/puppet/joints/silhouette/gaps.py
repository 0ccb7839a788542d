"""Gaps in a silhouette: what can be seen through between legs, and between arm and body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.silhouette.shape import Shape, runs_of

__all__ = ["Gap", "find_gaps"]

_LEAST_ROWS = 0.045  # of the height of the figure


@dataclass(frozen=True, eq=False)
class Gap:
    """Background with some of the figure to its left and to its right in every row.

    Attributes:
        top: First row.
        left: ``(n,)`` first column in each row from the top.
        right: ``(n,)`` last column.
    """

    top: int
    left: NDArray[np.intp]
    right: NDArray[np.intp]

    @property
    def bottom(self) -> int:
        """Last row."""
        return self.top + len(self.left) - 1

    @property
    def height(self) -> int:
        """Rows."""
        return len(self.left)

    @property
    def x(self) -> float:
        """Column of its middle."""
        return float((self.left + self.right).mean() / 2)

    def closed(self, shape: Shape) -> bool:
        """Whether the figure goes on below it: between an arm whose hand rests on the hip."""
        below = shape.inside[self.bottom + 1, self.left[-1] : self.right[-1] + 1]
        return bool(below.all())

    def beside(self, shape: Shape, side: int) -> NDArray[np.float64]:
        """The limb along one side of it: the middle and the width of that run in each row.

        Args:
            shape: The silhouette.
            side: -1 for the left of the picture, 1 for the right.

        Returns:
            ``float64`` ``(n, 3)``: x, y, width in cells.
        """
        found = np.zeros((self.height, 3))
        for index in range(self.height):
            y = self.top + index
            starts, ends = runs_of(shape.inside[y])
            if side < 0:
                run = int(np.searchsorted(ends, self.left[index])) - 1
            else:
                run = int(np.searchsorted(starts, self.right[index]))
            run = min(max(run, 0), len(starts) - 1)
            found[index] = (starts[run] + ends[run]) / 2, y, ends[run] - starts[run] + 1
        return found


def find_gaps(shape: Shape) -> list[Gap]:
    """All gaps that are not tiny, from the top."""
    inside = shape.inside
    left = np.logical_or.accumulate(inside, axis=1)
    right = np.logical_or.accumulate(inside[:, ::-1], axis=1)[:, ::-1]
    between = (~inside & left & right).astype(np.uint8)
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(between, connectivity=4)
    gaps = []
    for label in range(1, count):
        x, y, width, height = statistics[label, :4]
        if height < max(3, _LEAST_ROWS * shape.height):
            continue
        piece = labels[y : y + height, x : x + width] == label
        first = x + piece.argmax(axis=1)
        last = x + width - 1 - piece[:, ::-1].argmax(axis=1)
        gaps.append(Gap(int(y), first, last))
    return sorted(gaps, key=lambda gap: gap.top)
