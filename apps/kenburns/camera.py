"""The virtual camera: where it stands, how it projects, and how a move is chosen.

The model is the start and end window camera of Niklaus et al., "3D Ken Burns Effect from a Single
Image" (2019): two poses, interpolated, the second chosen for its parallax. Lengths are measured in
picture widths from the picture's centre, ``x`` to the right and ``y`` down. Distance enters as
disparity ``q``, the inverse of the distance: 1 for the nearest plane, :data:`FAR` for the farthest.
A camera at ``(x, y, z)`` with lens ``zoom`` and ``shift`` sees the point ``(u, v)`` of the plane
``q`` at

    u' = zoom (u - x q) / (1 - z q) + shift_x        (v' alike)

The camera never turns, as lens shift does what turning would: so every plane moves by an exact
similarity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["EASINGS", "FAR", "MOVES", "Box", "Camera", "Pose", "Stage", "disparity", "plan"]

FAR = 0.25
"""Disparity of depth 1: the farthest plane is four times as far away as the nearest."""

PARALLAX = 0.035
"""How far a move of strength 1 shifts the nearest instance against what is behind it, in frame
widths."""

SHOWN = 0.85
"""The share of the length of an instance, cut by the frame at the start, that must stay in it."""

EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "in": lambda t: t * t,
    "out": lambda t: t * (2 - t),
}
"""Progress along the move, 0..1, by time, 0..1."""


Value = TypeVar("Value", float, NDArray[np.float32])


def disparity(depth: Value) -> Value:
    """Disparity ``q`` in :data:`FAR`..1 of a scene depth in 0..1 (larger = farther)."""
    return 1 - (1 - FAR) * depth


@dataclass(frozen=True)
class Pose:
    """One camera position. The default, the identity, shows the picture as it is.

    Attributes:
        x: To the right, in picture widths.
        y: Down, in picture widths.
        z: Forward, where 1 is the distance of the nearest plane; must be below 1.
        zoom: Magnification by the lens, which causes no parallax.
        shift_x: Shift of the whole image to the right, in picture widths.
        shift_y: Shift of the whole image down, in picture widths.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def scale(self, q: float) -> float:
        """Magnification of the plane with disparity ``q``."""
        return self.zoom / (1 - self.z * q)

    def project(self, u: float, v: float, q: float) -> tuple[float, float]:
        """Where the point ``(u, v)`` of the plane ``q`` appears."""
        scale = self.scale(q)
        return scale * (u - self.x * q) + self.shift_x, scale * (v - self.y * q) + self.shift_y

    def mix(self, other: Pose, s: float) -> Pose:
        """The pose at ``s`` of the way to ``other``: straight, and with a steady rate of zoom."""

        def between(a: float, b: float) -> float:
            return a + (b - a) * s

        return Pose(
            between(self.x, other.x),
            between(self.y, other.y),
            between(self.z, other.z),
            self.zoom ** (1 - s) * other.zoom**s,
            between(self.shift_x, other.shift_x),
            between(self.shift_y, other.shift_y),
        )


@dataclass(frozen=True)
class Box:
    """An instance as the camera plan sees it.

    Attributes:
        edges: Left, top, right, bottom, in picture widths from the centre.
        q: Its disparity.
        behind: The mean disparity of the plate behind it.
        cut: Whether it touches the picture's left, top, right, bottom border.
    """

    edges: tuple[float, float, float, float]
    q: float
    behind: float
    cut: tuple[bool, bool, bool, bool] = (False, False, False, False)

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

    def fit(self, pose: Pose) -> tuple[Pose, bool]:
        """Change zoom and shift as little as it takes to fill the frame and keep the instances.

        Returns:
            The changed pose, which always fills the frame, and whether every instance stays inside.
        """
        left, top, right, bottom = self.inner(replace(pose, zoom=1.0))
        (half_w, half_h) = self.frame_wh
        least = max(2 * half_w / (right - left), 2 * half_h / (bottom - top))
        if least > pose.zoom * (1 + 1e-12):  # more than rounding: the identity stays as it is
            pose = replace(pose, zoom=least * (1 + 1e-9))
        left, top, right, bottom = self.inner(pose)
        keep = self._keep(replace(pose, shift_x=0.0, shift_y=0.0))
        x, kept_x = _settle(pose.shift_x, (half_w - right, -half_w - left), keep[0])
        y, kept_y = _settle(pose.shift_y, (half_h - bottom, -half_h - top), keep[1])
        return replace(pose, shift_x=x, shift_y=y), kept_x and kept_y

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

    def _nearest(self) -> float:
        return max(
            [self.spread[1], *(high for _, high in self.borders), *(b.q for b in self.boxes)]
        )

    def _stand_in(self) -> Box:
        """Without instances, the nearest part of the plate takes their place."""
        half_w, half_h = (0.5 * half for half in self.frame_wh)
        far, near = self.spread
        return Box((-half_w, -half_h, half_w, half_h), near, far)


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


