from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.video import FORMATS, VideoWriter

WIDTH, HEIGHT, COUNT = 65, 49, 7


def frames(alpha: bool) -> list[np.ndarray]:
    """Flat areas that survive every codec: three colours, and two kinds of transparency."""
    made = []
    for index in range(COUNT):
        frame = np.zeros((HEIGHT, WIDTH, 4 if alpha else 3), np.uint8)
        frame[:, :32] = (200, 150, 10 * index, 128)[: frame.shape[2]]
        frame[:, 32:] = (40, 0, 220, 255)[: frame.shape[2]]
        if alpha:
            frame[:20, :20, 3] = 0
        made.append(frame)
    return made


def write(path: Path, alpha: bool = False) -> None:
    with VideoWriter(path, (WIDTH, HEIGHT), 25) as writer:
        for frame in frames(alpha):
            writer.write(frame)


def ffmpeg(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    from moviepy.config import FFMPEG_BINARY

    return subprocess.run([FFMPEG_BINARY, *arguments], capture_output=True, check=False)


def stream_line(path: Path) -> str:
    text = ffmpeg("-i", str(path)).stderr.decode()
    return next(line for line in text.splitlines() if "Video:" in line)


def decode(path: Path, width: int, height: int) -> np.ndarray:
    # ffmpeg's own VP9 decoder ignores the alpha stream.
    decoder = ["-c:v", "libvpx-vp9"] if path.suffix == ".webm" else []
    command = ["-v", "error", *decoder, "-i", str(path), "-fps_mode", "passthrough"]
    raw = ffmpeg(*command, "-f", "rawvideo", "-pix_fmt", "rgba", "-").stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 4)


KINDS = [
    # ending, alpha, codec, pixel format, size
    (".mp4", False, "h264", "yuv420p(", (64, 48)),
    (".webm", False, "vp9", "yuv420p(", (64, 48)),
    (".webm", True, "vp9", "yuv420p(", (64, 48)),
    (".mov", False, "prores (4444)", "yuv444p", (65, 49)),
    (".mov", True, "prores (4444)", "yuva444p", (65, 49)),
    (".gif", False, "gif", "bgra", (65, 49)),
    (".gif", True, "gif", "bgra", (65, 49)),
    (".apng", False, "apng", "rgb24", (65, 49)),
    (".apng", True, "apng", "rgba", (65, 49)),
    (".webp", False, "webp", "argb", (65, 49)),
    (".webp", True, "webp", "argb", (65, 49)),
]


