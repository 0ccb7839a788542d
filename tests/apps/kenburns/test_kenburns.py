from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from apps.kenburns import KenBurns, KenBurnsOptions
from apps.kenburns.moves import MOVES
from apps.kenburns.options import Easing, Loop, Move, Pool
from apps.kenburns.timing import EASINGS, LOOPS
from cartoonedit.depth import POOLS
from cartoonedit.errors import Cancelled, InvalidInput
from cartoonedit.scene import Instance, Scene


def test_options_and_code_know_the_same_names() -> None:
    assert set(get_args(Move)) == {"autozoom", *MOVES}
    assert set(get_args(Easing)) == set(EASINGS)
    assert set(get_args(Loop)) == set(LOOPS)
    assert set(get_args(Pool)) == {*POOLS, "none"}


def test_every_option_is_documented() -> None:
    for field in fields(KenBurnsOptions):
        assert f"\n        {field.name}: " in (KenBurnsOptions.__doc__ or "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"move": "fly"},
        {"pool": "max"},
        {"easing": "bounce"},
        {"duration": 0},
        {"duration": float("nan")},
        {"fps": 0},
        {"fps": 1000},
        {"fps": "30"},
        {"fps": True},
        {"strength": -1},
        {"seed": -1},
        {"size_wh": (1, 100)},
        {"size_wh": (100, 9000)},
        {"size_wh": 100},
        {"size_wh": "1x1"},
        {"aspect": 1.5},
        {"aspect": "1:1", "size_wh": (64, 64)},
        {"seed": 1.5},
        {"seed": 2**32},
        {"focus": 2},
        {"focus": " "},
        {"focus_to": float("nan")},
        {"accent": {"a": "float"}},
        {"render_device": None},
        {"start_window": (0, 0, 0.5, 9)},
        {"end_window": "abc"},
        {"speed": 3},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong)).replace("_wh", "")):
        KenBurns(**wrong)


@pytest.mark.parametrize(
    ("length", "duration", "seconds"), [(3, None, 3), (3, 5, 5), (601, 5, 5), (601, None, None)]
)
def test_key_frames_may_be_as_long_as_a_clip(
    tmp_path: Path, length: float, duration: float | None, seconds: float | None
) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text(f"- time: 1\n- time: {1 + length}\n")
    if seconds is None:
        with pytest.raises(InvalidInput, match=r"keyframes: .* to 600; got 601"):
            KenBurns(keyframes=path, duration=duration)
    else:
        assert KenBurns(keyframes=path, duration=duration).options.seconds == seconds


def test_focus_is_given_once(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text("- {time: 0, focus: 0.2}\n- {time: 1, focus: 0.9}\n")
    with pytest.raises(InvalidInput, match="focus is in the key frames already"):
        KenBurns(keyframes=path, focus="near")


@pytest.mark.parametrize("number", [np.int64(30), np.float32(30), 30])
def test_numbers_of_numpy_are_numbers(number: float) -> None:
    assert KenBurns(fps=number, size_wh=(np.int64(64), np.uint8(36))).options.fps == 30


def test_options_and_overrides_come_together() -> None:
    options = KenBurnsOptions(fps=25)
    made = KenBurns(options, duration=2).options
    assert (made.fps, made.seconds, made.frame_count) == (25, 2, 50)
    assert options.seconds == 4


def test_same_seed_same_bytes(make_scene) -> None:
    def render(seed: int) -> list[bytes]:
        # Without a plate, so that inpainting is part of it.
        scene = make_scene("overlap", plate=None)
        clip = KenBurns(duration=0.1, seed=seed)
        return [frame.tobytes() for frame in clip.frames(scene)]

    first = render(1)
    assert first == render(1)
    assert first != render(2)


@pytest.mark.parametrize("size", [(1, 1), (16, 3), (3, 16), (2, 2), (400, 5), (33, 17)])
@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("move", get_args(Move))
def test_any_size(tmp_path: Path, size: tuple[int, int], count: int, move: str) -> None:
    width, height = size
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    masks = [np.zeros((height, width), np.uint8) for _ in range(count)]
    for index, mask in enumerate(masks):
        mask[index * height // 2 :, : width // 2 + 1] = 255
    scene = Scene(picture, [Instance(mask) for mask in masks])
    frames = list(KenBurns(move=move, duration=0.1).frames(scene))
    assert len(frames) == 3
    assert all(frame.shape == (height, width, 3) for frame in frames)
    if move in ("autozoom", "zoom-in", "dolly", "dolly-zoom"):
        np.testing.assert_array_equal(frames[0], picture)


def test_one_frame(make_scene) -> None:
    assert len(list(KenBurns(duration=0.001).frames(make_scene("standing")))) == 1


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (37, 64), (256, 144), (64, 64)])
def test_frames_of_another_size_and_shape(make_scene, size: tuple[int, int]) -> None:
    frames = list(KenBurns(size_wh=size, duration=1).frames(make_scene("standing")))
    assert all(frame.shape == (size[1], size[0], 3) for frame in frames)
    # The first is the picture cut to shape, the second hardly differs: both lie on one grid.
    still, moving = (np.abs(frames[i + 1].astype(int) - frames[i]).mean() for i in (0, 10))
    assert still < 0.5 * moving


