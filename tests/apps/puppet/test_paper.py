from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.paper import drawing_mask, find_drawings
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image


@pytest.mark.parametrize("name", ["char1", "char5"])
def test_masks_of_animated_drawings(shared: Path, name: str) -> None:
    folder = shared / "fixtures" / "puppet"
    picture = open_image(folder / "characters" / name / "texture.png")
    with np.load(folder / "segment.npz") as stored:
        shape = stored[f"{name}_shape"]
        theirs = np.unpackbits(stored[f"{name}_mask"])[: shape.prod()].reshape(shape) > 0
    ours = drawing_mask(picture) > 0
    assert (ours & theirs).sum() / (ours | theirs).sum() >= 0.999
    (alone,) = find_drawings(picture)
    np.testing.assert_array_equal(alone > 0, ours)


def ring_and_square(scale: int = 1) -> NDArray[np.uint8]:
    paper = np.full((200 * scale, 400 * scale, 3), 240, np.uint8)
    cv2.circle(paper, (90 * scale, 100 * scale), 50 * scale, (20, 20, 20), 4 * scale)
    top, bottom = (250 * scale, 60 * scale), (330 * scale, 150 * scale)
    cv2.rectangle(paper, top, bottom, (30, 20, 90), 4 * scale)
    return paper


@pytest.mark.parametrize("scale", [1, 6])
def test_several_drawings_left_to_right(scale: int) -> None:
    masks = find_drawings(ring_and_square(scale))
    assert len(masks) == 2
    inside = [(100, 90), (100, 290)]
    for mask, (row, column) in zip(masks, inside, strict=True):
        assert mask.shape == (200 * scale, 400 * scale)
        assert mask[row * scale, column * scale] == 255  # what the ink encloses
        assert not mask[0].any()
    assert not (masks[0] & masks[1]).any()


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (120, 120)])
def test_nothing_drawn(shape: tuple[int, int]) -> None:
    empty = np.full((*shape, 3), 255, np.uint8)
    assert not drawing_mask(empty).any()
    with pytest.raises(InvalidInput, match="no drawing was found"):
        find_drawings(empty)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_any_picture_gives_a_mask(seed: int, height: int, width: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    mask = drawing_mask(picture)
    assert mask.shape == (height, width)
    assert set(np.unique(mask)) <= {0, 255}
