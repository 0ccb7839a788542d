"""Head, neck and trunk of a silhouette, by how wide it is from row to row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from apps.puppet.joints.silhouette.gaps import Gap, find_gaps
from apps.puppet.joints.silhouette.shape import Shape, runs_of

__all__ = ["Trunk", "find_trunk", "without_head"]

# A head has a height of about its width; hats and hair make it higher.
_ROUND, _MOST_ASPECT, _LEAST_ASPECT = 1.15, 1.6, 0.5
_TOO_HIGH, _TOO_WIDE = 0.4, 0.6  # how soon a shape is no head; hair to both sides makes it wide
_DEEP = 0.3  # a narrowing that is a neck whatever comes below
_WAIST = 0.3  # what a narrowing counts with arms beside it, if there is another above these
_GUESS, _MOST = 1.2, 0.65  # of a head without a neck: its height, of its width and of all rows
_LEAST_HEAD = 0.22  # width of a head, of the largest width of all; less is a stem, a bun, a horn
_LEAST_NARROWING = 0.08  # of the width of the head
_LOWEST_NECK, _LOWEST_NECK_OF_BUST = 0.66, 0.88  # of the height
_LEAST_SCORE = 0.04
_FIRST = (
    0.45  # a narrowing that is that good, compared with the best, is the neck if it comes first
)
_UPRIGHT = 0.05  # what a step to the side costs an axis, of the largest distance


@dataclass(frozen=True, eq=False)
class Trunk:
    """The upright middle of a figure; lengths and places in cells.

    Attributes:
        axis: ``float64`` ``(h,)``: column of its middle in each row.
        width: ``float64`` ``(h,)``: in each row, without limbs that stand off.
        top: Row of the top of the head, without raised arms and thin hair.
        neck: Row where the head ends.
        bottom: Lowest row of the figure.
        narrowing: How much narrower the neck is than head and body, 0..1; 0: no neck was found,
            and its row is a guess from the width of the head.
    """

    axis: NDArray[np.float64]
    width: NDArray[np.float64]
    top: int
    neck: int
    bottom: int
    narrowing: float

    @property
    def head_height(self) -> int:
        """From the top to the neck, at least 1."""
        return max(1, self.neck - self.top)

    @property
    def body_height(self) -> int:
        """From the neck to the bottom, at least 1."""
        return max(1, self.bottom - self.neck)

    def at(self, share: float) -> float:
        """Row at a share of the way from the neck to the bottom."""
        return self.neck + share * self.body_height

    def x(self, y: float) -> float:
        """Column of the axis in a row."""
        return float(self.axis[int(np.clip(round(y), 0, len(self.axis) - 1))])

    def width_at(self, y: float) -> float:
        """Width in a row."""
        return float(self.width[int(np.clip(round(y), 0, len(self.width) - 1))])


def find_trunk(shape: Shape) -> Trunk:
    """Find the middle of a figure, and where its head ends."""
    first, last = shape.rows
    axis = _axis(shape)
    thick = _thick(shape)
    raw = np.array([_width(shape.inside[y], axis[y]) for y in range(len(axis))])
    width = np.array([_width(thick[y], axis[y]) for y in range(len(axis))])
    rows = np.flatnonzero(width[first : last + 1] > 0)
    top = first + int(rows[0]) if len(rows) else first
    width = np.where(width > 0, width, np.where(np.arange(len(width)) >= top, raw, 0))
    width = ndimage.gaussian_filter1d(width, 0.006 * shape.height + 0.4)
    lowest = top + int(
        (_LOWEST_NECK_OF_BUST if shape.ends_straight else _LOWEST_NECK) * (last - top)
    )
    even = np.minimum(width, _even_width(thick, axis))
    neck, narrowing = _neck(width, even, top, lowest, find_gaps(shape))
    return Trunk(axis, width, top, neck, last, narrowing)


def without_head(shape: Shape, trunk: Trunk) -> NDArray[np.bool_]:
    """The silhouette without the head and the hair that hangs from it beside the body.

    Raised arms stay, unless they touch the head.
    """
    above = shape.inside.copy()
    above[trunk.neck :] = False
    labels, _ = ndimage.label(above)
    head = np.zeros(int(labels.max()) + 1, np.bool_)
    for y in range(trunk.top, trunk.neck):
        head[labels[y, int(trunk.axis[y])]] = True
    head[0] = False
    body = shape.inside & ~head[labels]
    return body if body.any() else shape.inside


def _axis(shape: Shape) -> NDArray[np.float64]:
    """The path from the highest to the lowest row through the thickest parts."""
    first, last = shape.rows
    gain = shape.distance.astype(np.float64)
    cost = _UPRIGHT * gain.max()
    total = gain.copy()
    came = np.zeros(gain.shape, np.int64)
    for y in range(first + 1, last + 1):
        above = np.pad(total[y - 1], 1, constant_values=-np.inf)
        choices = np.stack([above[1:-1], above[:-2] - cost, above[2:] - cost])
        best = choices.argmax(axis=0)
        total[y] += choices[best, np.arange(gain.shape[1])]
        came[y] = np.array([0, -1, 1])[best]
    axis = np.zeros(len(gain))
    axis[last:] = x = int(total[last].argmax())
    for y in range(last, first, -1):
        x += int(came[y, x])
        axis[y - 1] = x
    axis[:first] = x
    return axis


def _thick(shape: Shape) -> NDArray[np.bool_]:
    """The silhouette without what is thin: arms, legs, tails, locks."""
    radius = min(0.42 * float(shape.distance.max()), 0.035 * shape.height)
    core = shape.distance > radius
    return shape.inside & (ndimage.distance_transform_edt(~core) < radius + 0.5)


def _width(row: NDArray[np.bool_], x: float) -> float:
    """Width of the run that holds, or nearly holds, ``x``."""
    starts, ends = runs_of(row)
    near = np.flatnonzero((starts <= x + 2) & (ends >= x - 2))
    return float((ends - starts)[near].max()) + 1 if len(near) else 0.0


def _even_width(inside: NDArray[np.bool_], axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Width if the wider side of the axis were as narrow as the other: without a tail of hair."""
    width = np.zeros(len(axis))
    for y, x in enumerate(axis):
        starts, ends = runs_of(inside[y])
        near = np.flatnonzero((starts <= x + 2) & (ends >= x - 2))
        if len(near):
            width[y] = 2 * max(1.0, min(x - starts[near[0]], ends[near[-1]] - x)) + 1
    return width