def test_a_large_picture_is_reduced(make_scene) -> None:
    scene = Scene(np.zeros((20, 5000, 3), np.uint8))
    assert KenBurns().frame_size(scene) == (3840, 15)
    assert KenBurns(size_wh=(64, 36)).frame_size(scene) == (64, 36)


def test_a_picture_too_long_for_its_frames_is_refused_at_once() -> None:
    scene = Scene(np.zeros((20, 5000, 3), np.uint8))
    with pytest.raises(InvalidInput, match=r"180000x720 pixels, and 32766 a side"):
        next(KenBurns(size_wh=(1280, 720)).frames(scene))


@pytest.mark.parametrize("left", [0, 28, 56])
def test_windows_reach_every_part_of_the_picture_in_a_frame_of_another_shape(
    make_scene, left: int
) -> None:
    # Its character stands on the left; without windows the picture is cropped round it.
    scene = make_scene("standing", depth=np.full((72, 128), 0.5, np.float32))
    window = (left, 0, 72, 72)
    clip = KenBurns(size_wh=(72, 72), start_window=window, end_window=window, duration=0.1)
    for frame in clip.frames(scene):
        shown = scene.picture[:, left : left + 72]
        assert np.abs(frame.astype(int) - shown)[:, 2:-2].mean() < 2


def test_a_window_that_leaves_the_picture(make_scene) -> None:
    clip = KenBurns(start_window=(100, 0, 30, 20))
    with pytest.raises(InvalidInput, match=r"the start window .* 128x72 pixels; got \(100, 0"):
        clip.prepare(make_scene("none"))


def test_a_clip(make_scene, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    out = KenBurns(duration=0.2)(
        make_scene("overlap"),
        tmp_path / "clip.mp4",
        lambda step, total, _: steps.append((step, total)),
    )
    assert out == tmp_path / "clip.mp4"
    assert out.stat().st_size > 1000
    assert steps == [(step, 6) for step in range(7)]


def test_a_cancelled_clip_leaves_nothing(make_scene, tmp_path: Path) -> None:
    def stop(step: int, total: int, message: str) -> None:
        if step == 3:
            raise Cancelled("stopped on request.")

    with pytest.raises(Cancelled):
        KenBurns(duration=0.5)(make_scene("standing"), tmp_path / "clip.mp4", stop)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_ending_is_found_before_the_work(tmp_path: Path) -> None:
    scene = Scene(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InvalidInput, match="ending"):
        KenBurns()(scene, tmp_path / "clip.avi")


def test_no_torch_is_loaded(tmp_path: Path, root: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from apps.kenburns import KenBurns\n"
        "from cartoonedit.scene import Instance, Scene\n"
        "mask = np.zeros((36, 64), np.uint8); mask[10:30, 20:40] = 255\n"
        "scene = Scene(np.full((36, 64, 3), 90, np.uint8), [Instance(mask)])\n"
        f"KenBurns(duration=0.1)(scene, {str(tmp_path / 'clip.mp4')!r})\n"
        "assert not {'torch', 'transformers', 'diffusers'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
