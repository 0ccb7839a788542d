from __future__ import annotations

import cv2
import numpy as np
import pytest

from apps.style.motion import motion_between
from tests.apps.style.discs import HEIGHT, WIDTH, disc, draw, texture

STEP = 3  # pixels from frame to frame
SPOTS = [("flat", "flat"), ("flat", "drawn"), ("drawn", "flat"), ("drawn", "drawn")]


@pytest.mark.parametrize("noise", [0, 1, 4])
@pytest.mark.parametrize(("ground", "skin"), SPOTS)
def test_a_disc_that_moves(ground: str, skin: str, noise: float) -> None:
    rng = np.random.default_rng(5)

    def seen(x: float) -> np.ndarray:
        picture = draw([(x, 60)], ground=ground, skin=skin)
        return np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)

    before, now = seen(60), seen(60 + STEP)
    motion = motion_between(before, now)
    assert not motion.is_cut
    assert motion.explained.mean() > 0.95
    edge = cv2.morphologyEx(disc(60 + STEP, 60), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 128
    if ground == "flat":  # else the edge belongs to both
        np.testing.assert_allclose(np.median(motion.shift_xy[edge], axis=0), (-STEP, 0), atol=0.5)
    moved, wanted = motion.warp(disc(60, 60)) > 127, disc(60 + STEP, 60) > 127
    assert (moved & wanted).sum() / (moved | wanted).sum() > 0.9
    far = disc(60, 60, 34) == 0
    assert np.hypot(*motion.shift_xy[far].T).mean() < (1 if noise <= 1 else 2.5)


def test_what_was_hidden_is_not_explained() -> None:
    """A disc leaves a patterned ground behind: what comes into sight was nowhere before."""
    motion = motion_between(*(draw([(x, 60)], skin="flat", ground="drawn") for x in (60, 68)))
    uncovered = (disc(60, 60) > 127) & (disc(68, 60, 24) == 0)
    elsewhere = (disc(60, 60, 34) == 0) & (disc(68, 60, 34) == 0)
    assert motion.explained[uncovered].mean() < 0.5
    assert motion.explained[elsewhere].mean() > 0.98
    assert (motion.trust[~motion.explained] == 0).all()
    assert motion.trust[elsewhere].mean() > 0.95


@pytest.mark.parametrize(
    ("now", "cut"),
    [
        (texture(1), False),
        (np.roll(texture(1), 10, axis=1), False),  # the camera pans
        (cv2.convertScaleAbs(texture(1), alpha=1.0, beta=12), False),  # it gets lighter
        (texture(2), True),
        (255 - texture(1), True),
        (np.full((HEIGHT, WIDTH, 3), (250, 20, 20), np.uint8), True),
    ],
    ids=["still", "pan", "lighter", "another", "negative", "flat"],
)
def test_cuts(now: np.ndarray, cut: bool) -> None:
    assert motion_between(texture(1), now).is_cut is cut


def test_large_pictures_are_searched_reduced() -> None:
    before, now = (
        cv2.resize(draw([(x, 60)]), None, fx=12, fy=12, interpolation=cv2.INTER_CUBIC)
        for x in (60, 62)
    )
    motion = motion_between(before, now)
    assert motion.shift_xy.shape == (12 * HEIGHT, 12 * WIDTH, 2)
    inside = cv2.resize(disc(62, 60, 16), None, fx=12, fy=12) > 250
    np.testing.assert_allclose(np.median(motion.shift_xy[inside], axis=0), (-24, 0), atol=3)
    assert np.abs(motion.warp(before).astype(int) - now)[motion.explained].mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (5, 300), (16, 16)])
def test_small_pictures(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    motion = motion_between(picture, picture)
    assert motion.explained.all()
    np.testing.assert_array_equal(motion.warp(picture), picture)
    assert motion_between(picture, 255 - picture).explained.mean() < 0.6
