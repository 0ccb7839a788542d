"""Poses at other times: faster, later, longer."""

from __future__ import annotations

import math

import numpy as np

from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["MOST_FRAMES", "frame_count", "retimed"]


MOST_FRAMES = 3600 * 120
"""Of a clip: an hour of as many frames a second as there can be."""


def frame_count(seconds: float, fps: float) -> int:
    """How many frames a clip of that length has, at least 1.

    Raises:
        InvalidInput: There would be more than :data:`MOST_FRAMES`.
    """
    if seconds * fps > MOST_FRAMES:
        raise InvalidInput(
            f"the motion lasts {seconds:.0f} s, which are {seconds * fps:.0f} frames; a clip has"
            f" {MOST_FRAMES} at most. Give a duration, a higher speed or fewer frames a second."
        )
    return max(1, round(seconds * fps))


def retimed(
    poses: Poses,
    skeleton: Skeleton,
    *,
    fps: float,
    seconds: float,
    speed: float = 1.0,
    phase: float = 0.0,
    blend_in: float = 0.0,
) -> Poses:
    """Play poses at other frames a second, between frames on straight lines.

    Args:
        poses: At their own frames a second.
        skeleton: In rest.
        fps: Frames a second of the result.
        seconds: Its length. What loops goes round; what does not rests at its last pose.
        speed: How much faster.
        phase: Where in the motion to start, 0 to 1.
        blend_in: Seconds in which the rest turns into the motion.
    """
    length = len(poses)
    wanted = frame_count(seconds, fps)
    place = np.arange(wanted) * (speed * poses.fps / fps) + phase * length
    if poses.loops:
        place %= length
    else:
        place = np.minimum(place, length - 1)
    first = np.minimum(place.astype(np.intp), length - 1)
    after = (first + 1) % length if poses.loops else np.minimum(first + 1, length - 1)
    share = (place - first)[:, None]
    depth = poses.depth[first] * (1 - share) + poses.depth[after] * share
    joints = (
        poses.joints_xy[first] * (1 - share[..., None]) + poses.joints_xy[after] * share[..., None]
    )
    if blend_in > 0:
        t = np.clip(np.arange(wanted) / (blend_in * fps), 0, 1)[:, None, None]
        joints = skeleton.points_xy + (joints - skeleton.points_xy) * (t * t * (3 - 2 * t))
    rounds = wanted * speed * poses.fps / fps / length
    closes = poses.loops and blend_in == 0 and math.isclose(rounds, round(rounds), abs_tol=1e-6)
    return Poses(joints, depth, fps, closes)
