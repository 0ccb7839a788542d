"""The stage: what a camera must respect, and what it would show.

Where the picture ends, where the instances are, how near everything is; and for a pose, whether it
fills the frame, whom it keeps in it, and how large its parallax is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apps.kenburns.camera import FAR, Pose
from cartoonedit.errors import InvalidInput

__all__ = ["Box", "Stage"]

SHOWN = 0.85
"""The share of the length of an instance, cut by the frame at the start, that must stay in it."""


@dataclass(frozen=True)
class Box:
    """An instance as the camera plan sees it.

    Attributes:
        edges: Left, top, right, bottom, in picture widths from the centre.
        q: Its disparity.
        behind: The mean disparity of the plate behind it.
        cut: Whether it touches the picture's left, top, right, bottom border.
        name: Name of the instance.
    """

    edges: tuple[float, float, float, float]
    q: float
    behind: float
    cut: tuple[bool, bool, bool, bool] = (False, False, False, False)
    name: str = ""

    def corners(self) -> list[tuple[float, float]]:
        """Its four corners."""
        left, top, right, bottom = self.edges
        return [(left, top), (right, top), (left, bottom), (right, bottom)]

    def gap(self, pose: Pose, corner: tuple[float, float]) -> tuple[float, float]:
        """How far a corner appears from what is behind it in the picture, in x and y."""
        front, rear = pose.project(*corner, self.q), pose.project(*corner, self.behind)
        return front[0] - rear[0], front[1] - rear[1]


@dataclass(frozen=True)
class Stage:
    """What a move must respect: the frame, the borders of the picture, the instances.

    Attributes:
        half_wh: Half the width and height of the picture, in picture widths: ``(0.5, H / 2W)``.
        frame_wh: Half the width and height of the frame at identity, no larger than ``half_wh``.
        borders: Smallest and largest disparity along the left, top, right, bottom border of the
            picture, instances that are cut there included: their cut must stay outside the frame,
            too.
        boxes: The instances.
        spread: Smallest and largest disparity of the plate, the parallax of a scene without
            instances.
    """

    half_wh: tuple[float, float]
    frame_wh: tuple[float, float]
    borders: tuple[tuple[float, float], ...]
    boxes: tuple[Box, ...] = ()
    spread: tuple[float, float] = (FAR, 1.0)

    def inner(self, pose: Pose) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the rectangle that the picture surely covers, without shift.

        A projected coordinate is a quotient of two linear functions of ``q`` and so monotonic in
        it: the two extreme disparities of a border bound all others.
        """
        camera, half = (pose.x, pose.y), self.half_wh

        def edge(side: int) -> list[float]:
            axis, sign = side % 2, -1 if side < 2 else 1
            return [
                pose.scale(q) * (sign * half[axis] - camera[axis] * q) for q in self.borders[side]
            ]

        return max(edge(0)), max(edge(1)), min(edge(2)), min(edge(3))

    def shortfall(self, pose: Pose) -> float:
        """The factor by which ``pose.zoom`` must grow to fill the frame; 1 if it is filled."""
        left, top, right, bottom = self.inner(pose)
        (half_w, half_h), x, y = self.frame_wh, pose.shift_x, pose.shift_y
        if left >= 0 or top >= 0 or right <= 0 or bottom <= 0:
            return math.inf
        across = max((half_w + x) / -left, (half_w - x) / right)
        down = max((half_h + y) / -top, (half_h - y) / bottom)
        return max(1.0, across, down)

    def fit(self, pose: Pose, *, keep: bool = True) -> tuple[Pose, bool]:
        """Change zoom and shift as little as it takes to fill the frame and keep the instances.

        Args:
            pose: What was wished for.
            keep: Whether it may be shifted to keep instances in the frame.

        Returns:
            The changed pose, which always fills the frame, and whether every instance stays inside.
        """
        left, top, right, bottom = self.inner(replace(pose, zoom=1.0))
        (half_w, half_h) = self.frame_wh
        least = max(2 * half_w / (right - left), 2 * half_h / (bottom - top))
        if least > pose.zoom * (1 + 1e-12):  # more than rounding: the identity stays as it is
            pose = replace(pose, zoom=least * (1 + 1e-9))
        left, top, right, bottom = self.inner(pose)
        fill_x, fill_y = (half_w - right, -half_w - left), (half_h - bottom, -half_h - top)
        keep_x, keep_y = self._keep(replace(pose, shift_x=0.0, shift_y=0.0))
        x, kept_x = _settle(pose.shift_x, fill_x, keep_x if keep else fill_x)
        y, kept_y = _settle(pose.shift_y, fill_y, keep_y if keep else fill_y)
        return replace(pose, shift_x=x, shift_y=y), kept_x and kept_y

    def in_front(self, pose: Pose) -> bool:
        """Whether the camera has everything before it."""
        return pose.z <= self.most_forward()

    def most_forward(self) -> float:
        """How far forward a camera can go."""
        return 0.9 / self._nearest()

    def keeps(self, pose: Pose) -> bool:
        """Whether every instance stays in the frame."""
        return self.fit(pose)[1]

    def focus(self) -> tuple[float, float, float]:
        """Middle and disparity of the instances; of the picture where there are none."""
        if not self.boxes:
            return 0.0, 0.0, sum(self.spread) / 2
        left, top = (min(box.edges[side] for box in self.boxes) for side in (0, 1))
        right, bottom = (max(box.edges[side] for box in self.boxes) for side in (2, 3))
        mean = sum(box.q + box.behind for box in self.boxes) / (2 * len(self.boxes))
        return (left + right) / 2, (top + bottom) / 2, mean

    def box(self, name: str) -> Box:
        """The instance of that name.

        Raises:
            InvalidInput: There is none.
        """
        for box in self.boxes:
            if box.name == name:
                return box
        names = ", ".join(box.name for box in self.boxes) or "none"
        raise InvalidInput(f"there is no character {name!r} in the frame; there is: {names}.")

    def place(
        self, target: str | tuple[float, float], point: tuple[float, float] | None
    ) -> tuple[float, float, float]:
        """Middle and disparity of an instance by its name, or of what is at a point."""
        if isinstance(target, str):
            box = self.box(target)
            left, top, right, bottom = box.edges
            return (left + right) / 2, (top + bottom) / 2, box.q
        u, v = point or (0.0, 0.0)
        return u, v, self.plane_in((u - 1e-3, v - 1e-3, u + 1e-3, v + 1e-3))

    def plane_in(self, *rectangles: tuple[float, float, float, float]) -> float:
        """Disparity of what the first of some rectangles that shows an instance shows most of.

        Args:
            rectangles: Left, top, right, bottom in picture widths.

        Returns:
            That of the instance with the largest part of its box in it; without any, that of the
            middle of the plate.
        """
        for rectangle in rectangles:
            areas = [_overlap(box.edges, rectangle) for box in self.boxes]
            if any(areas):
                return self.boxes[areas.index(max(areas))].q
        return sum(self.spread) / 2

    def _keep(self, pose: Pose) -> tuple[tuple[float, float], tuple[float, float]]:
        """The shifts in x and in y with which no instance leaves the frame."""
        low, high = [-math.inf, -math.inf], [math.inf, math.inf]
        for box in self.boxes:
            shown = (*pose.project(*box.edges[:2], box.q), *pose.project(*box.edges[2:], box.q))
            for axis, half in enumerate(self.frame_wh):
                first, last = box.edges[axis], box.edges[axis + 2]
                shown_first, shown_last = shown[axis], shown[axis + 2]
                # A side that starts close to the border may come closer, but not touch it. Of an
                # instance that is cut there, most must stay, however much it is magnified.
                most = SHOWN * pose.scale(box.q) * (min(last, half) - max(first, -half))
                if most <= 0:  # not in the frame
                    continue
                if first < -half or box.cut[axis]:
                    low[axis] = max(low[axis], most - half - shown_last)
                else:
                    near = min(0.01, (first + half) / 2)
                    low[axis] = max(low[axis], near - half - shown_first)
                if last > half or box.cut[axis + 2]:
                    high[axis] = min(high[axis], half - most - shown_first)
                else:
                    near = min(0.01, (half - last) / 2)
                    high[axis] = min(high[axis], half - near - shown_last)
        return (low[0], high[0]), (low[1], high[1])

    def parallax(self, start: Pose, end: Pose) -> float:
        """The largest shift of an instance against the plate behind it, in frame widths.

        The shift of an instance is the root mean square over the corners of its box.
        """
        shifts = [0.0]
        for box in self.boxes or (self._stand_in(),):
            squares = []
            for corner in box.corners():
                before, after = box.gap(start, corner), box.gap(end, corner)
                squares.append((after[0] - before[0]) ** 2 + (after[1] - before[1]) ** 2)
            shifts.append(math.sqrt(sum(squares) / len(squares)))
        return max(shifts) / (2 * self.frame_wh[0])

    def gap(self, pose: Pose) -> float:
        """The most that a corner of an instance is off what was behind it, in picture widths."""
        gaps = (box.gap(pose, corner) for box in self.boxes for corner in box.corners())
        return max((max(abs(x), abs(y)) for x, y in gaps), default=0.0)

    def reach(self, poses: Sequence[Pose]) -> float:
        """The most that two layers can move against each other in ``poses``, in picture widths."""
        whole = Box((-0.5, -self.half_wh[1], 0.5, self.half_wh[1]), self._nearest(), FAR)
        gaps = (whole.gap(pose, corner) for pose in poses for corner in whole.corners())
        return max((max(abs(x), abs(y)) for x, y in gaps), default=0.0)

    def travel(self, pose: Pose) -> float:
        """The most that a point has moved from where the picture shows it, in picture widths."""
        half_w, half_h = self.frame_wh
        moved = []
        for q in (FAR, self._nearest()):
            for u, v in ((-half_w, -half_h), (half_w, half_h)):  # one of two opposite corners
                x, y = pose.project(u, v, q)
                moved += [abs(x - u), abs(y - v)]
        return max(moved)

    def near_plane(self) -> float:
        """Disparity of the nearest instance, or of the plate where it is nearer."""
        return max([self.spread[1], *(box.q for box in self.boxes)])

    def _nearest(self) -> float:
        return max([self.near_plane(), *(high for _, high in self.borders)])

    def _stand_in(self) -> Box:
        """Without instances, the nearest part of the plate takes their place."""
        half_w, half_h = (0.5 * half for half in self.frame_wh)
        far, near = self.spread
        return Box((-half_w, -half_h, half_w, half_h), near, far)


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _settle(
    wish: float, must: tuple[float, float], should: tuple[float, float]
) -> tuple[float, bool]:
    """The value nearest to ``wish`` inside ``must``, and inside ``should`` if the two meet."""
    low, high = max(must[0], should[0]), min(must[1], should[1])
    kept = low <= high
    if not kept:
        low, high = must
    # Rounding can turn an interval of one point inside out; its middle is that point.
    return (min(max(wish, low), high) if low <= high else (low + high) / 2), kept
