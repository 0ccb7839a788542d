"""Which finding belongs to which character, and what that says of findings above a score."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Counts", "count", "match"]

NOBODY = -1


@dataclass(frozen=True)
class Counts:
    """Findings and characters that belong together, and those that are alone.

    Attributes:
        right: Findings that are a character.
        wrong: Findings that are none.
        missed: Characters that were not found.
    """

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Share of the findings that are characters; 0 if nothing was found."""
        return self.right / max(self.right + self.wrong, 1)

    @property
    def recall(self) -> float:
        """Share of the characters that were found."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.wrong + self.missed, 1)

    def __add__(self, other: Counts) -> Counts:
        """Those of two pictures together."""
        return Counts(
            self.right + other.right, self.wrong + other.wrong, self.missed + other.missed
        )


def match(
    ious: npt.NDArray[np.float64], ignored: Iterable[bool], at: float = 0.5
) -> npt.NDArray[np.intp]:
    """COCO's matching: each finding in turn takes the free character that it overlaps most.

    Args:
        ious: `(findings, characters)`, findings by falling score.
        ignored: For each character whether it marks a region where nothing counts. Such a region
            takes any number of findings, but only what no character takes.
        at: Least IoU.

    Returns:
        For each finding the index of its character, or -1.
    """
    ignored = np.asarray(list(ignored), bool)
    order = np.argsort(ignored, kind="stable")  # the true ones first, as in COCO
    free = np.ones(len(ignored), bool)
    least = min(at, 1 - 1e-10)
    owners = np.full(len(ious), NOBODY, np.intp)
    for finding, row in enumerate(ious):
        for group in (order[~ignored[order]], order[ignored[order]]):
            open_to = group[free[group] & (row[group] >= least)]
            if len(open_to):
                # Of equals COCO takes the last.
                best = open_to[::-1][np.argmax(row[open_to[::-1]])]
                owners[finding] = best
                free[best] = bool(ignored[best])
                break
    return owners


def count(ious: npt.NDArray[np.float64], ignored: npt.NDArray[np.bool_], at: float = 0.5) -> Counts:
    """Count what `match` finds in one picture."""
    owners = match(ious, ignored, at)
    taken = owners[owners != NOBODY]
    right = int((~ignored[taken]).sum())
    return Counts(right, int((owners == NOBODY).sum()), int((~ignored).sum()) - right)
