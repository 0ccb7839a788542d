"""The motion of an actor: where each joint is in space, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion"]


@dataclass(frozen=True, eq=False)
class Motion:
    """A moving skeleton in space.

    Attributes:
        names: Of the joints; ``End Site`` may be there several times.
        parents: For each joint the index of the one it hangs from, -1 for the root, which is first.
        positions: ``float64`` ``(F, B, 3)``, y up, any unit.
        frame_time: Seconds from one frame to the next.
        loops: Whether the first frame may follow the last, up to where the root stands.
        name: What to call it in messages.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    positions: NDArray[np.float64]
    frame_time: float
    loops: bool = False
    name: str = "motion"

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last; of a loop, to when it starts again."""
        return (len(self) - (0 if self.loops else 1)) * self.frame_time

    @cached_property
    def index(self) -> dict[str, int]:
        """Name to index; of several joints of one name, the first."""
        return {name: i for i, name in reversed(list(enumerate(self.names)))}

    def at(self, times: NDArray[np.floating]) -> NDArray[np.float64]:
        """Positions at any times, in seconds, between frames on straight lines.

        Times before the start and after the end give the first and last frame; a loop goes on, and
        its root with it.

        Returns:
            ``float64`` ``(len(times), B, 3)``.
        """
        count = len(self)
        place = np.asarray(times, np.float64) / self.frame_time
        if not self.loops or count == 1:
            place = np.clip(place, 0, count - 1)
            rounds = np.zeros(len(place))
        else:
            rounds = np.floor(place / count)
            place = place - rounds * count
        first = np.minimum(place.astype(np.intp), count - 1)
        share = (place - first)[:, None, None]
        after = (first + 1) % count if self.loops else np.minimum(first + 1, count - 1)
        later = self.positions[after]
        later = later + np.where(after < first, 1.0, 0.0)[:, None, None] * self.travel
        between = self.positions[first] * (1 - share) + later * share
        return between + rounds[:, None, None] * self.travel

    @cached_property
    def travel(self) -> NDArray[np.float64]:
        """How far the root comes on the ground in one round of a loop, ``(3,)``; else zeros.

        The last frame stands for one step before the end: that step is taken to be between the
        last and the first.
        """
        if not self.loops or len(self) < 2:
            return np.zeros(3)
        root = self.positions[:, 0]
        steps = np.diff(root, axis=0)
        way = root[-1] - root[0] + (steps[0] + steps[-1]) / 2
        # What comes back to where it was, but for less than two of its steps, has not travelled.
        step = np.abs(steps[:, [0, 2]]).max()
        way[1] = 0
        return way if np.abs(way[[0, 2]]).max() > 2 * step else np.zeros(3)

    def reversed_sides(self) -> Motion:
        """The motion in a mirror: left and right exchanged in space, and so are the names."""
        from apps.puppet.motion.words import mirrored

        return replace(
            self,
            names=tuple(mirrored(name) for name in self.names),
            positions=self.positions * np.array([-1.0, 1.0, 1.0]),
        )
