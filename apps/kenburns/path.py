"""Paths through poses, and the camera that follows one and always fills the frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

from apps.kenburns.camera import Pose
from apps.kenburns.stage import Stage

__all__ = ["Camera", "Path", "round_path", "straight_path"]


@dataclass(frozen=True)
class Path:
    """Poses by the share ``s`` in 0..1 that is done of a path.

    Attributes:
        at: ``at(s) -> Pose``; ends without easing, that is a matter of time.
        extremes: The two poses that lie farthest apart.
        knots: Where the poses surely fill the frame, 0 and 1 included.
        closed: Whether it ends where it starts.
        kept: Whether every instance stays in the frame at the knots.
    """

    at: Callable[[float], Pose]
    extremes: tuple[Pose, Pose]
    knots: tuple[float, ...] = (0.0, 1.0)
    closed: bool = False
    kept: bool = True


def straight_path(
    stage: Stage, start: Pose, end: Pose, *, bow: float = 0.0, keep: bool = True
) -> Path:
    """From one pose to another, both changed as little as it takes to fill the frame.

    Args:
        stage: What the frame must stay inside of.
        start: Pose at the beginning.
        end: Pose at the end.
        bow: How far the path bends forward in its middle, as an arc around the subject does.
        keep: Whether the ends may be shifted to keep instances in the frame.
    """
    (first, kept_first), (last, kept_last) = (stage.fit(pose, keep=keep) for pose in (start, end))

    def at(s: float) -> Pose:
        pose = first.mix(last, s)
        return replace(pose, z=pose.z + bow * 4 * s * (1 - s)) if bow else pose

    return Path(at, (first, last), kept=kept_first and kept_last)


def round_path(stage: Stage, at: Callable[[float], Pose]) -> Path:
    """Round a closed curve, with the least steady zoom that always fills the frame.

    Args:
        stage: What the frame must stay inside of.
        at: The curve at zoom 1; lens shifts are scaled as the zoom is, so that what they hold in
            place stays there.
    """
    zoom = 1.0

    def zoomed(s: float) -> Pose:
        pose = at(s)
        return replace(
            pose,
            zoom=pose.zoom * zoom,
            shift_x=pose.shift_x * zoom,
            shift_y=pose.shift_y * zoom,
        )

    for _ in range(8):  # a larger zoom needs larger shifts: settles geometrically
        zoom *= max(stage.shortfall(zoomed(step / 64)) for step in range(64))
    zoom *= 1 + 1e-6
    kept = all(stage.keeps(zoomed(step / 8)) for step in range(8))
    extremes = max(
        ((zoomed(step / 8), zoomed(step / 8 + 0.5)) for step in range(4)),
        key=lambda pair: stage.parallax(*pair),
    )
    return Path(zoomed, extremes, closed=True, kept=kept)


class Camera:
    """Follows a path: ``camera(s) -> Pose`` for a share ``s`` in 0..1, every pose fills the frame.

    Attributes:
        path: The path.
    """

    def __init__(self, stage: Stage, path: Path) -> None:
        """Find where the path falls short of the frame.

        At its knots it does not, but between it may by a little: a swell of the zoom that vanishes
        at the knots makes up for it.

        Args:
            stage: What the frame must stay inside of.
            path: What to follow.
        """
        self.path = path
        self._swells: list[tuple[float, float, float]] = []
        steps = min(64, max(8, 4096 // len(path.knots)))  # of very many knots each pair is short
        # Closer together towards the knots, where the swell vanishes and must do so no sooner.
        inner = [(1 - math.cos(math.pi * step / steps)) / 2 for step in range(1, steps)]
        for first, last in pairwise(path.knots):
            needs = (
                (stage.shortfall(path.at(first + (last - first) * s)) - 1) / _swell(s)
                for s in inner
            )
            height = max(needs)
            if height > 0:
                self._swells.append((first, last, 1.02 * height))

    def __call__(self, s: float) -> Pose:
        """The pose at the share ``s`` of the path."""
        pose = self.path.at(s)
        for first, last, height in self._swells:
            if first < s < last:
                swell = height * _swell((s - first) / (last - first))
                return replace(pose, zoom=pose.zoom * (1 + swell))
        return pose

    @property
    def start(self) -> Pose:
        """Where the path starts."""
        return self(0.0)

    @property
    def end(self) -> Pose:
        """Where it ends."""
        return self(1.0)


def _swell(s: float) -> float:
    """1 in the middle of 0..1, 0 at its ends."""
    return 4 * s * (1 - s)