class Camera:
    """A move: ``camera(t) -> Pose`` for a time ``t`` in 0..1."""

    def __init__(
        self, stage: Stage, start: Pose, end: Pose, *, easing: str = "smooth", bow: float = 0.0
    ) -> None:
        """Join two poses.

        Args:
            stage: What the frame must stay inside of.
            start: Pose at the beginning; it must fill the frame.
            end: Pose at the end; it must fill the frame.
            easing: A name in :data:`EASINGS`.
            bow: How far the path bends forward in its middle, as an arc around the subject does.
        """
        self.start, self.end, self.bow = start, end, bow
        self._ease = EASINGS[easing]
        self._extra = 0.0
        # Both ends fill the frame, but a path between may fall short by a little: a swell of the
        # zoom that vanishes at both ends makes up for it.
        inner = [step / 64 for step in range(1, 64)]
        needs = ((stage.shortfall(self.at(s)) - 1) / (4 * s * (1 - s)) for s in inner)
        self._extra = 1.02 * max(needs)

    def at(self, s: float) -> Pose:
        """The pose at the share ``s`` of the way, without easing."""
        pose, swell = self.start.mix(self.end, s), 4 * s * (1 - s)
        if self.bow == 0 and self._extra == 0:
            return pose
        return replace(
            pose, z=pose.z + self.bow * swell, zoom=pose.zoom * (1 + self._extra * swell)
        )

    def __call__(self, t: float) -> Pose:
        """The pose at a time; before 0 and after 1 the camera rests."""
        return self.at(self._ease(min(max(t, 0.0), 1.0)))


# ---------------------------------------------------------------- moves

Raw = Callable[[Stage, float], tuple[Pose, Pose]]
"""``(stage, amount) -> (start, end)``, before the windows are fitted into the picture."""

MOST = 0.3
"""The largest amount: a flat scene has no parallax, however far the camera goes."""


def _push(x: float, z: float, lens: float) -> Raw:
    """From the identity: sideways by ``x``, forward by ``z``, and ``lens`` for zoom, per amount."""

    def raw(stage: Stage, amount: float) -> tuple[Pose, Pose]:
        end = Pose(x=x * amount, z=z * amount, zoom=1 + lens * amount)
        return Pose(), _aim(stage, end)

    return raw


def _pan(stage: Stage, amount: float) -> tuple[Pose, Pose]:
    """A window that slides from left to right, with the camera."""
    ends = [Pose(x=side * amount, shift_x=-0.7 * side * amount) for side in (-1, 1)]
    zoom = max(stage.shortfall(pose) for pose in ends)
    start, end = (replace(pose, zoom=zoom) for pose in ends)
    return start, end


def _orbit(stage: Stage, amount: float) -> tuple[Pose, Pose]:
    """From left to right, while the shift of the lens holds the plane of the instances in place."""
    shift = amount * _focus(stage)[2]
    return Pose(x=-amount, shift_x=-shift), Pose(x=amount, shift_x=shift)


