"""The 17 key points of COCO, which pose networks and annotators give, as joints."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["KEYPOINTS", "coco_points", "coco_skeleton", "completed"]

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
"""In their order; left is the character's own left."""

_SAME = {"wrist": "hand", "ankle": "foot"}
_Scored = tuple[float, float, float]


def coco_points(keypoints: NDArray[np.floating], least: float = 0.0) -> dict[str, _Scored]:
    """Joints, as Animated Drawings takes them from key points.

    ``root`` and ``hip`` lie between the hips, ``torso`` between the shoulders, ``neck`` on the nose
    (or between the eyes, or the ears); hands and feet on wrists and ankles.

    Args:
        keypoints: ``(17, 3)``: x, y, and a score or COCO's flag of visibility.
        least: Points whose score is not above that are missing.

    Returns:
        ``(x, y, score)`` by joint; what cannot be told is left out.
    """
    known: dict[str, _Scored] = {
        name: (float(x), float(y), float(score))
        for name, (x, y, score) in zip(KEYPOINTS, keypoints, strict=True)
        if score > least and np.isfinite((x, y)).all()
    }
    joints: dict[str, _Scored] = {}
    for side in ("left", "right"):
        for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            if f"{side}_{part}" in known:
                joints[f"{side}_{_SAME.get(part, part)}"] = known[f"{side}_{part}"]
    for name, part in (("root", "hip"), ("hip", "hip"), ("torso", "shoulder")):
        middle = _between(known, f"left_{part}", f"right_{part}")
        if middle is not None:
            joints[name] = middle
    face = known.get("nose") or _between(known, "left_eye", "right_eye")
    face = face or _between(known, "left_ear", "right_ear")
    if face is not None:
        joints["neck"] = face
    return joints


def coco_skeleton(keypoints: NDArray[np.floating], source: str) -> Skeleton:
    """The skeleton of one annotation.

    Args:
        keypoints: ``(17, 3)``; points of visibility 0 are missing.
        source: Where they are from, for messages.

    Raises:
        InvalidInput: Neither the hips nor the shoulders and the face are there.
    """
    points = completed({name: point[:2] for name, point in coco_points(keypoints).items()})
    if "root" not in points:
        raise InvalidInput(
            f"{source} marks neither both hips nor both shoulders with the face, so no skeleton can"
            " hang on its key points. Mark more of them."
        )
    return Skeleton.build({name: point for name, point in points.items() if name in STANDARD})


def completed(points: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Points with a root, if there is none and it follows from others.

    It lies on the hip or between the hips. Of a bust without hips, it goes as far below the
    shoulders as the face is above them. ``torso`` and ``hip`` are put where they belong, then, too.
    """
    made = dict(points)
    if "root" in made:
        return made

    def middle(left: str, right: str) -> tuple[float, float]:
        return tuple(np.mean([made[left], made[right]], axis=0).tolist())

    if "torso" not in made and {"left_shoulder", "right_shoulder"} <= made.keys():
        made["torso"] = middle("left_shoulder", "right_shoulder")
    if "root" not in made and "hip" in made:
        made["root"] = made["hip"]
    if "root" not in made and {"left_hip", "right_hip"} <= made.keys():
        made["root"] = middle("left_hip", "right_hip")
    if "root" not in made and {"torso", "neck"} <= made.keys():
        below = 2 * np.asarray(made["torso"]) - np.asarray(made["neck"])
        made["root"] = tuple(below.tolist())
    if "root" in made:
        made.setdefault("hip", made["root"])
    return made


def _between(known: Mapping[str, _Scored], left: str, right: str) -> _Scored | None:
    if left not in known or right not in known:
        return None
    (x1, y1, s1), (x2, y2, s2) = known[left], known[right]
    return (x1 + x2) / 2, (y1 + y2) / 2, min(s1, s2)
