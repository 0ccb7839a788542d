from __future__ import annotations

import time

import cv2
import numpy as np
import pytest

from cartoonedit.depth import pool_depth, snap_edges
from cartoonedit.errors import InvalidInput

H, W = 270, 480
NEAR = 0.3


def figure() -> np.ndarray:
    """A body on two legs, with an arm, whose feet are on row 240."""
    mask = np.zeros((H, W), np.uint8)
    cv2.ellipse(mask, (220, 110), (45, 75), 0, 0, 360, 255, -1)
    cv2.rectangle(mask, (190, 150), (212, 240), 255, -1)
    cv2.rectangle(mask, (228, 150), (250, 240), 255, -1)
    cv2.rectangle(mask, (250, 80), (330, 104), 255, -1)
    return mask


def wall() -> np.ndarray:
    return np.full((H, W), 0.8, np.float32)


def floor() -> np.ndarray:
    """A wall above a floor that has the figure's depth at its feet."""
    rows = np.arange(H, dtype=np.float32)[:, None].repeat(W, axis=1)
    return 0.8 - (0.8 - NEAR) * np.clip((rows - 120) / (240 - 120), 0, 1.2)


def pillar() -> np.ndarray:
    """A beam that is nearer than the wall and goes on behind the figure."""
    depth = wall()
    depth[150:180] = 0.55
    return depth


def seen(background: np.ndarray, sigma: float, shift: tuple[int, int]) -> np.ndarray:
    """What a network would give: the figure's edges soft, and beside the outline."""
    share = (figure() > 0).astype(np.float32)
    if sigma:
        share = cv2.GaussianBlur(share, (0, 0), sigma)
    move = np.array([[1, 0, shift[1]], [0, 1, shift[0]]], np.float32)
    share = cv2.warpAffine(share, move, (W, H), borderMode=cv2.BORDER_REPLICATE)
    return (background + share * (NEAR - background)).astype(np.float32)


@pytest.mark.parametrize("background", [wall, floor], ids=["wall", "floor"])
@pytest.mark.parametrize(
    ("sigma", "shift"), [(2, (0, 0)), (2, (2, -1)), (4, (0, 3)), (6, (-2, 2)), (8, (3, -3))]
)
def test_no_fringe_stays_and_nothing_bleeds_in(
    background: object, sigma: float, shift: tuple[int, int]
) -> None:
    truth, mask = background(), figure()  # type: ignore[operator]
    depth = seen(truth, sigma, shift)
    reach = 3 * sigma + max(map(abs, shift)) + 1
    snapped = snap_edges(depth, [mask], reach)
    before, after = np.abs(depth - truth)[mask == 0], np.abs(snapped - truth)[mask == 0]
    assert before.max() > 0.15
    # Between the legs there is no background to be seen: there the fringe may stay.
    assert np.percentile(after, 99) < 0.025 and after.mean() < 0.1 * before.mean()
    inside = np.abs(snapped - NEAR)[mask > 0]
    assert np.percentile(inside, 98) < 0.08
    assert abs(pool_depth(snapped, mask) - NEAR) < 0.5 * abs(pool_depth(depth, mask) - NEAR) + 1e-3


@pytest.mark.parametrize("background", [wall, floor, pillar])
@pytest.mark.parametrize("reach", [None, 4, 15])
def test_a_clean_map_stays_as_it_is(background: object, reach: int | None) -> None:
    depth = seen(background(), 0, (0, 0))  # type: ignore[operator]
    snapped = snap_edges(depth, [figure()], reach)
    changed = np.abs(snapped - depth)
    assert np.percentile(changed, 99.9) < 0.01 and changed.mean() < 1e-3
    assert snapped.dtype == np.float32 and snapped is not depth


def test_a_beam_behind_the_figure_is_kept() -> None:
    depth = seen(pillar(), 3, (0, 0))
    snapped = snap_edges(depth, [figure()], 10)
    beside = np.s_[162:172, 176:184]
    assert depth[beside].min() < 0.53
    np.testing.assert_allclose(snapped[beside], 0.55, atol=0.03)


@pytest.mark.parametrize(("sigma", "shift"), [(0, (0, 0)), (2, (0, 0)), (5, (2, -3))])
def test_twice_is_once(sigma: float, shift: tuple[int, int]) -> None:
    once = snap_edges(seen(floor(), sigma, shift), [figure()], 3 * sigma + 5)
    twice = snap_edges(once, [figure()], 3 * sigma + 5)
    assert np.percentile(np.abs(twice - once), 99.9) < 0.01


def test_two_that_touch_keep_their_own_depths() -> None:
    left, right = np.zeros((H, W), np.uint8), np.zeros((H, W), np.uint8)
    left[60:240, 100:220], right[60:240, 220:340] = 255, 255
    truth = wall()
    truth[left > 0], truth[right > 0] = 0.5, 0.2
    snapped = snap_edges(cv2.GaussianBlur(truth, (0, 0), 4), [left, right], 14)
    np.testing.assert_allclose(snapped[left > 0], 0.5, atol=0.02)
    np.testing.assert_allclose(snapped[right > 0], 0.2, atol=0.02)
    np.testing.assert_allclose(snapped[(left | right) == 0], 0.8, atol=0.02)


@pytest.mark.parametrize("fill", [0, 255])
@pytest.mark.parametrize("shape", [(1, 1), (3, 16), (H, W)])
def test_nothing_and_everything(fill: int, shape: tuple[int, int]) -> None:
    depth = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    for masks in ([], [np.full(shape, fill, np.uint8)] * 2):
        snapped = snap_edges(depth, masks)
        assert snapped.shape == shape and np.isfinite(snapped).all()
        np.testing.assert_allclose(snapped, depth, atol=1e-6)


def test_wrong_input() -> None:
    with pytest.raises(InvalidInput, match="size of the depth map"):
        snap_edges(wall(), [np.zeros((3, 3), np.uint8)])
    with pytest.raises(InvalidInput, match="at least 1 pixel"):
        snap_edges(wall(), [figure()], 0)


def test_it_is_fast() -> None:
    """Less than 0.3 s per instance in a large picture, with room for slow machines."""
    size = (1920, 1080)
    mask = cv2.resize(figure(), size, interpolation=cv2.INTER_NEAREST)
    depth = cv2.resize(seen(floor(), 3, (0, 0)), size)
    masks = [mask, np.roll(mask, 600, 1), np.roll(mask, -500, 1)]
    start = time.perf_counter()
    snap_edges(depth, masks)
    assert time.perf_counter() - start < 3 * 0.3 * 3
