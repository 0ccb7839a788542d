"""A small scene with figures whose joints are known."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from apps.puppet.drawings import with_skeletons
from apps.puppet.skeleton import Skeleton
from cartoonedit.scene import Instance, Scene

FIGURE = {
    "root": (0, 0), "hip": (0, 0), "torso": (0, -26), "neck": (0, -40),
    "right_shoulder": (-9, -26), "right_elbow": (-18, -16), "right_hand": (-26, -6),
    "left_shoulder": (9, -26), "left_elbow": (18, -16), "left_hand": (26, -6),
    "right_hip": (-6, 0), "right_knee": (-8, 16), "right_foot": (-10, 32),
    "left_hip": (6, 0), "left_knee": (8, 16), "left_foot": (10, 32),
}  # fmt: skip
"""A standing figure, 88 pixels tall, from its hips."""

SIZE_WH = (220, 140)
PLACES = ((60.0, 90.0), (150.0, 84.0))


def skeleton_at(x: float, y: float) -> Skeleton:
    return Skeleton.build({name: (x + dx, y + dy) for name, (dx, dy) in FIGURE.items()})


def draw(skeleton: Skeleton, size_wh: tuple[int, int] = SIZE_WH) -> np.ndarray:
    """The soft mask of a figure."""
    mask = np.zeros((size_wh[1], size_wh[0]), np.uint8)

    def line(one: str, other: str, width: int) -> None:
        ends = [tuple(np.rint(skeleton[name] * 16 - 8).astype(int)) for name in (one, other)]
        cv2.line(mask, *ends, 255, width, cv2.LINE_AA, 4)

    line("root", "torso", 17)
    line("right_shoulder", "left_shoulder", 9)
    for side in ("left", "right"):
        line(f"{side}_shoulder", f"{side}_elbow", 8)
        line(f"{side}_elbow", f"{side}_hand", 8)
        line(f"{side}_hip", f"{side}_knee", 9)
        line(f"{side}_knee", f"{side}_foot", 9)
    x, y = np.rint(skeleton["neck"] * 16 - 8).astype(int)
    cv2.circle(mask, (int(x), int(y)), 11 * 16, 255, -1, cv2.LINE_AA, 4)
    return mask


def make_scene(places: Sequence[tuple[float, float]] = PLACES, *, grey: bool = False) -> Scene:
    """Figures in front of stripes; their joints are in the scene, and the plate is known."""
    columns, rows = np.meshgrid(np.arange(SIZE_WH[0]), np.arange(SIZE_WH[1]))
    plate = np.dstack([columns, 80 + rows, 255 - columns]).astype(np.uint8)
    picture, instances, skeletons = plate.astype(float), [], {}
    for number, place in enumerate(places, 1):
        skeleton = skeleton_at(*place)
        mask = draw(skeleton)
        colour = np.array([200, 60 * number, 40 + 90 * (rows[..., None] // 9 % 2)[0, 0, 0]])
        shade = colour * (0.8 + 0.2 * (rows[..., None] // 7 % 2))
        picture = picture + (shade - picture) * (mask[..., None] / 255)
        instances.append(Instance(mask, name=f"character-{number}"))
        skeletons[f"character-{number}"] = skeleton
    colours = np.rint(picture).astype(np.uint8)
    if grey:
        colours = np.repeat(colours[..., :1], 3, axis=2)
        plate = np.repeat(plate[..., :1], 3, axis=2)
    return with_skeletons(Scene(colours, instances, plate=plate), skeletons)
