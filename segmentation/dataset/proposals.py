"""Rough masks as a given first stage really draws them, for training the second stage on them.

The paper's program does the same: a random prediction of the detector for a character if there is
one, else its true mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from segmentation.dataset.coarse import Mask
from segmentation.detect import detect
from segmentation.rtmdet import RTMDetIns
from segmentation.trainer import load_start

SAME_IOU = 0.3
"""A prediction whose mask overlaps a character's by more stands for it."""

SIDES = (256, 320, 448)

Box = tuple[float, float, float, float]


class DetectorProposals:
    """Draws rough masks with a trained detector. Loads it when first used, in its own process.

    Args:
        weights: safetensors of an RTMDet-Ins as `segmentation.train` writes them.
        sides: sides of the network's input to choose from.
    """

    def __init__(self, weights: Path, sides: Sequence[int] = SIDES) -> None:
        self.weights, self.sides = weights, tuple(sides)
        self._net: RTMDetIns | None = None

    def __call__(
        self, picture: npt.NDArray[np.uint8], truth: Mask, rng: np.random.Generator
    ) -> tuple[Mask, Box] | None:
        """A random prediction for the character ``truth`` ``(H, W)``; None if there is none.

        Args:
            picture: RGB ``(H, W, 3)``.
            truth: its visible part.
            rng: source of chance.

        Returns:
            The rough mask, and the box xyxy in pixels, which is usually better than the mask.
        """
        if self._net is None:
            with safe_open(self.weights, "pt") as file:
                size = file.metadata()["size"]
            self._net = RTMDetIns(size).eval().requires_grad_(False)
            load_start(self._net, self.weights)
        side = int(rng.choice(self.sides))
        found = detect(self._net, picture, size=side, score_threshold=0.1, max_instances=20)
        shared = (found.masks & truth).sum((1, 2))
        union = (found.masks | truth).sum((1, 2))
        same = np.flatnonzero(shared > SAME_IOU * union)
        if not len(same):
            return None
        chosen = int(rng.choice(same))
        x0, y0, x1, y1 = found.boxes_xyxy[chosen].tolist()
        return found.masks[chosen], (x0, y0, x1, y1)
