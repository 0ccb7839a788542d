"""Every form of COCO's masks, read as pycocotools reads it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from segmentation.evaluate.coco_masks import area_of, box_around, compressed, decode, of_box


def random_mask(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 60, 2)) < rng.random() ** 2
    return np.kron(mask, np.ones(rng.integers(1, 5, 2), bool))


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_run_lengths(seed: int) -> None:
    mask = random_mask(seed)
    size_wh = mask.shape[1], mask.shape[0]
    packed = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    flat = mask.flatten("F")
    ends = np.r_[np.flatnonzero(np.diff(flat)) + 1, len(flat)]
    counts = [0] * bool(flat[0]) + np.diff(np.r_[0, ends]).tolist()
    as_text = {"size": list(mask.shape), "counts": packed["counts"].decode()}
    for form in (packed, as_text, {"size": list(mask.shape), "counts": counts}):
        assert compressed(form, size_wh) == as_text
    assert (decode(as_text) == mask).all()
    assert area_of(as_text) == mask.sum()
    assert box_around(as_text) == coco_mask.toBbox(packed).tolist()


@settings(deadline=None)
@given(letters=st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
def test_no_text_gets_through_that_is_none(letters: str) -> None:
    """What is taken adds up to the picture; everything else is refused, and nothing crashes."""
    try:
        taken = compressed({"size": [6, 7], "counts": letters}, (7, 6))
    except ValueError:
        return
    assert decode(taken).shape == (6, 7)


@pytest.mark.parametrize(
    "box", [(2, 3, 4, 5), (-5, -5, 8, 40), (0.4, 0.6, 3.3, 2.2), (90, 90, 5, 5), (1, 1, 0, 0)]
)
def test_boxes(box: tuple[float, ...]) -> None:
    x, y, width, height = box
    corners = [x, y, x, y + height, x + width, y + height, x + width, y]
    expected = coco_mask.merge(coco_mask.frPyObjects([corners], 20, 30))
    assert of_box(box, (30, 20))["counts"] == expected["counts"].decode()
