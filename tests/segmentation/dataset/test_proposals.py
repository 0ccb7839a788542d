"""Which of a detector's findings stands for which character of a composed scene."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.dataset.proposals import proposal_for
from segmentation.detect import Detections

LEFT, RIGHT = (0.0, 0.0, 10.0, 20.0), (8.0, 0.0, 20.0, 20.0)


def found(*boxes: tuple[float, float, float, float], empty: bool = False) -> Detections:
    masks = np.zeros((len(boxes), 20, 20), np.uint8)
    for number, mask in enumerate(masks):
        mask[number] = 0 if empty else 200  # a row of its own tells a mask from the others
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Detections(
        table, np.ones(len(boxes), np.float32), masks, np.zeros((len(boxes), 3), np.float32)
    )


@pytest.mark.parametrize(
    ("seen", "chosen", "expected"),
    [
        (found(LEFT, RIGHT), 0, 0),
        (found(LEFT, RIGHT), 1, 1),
        (found((1.0, 1.0, 10.0, 19.0)), 0, 0),
        (found((1.0, 1.0, 10.0, 19.0)), 1, None),  # it is the other one
        (found((0.0, 0.0, 3.0, 20.0)), 0, None),  # too little in common
        (found(), 0, None),
        (found(LEFT, empty=True), 0, None),
    ],
)
def test_boxes_say_whom_a_finding_shows(
    seen: Detections, chosen: int, expected: int | None
) -> None:
    proposal = proposal_for(chosen, [LEFT, RIGHT], seen, np.random.default_rng(0))
    if expected is None:
        assert proposal is None
    else:
        assert proposal is not None
        mask, box = proposal
        np.testing.assert_array_equal(mask, seen.probabilities[expected])
        assert box == tuple(seen.boxes_xyxy[expected].tolist())
