"""Rough masks as a given first stage really draws them, for training the second stage on them.

The paper's program does the same: a random prediction of the detector for a character if there is
one, else its true mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from cartoonedit.errors import InvalidInput
from segmentation.assign import pairwise_iou
from segmentation.checkpoints import detector_size, load_into, load_state_dict
from segmentation.detect import Detections, detect
from segmentation.rtmdet import RTMDetIns

SAME_IOU = 0.5
"""A prediction whose box overlaps a character's by more stands for it, however wrong its mask."""

SIDES = (256, 320, 384)

Box = tuple[float, float, float, float]


class DetectorProposals:
    """Draws rough masks with a trained detector. Loads it when first used, in its own process.

    Args:
        weights: of an RTMDet-Ins, as `cartoonedit train detector` writes them or as published.
        sides: sides of the network's input to choose from.
    """

    def __init__(self, weights: Path, sides: Sequence[int] = SIDES) -> None:
        self.weights, self.sides = weights, tuple(sides)
        self._net: RTMDetIns | None = None

    def __call__(self, picture: npt.NDArray[np.uint8], rng: np.random.Generator) -> Detections:
        """What the detector finds in a scene, RGB ``(H, W, 3)``, at a random size."""
        if self._net is None:
            self._net = self._load()
        side = int(rng.choice(self.sides))
        return detect(self._net, picture, size=side, score_threshold=0.1, max_instances=12)

    def _load(self) -> RTMDetIns:
        state = load_state_dict(self.weights)
        size = detector_size(state)
        if size is None:
            raise InvalidInput(f"the weights in {str(self.weights)!r} are of no detector.")
        net = RTMDetIns(size).eval().requires_grad_(False)
        load_into(net, state)
        return net


def proposal_for(
    chosen: int, true_boxes: Sequence[Box], found: Detections, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Box] | None:
    """A random prediction for one of a scene's characters; None if there is none.

    Args:
        chosen: which character.
        true_boxes: xyxy of all characters, in pixels.
        found: what a detector sees in the scene.
        rng: source of chance.

    Returns:
        The rough mask as a probability 0..255, and the box xyxy in pixels, which is usually better
        than the mask.
    """
    ious = pairwise_iou(
        torch.from_numpy(found.boxes_xyxy), torch.tensor(true_boxes, dtype=torch.float32)
    )
    same = ((ious.argmax(dim=1) == chosen) & (ious[:, chosen] > SAME_IOU)).nonzero()[:, 0]
    usable = [i for i in same.tolist() if found.masks[i].any()]
    if not usable:
        return None
    taken = int(rng.choice(usable))
    x0, y0, x1, y1 = found.boxes_xyxy[taken].tolist()
    return found.probabilities[taken], (x0, y0, x1, y1)
