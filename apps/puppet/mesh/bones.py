"""How bones carry the points around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["BoneFrames"]

SHORT = 0.01
"""A bone shorter than this share of the skeleton's extent has no direction of its own."""


class BoneFrames:
    """Where the bones carry points, frame by frame.

    A bone turns what is around it, and when it is longer or shorter than in rest it stretches what
    lies between its two joints along itself, but nothing beyond them: no foot grows with its leg.
    A bone without a length turns with the one that it hangs from, and at the root with the first
    one that hangs from it.

    Args:
        skeleton: In rest.
        joints_xy: ``(F, J, 2)``.
        rigid: ``bool`` ``(J,)``: bones that stretch nothing, but carry all with their far end.
    """

    def __init__(
        self, skeleton: Skeleton, joints_xy: NDArray[np.floating], rigid: NDArray[np.bool_]
    ) -> None:
        rest, posed = _complex(skeleton.points_xy), _complex(np.asarray(joints_xy, np.float64))
        parents = np.array(skeleton.parents)
        near = np.where(parents < 0, np.arange(len(parents)), parents)
        along, now = rest - rest[near], posed - posed[:, near]
        self._length = np.abs(along)
        extent = float(np.ptp(skeleton.points_xy, axis=0).max()) if len(parents) else 0.0
        short = self._length <= SHORT * extent
        self._unit = np.where(short, 1, along / np.where(short, 1, self._length))
        reach = np.abs(now)
        own = ~short & (reach > 1e-9 * max(extent, 1e-30))
        turn = np.where(own, now / np.where(own, reach, 1) / self._unit, 0)
        self._turn = _inherited(turn, skeleton)
        self._stretch = reach / np.where(short, 1, self._length)
        self._carried = short | rigid
        self._ends = rest[near], rest, posed[:, near], posed

    def carry(
        self, points_xy: NDArray[np.float64], bones: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Carry points, each with its bone.

        Args:
            points_xy: ``(N, 2)``, in rest.
            bones: ``(N,)``: the joint at the far end of each one's bone.

        Returns:
            ``float64`` ``(F, N, 2)``.
        """
        start, end, start_now, end_now = (each[..., bones] for each in self._ends)
        unit, length = self._unit[bones], self._length[bones]
        carried = self._carried[bones]
        points = _complex(points_xy)
        local = (points - np.where(carried, end, start)) / unit
        between = np.where(carried, 0, np.clip(local.real, 0, length))
        local = local + between * (self._stretch[:, bones] - 1)
        moved = np.where(carried, end_now, start_now) + self._turn[:, bones] * unit * local
        return np.stack([moved.real, moved.imag], axis=-1)


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return points[..., 0] + 1j * points[..., 1]


def _inherited(turn: NDArray[np.complex128], skeleton: Skeleton) -> NDArray[np.complex128]:
    """Give bones that do not turn by themselves, where it is 0, the turn of another one."""
    turn = turn.copy()
    order = skeleton.depth_first
    root = skeleton.root
    for joint in order[1:]:
        turn[:, root] = np.where(turn[:, root] == 0, turn[:, joint], turn[:, root])
    turn[:, root] = np.where(turn[:, root] == 0, 1, turn[:, root])
    for joint in order[1:]:
        above = turn[:, skeleton.parents[joint]]
        turn[:, joint] = np.where(turn[:, joint] == 0, above, turn[:, joint])
    return turn
