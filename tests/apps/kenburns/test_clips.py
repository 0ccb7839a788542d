"""Clips of every kind as a player sees them: decoded again with ffmpeg, or with Pillow."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ImageSequence import Iterator

from apps.kenburns import KenBurns
from cartoonedit.video import FORMATS

FPS, COUNT, SIZE = 25, 10, (128, 72)

CODECS = {
    ".mp4": ("h264", "yuv420p("),
    ".webm": ("vp9", "yuv420p("),
    ".mov": ("prores (4444)", "yuv444p"),
    ".gif": ("gif", "bgra"),
    ".apng": ("apng", "rgb24"),
    ".webp": ("webp", "argb"),
}
CLEAR = {".mov": "yuva444p", ".apng": "rgba"}
"""Pixel formats of transparent clips where they are others."""

KINDS = [
    (ending, transparent, stereo)
    for ending in FORMATS
    for transparent in (False, True)
    for stereo in ("off", "side-by-side")
    if not (transparent and ending == ".mp4")
]


def ffmpeg(*words: str) -> subprocess.CompletedProcess[bytes]:
    from imageio_ffmpeg import get_ffmpeg_exe

    return subprocess.run([get_ffmpeg_exe(), *words], capture_output=True, check=False)


def decode(path: Path, size_wh: tuple[int, int]) -> np.ndarray:
    # ffmpeg's own VP9 decoder ignores the alpha stream.
    decoder = ["-c:v", "libvpx-vp9"] if path.suffix == ".webm" else []
    words = ["-v", "error", *decoder, "-i", str(path), "-fps_mode", "passthrough"]
    shown = ffmpeg(*words, "-f", "rawvideo", "-pix_fmt", "rgba", "-")
    assert shown.returncode == 0, shown.stderr
    return np.frombuffer(shown.stdout, np.uint8).reshape(-1, size_wh[1], size_wh[0], 4)


def seconds(path: Path) -> float:
    if path.suffix in (".gif", ".apng", ".webp"):
        with Image.open(path) as image:
            lasts = []
            for frame in Iterator(image):
                frame.load()  # only then is it known for WebP
                lasts.append(frame.info["duration"])
            return sum(lasts) / 1000
    told = re.search(rb"Duration: 00:00:(\d+\.\d+)", ffmpeg("-i", str(path)).stderr)
    assert told is not None
    return float(told[1])


@pytest.mark.parametrize(("ending", "transparent", "stereo"), KINDS)
def test_every_kind_plays(
    make_scene, tmp_path: Path, ending: str, transparent: bool, stereo: str
) -> None:
    scene, path = make_scene("standing"), tmp_path / f"clip{ending}"
    clip = KenBurns(
        duration=COUNT / FPS, fps=FPS, move="orbit", transparent=transparent, stereo=stereo
    )
    clip(scene, path)

    size = (SIZE[0] * (2 if stereo == "side-by-side" else 1), SIZE[1])
    codec, pixels = CODECS[ending]
    told = ffmpeg("-i", str(path)).stderr.decode()
    line = next(line for line in told.splitlines() if "Video:" in line)
    pixels = CLEAR.get(ending, pixels) if transparent else pixels
    assert all(word in line for word in (codec, pixels, f"{size[0]}x{size[1]}")), line
    assert seconds(path) == pytest.approx(COUNT / FPS, abs=0.02)

    shown = decode(path, size)
    assert len(shown) == COUNT
    frames = list(clip.frames(scene))
    for index in (0, COUNT - 1):
        seen = frames[index][..., 3] > 250 if transparent else np.ones(size[::-1], bool)
        off = np.abs(shown[index][..., :3].astype(int) - frames[index][..., :3])[seen]
        assert off.mean() < 12, index
    if transparent:
        alpha = shown[0][..., 3]
        wanted = frames[0][..., 3]
        assert (alpha[wanted == 0] < 16).mean() > 0.99
        assert (alpha[wanted == 255] > 240).mean() > 0.99
        assert not np.array_equal(alpha, shown[-1][..., 3])  # it moves with the character
    else:
        assert (shown[..., 3] == 255).all()


@pytest.mark.parametrize("ending", FORMATS)
def test_same_clip_same_bytes(make_scene, tmp_path: Path, ending: str) -> None:
    paths = [tmp_path / f"{name}{ending}" for name in "ab"]
    for path in paths:
        KenBurns(duration=0.2)(make_scene("standing"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_gif_lasts_as_long_as_asked_for_at_any_rate(make_scene, tmp_path: Path) -> None:
    KenBurns(duration=2, fps=30, size_wh=(32, 18))(make_scene("none"), tmp_path / "clip.gif")
    assert seconds(tmp_path / "clip.gif") == pytest.approx(2, abs=0.03)
