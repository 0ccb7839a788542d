"""Figures with known parts, to be taken apart and posed in tests."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

SHIRT, SKIN, TROUSERS = (40, 90, 200), (240, 190, 150), (90, 60, 40)


def points(**changed: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """Joints of a figure of 160 x 220 pixels with its arms hanging at its sides."""
    return {
        "root": (80, 130),
        "hip": (80, 130),
        "torso": (80, 62),
        "neck": (80, 30),
        "right_shoulder": (56, 66),
        "right_elbow": (44, 98),
        "right_hand": (42, 130),
        "left_shoulder": (104, 66),
        "left_elbow": (116, 98),
        "left_hand": (118, 130),
        "right_hip": (68, 132),
        "right_knee": (66, 168),
        "right_foot": (64, 204),
        "left_hip": (92, 132),
        "left_knee": (94, 168),
        "left_foot": (96, 204),
    } | changed


def figure(
    joints: dict[str, tuple[float, float]] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Skeleton]:
    """Its colours, its mask with soft edges, and its skeleton."""
    at = joints or points()
    wh = (160, 220)
    picture = np.full((wh[1], wh[0], 3), 255, np.uint8)
    mask = np.zeros((wh[1], wh[0]), np.uint8)

    def limb(names: tuple[str, ...], width: int, colour: tuple[int, int, int]) -> None:
        line = np.array([[at[name] for name in names]], np.float64).round().astype(np.int32)
        for canvas, ink in ((picture, colour), (mask, 255)):
            cv2.polylines(canvas, line, False, ink, width, cv2.LINE_AA)

    limb(("right_hip", "right_knee", "right_foot"), 22, TROUSERS)
    limb(("left_hip", "left_knee", "left_foot"), 22, TROUSERS)
    for canvas, ink in ((picture, SHIRT), (mask, 255)):
        cv2.rectangle(canvas, (52, 60), (108, 136), ink, -1)
        cv2.circle(canvas, (80, 34), 24, SKIN if ink != 255 else 255, -1, cv2.LINE_AA)
    limb(("right_shoulder", "right_elbow", "right_hand"), 15, SKIN)
    limb(("left_shoulder", "left_elbow", "left_hand"), 15, SKIN)
    return picture, mask, Skeleton.build(at)


def over(textures: list[tuple[NDArray[np.uint8], tuple[int, int]]], wh: Any) -> NDArray[np.float64]:
    """Premultiplied textures over each other, from the back, on nothing."""
    pad = 8
    canvas = np.zeros((wh[1] + 2 * pad, wh[0] + 2 * pad, 4))
    for texture, (x, y) in textures:
        height, width = texture.shape[:2]
        here = canvas[y + pad : y + pad + height, x + pad : x + pad + width]
        here[:] = texture + here * (1 - texture[..., 3:] / 255)
    return canvas[pad:-pad, pad:-pad]
