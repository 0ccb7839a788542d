from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.style.windows import Window, fit_window, plane_size, whole_window

SIDE, MOST = 512, 1024


@pytest.mark.parametrize(
    ("size_wh", "level", "working"),
    [
        ((512, 512), 0, (512, 512)),
        ((1024, 576), 0, (1024, 576)),
        ((700, 500), 0, (704, 512)),  # whole steps of 64
        ((256, 200), 1, (512, 448)),  # enlarged
        ((64, 48), 3, (512, 384)),
        ((3, 3), 3, (64, 64)),  # no more than eight times
        ((1, 1), 3, (64, 64)),
        ((1920, 1080), -1, (960, 576)),  # reduced
        ((20000, 300), 0, (20032, 320)),  # a strip is cut into tiles
        ((20000, 15000), -5, (640, 512)),
    ],
)
def test_whole_window(size_wh: tuple[int, int], level: int, working: tuple[int, int]) -> None:
    window = whole_window(size_wh, SIDE, MOST)
    assert (window.level, window.size_wh) == (level, working)
    assert (window.left, window.top) == (0, 0)


@pytest.mark.parametrize(
    ("box", "level"),
    [
        ((100, 100, 600, 700), 0),
        ((100, 100, 300, 350), 1),
        ((100, 100, 103, 103), 3),
        ((0, 0, 1200, 800), -1),
    ],
)
def test_small_characters_are_enlarged(box: tuple[int, int, int, int], level: int) -> None:
    window = fit_window(box, (1600, 1000), SIDE, MOST)
    assert window.level == level
    assert max(window.size_wh) >= SIDE / 2


@pytest.mark.parametrize(
    ("lengths", "levels"),
    [
        ((350, 365, 355, 370), (1, 1, 1, 1)),  # about the threshold, which is at 362
        ((370, 355, 365, 350), (0, 0, 0, 0)),
        ((300, 440, 470, 440, 300, 280), (1, 1, 0, 0, 0, 1)),  # grows, and shrinks again
        ((1000, 1100, 1400), (0, -1, -1)),  # never larger than what the network can take
        ((1100, 1000, 800), (-1, -1, 0)),
        ((60, 480), (3, 0)),
    ],
)
def test_the_scale_stays_in_a_clip(lengths: tuple[int, ...], levels: tuple[int, ...]) -> None:
    before, found = None, []
    for length in lengths:
        window = fit_window((0, 0, length, length // 2), (1600, 1000), SIDE, MOST, before)
        before = window.level
        found.append(before)
    assert tuple(found) == levels


@settings(max_examples=300, deadline=None)
@given(
    size=st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    corners=st.tuples(*[st.floats(0, 1)] * 4),
    side=st.sampled_from([64, 512, 768]),
    before=st.none() | st.integers(-4, 4),
)
def test_a_window_holds_its_box(
    size: tuple[int, int], corners: tuple[float, ...], side: int, before: int | None
) -> None:
    most = 2 * side
    (x1, x2), (y1, y2) = (
        sorted(int(corner * (length - 1)) for corner in pair)
        for pair, length in zip((corners[:2], corners[2:]), size, strict=True)
    )
    window = fit_window((x1, y1, x2 + 1, y2 + 1), size, side, most, before)
    assert window.left <= x1
    assert window.top <= y1
    assert window.left + window.width > x2
    assert window.top + window.height > y2
    # On the grid of its level, in whole steps, and inside of the plane of the noise.
    top, left, rows, columns = window.cells
    assert (top * 8 / window.scale, left * 8 / window.scale) == (window.top, window.left)
    assert (columns * 8, rows * 8) == window.size_wh
    assert not window.size_wh[0] % 64
    assert not window.size_wh[1] % 64
    plane_rows, plane_columns = plane_size(size, side, most)
    assert (top + rows) / window.scale <= plane_rows
    assert (left + columns) / window.scale <= plane_columns


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (700, 500), (1920, 1080), (20000, 300)])
def test_the_plane_holds_the_whole(size: tuple[int, int]) -> None:
    _, _, rows, columns = (window := whole_window(size, SIDE, MOST)).cells
    plane_rows, plane_columns = plane_size(size, SIDE, MOST)
    assert rows / window.scale <= plane_rows
    assert columns / window.scale <= plane_columns


def test_at_level_0_the_plane_is_the_whole() -> None:
    assert plane_size((700, 500), SIDE, MOST) == whole_window((700, 500), SIDE, MOST).cells[2:]


def test_cut_and_place() -> None:
    image = np.random.default_rng(0).integers(0, 255, (100, 90, 3), np.uint8)
    window = Window(left=32, top=48, width=64, height=64, level=0)
    shown = window.cut(image)
    assert shown.shape == (64, 64, 3)
    np.testing.assert_array_equal(shown[:52, :58], image[48:, 32:])
    np.testing.assert_array_equal(shown[-1, :58], image[-1, 32:])  # the last row goes on
    np.testing.assert_array_equal(window.place(shown), shown)
    larger = Window(left=32, top=48, width=64, height=64, level=1)
    assert larger.cut(image).shape == (128, 128, 3)
    assert larger.cut(image[..., 0]).shape == (128, 128)
    assert larger.place(larger.cut(image)).shape == (64, 64, 3)
