"""What a picture shows of its ground: where the floor ends, and whether sky is above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["EYE", "Boundary", "find_boundary", "hidden_by"]

EYE = 0.45
"""Eye height in most illustrations: a little above the middle, as a share of the height."""

ROWS, STRIPS = 160, 48
"""The grid on which the boundary is looked for: fine along y, coarse along x."""

LEAST, MOST = 0.2, 0.9
"""Rows between which floors end."""

CLEAR = 22.0
"""A difference of colour (CIE 1976) that is plain to see across a whole picture."""

DOUBT = 0.3
"""Evidence below this, of 0..1, is what patterns and gradients give."""


@dataclass(frozen=True)
class Boundary:
    """Where the ground ends and what stands or hangs behind it begins.

    Attributes:
        row: As a share of the height.
        confidence: 0 (nothing but habit) .. 1 (a clear edge across the picture).
        sky: Whether what is above looks like open sky.
    """

    row: float
    confidence: float
    sky: bool


def hidden_by(masks: Sequence[NDArray[np.uint8]], size_wh: tuple[int, int]) -> NDArray[np.bool_]:
    """Where characters, or the colours that they leak, hide the scene, on a grid of ``size_wh``."""
    hidden = np.zeros((size_wh[1], size_wh[0]), np.float32)
    for mask in masks:
        np.maximum(hidden, cv2.resize(mask, size_wh, interpolation=cv2.INTER_AREA), out=hidden)
    return cv2.dilate(hidden, np.ones((3, 3), np.uint8)) > 25


def find_boundary(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], habit: float, lowest: float
) -> Boundary:
    """Look for the line along which the floor meets a wall, or the ground the sky.

    The line may be broken by furniture or trees: what counts is that the colours above it and below
    it differ in the same way in most columns, and that what is below goes on to the lower border.
    A line far from where artists put it needs more evidence.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks of what hides the scene.
        habit: The row that counts where the picture tells nothing.
        lowest: The row above which the line must lie: that of the highest feet on the ground.
    """
    hidden = hidden_by(masks, (STRIPS, ROWS))
    lab = _colours(picture)
    if hidden.all():
        return Boundary(habit, 0.0, False)
    evidence = np.max([_evidence(lab, ~hidden, band) for band in (5, 10)], axis=0)
    rows = (np.arange(ROWS + 1)) / ROWS
    allowed = (rows >= LEAST) & (rows <= min(MOST, lowest))
    if not allowed.any():
        return Boundary(habit, 0.0, False)
    sure = np.clip((evidence - DOUBT) / (1 - DOUBT), 0, 1)
    posterior = np.where(allowed, sure - 2 * np.square(rows - habit - 0.1), -np.inf)
    best = int(posterior.argmax())
    if sure[best] == 0:
        return Boundary(habit, 0.0, _is_sky(lab, ~hidden, round(habit * ROWS)))
    return Boundary(float(rows[best]), float(sure[best]), _is_sky(lab, ~hidden, best))


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """CIE L*a*b* on the grid, ``float32`` ``(ROWS, STRIPS, 3)``."""
    small = cv2.resize(picture, (STRIPS, ROWS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)


def _evidence(lab: NDArray[np.float32], seen: NDArray[np.bool_], band: int) -> NDArray[np.float32]:
    """How much each of the ``ROWS + 1`` lines between two rows looks like the boundary, 0..1."""
    weight = seen.astype(np.float32)[..., None]
    (upper, upper_seen), (lower, lower_seen) = _beside(lab * weight, weight, band)
    both = (upper_seen > 0.3 * band) & (lower_seen > 0.3 * band)  # (ROWS + 1, STRIPS, 1)
    step = np.where(both, lower - upper, 0)
    count = both.sum(axis=1)[:, 0]
    enough = count >= STRIPS / 6
    if not enough.any():
        return np.zeros(ROWS + 1, np.float32)
    mean = step.sum(axis=1) / np.maximum(count, 1)[:, None]
    size = np.linalg.norm(mean, axis=1)
    along = (step * mean[:, None]).sum(axis=2) / np.maximum(size, 1e-6)[:, None]
    agree = (along > 0.4 * size[:, None]) & both[..., 0]
    cover = np.clip(2 * agree.sum(axis=1) / np.maximum(count, 1) - 0.6, 0, 1)
    # Columns that differ each in its own way agree by chance, a little.
    spread = np.sqrt(np.square(step).sum(axis=(1, 2)) / np.maximum(count, 1))
    cover *= np.clip(size / np.maximum(spread, 1e-6) / 0.3 - 1, 0, 1)
    # A gradient differs as much everywhere; only what stands out is an edge.
    strength = np.clip((size - 1.5 * np.median(size[enough])) / CLEAR, 0, 1)
    peak = size >= cv2.dilate(size[:, None], np.ones((2 * band + 1, 1), np.uint8))[:, 0] - 1e-6
    evidence = strength * cover * _goes_on(lab * weight, weight, band)
    return np.where(enough & peak, evidence, 0).astype(np.float32)


def _beside(
    weighted: NDArray[np.float32], weight: NDArray[np.float32], band: int
) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
    """Means of the ``band`` rows above and below each line between rows, with their weights."""

    def above(values: NDArray[np.float32]) -> NDArray[np.float32]:
        total = np.zeros((ROWS + 1, *values.shape[1:]), np.float32)
        np.cumsum(values, axis=0, out=total[1:])
        total[band:] -= total[:-band].copy()
        return total

    def below(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return above(values[::-1])[::-1]

    def mean(total: NDArray[np.float32], amount: NDArray[np.float32]) -> NDArray[np.float32]:
        return (total / np.maximum(amount, 1e-6)).astype(np.float32)

    sides = ((side(weighted), side(weight)) for side in (above, below))
    return tuple((mean(total, amount), amount) for total, amount in sides)


def _goes_on(
    weighted: NDArray[np.float32], weight: NDArray[np.float32], band: int
) -> NDArray[np.float32]:
    """Whether what is below each line has the colours of all that follows; 0.4 (no) .. 1 (yes)."""
    total, amount = weighted.sum(axis=1), weight.sum(axis=1)
    (upper, _), (lower, _) = _beside(total, amount, band)
    (_, _), (rest, _) = _beside(total, amount, ROWS)
    to_upper = np.linalg.norm(rest - upper, axis=1)
    to_lower = np.linalg.norm(rest - lower, axis=1)
    return (0.4 + 0.6 * to_upper / np.maximum(to_upper + to_lower, 1e-6)).astype(np.float32)


def _is_sky(lab: NDArray[np.float32], seen: NDArray[np.bool_], line: int) -> bool:
    """Whether what is seen at the top, and right above a line, is blue, as few walls are."""
    blue = (lab[..., 2] < -8) & (lab[..., 1] < 12)
    top, beside = np.s_[: max(1, line // 2)], np.s_[max(0, line - ROWS // 7) : max(1, line)]
    return all(
        bool(seen[part].any() and blue[part][seen[part]].mean() > share)
        for part, share in ((top, 0.5), (beside, 0.4))
    )