def _focus(stage: Stage) -> tuple[float, float, float]:
    """The middle of the instances and their disparity; of the picture where there are none."""
    if not stage.boxes:
        return 0.0, 0.0, sum(stage.spread) / 2
    left, top = (min(box.edges[side] for box in stage.boxes) for side in (0, 1))
    right, bottom = (max(box.edges[side] for box in stage.boxes) for side in (2, 3))
    mean = sum(box.q + box.behind for box in stage.boxes) / (2 * len(stage.boxes))
    return (left + right) / 2, (top + bottom) / 2, mean


def _aim(stage: Stage, pose: Pose) -> Pose:
    """Shift the lens so that the instances stay where they are, and then half way to the middle."""
    u, v, q = _focus(stage)
    x, y = pose.project(u, v, q)
    closer = 1 - 0.5 * (1 - 1 / pose.scale(q))
    return replace(pose, shift_x=u * closer - x, shift_y=v * closer - y)


MOVES: dict[str, Sequence[Raw]] = {
    # The first that reaches the parallax with every instance in the frame; else the one with most.
    "auto": tuple(
        _push(side * x, z, 0.0)
        for x, z in ((0.7, 0.7), (1.0, 0.4), (0.3, 1.0), (1.0, 0.0))
        for side in (1, -1)
    ),
    "zoom": (_push(0.0, 0.5, 1.0),),
    "pan": (_pan,),
    "dolly": (_push(0.0, 1.0, 0.0),),
    "orbit": (_orbit,),
}
"""The moves by name, each with one or more ways to make it."""


def plan(
    stage: Stage, move: str = "auto", *, strength: float = 1.0, easing: str = "smooth"
) -> Camera:
    """Choose the camera for a scene.

    A move goes as far as it takes to shift the nearest instance against the plate behind it by
    ``strength`` times 3.5 % of the frame's width. ``auto`` stops earlier where an instance would
    leave the frame; it tries several directions and takes the first that need not stop, else the
    one that gets farthest. Only where all stop before half of the shift, so that one would hardly
    see it, is half of it made all the same.

    Args:
        stage: What the move must respect.
        move: A name in :data:`MOVES`.
        strength: 0 stands still, 1 is normal.
        easing: A name in :data:`EASINGS`.

    Returns:
        A camera whose every pose fills the frame. ``auto``, ``zoom`` and ``dolly`` start at the
        identity.

    Raises:
        InvalidInput: Unknown move or easing.
    """
    if move not in MOVES:
        raise InvalidInput(f"move must be one of {', '.join(MOVES)}; got {move!r}.")
    if easing not in EASINGS:
        raise InvalidInput(f"easing must be one of {', '.join(EASINGS)}; got {easing!r}.")
    wanted = PARALLAX * strength
    if move == "auto":
        start, end = _auto(stage, wanted)
    else:
        start, end = _as_far(stage, MOVES[move][0], wanted)
    bow = 0.15 * (end.x - start.x) if move == "orbit" else 0.0
    return Camera(stage, start, end, easing=easing, bow=bow)


def _auto(stage: Stage, wanted: float) -> tuple[Pose, Pose]:
    best = 0.0, (Pose(), Pose())
    for raw in MOVES["auto"]:
        poses = _as_far(stage, raw, wanted, keep=True)
        reached = stage.parallax(*poses)
        if reached >= 0.98 * wanted:
            return poses
        if reached > best[0] + 1e-4:
            best = reached, poses
    if best[0] >= wanted / 2:
        return best[1]
    return _as_far(stage, MOVES["auto"][0], wanted / 2)


def _as_far(stage: Stage, raw: Raw, wanted: float, *, keep: bool = False) -> tuple[Pose, Pose]:
    """The largest amount within the wanted parallax; with ``keep``, no instance is lost, either."""
    low, high = 0.0, MOST
    for _ in range(24):  # bisection
        middle = (low + high) / 2
        (start, kept_start), (end, kept_end) = (stage.fit(pose) for pose in raw(stage, middle))
        lost = keep and not (kept_start and kept_end)
        if lost or stage.parallax(start, end) > wanted:
            high = middle
        else:
            low = middle
    start, end = (stage.fit(pose)[0] for pose in raw(stage, low))
    return start, end
