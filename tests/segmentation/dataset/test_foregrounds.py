"""Key colours of clips, and cut-outs from them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.video import VideoWriter
from segmentation.dataset.foregrounds import key_video, record, split_subjects
from segmentation.dataset.key_matte import matte
from segmentation.dataset.keying import find_key, parse_key
from segmentation.dataset.manifest import Manifest
from segmentation.dataset.material_options import KeyOptions
from segmentation.dataset.sources import Library
from tests.segmentation.dataset.material import figure

WIDTH, HEIGHT = 480, 360
KEYS = {"green": (0, 220, 30), "blue": (20, 40, 230), "magenta": (230, 0, 220),
        "uneven": (10, 200, 40)}  # fmt: skip


def backdrop(name: str) -> np.ndarray:
    flat = np.zeros((HEIGHT, WIDTH, 3), np.float32) + KEYS[name]
    if name == "uneven":
        flat *= np.linspace(0.75, 1.15, WIDTH, dtype=np.float32)[None, :, None]
    return flat


def doll(seed: int, height: int = 300) -> np.ndarray:
    """RGBA, with strands of hair and a hole under an arm."""
    small = figure(np.random.default_rng(seed))[..., [2, 1, 0, 3]]
    rgba = cv2.resize(small, (height * 60 // 90, height), interpolation=cv2.INTER_AREA)
    centre = rgba.shape[1] // 2
    for x in (-60, -30, 30, 60):
        cv2.line(rgba, (centre, 60), (centre + x, 190), (60, 30, 20, 255), 4, cv2.LINE_AA)
    cv2.circle(rgba, (centre, 220), 14, (0, 0, 0, 0), -1)
    return rgba


def clip(path: Path, name: str, figures: int = 1, frames: int = 8) -> list[np.ndarray]:
    """Write a clip of moving figures over a key; returns each frame's true alpha."""
    rng = np.random.default_rng(0)
    truths = []
    with VideoWriter(path, (WIDTH, HEIGHT), 12) as video:
        for number in range(frames):
            frame, truth = backdrop(name), np.zeros((HEIGHT, WIDTH), np.float32)
            for which in range(figures):
                rgba = doll(which, 300 // figures)
                h, w = rgba.shape[:2]
                x = 20 + 10 * number + which * 210
                window = (slice(40, 40 + h), slice(x, x + w))
                alpha = rgba[..., 3:] / np.float32(255)
                frame[window] += alpha * (rgba[..., :3] - frame[window])
                truth[window] = np.maximum(truth[window], alpha[..., 0])
            noisy = frame + rng.normal(0, 1.5, frame.shape)
            video.write(np.clip(noisy, 0, 255).astype(np.uint8))
            truths.append(truth)
    return truths


def read(path: Path) -> list[np.ndarray]:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (got := capture.read())[0]:
        frames.append(np.ascontiguousarray(got[1][..., ::-1]))
    return frames


@pytest.mark.parametrize("name", KEYS)
def test_masks_of_keyed_clips_are_the_true_ones(name: str, tmp_path: Path) -> None:
    truths = clip(tmp_path / "clip.mp4", name)
    frames = read(tmp_path / "clip.mp4")
    key = find_key(frames)
    for frame, truth in list(zip(frames, truths, strict=True))[::3]:
        got, wanted = matte(frame, key) > 127, truth > 0.5
        assert (got & wanted).sum() / (got | wanted).sum() >= 0.97


@pytest.mark.parametrize("figures", [1, 2])
def test_cutouts_are_a_library(figures: int, tmp_path: Path) -> None:
    clip(tmp_path / "a clip.mp4", "green", figures)
    out = tmp_path / "foregrounds"
    video = tmp_path / "a clip.mp4"
    keyed = key_video(video, out, KeyOptions(frames=3, min_size=60))
    made = keyed.cutouts
    assert len({cutout.frame for cutout in made}) == 3
    assert len(made) == 3 * figures
    record(Manifest(out), video, keyed)
    record(Manifest(out), video, keyed)
    library = Library.from_folder(out)
    files = library.sources["a clip"]
    assert len(files) == len(made)
    for file in files:
        rgba = library.load(file)
        assert rgba.shape[2] == 4
        assert 0.3 < (rgba[..., 3] > 127).mean() < 0.9
        edge = (rgba[..., 3] > 40) & (rgba[..., 3] < 215)
        greenness = rgba[..., 1].astype(int) - rgba[..., [0, 2]].max(-1)
        assert greenness[edge].mean() < 60  # the key's colour is gone from the edges


def test_still_clips_give_one_frame(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "still.mp4", (WIDTH, HEIGHT), 12) as video:
        frame = backdrop("green")
        frame[60:330, 150:300] = (200, 60, 90)
        for _ in range(10):
            video.write(frame.astype(np.uint8))
    assert len(key_video(tmp_path / "still.mp4", tmp_path / "out").cutouts) == 1


def test_ordinary_clips_and_other_files_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    wide = cv2.resize(rng.integers(0, 256, (9, 30, 3), np.uint8), (3 * WIDTH, HEIGHT))
    with VideoWriter(tmp_path / "pan.mp4", (WIDTH, HEIGHT), 12) as video:
        for x in range(0, 120, 10):
            video.write(np.ascontiguousarray(wide[:, x : x + WIDTH]))
    with pytest.raises(InvalidInput, match="no clear key"):
        key_video(tmp_path / "pan.mp4", tmp_path / "out")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(InvalidInput, match="no video"):
        key_video(tmp_path / "text.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_subjects_are_told_apart_and_keep_their_small_parts() -> None:
    rgba = np.zeros((200, 300, 4), np.uint8)
    rgba[50:200, 20:120] = 255
    rgba[40:140, 180:260] = 255
    rgba[60:66, 270:276] = 255  # a ball beside the second one
    (first, cut_first), (second, cut_second) = split_subjects(rgba, KeyOptions(min_size=20))
    assert (first.shape, cut_first) == ((150, 100, 4), ("bottom",))
    assert (second.shape, cut_second) == ((100, 96, 4), ())
    assert not split_subjects(np.zeros((50, 50, 4), np.uint8))


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"min_size": 1}, {"min_share": 0.0}])
def test_senseless_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        KeyOptions(**wrong)  # type: ignore[arg-type]


