from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from cartoonedit.tagger.square import on_square

SIDE = 448  # of the published taggers


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Blots, about as fine as what a tagger can see."""
    coarse = (-(-height // 30), -(-width // 30), channels)
    blots = np.random.default_rng(0).integers(0, 256, coarse, dtype=np.uint8)
    return np.asarray(Image.fromarray(blots).resize((width, height), Image.Resampling.BICUBIC))


def whole(image: np.ndarray) -> np.ndarray:
    """The square of a picture at its full size."""
    side = max(image.shape[:2])
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - image.shape[0]) // 2, (side - image.shape[1]) // 2
    inside = square[top : top + image.shape[0], left : left + image.shape[1]]
    if image.shape[2] == 4:
        share = image[..., 3:] / 255
        image = np.rint(share * image[..., :3] + (1 - share) * 255).astype(np.uint8)
    inside[...] = image
    return square


def shown(square: np.ndarray) -> np.ndarray:
    """What the network is fed."""
    small = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(small, np.float32)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (448, 448), (700, 1001), (20, 4096)])
def test_common_sizes_stay_as_they_are(size: tuple[int, int]) -> None:
    image = picture(*size)
    np.testing.assert_array_equal(np.asarray(on_square(image)), whole(image))


@pytest.mark.parametrize("size", [(9000, 70), (60, 5000), (4200, 1000)])
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.slow
def test_the_network_sees_the_same_of_large_ones(size: tuple[int, int], channels: int) -> None:
    image = picture(*size, channels)
    difference = np.abs(shown(np.asarray(on_square(image))) - shown(whole(image)))
    # Where the factor leaves a rest, edges lie up to an eighth of a pixel aside.
    assert difference.max() <= 24 and difference.mean() < 1


@pytest.mark.parametrize("size", [(20000, 3), (2, 20000), (9000, 800), (5000, 4097)])
def test_squares_are_of_bounded_size(size: tuple[int, int]) -> None:
    square = on_square(np.zeros((*size, 3), np.uint8))
    assert 2048 <= square.width == square.height <= 4096
    assert np.asarray(square).min() == 0  # it is there
