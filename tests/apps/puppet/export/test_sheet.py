"""Sprite sheets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apps.puppet.export.sheet import LAYOUTS, Layout, write_sprite_sheet
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_rgba


def clip(seed: int, count: int, wh: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Frames with something somewhere, or nothing; the last is as the first."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        frame = np.zeros((wh[1], wh[0], 4), np.uint8)
        x, y = rng.integers(0, wh[0]), rng.integers(0, wh[1])
        width, height = rng.integers(0, wh[0]), rng.integers(0, wh[1])
        part = frame[y : y + height, x : x + width]
        part[:] = rng.integers(1, 256, part.shape, np.uint8)
        frames.append(frame)
    return [*frames, frames[0]]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 9),
    st.sampled_from(LAYOUTS),
    st.integers(0, 3),
    st.sampled_from([(1, 1), (13, 40), (50, 8)]),
)
def test_frames_can_be_cut_out_again(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    count: int,
    layout: Layout,
    padding: int,
    wh: tuple[int, int],
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "dance.png"
    frames = clip(seed, count, wh)
    described = write_sprite_sheet(iter(frames), path, 24, layout=layout, padding=padding)
    data = json.loads(described.read_text())
    sheet = open_rgba(path)
    assert data["meta"]["image"] == "dance.png"
    assert data["meta"]["size"] == {"w": sheet.shape[1], "h": sheet.shape[0]}
    assert list(data["frames"]) == [f"dance-{i:04d}.png" for i in range(count + 1)]
    used = np.zeros(sheet.shape[:2], int)
    for frame, entry in zip(frames, data["frames"].values(), strict=True):
        at, source = entry["frame"], entry["spriteSourceSize"]
        got = np.zeros_like(frame)
        cut = sheet[at["y"] : at["y"] + at["h"], at["x"] : at["x"] + at["w"]]
        got[source["y"] : source["y"] + source["h"], source["x"] : source["x"] + source["w"]] = cut
        np.testing.assert_array_equal(got, frame)
        assert entry["sourceSize"] == {"w": wh[0], "h": wh[1]}
        assert entry["trimmed"] is ((at["w"], at["h"]) != wh)
    for entry in {json.dumps(each["frame"]): each for each in data["frames"].values()}.values():
        at = entry["frame"]
        used[at["y"] : at["y"] + at["h"] + padding, at["x"] : at["x"] + at["w"] + padding] += 1
    assert used.max() == 1  # none overlaps another, padding included


@pytest.mark.parametrize("fps", [12, 24, 29.97, 60])
def test_durations_add_up_to_the_length_of_the_clip(tmp_path: Path, fps: float) -> None:
    frames = [np.full((2, 2, 4), 9, np.uint8)] * 50
    file = write_sprite_sheet(frames, tmp_path / "still.png", fps)
    durations = [entry["duration"] for entry in json.loads(file.read_text())["frames"].values()]
    assert sum(durations) == round(50 * 1000 / fps)
    assert open_rgba(tmp_path / "still.png").shape == (6, 6, 4)  # frames alike share a place


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_no_graphics_card_loads_is_refused_soon(
    tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.puppet.export.sheet.LONGEST_SIDE", 1024)
    taken = []

    def endless() -> Iterator[NDArray[np.uint8]]:
        for index in range(10**6):
            taken.append(index)
            frame = np.zeros((100, 100, 4), np.uint8)
            frame[[0, -1]] = 1 + index % 250
            frame[0, 0, 0] = index // 250
            yield frame

    with pytest.raises(InvalidInput, match="fewer frames"):
        write_sprite_sheet(endless(), tmp_path / "much.png", 30, layout=layout)
    assert len(taken) <= 1024**2 / 100**2 + 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("frames", "name", "reason"),
    [
        ([], "a.png", "at least one frame"),
        ([np.zeros((2, 2, 3), np.uint8)], "a.png", "RGBA"),
        ([np.zeros((2, 2, 4), np.uint8), np.zeros((2, 3, 4), np.uint8)], "a.png", "alike"),
        ([np.zeros((2, 2, 4), np.uint8)], "a.gif", r"\.png"),
    ],
)
def test_what_is_no_clip_is_told(
    tmp_path: Path, frames: list[NDArray[np.uint8]], name: str, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason):
        write_sprite_sheet(frames, tmp_path / name, 24)
    assert not list(tmp_path.iterdir())
