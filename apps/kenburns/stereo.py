"""Stereo: the same move seen by two eyes, side by side or through red and cyan glasses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from apps.kenburns.path import Camera
from apps.kenburns.stage import Stage

__all__ = ["STEREOS", "Eyes", "join"]

STEREOS = ("side-by-side", "anaglyph")

APART = 0.03
"""How far the eyes are apart, in picture widths: the nearest plane then lies about 2 % of the width
before the farthest, which is comfortable on any screen."""

# Red from the left eye's brightness, so that red clothes do not flicker between the eyes.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Eyes:
    """Two poses for one, both filling the frame."""

    def __init__(self, stage: Stage, camera: Camera, q: float, apart: float = APART) -> None:
        """Find how much the frame must be magnified for both eyes.

        Args:
            stage: What both must stay inside of.
            camera: The move.
            q: Disparity of the plane that lies in the screen; what is nearer comes out of it.
            apart: How far the eyes are apart, in picture widths.
        """
        self._q, self._apart, self._zoom = q, apart, 1.0
        poses = [camera(step / 32) for step in range(33)]
        for _ in range(8):  # a larger zoom needs larger shifts: settles geometrically
            self._zoom *= max(stage.shortfall(eye) for pose in poses for eye in self(pose))

    def __call__(self, pose: Pose) -> tuple[Pose, Pose]:
        """The poses of the left and the right eye."""
        zoomed = replace(
            pose,
            zoom=pose.zoom * self._zoom,
            shift_x=pose.shift_x * self._zoom,
            shift_y=pose.shift_y * self._zoom,
        )
        return self._moved(zoomed, -self._apart / 2), self._moved(zoomed, self._apart / 2)

    def _moved(self, pose: Pose, aside: float) -> Pose:
        shift = pose.scale(self._q) * aside * self._q
        return replace(pose, x=pose.x + aside, shift_x=pose.shift_x + shift)


def join(left: NDArray[np.uint8], right: NDArray[np.uint8], how: str) -> NDArray[np.uint8]:
    """One frame for two eyes.

    Args:
        left: RGB or RGBA ``uint8`` ``(h, w, C)``.
        right: Of the same form.
        how: ``side-by-side``, ``(h, 2 w, C)``, or ``anaglyph`` for glasses with a red left and a
            cyan right lens.
    """
    if how == "side-by-side":
        return np.hstack([left, right])
    result = right.copy()
    result[..., 0] = np.rint(left[..., :3] @ _LUMA).astype(np.uint8)
    if result.shape[2] == 4:
        result[..., 3] = np.maximum(left[..., 3], right[..., 3])
    return result
