"""The skeleton of a puppet: named joints in a picture, each hanging from another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["BUST", "STANDARD", "Skeleton"]

STANDARD: Mapping[str, str | None] = {
    "root": None,
    "hip": "root",
    "torso": "hip",
    "neck": "torso",
    "right_shoulder": "torso",
    "right_elbow": "right_shoulder",
    "right_hand": "right_elbow",
    "left_shoulder": "torso",
    "left_elbow": "left_shoulder",
    "left_hand": "left_elbow",
    "right_hip": "root",
    "right_knee": "right_hip",
    "right_foot": "right_knee",
    "left_hip": "root",
    "left_knee": "left_hip",
    "left_foot": "left_knee",
}
"""The joints of Animated Drawings, each with its parent.

Left is the character's own left: to the right in the picture of one that faces the viewer. ``hip``
lies where ``root`` does, ``torso`` between the shoulders, ``neck`` in the face.
"""

BUST: Mapping[str, str | None] = {
    name: parent
    for name, parent in STANDARD.items()
    if name in ("root", "hip", "torso", "neck", "right_shoulder", "left_shoulder")
}
"""The joints of a character of whom arms and legs cannot be seen."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints. A *bone* has the name of the joint at its far end.

    Attributes:
        names: Of the joints, each once; any order.
        parents: For each joint the index of the one it hangs from, -1 for the root.
        points_xy: ``float64`` ``(J, 2)``, in pixels of the picture, y down; the first pixel's
            centre is (0.5, 0.5). Read-only.

    Raises:
        InvalidInput: It is no tree with one root, a name is there twice, or a point is not finite.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    points_xy: NDArray[np.float64]

    def __post_init__(self) -> None:
        points = np.array(self.points_xy, np.float64)
        points.flags.writeable = False
        object.__setattr__(self, "points_xy", points)
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "parents", tuple(int(parent) for parent in self.parents))
        count = len(self.names)
        if points.shape != (count, 2) or len(self.parents) != count or not count:
            raise InvalidInput(
                f"a skeleton needs a parent and a point (x, y) for each of its joints; got"
                f" {count} names, {len(self.parents)} parents and points {points.shape}."
            )
        twice = {name for name in self.names if self.names.count(name) > 1}
        if twice:
            raise InvalidInput(f"a skeleton has the joint {sorted(twice)[0]!r} twice.")
        if not np.isfinite(points).all():
            bad = self.names[int(np.argmin(np.isfinite(points).all(axis=1)))]
            raise InvalidInput(f"the joint {bad!r} must have finite coordinates.")
        roots = [name for name, parent in zip(self.names, self.parents, strict=True) if parent < 0]
        if len(roots) != 1 or max(self.parents) >= count or len(self.depth_first) != count:
            raise InvalidInput(
                "the joints of a skeleton must form one tree, in which only the root has no parent;"
                f" without a parent: {', '.join(roots) or 'none'}."
            )

    @classmethod
    def build(
        cls, points: Mapping[str, Sequence[float]], tree: Mapping[str, str | None] = STANDARD
    ) -> Skeleton:
        """Make a skeleton of points by name.

        Args:
            points: ``(x, y)`` of each joint; a joint of ``tree`` that is missing is left out, and
                what hangs from it hangs from its parent.
            tree: Joint to parent. A joint of ``points`` that is not in it is not taken.

        Raises:
            InvalidInput: There is no root among the points.
        """
        names = [name for name in tree if name in points]

        def parent_of(name: str) -> int:
            above = tree[name]
            while above is not None and above not in points:
                above = tree[above]
            return -1 if above is None else names.index(above)

        parents = tuple(parent_of(name) for name in names)
        return cls(tuple(names), parents, np.array([points[name][:2] for name in names]))

    @cached_property
    def root(self) -> int:
        """Index of the root."""
        return next(index for index, parent in enumerate(self.parents) if parent < 0)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each joint those that hang from it, in the order of the joints."""
        below: list[list[int]] = [[] for _ in self.names]
        for index, parent in enumerate(self.parents):
            if parent >= 0:
                below[parent].append(index)
        return tuple(tuple(each) for each in below)

    @cached_property
    def depth_first(self) -> tuple[int, ...]:
        """All joints that hang from the root, parents first, one branch after the other."""
        order, waiting = [], [next((i for i, p in enumerate(self.parents) if p < 0), -1)]
        while waiting and waiting[-1] >= 0:
            joint = waiting.pop()
            order.append(joint)
            waiting += reversed(self.children[joint])
        return tuple(order)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Name to index."""
        return {name: index for index, name in enumerate(self.names)}

    @property
    def tree(self) -> dict[str, str | None]:
        """Name to name of the parent, in the order of the joints."""
        return {
            name: None if parent < 0 else self.names[parent]
            for name, parent in zip(self.names, self.parents, strict=True)
        }

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.index

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """The point of a joint.

        Raises:
            InvalidInput: There is no such joint.
        """
        if name not in self.index:
            raise InvalidInput(f"there is no joint {name!r}; there is {', '.join(self.names)}.")
        return self.points_xy[self.index[name]]

    def moved(self, points_xy: NDArray[np.floating]) -> Skeleton:
        """The same tree with its joints at other points."""
        return Skeleton(self.names, self.parents, np.asarray(points_xy, np.float64))

    def without(self, names: Iterable[str]) -> Skeleton:
        """The skeleton without some joints; what hangs from them hangs from their parents."""
        gone = set(names)
        kept = {name: tuple(self[name]) for name in self.names if name not in gone}
        return Skeleton.build(kept, self.tree)
