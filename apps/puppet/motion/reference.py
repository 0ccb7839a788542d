"""A reference animation: a puppet does what a person in a video did, whose keypoints are given.

Only directions are taken from the keypoints: every bone of the puppet keeps its length, and points
where the person's pointed. The root moves as the middle of the hips did, scaled by how large the
puppet is against the person.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.keypoints import Keypoints, read_keypoints
from apps.puppet.motion.pull import rotated
from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["Keypoints", "follow_keypoints", "read_keypoints"]

Floats = NDArray[np.float64]

_OF_JOINTS: Mapping[str, tuple[int, ...]] = {
    "root": (11, 12),
    "hip": (11, 12),
    "torso": (5, 6),
    "neck": (0,),
    "left_shoulder": (5,),
    "left_elbow": (7,),
    "left_hand": (9,),
    "right_shoulder": (6,),
    "right_elbow": (8,),
    "right_hand": (10,),
    "left_hip": (11,),
    "left_knee": (13,),
    "left_foot": (15,),
    "right_hip": (12,),
    "right_knee": (14,),
    "right_foot": (16,),
}
"""For each joint the COCO keypoints that it lies between."""

_CARRIED = frozenset({"left_shoulder", "right_shoulder", "left_hip", "right_hip"})
"""They ride with the trunk: as a person turns, these bones grow short and say nothing."""

_MEASURED = ("torso", "neck", "left_knee", "left_foot", "right_knee", "right_foot")
"""Bones by which the sizes of puppet and person are compared, the arms if there are no others."""


def follow_keypoints(
    keypoints: Keypoints,
    skeleton: Skeleton,
    *,
    min_score: float = 0.3,
    smooth: float = 0.05,
    travel: bool = True,
    loops: bool = False,
) -> Poses:
    """The poses of a puppet that follows keypoints.

    A keypoint that is not seen for a while is taken to move on a straight line meanwhile; a bone of
    which an end is never seen rides along with the one above.

    Args:
        keypoints: Of one person.
        skeleton: Of the puppet, in rest. Of a bust, only what it has follows.
        min_score: A keypoint with a lower score counts as not seen.
        smooth: Jitter is smoothed over that many seconds, 0 or more.
        travel: Whether the root moves; else it stays where it is.
        loops: Whether the first frame may follow the last.

    Raises:
        InvalidInput: No bone of the puppet has both ends among the keypoints that were ever seen.
    """
    sources = _sources(keypoints, min_score, smooth * keypoints.fps)
    directions = _directions(skeleton, sources)
    if not directions:
        raise InvalidInput(
            "the reference shows no bone of the puppet: it needs shoulders and hips, or an arm or a"
            f" leg, with scores of {min_score:g} or more. Give a reference in which they are seen,"
            " or a lower score."
        )
    frames = len(keypoints.points)
    points = np.empty((frames, len(skeleton), 2))
    turned = np.zeros((frames, len(skeleton)))
    rest = skeleton.points_xy
    for joint in skeleton.depth_first:
        parent = skeleton.parents[joint]
        if parent < 0:
            points[:, joint] = rest[joint]
            continue
        bone = rest[joint] - rest[parent]
        turned[:, joint] = turned[:, parent]
        direction = directions.get(joint)
        if direction is not None:
            angle = np.arctan2(direction[:, 1], direction[:, 0]) - np.arctan2(bone[1], bone[0])
            turned[:, joint] = angle
        points[:, joint] = points[:, parent] + rotated(bone, turned[:, joint])
    if travel:
        points += _travel(skeleton, sources)[:, None]
    return Poses(points, np.zeros((frames, len(skeleton))), keypoints.fps, loops)


def _sources(keypoints: Keypoints, min_score: float, sigma: float) -> dict[str, Floats]:
    """For each joint whose keypoints were ever seen, where they were, ``(F, 2)``."""
    from scipy.ndimage import gaussian_filter1d

    seen = (keypoints.scores >= min_score) & np.isfinite(keypoints.points).all(axis=2)
    times = np.arange(len(seen))
    paths: dict[int, Floats] = {}
    for number in np.flatnonzero(seen.any(axis=0)).tolist():
        there = seen[:, number]
        path = np.stack(
            [np.interp(times, times[there], keypoints.points[there, number, k]) for k in (0, 1)],
            axis=1,
        )
        smoothed = gaussian_filter1d(path, sigma, axis=0, mode="nearest") if sigma > 0 else path
        paths[number] = np.asarray(smoothed, np.float64)
    return {
        name: np.asarray(np.mean([paths[number] for number in numbers], axis=0))
        for name, numbers in _OF_JOINTS.items()
        if all(number in paths for number in numbers)
    }


def _directions(skeleton: Skeleton, sources: Mapping[str, Floats]) -> dict[int, Floats]:
    """For each bone that can follow, where it points, ``(F, 2)``, in frames with length."""
    found: dict[int, Floats] = {}
    for joint, name in enumerate(skeleton.names):
        parent = skeleton.parents[joint]
        if parent < 0 or name in _CARRIED or name not in sources:
            continue
        above = skeleton.names[parent]
        length = np.linalg.norm(skeleton.points_xy[joint] - skeleton.points_xy[parent])
        if above not in sources or length < 1e-9:
            continue
        way = sources[name] - sources[above]
        size = np.linalg.norm(way, axis=1)
        there = size > 1e-6 * max(float(size.max()), 1e-9)
        if not there.any():
            continue
        # Where both ends coincide, the bone turns on from where it was seen to where it is again.
        angle = np.unwrap(np.arctan2(way[there, 1], way[there, 0]))
        angle = np.interp(np.arange(len(way)), np.flatnonzero(there), angle)
        found[joint] = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return found


def _travel(skeleton: Skeleton, sources: Mapping[str, Floats]) -> Floats:
    """How far the root is from where it is in rest, ``(F, 2)``, in pixels of the puppet."""
    middle = sources.get("root", sources.get("torso"))
    scale = _scale(skeleton, sources)
    if middle is None or scale is None:
        some = next(iter(sources.values()))
        return np.zeros_like(some)
    return scale * (middle - middle[0])


def _scale(skeleton: Skeleton, sources: Mapping[str, Floats]) -> float | None:
    """How large the puppet is against the person, by the bones that both have."""
    arms = ("left_elbow", "left_hand", "right_elbow", "right_hand")
    for names in (_MEASURED, arms, ("left_shoulder", "right_shoulder")):
        ours = theirs = 0.0
        for name in names:
            parent = _parent(skeleton, name)
            if parent is None or name not in sources or parent not in sources:
                continue
            ours += float(np.linalg.norm(skeleton[name] - skeleton[parent]))
            # What points at the camera is seen short: its length is nearly the largest one seen.
            lengths = np.linalg.norm(sources[name] - sources[parent], axis=1)
            theirs += float(np.percentile(lengths, 90))
        if ours > 0 and theirs > 0:
            return ours / theirs
    return None


def _parent(skeleton: Skeleton, name: str) -> str | None:
    if name not in skeleton:
        return None
    parent = skeleton.parents[skeleton.index[name]]
    return None if parent < 0 else skeleton.names[parent]
