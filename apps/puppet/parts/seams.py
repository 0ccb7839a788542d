"""Where two parts of a character belong together, and where they merely touch in the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.parts.limbs import TRUNK, Limb, sheets_of_joints
from apps.puppet.skeleton import Skeleton

__all__ = ["Seams", "drawn_lines"]

_ROUND_JOINT = 1.3
"""A limb is joined to the trunk this far from its joint, in halves of its width there. Where it
only begins farther away, it is that far from where it begins."""

_LINE = 0.025
"""How wide a drawn line is at most, as a share of the character's height."""

_DARKER = 40
"""Levels by which it is darker than what is on both of its sides."""


class Seams:
    """Tells whether what touches is joined."""

    def __init__(
        self,
        skeleton: Skeleton,
        limbs: tuple[Limb, ...],
        sheets: NDArray[np.int32],
        half_widths: NDArray[np.float64],
        *,
        lines: NDArray[np.bool_] | None = None,
        legs: int = 0,
        cut: bool = True,
    ) -> None:
        """See :meth:`joined`.

        Args:
            skeleton: In the picture.
            limbs: Of the skeleton.
            sheets: ``int32`` ``(H, W)``, who owns each pixel, -1 for nobody.
            half_widths: ``(J,)`` of the bones, in pixels.
            lines: ``bool`` ``(H, W)``, where lines are drawn.
            legs: How many of the limbs, which come first, are legs.
            cut: Without it, everything is joined.
        """
        self._of_joint = sheets_of_joints(skeleton, limbs)
        count = len(skeleton)
        pairs = self._of_joint[:, None] == self._of_joint
        for joint, parent in enumerate(skeleton.parents):
            if parent >= 0:
                pairs[joint, parent] = pairs[parent, joint] = True
        self._pairs = pairs if cut else np.ones((count, count), np.bool_)
        self._legs = legs if lines is not None else 0
        self._lines = lines
        # For each sheet, the place where it hangs from the trunk and how far around it is joined.
        self._places = np.zeros((len(limbs) + 1, 2))
        self._reach = np.zeros(len(limbs) + 1)
        for number, limb in enumerate(limbs, 1):
            place = skeleton.points_xy[limb.hangs_from]
            border = _border(sheets, number)
            away = np.linalg.norm(border - place, axis=1).min(initial=np.inf)
            round_it = max(_ROUND_JOINT * half_widths[limb.joints[0]], 1.0)
            self._places[number] = place
            # Infinite where they do not touch: then nothing is asked.
            self._reach[number] = max(round_it, away + 0.7 * round_it)

    def joined(
        self, one: NDArray[np.integer], other: NDArray[np.integer], points_xy: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        """Whether bones that touch at some points belong together there.

        They do within a sheet, next to each other in the skeleton, and around the joint at which a
        limb hangs from the trunk. So do legs where no line parts them: that is a skirt.

        Args:
            one: ``(N,)`` joints at the far ends of bones.
            other: ``(N,)`` of the bones that touch them.
            points_xy: ``(N, 2)``, where they do, in the picture.

        Returns:
            ``bool`` ``(N,)``.
        """
        first, second = self._of_joint[one], self._of_joint[other]
        limb = np.maximum(first, second)
        away = np.linalg.norm(points_xy - self._places[limb], axis=-1)
        around = (np.minimum(first, second) == TRUNK) & (away <= self._reach[limb])
        return self._pairs[one, other] | around | self._within_skirt(first, second, points_xy)

    def _within_skirt(
        self,
        first: NDArray[np.integer],
        second: NDArray[np.integer],
        points_xy: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        low, high = np.minimum(first, second), np.maximum(first, second)
        legs = (low > TRUNK) & (high <= self._legs)
        if self._lines is None or not legs.any():
            return np.zeros(len(first), np.bool_)
        height, width = self._lines.shape
        column = np.clip(points_xy[:, 0].astype(np.intp), 0, width - 1)
        row = np.clip(points_xy[:, 1].astype(np.intp), 0, height - 1)
        return np.asarray(legs & ~self._lines[row, column])


def drawn_lines(colours: NDArray[np.uint8], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where dark lines are drawn in a character, and close to them.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``.
        inside: ``bool`` ``(H, W)``. Its outline counts as a line.
    """
    rows = np.flatnonzero(inside.any(axis=1))
    width = 2 * max(1, round(_LINE * len(rows) / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    grey = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    found = (cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel) > _DARKER) | ~inside
    return cv2.dilate(found.astype(np.uint8), kernel) > 0


def _border(sheets: NDArray[np.int32], limb: int) -> NDArray[np.float64]:
    """Where a limb touches the trunk, ``(N, 2)``."""
    trunk = cv2.dilate((sheets == TRUNK).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows, columns = np.nonzero(trunk & (sheets == limb))
    return np.column_stack([columns + 0.5, rows + 0.5])
