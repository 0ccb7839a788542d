from __future__ import annotations

import itertools
import logging
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.images import save_image
from cartoonedit.video import FORMATS, VideoWriter
from cartoonedit.video_reader import VideoReader, is_animated

WIDTH, HEIGHT, COUNT, FPS = 64, 48, 7, 12.5


def frame(index: int) -> np.ndarray:
    """Flat areas that survive every codec, each frame in its own red."""
    made = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    made[:, :32], made[:, 32:] = (30 * index % 256, 150, 60), (40, 20, 220)
    return made


def write(path: Path, alpha: bool = False, count: int = COUNT) -> Path:
    with VideoWriter(path, (WIDTH, HEIGHT), FPS) as writer:
        for index in range(count):
            veil = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
            writer.write(np.dstack([frame(index), veil]) if alpha else frame(index))
    return path


def ffmpeg(*arguments: object) -> None:
    from moviepy.config import FFMPEG_BINARY

    command = [FFMPEG_BINARY, "-v", "error", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)


def noise(path: Path, *options: str) -> Path:
    """A clip whose every byte counts."""
    source = f"nullsrc=s={WIDTH}x{HEIGHT}:r=25:d=2,noise=alls=100:allf=t"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", *options, path)
    return path


@pytest.mark.parametrize(
    ("ending", "alpha"),
    [(ending, alpha) for ending in FORMATS for alpha in (False, True)
     if not alpha or FORMATS[ending].clear],
)  # fmt: skip
def test_every_kind_that_is_written_can_be_read(
    tmp_path: Path, ending: str, alpha: bool, caplog: pytest.LogCaptureFixture
) -> None:
    clip = VideoReader(write(tmp_path / f"clip{ending}", alpha))
    assert (clip.size_wh, clip.fps, clip.frame_count) == ((WIDTH, HEIGHT), FPS, COUNT)
    for _ in range(2):  # as often as wanted
        for index, shown in enumerate(clip):
            assert shown.shape == (HEIGHT, WIDTH, 3)
            np.testing.assert_allclose(shown[24, [8, 56]], frame(index)[24, [8, 56]], atol=6)
        assert index == COUNT - 1
    assert not caplog.records


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    clip = VideoReader(write(tmp_path / "clip"))
    assert (clip.size_wh, clip.fps, clip.frame_count) == ((WIDTH, HEIGHT), None, COUNT)
    for index, shown in enumerate(clip):
        np.testing.assert_array_equal(shown, frame(index))


def test_frames_are_as_a_player_shows_them(tmp_path: Path) -> None:
    """Upright, and with square pixels."""
    plain = write(tmp_path / "plain.mp4")
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", tmp_path / "turned.mp4")
    ffmpeg("-i", plain, "-vf", "setsar=2", tmp_path / "wide.mp4")
    turned, wide = VideoReader(tmp_path / "turned.mp4"), VideoReader(tmp_path / "wide.mp4")
    assert (turned.size_wh, wide.size_wh) == ((HEIGHT, WIDTH), (2 * WIDTH, HEIGHT))
    last = list(turned)[-1]
    np.testing.assert_allclose(last, np.rot90(frame(COUNT - 1)), atol=6)


def test_a_changing_rate_becomes_constant(tmp_path: Path) -> None:
    from PIL import Image

    pictures = [Image.fromarray(frame(index)) for index in range(3)]
    file = tmp_path / "clip.gif"
    pictures[0].save(file, save_all=True, append_images=pictures[1:], duration=[100, 300, 100])
    clip = VideoReader(file)
    assert clip.fps is not None
    assert clip.frame_count / clip.fps == pytest.approx(0.5, abs=0.11)


def has_avif() -> bool:
    from PIL import features

    return bool(features.check("avif"))


