"""Characters drawn from known joints."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton
from cartoonedit.instance import Instance

ADULT = {
    "root": (100, 210), "hip": (100, 210), "torso": (100, 90), "neck": (100, 45),
    "right_shoulder": (70, 92), "right_elbow": (45, 140), "right_hand": (25, 190),
    "left_shoulder": (130, 92), "left_elbow": (155, 140), "left_hand": (175, 190),
    "right_hip": (83, 214), "right_knee": (78, 285), "right_foot": (73, 355),
    "left_hip": (117, 214), "left_knee": (122, 285), "left_foot": (127, 355),
}  # fmt: skip
"""In a picture of 200 x 380."""


def skeleton(**moved: tuple[float, float]) -> Skeleton:
    return Skeleton.build(ADULT | moved)


def mask_of(
    joints: Skeleton,
    *,
    scale: float = 1.0,
    head: float = 30,
    limb: float = 18,
    size_wh: tuple[int, int] = (200, 380),
    at: tuple[float, float] = (0, 0),
) -> NDArray[np.uint8]:
    """A figure with a round head, a trunk, and limbs of one thickness."""
    width, height = (round(side * scale) for side in size_wh)
    mask = np.zeros((height, width), np.uint8)

    def place(name: str) -> tuple[int, int]:
        x, y = (joints[name] + at) * scale
        return round(x), round(y)

    for side in ("left", "right"):
        for chain in (("shoulder", "elbow", "hand"), ("hip", "knee", "foot")):
            points = np.array([place(f"{side}_{part}") for part in chain])
            cv2.polylines(mask, [points], False, 255, round(limb * scale))
    trunk = [place(n) for n in ("right_shoulder", "left_shoulder", "left_hip", "right_hip")]
    cv2.fillConvexPoly(mask, np.array(trunk), 255)
    cv2.polylines(mask, [np.array(trunk)], True, 255, round(limb * scale))
    cv2.line(mask, place("neck"), place("torso"), 255, round(limb * scale))
    cv2.circle(mask, place("neck"), round(head * scale), 255, -1)
    return mask


def character(name: str = "character-1", **options: object) -> Instance:
    return Instance(mask_of(skeleton(), **options), name=name)  # type: ignore[arg-type]