@pytest.mark.parametrize(("ending", "alpha", "codec", "pixels", "size"), KINDS)
def test_every_kind_holds_the_frames(
    tmp_path: Path, ending: str, alpha: bool, codec: str, pixels: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"clip{ending}"
    write(path, alpha)
    line = stream_line(path)
    assert codec in line
    assert pixels in line
    assert f"{size[0]}x{size[1]}" in line
    shown = decode(path, *size)
    assert len(shown) == COUNT
    for index, frame in enumerate(shown):
        np.testing.assert_allclose(frame[40, 8, :3], (200, 150, 10 * index), atol=6)
        np.testing.assert_allclose(frame[40, 56, :3], (40, 0, 220), atol=6)
    if alpha:
        soft = 255 if ending == ".gif" else 128  # GIF knows all or nothing
        corners = shown[3, [5, 40, 40], [5, 8, 56], 3]
        np.testing.assert_allclose(corners, (0, soft, 255), atol=3)
    assert os.listdir(tmp_path) == [path.name]


def test_less_effort_is_as_good_to_look_at(tmp_path: Path) -> None:
    wrong = {}
    for preset in ("faster", "superfast"):
        path = tmp_path / f"{preset}.mp4"
        with VideoWriter(path, (WIDTH, HEIGHT), 25, preset=preset) as writer:
            for frame in frames(False):
                writer.write(frame)
        shown = decode(path, 64, 48)[..., :3].astype(int)
        assert len(shown) == COUNT
        wrong[preset] = np.abs(shown - np.array(frames(False))[:, :48, :64]).mean()
    assert (tmp_path / "superfast.mp4").read_bytes() != (tmp_path / "faster.mp4").read_bytes()
    assert wrong["superfast"] < wrong["faster"] + 2


@pytest.mark.parametrize("preset", ["faster", "ultrafast"])
@pytest.mark.parametrize(("fps", "shown"), [(12.5, "12.50 fps"), (1000, "240 fps")])
def test_every_preset_says_its_colours_and_keeps_its_rate(
    tmp_path: Path, preset: str, fps: float, shown: str
) -> None:
    path = tmp_path / "-a clip: 100%d.mp4"
    with VideoWriter(path, (WIDTH, HEIGHT), fps, preset=preset) as writer:
        for frame in frames(False):
            writer.write(frame)
    line = stream_line(path)
    assert "yuv420p(tv, bt709" in line
    assert shown in line


def test_mp4_can_be_played_while_it_loads(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4")
    data = (tmp_path / "clip.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("alpha", [False, True])
def test_folder_of_pngs_replaces_an_older_longer_one(tmp_path: Path, alpha: bool) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    (folder / "00099.png").write_bytes(b"old frame")
    (folder / "notes.txt").write_text("mine")
    write(folder, alpha)
    names = [f"{index:05d}.png" for index in range(COUNT)]
    assert sorted(os.listdir(folder)) == [*names, "notes.txt"]
    for name, frame in zip(names, frames(alpha), strict=True):
        np.testing.assert_array_equal(np.array(Image.open(folder / name)), frame)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (16, 3), (1, 7)])
@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_tiny_clips(tmp_path: Path, ending: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"clip{ending}"
    with VideoWriter(path, size, 30) as writer:
        writer.write(np.full((size[1], size[0], 3), 90, np.uint8))
    even = FORMATS[ending].even
    width, height = (max(2, side // 2 * 2) if even else side for side in size)
    assert len(decode(path, width, height)) == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"path": "clip.avi"}, ".mp4, .webm, .mov, .gif, .apng, .webp"),
        ({"path": "clip.mp4", "alpha": True}, "transparency"),
        ({"path": "clip.mp4", "quality": "best"}, "high, medium, small"),
        ({"path": "clip.mp4", "fps": 0}, "fps"),
        ({"path": "clip.mp4", "fps": float("nan")}, "fps"),
        ({"path": "clip.mp4", "size_wh": (0, 5)}, "1x1"),
        ({"path": "clip.mp4", "size_wh": (16386, 4)}, "16386x4 pixels: 16384 a side"),
        ({"path": "clip.webp", "size_wh": (4, 16384)}, "16383 a side"),
        ({"path": "clip.gif", "size_wh": (65535, 4)}, "65534 a side"),
        ({"path": "clip.webm", "size_wh": (16384, 16384)}, "268 million in all"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, arguments: dict[str, object], word: str
) -> None:
    values = {"size_wh": (64, 48), "fps": 30} | arguments
    path = tmp_path / str(values.pop("path"))
    with pytest.raises(InvalidInput, match=word):
        VideoWriter(path, **values)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((HEIGHT, WIDTH), np.uint8),
        np.zeros((WIDTH, HEIGHT, 3), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.float32),
        np.zeros((HEIGHT, WIDTH, 4), np.uint8),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip"])
def test_a_wrong_frame_leaves_nothing_behind(tmp_path: Path, name: str, frame: np.ndarray) -> None:
    with (
        pytest.raises(InvalidInput, match="frames must be"),
        VideoWriter(tmp_path / name, (WIDTH, HEIGHT), 30) as writer,
    ):
        writer.write(frames(alpha=False)[0])
        writer.write(frame)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["clip.mp4", "clip.gif", "clip"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_clip_leaves_the_older_one(
    tmp_path: Path, name: str, error: type[BaseException]
) -> None:
    write(tmp_path / name)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    with pytest.raises(error), VideoWriter(tmp_path / name, (WIDTH, HEIGHT), 30) as writer:
        writer.write(frames(alpha=False)[0])
        raise error
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_no_frame_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with pytest.raises(CartooneditError, match="no frame"), VideoWriter(path, (8, 8), 30):
        pass
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="stands in for ffmpeg with a shell script")
@pytest.mark.parametrize("count", [1, 200], ids=["found at the end", "found while writing"])
@pytest.mark.parametrize("preset", ["faster", "ultrafast"])
def test_a_full_disk_is_told_in_ffmpegs_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, preset: str
) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text(
        "#!/bin/sh\nhead -c 5000 >/dev/null\necho 'No space left on device' >&2\nexit 228\n"
    )
    script.chmod(0o755)
    monkeypatch.setattr("moviepy.video.io.ffmpeg_writer.FFMPEG_BINARY", str(script))
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: str(script))
    out = tmp_path / "out"
    with (
        pytest.raises(
            CartooneditError,
            match=r"^cannot write .*out/clip\.mp4: .* 228: No space left on device\.$",
        ),
        VideoWriter(out / "clip.mp4", (WIDTH, HEIGHT), 30, preset=preset) as writer,
    ):
        for _ in range(count):
            writer.write(frames(alpha=False)[0])
    assert os.listdir(out) == []


def test_gif_frames_last_long_enough_for_browsers(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "clip.gif", (16, 16), 100) as writer:
        for index in range(20):
            writer.write(np.full((16, 16, 3), index * 10, np.uint8))
    with Image.open(tmp_path / "clip.gif") as image:
        assert 9 <= image.n_frames <= 11
        assert image.info["duration"] >= 20