def test_the_command_names_what_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from apps.cli import main

    clip(tmp_path / "good.mp4", "blue", frames=3)
    (tmp_path / "bad.mp4").write_text("no video")
    words = ["dataset", "key", *(str(tmp_path / name) for name in ("bad.mp4", "good.mp4"))]
    with pytest.raises(SystemExit) as stop:
        main([*words, "-o", str(tmp_path / "out")])
    assert stop.value.code == 1
    said = capsys.readouterr()
    assert "bad.mp4 is no video" in said.err
    assert "good.mp4: " in said.out
    assert list((tmp_path / "out" / "good").glob("*.png"))
    assert not (tmp_path / "out" / "bad").exists()


def caption(frame: np.ndarray) -> None:
    cv2.putText(frame, "www.example.com", (20, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255,) * 3, 2)


@pytest.mark.slow
def test_frames_with_text_are_left_out_and_named(tmp_path: Path) -> None:
    truths = clip(tmp_path / "plain.mp4", "green", frames=12)
    frames = read(tmp_path / "plain.mp4")
    assert len(frames) == len(truths)
    with VideoWriter(tmp_path / "text.mp4", (WIDTH, HEIGHT), 12) as video:
        for number, frame in enumerate(frames):
            if number >= 6:
                caption(frame)
            video.write(frame)
    out, source = tmp_path / "out", tmp_path / "text.mp4"
    keyed = key_video(source, out, KeyOptions(frames=12))
    assert keyed.cutouts
    assert all(cutout.frame < 6 for cutout in keyed.cutouts)
    assert set(keyed.refused.values()) == {"text lies over it"}
    manifest = Manifest(out)
    record(manifest, source, keyed)
    assert all(name.startswith(f"{source}#") for name in manifest.refused)


@pytest.mark.slow
def test_a_given_key_is_used_where_none_is_found(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "pale.mp4", (WIDTH, HEIGHT), 12) as video:
        for x in range(0, 200, 20):
            frame = np.full((HEIGHT, WIDTH, 3), (150, 190, 235), np.uint8)  # a pale blue
            cv2.circle(frame, (140 + x, 180), 90, (210, 60, 40), -1)
            video.write(frame)
    with pytest.raises(InvalidInput, match="pale"):
        key_video(tmp_path / "pale.mp4", tmp_path / "out")
    keyed = key_video(tmp_path / "pale.mp4", tmp_path / "out", KeyOptions(key="#96beeb"))
    assert keyed.key.hex == "#96beeb"
    for cutout in keyed.cutouts:
        assert abs(cutout.width - 181) <= 4
        assert abs(cutout.height - 181) <= 4


@pytest.mark.parametrize("text", ["green", "#12345", "#808080", "#00ff0g"])
def test_keys_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="colour"):
        parse_key(text)


@pytest.mark.slow
def test_what_is_done_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from apps.cli import main

    clip(tmp_path / "good.mp4", "green", frames=3)
    words = ["dataset", "key", str(tmp_path / "good.mp4"), "-o", str(tmp_path / "out")]
    stamps = []
    for more in ([], [], ["--overwrite"]):
        with pytest.raises(SystemExit):
            main([*words, *more])
        first = min((tmp_path / "out" / "good").iterdir())
        stamps.append(first.stat().st_mtime_ns)
    assert stamps[0] == stamps[1] != stamps[2]
    assert "is done" in capsys.readouterr().err
    assert (tmp_path / "out" / "sheet.jpg").is_file()


@pytest.mark.slow
def test_clips_of_one_name_from_two_folders_stay_apart(tmp_path: Path) -> None:
    from apps.cli import main

    for name, key in (("one", "green"), ("two", "blue")):
        (tmp_path / name).mkdir()
        clip(tmp_path / name / "clip.mp4", key, frames=3)
    clips = [str(tmp_path / name / "clip.mp4") for name in ("one", "two")]
    out = tmp_path / "out"
    for words in (clips, ["--overwrite", *clips[::-1]]):
        with pytest.raises(SystemExit):
            main(["dataset", "key", *words, "-o", str(out)])
        owners = {row["source"]: row["origin"] for row in Manifest(out).kept.values()}
        assert owners == {"clip": clips[0], "clip-2": clips[1]}
        for path, row in Manifest(out).kept.items():
            assert path.startswith(row["source"] + "/")
            assert (out / path).is_file()
