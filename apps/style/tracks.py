"""Names that stay with the characters of a clip, from frame to frame.

Each frame is taken apart by itself, so its ``character-1`` is whoever stands leftmost. Here every
character gets the name of the one before whose mask, moved along, overlaps theirs most.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from apps.style.motion import Motion
from cartoonedit.instance import Instance, Tag
from cartoonedit.scene import Scene

__all__ = ["Tracks"]

_OVERLAP = 0.25  # of two masks' union, from which on they are one character
_PATIENCE = 12  # frames for which one that is not found keeps its place
_AUTOMATIC = re.compile(r"character-\d+", re.IGNORECASE)


@dataclass
class _Track:
    inside: NDArray[np.uint8]  # the mask, moved along
    tags: tuple[Tag, ...] = ()
    missing: int = 0


@dataclass
class Tracks:
    """The characters of a clip so far.

    Names such as ``character-1`` are given here; any other was given by a person and stays. A name
    means one character in the whole clip: a new one gets a number that nobody had.
    """

    _known: dict[str, _Track] = field(default_factory=dict)
    _ever: set[str] = field(default_factory=set)

    def follow(self, motion: Motion) -> None:
        """Move everybody along to the next frame; after a cut, forget them.

        A place that motion does not explain shows something else, and belongs to nobody.
        """
        if motion.is_cut:
            self._known = {}
        for track in self._known.values():
            track.inside = motion.warp(track.inside) * motion.explained

    def rename(self, scene: Scene) -> Scene:
        """A scene whose characters have their names, and the tags that go with them."""
        names = self._names(scene)
        self._ever.update(name.lower() for name in names)
        return scene.with_instances(
            [
                replace(one, name=name, tags=one.tags or self._tags(name))
                for one, name in zip(scene, names, strict=True)
            ]
        )

    def remember(self, scene: Scene) -> None:
        """Keep where everybody is in a frame, and what they look like.

        Args:
            scene: Renamed, and tagged.
        """
        for track in self._known.values():
            track.missing += 1
        self._known |= {one.name: _Track(one.mask, one.tags) for one in scene}
        self._known = {
            name: track for name, track in self._known.items() if track.missing <= _PATIENCE
        }

    def _tags(self, name: str) -> tuple[Tag, ...]:
        return self._known[name].tags if name in self._known else ()

    def _names(self, scene: Scene) -> list[str]:
        """A name for each instance, in the scene's order."""
        if not self._ever:
            return [one.name for one in scene]
        given = {one.name: one.name for one in scene if not _AUTOMATIC.fullmatch(one.name)}
        free = {name: track for name, track in self._known.items() if name not in given}
        found = given | _matches([one for one in scene if one.name not in given], free)
        return [found.get(one.name) or self._new_name() for one in scene]

    def _new_name(self) -> str:
        number = 1
        while (name := f"character-{number}") in self._ever:
            number += 1
        self._ever.add(name)
        return name


def _matches(instances: Sequence[Instance], known: Mapping[str, _Track]) -> dict[str, str]:
    """Which known one each instance is, by its old name, so that the overlaps add up to most."""
    from scipy.optimize import linear_sum_assignment

    names = list(known)
    overlaps = np.array(
        [[_overlap(one.mask, known[name].inside) for name in names] for one in instances]
    ).reshape(len(instances), len(names))
    pairs = zip(*linear_sum_assignment(overlaps, maximize=True), strict=True)
    return {
        instances[row].name: names[column]
        for row, column in pairs
        if overlaps[row, column] >= _OVERLAP
    }


def _overlap(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Intersection over union."""
    first, second = one >= 128, other >= 128
    union = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / union if union else 0.0
