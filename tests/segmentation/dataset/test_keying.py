"""Which colours are keys: those of screens, not those of skies and walls."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.keying import find_key, key_field, to_rgb, to_ycc

Rgb = tuple[int, int, int]


def frames(colour: Rgb, shade: float = 0.0, stray: float = 0.0, count: int = 6) -> list[np.ndarray]:
    """A red figure before a colour that is darker at one side and strays from place to place."""
    rng = np.random.default_rng(0)
    ground = np.zeros((180, 320, 3), np.float32) + np.array(colour, np.float32)
    ground *= np.linspace(1, 1 - shade, 320, dtype=np.float32)[None, :, None]
    patches = cv2.resize(rng.normal(0, 1, (60, 106)).astype(np.float32), (320, 180))
    ground += stray * patches[..., None]
    made = []
    for number in range(count):
        frame = np.clip(ground + rng.normal(0, 1.5, ground.shape), 0, 255).astype(np.uint8)
        cv2.ellipse(frame, (80 + 20 * number, 110), (26, 60), 0, 0, 360, (190, 50, 40), -1)
        made.append(frame)
    return made


KEYS: dict[str, Rgb] = {
    "pure green": (0, 255, 0), "studio green": (0, 177, 64), "green in weak light": (60, 180, 90),
    "pure blue": (0, 0, 255), "studio blue": (0, 71, 187), "faded blue": (40, 86, 190),
    "magenta": (255, 0, 255), "cyan": (0, 255, 255), "yellow": (255, 255, 0),
}  # fmt: skip
OTHERS: dict[str, Rgb] = {
    "sky": (132, 217, 245), "strong sky": (58, 192, 240), "water": (84, 114, 207),
    "sand": (244, 201, 134), "lilac": (178, 104, 211), "grey": (128, 128, 128),
}  # fmt: skip


@pytest.mark.parametrize("shade", [0.0, 0.3])
@pytest.mark.parametrize("name", KEYS)
def test_screens_are_keys(name: str, shade: float) -> None:
    key = find_key(frames(KEYS[name], shade))
    expected = np.array(KEYS[name]) * (1 - shade / 2)
    assert np.abs(np.array(key.rgb) - expected).max() < 20
    assert key.frames == 1


@pytest.mark.parametrize("name", OTHERS)
def test_paler_colours_are_none(name: str) -> None:
    with pytest.raises(InvalidInput, match="no clear key"):
        find_key(frames(OTHERS[name]))


def test_painted_walls_are_none() -> None:
    with pytest.raises(InvalidInput, match="uneven"):
        find_key(frames((0, 177, 64), stray=14))


def test_empty_frames_are_none() -> None:
    empty = [np.full((90, 160, 3), (0, 255, 0), np.uint8)] * 4
    with pytest.raises(InvalidInput, match="empty"):
        find_key(empty)
    with pytest.raises(InvalidInput, match="no frame"):
        find_key([])


@pytest.mark.parametrize("dark", [0.35, 0.6, 1.0])
def test_the_light_on_a_key_is_followed_into_its_corners(dark: float) -> None:
    y, x = np.mgrid[-1:1:180j, -1:1:320j]
    light = np.clip(1.1 - 0.5 * (x * x + y * y), dark, 1)[..., None]
    key = (light * np.array([255, 255, 0])).astype(np.float32)
    mask = np.ones((180, 320), bool)
    mask[40:150, 120:200] = False  # the subject
    shown = np.where(mask[..., None], key, 90)
    field = to_rgb(key_field(to_ycc(shown), mask))
    assert np.abs(field - key)[mask].max() < 25
    assert np.abs(field - key)[~mask].max() < 25