@pytest.mark.skipif(not has_avif(), reason="Pillow writes AVIF from version 11.3 on")
@pytest.mark.parametrize("alpha", [False, True])
def test_the_moving_part_of_an_avif(
    tmp_path: Path, alpha: bool, caplog: pytest.LogCaptureFixture
) -> None:
    from PIL import Image

    pictures = [Image.fromarray(frame(index)) for index in range(COUNT)]
    for index, picture in enumerate(pictures if alpha else []):
        picture.putalpha(100 + index)
    still, file = tmp_path / "still.avif", tmp_path / "moving.avif"
    pictures[0].save(still)
    pictures[0].save(file, save_all=True, append_images=pictures[1:], duration=int(1000 / FPS))
    assert (is_animated(still), is_animated(file)) == (False, True)
    clip = VideoReader(file)
    assert (clip.size_wh, clip.fps, clip.frame_count) == ((WIDTH, HEIGHT), FPS, COUNT)
    for index, shown in enumerate(clip):
        np.testing.assert_allclose(shown[24, [8, 56]], frame(index)[24, [8, 56]], atol=6)
    assert VideoReader(still).frame_count == 1
    assert not caplog.records


@pytest.mark.parametrize("rate", [0.5, 29.97, 999, 1000, 2000])
def test_rates(tmp_path: Path, rate: float) -> None:
    ffmpeg("-r", rate, "-f", "lavfi", "-i", "color=s=16x16", "-frames:v", 3, tmp_path / "clip.mp4")
    clip = VideoReader(tmp_path / "clip.mp4")
    assert (clip.fps, clip.frame_count) == (pytest.approx(rate), 3)


def test_a_long_clip_can_be_left_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def recorded(*arguments: Any, **options: Any) -> Any:
        started.append(start(*arguments, **options))
        return started[-1]

    clip = VideoReader(write(tmp_path / "clip.mp4", count=200))
    monkeypatch.setattr(subprocess, "Popen", recorded)
    with closing(iter(clip)) as frames:
        assert len(list(itertools.islice(frames, 2))) == 2
        (process,) = started
        assert process.poll() is None  # it waits for somebody to read on
    assert process.poll() is not None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.mp4", b"hello\n" * 100, "text.mp4 is no video .* damaged"),
        ("empty.webm", b"", "empty.webm is no video .* damaged"),
        ("nothing.y4m", b"YUV4MPEG2 W64 H48 F25:1\n", "nothing.y4m is no video .* holds no frame"),
    ],
)
def test_files_without_a_frame(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=said):
        VideoReader(tmp_path / name)


def test_files_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    cover = ("-map", "0:a", "-map", "1:v", "-c:v", "png", "-disposition:v", "attached_pic")
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.04")
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", *picture, *cover, tmp_path / "song.m4a")
    for name, said in (
        ("absent.mp4", "there is no file"),
        ("folder", "holds no picture"),
        ("song.m4a", "no moving picture"),
    ):
        with pytest.raises(InvalidInput, match=said):
            VideoReader(tmp_path / name)


def test_what_is_left_of_a_damaged_clip_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = noise(tmp_path / "whole.mp4", "-movflags", "+faststart").read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    clip = VideoReader(tmp_path / "half.mp4")
    with caplog.at_level(logging.WARNING):
        assert 5 <= clip.frame_count < 45
        assert sum(1 for _ in clip) == clip.frame_count
    (record,) = caplog.records  # once is enough
    assert "half.mp4 is damaged" in record.getMessage()


def test_a_clip_without_its_index_is_refused(tmp_path: Path) -> None:
    data = noise(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match="moov atom not found"):
        VideoReader(tmp_path / "half.mp4")


def test_frames_of_two_sizes(tmp_path: Path) -> None:
    for number, width in enumerate((20, 20, 30)):
        save_image(tmp_path / f"{number}.png", np.zeros((10, width, 3), np.uint8))
    with pytest.raises(InvalidInput, match="20x10 and frame 2 30x10"):
        list(VideoReader(tmp_path))


@pytest.mark.parametrize("name", ["a%03d.mp4", "-y.mp4", "a:b.mp4", "ü ?.mp4"])
def test_names_mean_nothing_to_ffmpeg(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "plain.mp4").rename(tmp_path / name)
    assert VideoReader(name).frame_count == COUNT


def test_no_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = write(tmp_path / "clip.mp4")
    monkeypatch.setattr("moviepy.config.FFMPEG_BINARY", str(tmp_path / "absent"))
    with pytest.raises(CartooneditError, match="ffmpeg cannot be started"):
        VideoReader(clip)
