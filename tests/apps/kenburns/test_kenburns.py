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
        {"speed": 3},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong)).replace("_wh", "")):
        KenBurns(**wrong)


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
