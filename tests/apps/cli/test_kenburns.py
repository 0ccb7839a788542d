"""`cartoonedit kenburns`: which clips of which pictures, and what a run leaves behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

SHORT = ["--duration", "0.1", "--fps", "30"]


def test_picture_to_clip(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    clip = tmp_path / "clip.mp4"
    run = cli("kenburns", picture, "-o", clip, *SHORT, "--json")
    assert run.code == 0, run.err
    (entry,) = json.loads(run.out)["clips"]
    assert (entry["clip"], entry["frames"], entry["instances"]) == (str(clip), 3, 2)
    assert clip.stat().st_size > 500
    record = json.loads((tmp_path / "clip.mp4.run.json").read_text())
    assert record["arguments"]["move"] == "autozoom"
    assert record["inputs"][0]["file"] == str(picture)


def test_scene_folder_needs_no_segmenter(
    cli: Any, tiny_scene: Any, tmp_path: Path, two_discs: Any
) -> None:
    tiny_scene.save(tmp_path / "scene")
    assert cli("kenburns", tmp_path / "scene", "-o", tmp_path / "frames", *SHORT).code == 0
    assert two_discs == []
    assert {"00000.png", "00002.png"} <= {p.name for p in (tmp_path / "frames").iterdir()}


def test_several_pictures_make_a_folder_of_clips(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        shutil.copy(picture, tmp_path / "in" / name)
    (tmp_path / "in" / "c.png").write_text("no picture")
    run = cli("kenburns", tmp_path / "in", "-o", tmp_path / "clips", *SHORT)
    assert run.code == 1
    assert "c.png" in run.err
    clips = sorted(p.name for p in (tmp_path / "clips").iterdir() if p.suffix == ".mp4")
    assert clips == ["a.mp4", "b.mp4"]
    assert len(two_discs) == 1

    run = cli("kenburns", tmp_path / "in", "-o", tmp_path / "clip.mp4", *SHORT)
    assert run.code == 2
    assert "3 pictures make 3 clips" in run.err


@pytest.mark.parametrize("name", ["clip.avi", "clip.exe"])
def test_unknown_ending(cli: Any, picture: Path, tmp_path: Path, two_discs: Any, name: str) -> None:
    run = cli("kenburns", picture, "-o", tmp_path / name)
    assert run.code == 2
    assert ".webm" in run.err
    assert two_discs == []


def test_depth_map_of_the_user(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ramp = np.linspace(0, 65535, 48).astype(np.uint16)[:, None].repeat(64, axis=1)
    Image.fromarray(ramp).save(tmp_path / "depth.png")
    clips = [tmp_path / "layered", tmp_path / "ramp"]
    monkeypatch.chdir(tmp_path)
    cli("kenburns", picture, "-o", clips[0], *SHORT)
    run = cli("kenburns", picture, "-o", clips[1], *SHORT, "--depth", "depth.png")
    assert run.code == 0, run.err
    record = json.loads((clips[1] / "run.json").read_text())
    assert record["arguments"]["depth"] == str(tmp_path / "depth.png")
    last = [(clip / "00002.png").read_bytes() for clip in clips]
    assert last[0] != last[1]

    run = cli("kenburns", picture, "-o", tmp_path / "x.mp4", "--depth", "bogus")
    assert run.code == 1
    assert "layered" in run.err
    assert not (tmp_path / "x.mp4").exists()


def test_rerun_gives_the_same_bytes(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    clip, again = tmp_path / "clip.mp4", tmp_path / "again.mp4"
    cli(
        "kenburns", picture, "-o", clip, *SHORT, "--size", "32x24", "--move", "orbit", "--seed", "3"
    )
    assert cli("rerun", tmp_path / "clip.mp4.run.json", "-o", again).code == 0
    assert again.read_bytes() == clip.read_bytes()