def _neck(
    width: NDArray[np.float64],
    even: NDArray[np.float64],
    top: int,
    lowest: int,
    gaps: Sequence[Gap],
) -> tuple[int, float]:
    """Row of the narrowing below a part about as high as wide, and how narrow it is."""
    found: list[tuple[float, int, float]] = []
    size = _head_width(width, top, lowest)
    least = _LEAST_HEAD * float(width[top : lowest + 1].max())
    for y in range(top + max(2, (lowest - top) // 13), lowest):
        if width[y] > width[y - 1] or width[y] > width[y + 1]:
            continue
        head = min(float(width[top:y].max()), size)
        below = float(width[y : y + max(3, (y - top))].max())
        depth = 1 - width[y] / max(min(head, below), 1e-9)
        heads = head, min(head, float(even[top:y].max()))  # with hair to one side, and without
        fits = max(_looks_like_head((y - top) / max(each, 1e-9)) for each in heads)
        if depth < _LEAST_NARROWING or fits == 0 or head < least:
            continue
        necks = [above for _, above, deep in found if deep > max(_DEEP, 0.7 * depth)]
        if any(_arm_beside(gap, above, y) for gap in gaps for above in necks):
            fits *= _WAIST
        found.append((depth * fits, y, float(depth)))
    if found and max(found)[0] > _LEAST_SCORE:
        enough = _FIRST * max(found)[0]
        return next((y, depth) for score, y, depth in found if score >= enough)
    guess = next(
        (y for y in range(top + 1, lowest) if y - top >= _ROUND * np.median(width[top : y + 1])),
        lowest,
    )
    return max(
        top + 1, min(top + round(_GUESS * size), guess, round(top + _MOST * (lowest - top)))
    ), 0.0


def _arm_beside(gap: Gap, neck: int, y: int) -> bool:
    """Whether an arm that begins below a neck is seen beside a row: that is a waist."""
    return neck < gap.top < y < gap.bottom


def _looks_like_head(aspect: float) -> float:
    """How well a height, as a share of the width, suits a head: 0..1."""
    if not _LEAST_ASPECT <= aspect <= _MOST_ASPECT:
        return 0.0
    off = np.log(aspect / _ROUND)
    return float(np.exp(-((off / (_TOO_HIGH if off > 0 else _TOO_WIDE)) ** 2)))


def _head_width(width: NDArray[np.float64], top: int, lowest: int) -> float:
    """How wide the round part at the top is; hair and arms may go on below it, wider."""
    widest = 0.0
    for y in range(top, lowest + 1):
        widest = max(widest, float(width[y]))
        rounded = y - top >= 0.85 * width[y] and y - top >= 0.5 * widest
        narrows = y - top >= 0.45 * widest and width[y] < 0.93 * widest
        if rounded or narrows:
            break
    return widest
