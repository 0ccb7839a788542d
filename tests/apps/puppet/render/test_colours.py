import numpy as np
import pytest

from apps.puppet.render.colours import premultiplied, unpremultiplied, unpremultiply


def test_colours_come_back_within_what_their_alpha_can_hold():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 4), np.uint8)
    back = unpremultiplied(premultiplied(picture))
    assert np.array_equal(back[..., 3], picture[..., 3])
    error = np.abs(back[..., :3].astype(int) - picture[..., :3]).max(axis=-1)
    assert (error * picture[..., 3] <= 255).all()


@pytest.mark.parametrize(
    "boxes",
    [
        [(1, 1, 5, 4)],
        [(1, 1, 5, 4), (1, 1, 5, 4)],
        [(0, 0, 3, 3), (5, 5, 8, 8), (2, 2, 6, 6), (0, 0, 0, 0)],
    ],
)
def test_boxes_that_overlap_are_done_once(boxes):
    picture = np.full((8, 8, 4), (10, 20, 30, 60), np.uint8)
    inside = np.zeros((8, 8), bool)
    for left, top, right, bottom in boxes:
        inside[top:bottom, left:right] = True
    unpremultiply(picture, boxes)
    assert (picture[inside] == (43, 85, 128, 60)).all()
