"""Windows: a move given by what the frame shows of the picture at its start and at its end.

After Niklaus et al., "3D Ken Burns Effect from a Single Image" (2019): the camera flies from the
one window to the other. Here a window is met exactly by one plane, that of what it shows; it is
seen ``s`` times as large as in the picture, and ``s`` is made by two factors. A share ``p`` of it
(in powers) is made by going there, which causes parallax, the rest by the lens, which does not:

    m = s^p,  z = (1 - 1 / m) / q,  zoom = s / m,  x = p c / q,  shift = -s (c - x q)

for the window's centre ``c`` and the plane's disparity ``q``, so that on this plane ``u' = s (u -
c)`` for every ``p`` and every ``x``. With ``p = 0`` it is the classic Ken Burns effect. What is
farther away is magnified less, and where the window lies at the border of the picture too little to
fill the frame: then ``x`` makes way, as little as it takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from apps.kenburns.camera import Pose
from apps.kenburns.path import Path, straight_path
from apps.kenburns.stage import Stage
from cartoonedit.errors import InvalidInput

__all__ = ["Window", "window_path", "window_pose"]

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Window:
    """What a frame shows of the picture.

    Attributes:
        centre: Its middle, in picture widths from the picture's middle.
        scale: How many times as large as in the picture it is seen.
    """

    centre: tuple[float, float]
    scale: float

    @classmethod
    def around(cls, rectangle: Rectangle, stage: Stage) -> Window:
        """The least window of the frame's shape that shows a rectangle and nothing but picture.

        Args:
            rectangle: Left, top, right, bottom in picture widths from the picture's middle.
            stage: The picture and the frame.

        Raises:
            InvalidInput: The rectangle is empty or leaves the picture.
        """
        left, top, right, bottom = rectangle
        half_w, half_h = stage.half_wh
        outside = max(-half_w - left, -half_h - top, right - half_w, bottom - half_h)
        # Scaling rounds the picture to whole pixels: a little outside is not outside.
        if right <= left or bottom <= top or outside > 0.005:
            raise InvalidInput(
                "a window is x,y,width,height in pixels of the picture, inside of it and not empty"
                " (with another aspect than the picture's: inside of what the frame can show)."
            )
        least = max(frame / half for frame, half in zip(stage.frame_wh, stage.half_wh, strict=True))
        scale = min(2 * stage.frame_wh[0] / (right - left), 2 * stage.frame_wh[1] / (bottom - top))
        scale = max(scale, least)
        centre = []
        for axis, (low, high) in enumerate(((left, right), (top, bottom))):
            room = max(0.0, stage.half_wh[axis] - stage.frame_wh[axis] / scale)
            centre.append(min(max((low + high) / 2, -room), room))
        return cls((centre[0], centre[1]), scale)

    def covers(self, stage: Stage) -> Rectangle:
        """Left, top, right, bottom of what it shows, in picture widths."""
        (u, v), (half_w, half_h) = self.centre, stage.frame_wh
        across, down = half_w / self.scale, half_h / self.scale
        return u - across, v - down, u + across, v + down


def window_pose(centre: tuple[float, float], scale: float, q: float, share: float) -> Pose:
    """The pose from which the plane ``q`` shows a window exactly.

    Args:
        centre: The window's middle, in picture widths.
        scale: How many times as large as in the picture it is seen.
        q: Disparity of the plane.
        share: ``p``, the share of the move that is made by the camera's way, 0..1.
    """
    going = scale**share
    pose = Pose(z=(1 - 1 / going) / q, zoom=scale / going)
    return _beside(pose, (share * centre[0] / q, share * centre[1] / q), centre, q)


def _beside(pose: Pose, place: tuple[float, float], centre: tuple[float, float], q: float) -> Pose:
    """The same window seen from another place aside."""
    scale, (x, y), (u, v) = pose.scale(q), place, centre
    return replace(pose, x=x, y=y, shift_x=-scale * (u - x * q), shift_y=-scale * (v - y * q))


def _filling(stage: Stage, window: Window, q: float, share: float) -> Pose | None:
    """The pose for a window from a place nearest to that of :func:`window_pose` that fills."""
    pose = window_pose(window.centre, window.scale, q, share)
    if not stage.in_front(pose):
        return None
    place = []
    for axis, wish in enumerate((pose.x, pose.y)):
        low, high = -math.inf, math.inf
        for side in (axis, axis + 2):
            sign = -1 if side < 2 else 1
            for border in stage.borders[side]:
                # sign * (scale_b (sign half - x b) - s (c - x q)) >= half of the frame, in x
                magnified = pose.scale(border)
                slope = sign * (window.scale * q - magnified * border)
                room = stage.frame_wh[axis] + sign * window.scale * window.centre[axis]
                room -= magnified * stage.half_wh[axis]
                if abs(slope) < 1e-12:
                    low, high = (low, high) if room <= 1e-12 else (math.inf, -math.inf)
                elif slope > 0:
                    low = max(low, room / slope)
                else:
                    high = min(high, room / slope)
        if low > high + 1e-9:
            return None
        place.append(min(max(wish, low), high))
    return _beside(pose, (place[0], place[1]), window.centre, q)


def window_path(stage: Stage, start: Window, end: Window, *, most: float) -> Path:
    """The path from one window to another, with as much parallax as the picture allows.

    Args:
        stage: What the frame must stay inside of.
        start: The window at the beginning.
        end: The window at the end.
        most: The largest parallax, in frame widths.
    """
    q = stage.plane_in(end.covers(stage), start.covers(stage))
    best = tuple(window_pose(w.centre, w.scale, q, 0.0) for w in (start, end))
    low, high = 0.0, 1.0
    for _ in range(20):  # bisection: the lens alone always fills the frame
        share = (low + high) / 2
        first, last = (_filling(stage, window, q, share) for window in (start, end))
        if first and last and stage.parallax(first, last) <= most:
            low, best = share, (first, last)
        else:
            high = share
    return straight_path(stage, best[0], best[1], keep=False)
