"""Pre- and post-processing of the second stage: at parity on whole pictures, sane on crops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from segmentation.refine import (
    BATCH,
    RefineSettings,
    Window,
    firm,
    refine_crops,
    refine_picture,
    shrink_and_pad,
    tidy,
    to_alpha,
    with_box,
)

SETTINGS = RefineSettings(size=96, colour_order="bgr", threshold=0.3)


class Recorder:
    """A network that notes its inputs and answers from a list, or with the rough mask."""

    def __init__(self, answers: NDArray[np.float32] | None = None) -> None:
        self.answers = answers
        self.batches: list[torch.Tensor] = []

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        done = sum(len(batch) for batch in self.batches)
        self.batches.append(x)
        if self.answers is None:
            return x[:, 3:]
        return torch.from_numpy(self.answers[done : done + len(x)])


@pytest.mark.parametrize("case", range(5))
def test_whole_picture_is_at_parity(shared: Path, case: int) -> None:
    with np.load(shared / "fixtures/segmentation/refine_prepost.npz") as stored:
        picture, packed, colours, rough, answers, expected = (
            stored[name.format(case)]
            for name in ("img{}", "segs{}", "batch{}", "batch{}_mask_channel", "pred{}", "out{}")
        )
    height, width = picture.shape[:2]
    bits = np.unpackbits(packed, axis=1)[:, : height * width]
    masks = bits.reshape(-1, height, width).astype(bool)
    net = Recorder(answers)
    results = list(refine_picture(net, picture[..., ::-1], masks, SETTINGS))
    assert [len(batch) for batch in net.batches] == [4, 1]
    inputs = torch.cat(net.batches).numpy()
    np.testing.assert_array_equal(inputs[:2, :3], colours[:, :3])
    np.testing.assert_allclose(inputs[:, 3], rough, atol=1e-6)
    for result, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(result.probability, wanted[0], atol=1e-6)
        alpha = to_alpha(result.probability, 0.3)
        np.testing.assert_array_equal(alpha >= 128, result.probability > 0.3)


def test_colour_order_of_the_input() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[..., 0] = 255  # red
    mask = np.ones((8, 8), bool)
    for order, red in (("rgb", 0), ("bgr", 2)):
        net = Recorder()
        list(refine_picture(net, picture, [mask], RefineSettings(16, order)))
        list(refine_crops(net, [(picture, mask, None)], RefineSettings(16, order)))
        assert all(batch[0, :3, 5, 5].tolist() == np.eye(3)[red].tolist() for batch in net.batches)


def test_firm_masks_are_soft_at_their_edges_only() -> None:
    alpha = np.full((100, 100), 40, np.uint8)  # doubt everywhere
    alpha[20:80, 20:80] = 160
    alpha[50, 50] = 90  # a pinhole
    alpha[5, 5] = 200  # a crumb
    alpha[85:95, 30:60] = 200  # a part of its own
    firmed = firm(alpha, 4)
    inside = np.zeros((100, 100), bool)
    inside[20:80, 20:80] = inside[85:95, 30:60] = True
    np.testing.assert_array_equal(firmed >= 128, inside)
    assert (firmed[25:75, 25:75] == 255).all()
    assert not firmed[:15].any()
    assert (firmed[22, 22:78] < 255).all()
    assert not firm(np.zeros((5, 7), np.uint8), 2).any()
    assert (firm(np.full((5, 7), 200, np.uint8), 2) >= 200).all()


@pytest.mark.parametrize(
    ("box", "marked"),
    [
        ((2.0, 3.0, 6.0, 8.0), (2, 3, 6, 8)),
        ((-5.0, -5.0, 4.4, 3.6), (0, 0, 4, 4)),
        ((8.0, 8.0, 99.0, 99.0), (8, 8, 10, 10)),
        (None, (4, 4, 5, 5)),
    ],
)
def test_boxes_are_hinted_at_around_the_rough_mask(
    box: tuple[float, float, float, float] | None, marked: tuple[int, int, int, int]
) -> None:
    rough = np.zeros((10, 10), np.float32)
    rough[4, 4] = 1
    x1, y1, x2, y2 = marked
    expected = np.zeros_like(rough)
    expected[y1:y2, x1:x2] = 0.25
    expected[4, 4] = 1
    np.testing.assert_array_equal(with_box(rough, box, 0.25), expected)
    np.testing.assert_array_equal(with_box(rough, box, 0), rough)


def test_crops_hint_at_the_box_where_it_is() -> None:
    picture = np.zeros((60, 200, 3), np.uint8)
    mask = np.zeros((60, 200), bool)
    mask[20:30, 100:104] = True
    net = Recorder()
    hinting = RefineSettings(64, box_hint=0.25)
    (result,) = refine_crops(net, [(picture, mask, (90.0, 10.0, 120.0, 50.0))], hinting)
    whole = np.zeros((60, 200), np.float32)
    x, y = result.origin_xy
    height, width = result.probability.shape
    whole[y : y + height, x : x + width] = result.probability
    assert whole[12:48, 92:118].min() > 0.2
    assert whole[22:28, 101:103].min() > 0.9
    whole[8:52, 88:122] = 0
    assert whole.max() == 0


def test_crops_show_how_sure_a_rough_mask_is() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    rough = np.full((64, 64), 51, np.uint8)
    rough[20:44, 20:44] = 204
    (result,) = refine_crops(Recorder(), [(picture, rough, None)], RefineSettings(64))
    np.testing.assert_allclose(
        result.probability[len(result.probability) // 2].max(), 0.8, atol=0.01
    )
    np.testing.assert_allclose(result.probability[0, 0], 0.2, atol=0.01)
    (nothing,) = refine_crops(Recorder(), [(picture, rough // 2, None)], RefineSettings(64))
    assert not nothing.probability.any()


def ellipse(size_wh: tuple[int, int], box_xyxy: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    x1, y1, x2, y2 = box_xyxy
    rows, columns = np.ogrid[: size_wh[1], : size_wh[0]]
    across = (2 * columns + 1 - x1 - x2) / (x2 - x1)
    down = (2 * rows + 1 - y1 - y2) / (y2 - y1)
    return across**2 + down**2 <= 1


@pytest.mark.parametrize("size_wh", [(300, 200), (100, 640), (2000, 64), (40, 40)])
@pytest.mark.parametrize("place", [(0, 0, 1, 1), (0.1, 0.2, 0.6, 0.9), (0.8, 0.5, 1, 1)])
def test_crops_come_back_where_they_were(
    size_wh: tuple[int, int], place: tuple[float, ...]
) -> None:
    x1, y1, x2, y2 = (round(p * s) for p, s in zip(place, size_wh * 2, strict=True))
    mask = ellipse(size_wh, (x1, y1, x2, y2))
    picture = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    (result,) = refine_crops(Recorder(), [(picture, mask, None)], RefineSettings(size=128))
    back = result.alpha(size_wh, 0.5) >= 128
    assert back.shape == mask.shape
    limit = 0.96 if min(x2 - x1, y2 - y1) * 128 > 20 * max(x2 - x1, y2 - y1) else 0.5
    assert (back & mask).sum() / (back | mask).sum() >= limit


def test_the_crop_is_larger_than_the_mask_and_black_outside_the_picture() -> None:
    picture = np.full((100, 60, 3), 200, np.uint8)
    mask = np.zeros((100, 60), bool)
    mask[0:40, 0:20] = True
    net = Recorder()
    list(refine_crops(net, [(picture, mask, None)], RefineSettings(size=56)))
    # The window has 1.4 times the side of 40 around the centre (10, 20): x -18..38, y -8..48.
    (crop,) = net.batches[0]
    inside = torch.zeros(56, 56, dtype=torch.bool)
    inside[8:, 18:] = True
    assert torch.equal(crop[0] > 0, inside)
    assert crop[3].sum() == 40 * 20 and crop[3, 8:48, 18:38].all()


def test_the_crop_is_made_around_a_known_box() -> None:
    picture, mask = np.full((90, 100, 3), 255, np.uint8), np.zeros((90, 100), bool)
    mask[30:40, 40:50] = True  # a rough mask that lacks most of the character
    net = Recorder()
    list(refine_crops(net, [(picture, mask, (20.0, 20.0, 70.0, 60.5))], RefineSettings(size=70)))
    # The window has 1.4 times the side of 50 around the centre (45, 40): x 10..80, y 5..75.
    (crop,) = net.batches[0]
    assert (crop[:3] > 0).all()
    assert crop[3, 25:35, 30:40].all() and crop[3].sum() == 100


@pytest.mark.parametrize("box", [(5.0, 5.0, 5.0, 5.0), (-30.0, -30.0, 200.0, 300.0)])
def test_any_box_gives_a_result(box: tuple[float, float, float, float]) -> None:
    mask = np.ones((20, 30), bool)
    job = (np.zeros((20, 30, 3), np.uint8), mask, box)
    (result,) = refine_crops(Recorder(), [job], RefineSettings(size=32))
    assert result.alpha((30, 20), 0.5).shape == mask.shape


def test_crops_of_different_pictures_share_batches_and_keep_their_order() -> None:
    jobs = []
    for i in range(BATCH + 2):
        mask = np.zeros((40 + i, 50), bool)
        if i not in (0, 3, BATCH + 1):  # without a pixel
            mask[5 : 10 + i, 8:20] = True
        jobs.append((np.zeros((40 + i, 50, 3), np.uint8), mask, None))
    net = Recorder()
    results = list(refine_crops(net, iter(jobs), RefineSettings(size=64)))
    assert [len(batch) for batch in net.batches] == [BATCH - 1]
    for (_, mask, _), result in zip(jobs, results, strict=True):
        alpha = result.alpha((50, mask.shape[0]), 0.5)
        assert alpha.any() == mask.any()
        assert not alpha[~mask].any() or np.abs(alpha[~mask]).max() < 255


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_windows_fit_any_box_in_any_picture(data: st.DataObject) -> None:
    width, height = data.draw(st.tuples(*[st.integers(1, 12_000)] * 2))
    x1 = data.draw(st.integers(0, width - 1))
    y1 = data.draw(st.integers(0, height - 1))
    x2 = data.draw(st.integers(x1 + 1, width))
    y2 = data.draw(st.integers(y1 + 1, height))
    size = data.draw(st.sampled_from([32, 256, 720]))
    window = Window.around((x1, y1, x2, y2), (width, height), size)
    sx1, sy1, sx2, sy2 = window.source_xyxy
    assert 0 <= sx1 <= x1 < x2 <= sx2 <= width and 0 <= sy1 <= y1 < y2 <= sy2 <= height
    tx1, ty1, tx2, ty2 = window.target_xyxy
    assert 0 <= tx1 < tx2 <= size and 0 <= ty1 < ty2 <= size


def test_a_12000_pixel_picture_needs_little_memory() -> None:
    mask = np.ones((200, 12_000), bool)
    window = Window.around((0, 0, 12_000, 200), (12_000, 200), 256)
    assert window.cut(mask.astype(np.float32)).shape == (256, 256)
    back = window.paste(np.ones((256, 256), np.float32))
    assert back.probability.shape == (200, 12_000)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.9])
def test_alpha_is_monotone_and_keeps_the_threshold(threshold: float) -> None:
    probability = np.linspace(0, 1, 10_001, dtype=np.float32)
    alpha = to_alpha(probability, threshold)
    assert alpha[0] == 0 and alpha[-1] == 255
    assert (np.diff(alpha.astype(int)) >= 0).all()
    np.testing.assert_array_equal(alpha >= 128, probability > np.float32(threshold))


def test_tidy_removes_noise_and_specks_but_no_inside_pixel() -> None:
    alpha = np.zeros((20, 30), np.uint8)
    alpha[2:8, 2:8] = 250
    alpha[8, 2:8] = 90  # soft edge of the core
    alpha[15, 20] = 120  # a speck without a core
    alpha[18, 2:25] = 5  # noise
    result = tidy(alpha)
    np.testing.assert_array_equal(result >= 128, alpha >= 128)
    assert (result[2:8, 2:8] == 255).all() and (result[8, 2:8] == 90).all()
    assert result[15, 20] == 0 and not result[18].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (97, 50), (720, 721, 3)])
def test_shrink_and_pad_never_enlarges(shape: tuple[int, ...]) -> None:
    padded = shrink_and_pad(np.ones(shape, np.float32), 100)
    assert padded.shape == (100, 100, *shape[2:])
    assert padded[0, 0].all()
    assert padded.sum() <= np.prod(shape)
