"""Text over keyed frames."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from segmentation.dataset.captions import has_caption
from tests.segmentation.dataset.material import figure


def frame(text: str = "", size: int = 24, height: int = 360) -> np.ndarray:
    rgba = np.zeros((height, height * 16 // 9, 4), np.uint8)
    doll = figure(np.random.default_rng(0))[..., [2, 1, 0, 3]].repeat(3, 0).repeat(3, 1)
    rgba[20:290, 200:380] = doll
    image = Image.fromarray(rgba)
    ImageDraw.Draw(image).text(
        (30, height - 50), text, font=ImageFont.load_default(size), fill=(255, 255, 255, 255)
    )
    return np.array(image)


@pytest.mark.parametrize("text", ["www.example.com", "Green screen no. 5", "SUBSCRIBE"])
@pytest.mark.parametrize(("size", "height"), [(16, 360), (30, 360), (60, 1080)])
def test_captions_are_seen(text: str, size: int, height: int) -> None:
    assert has_caption(frame(text, size, height))


def test_figures_are_no_captions() -> None:
    assert not has_caption(frame())
    assert not has_caption(np.zeros((40, 60, 4), np.uint8))


def test_scattered_sparks_are_no_captions() -> None:
    rng = np.random.default_rng(1)
    rgba = frame()
    for _ in range(25):
        y, x = rng.integers(0, (340, 600))
        side = rng.integers(6, 14)
        rgba[y : y + side, x : x + side] = (*rng.integers(0, 256, 3), 255)
    assert not has_caption(rgba)
