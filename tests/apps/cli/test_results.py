"""What commands refuse to write over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from apps.cli.results import check_clip, input_files, keep_apart

RECORD = {"format": 1, "command": "style", "arguments": {}, "inputs": [], "models": []}
SEGMENTED = RECORD | {"command": "segment"}


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        ({}, False),
        ({".DS_Store": ""}, False),  # no file that a person knows of
        ({"00000.png": "", "run.json": json.dumps(RECORD)}, False),
        ({"00000.png": "", "run.json": json.dumps(RECORD | {"command": "kenburns"})}, False),
        ({"00000.png": ""}, True),
        ({"notes.txt": ""}, True),
        ({"00000.png": "", "run.json": json.dumps(SEGMENTED)}, True),  # a record of something else
        ({"00000.png": "", "run.json": "{}"}, True),  # of another program
    ],
)
def test_frames_go_into_folders_of_their_own(
    tmp_path: Path, held: dict[str, Any], refused: bool
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for name, text in held.items():
        (folder / name).write_text(text)
    if refused:
        with pytest.raises(typer.BadParameter, match=r"--out: the folder .*frames holds files"):
            check_clip("--out", folder)
    else:
        check_clip("--out", folder)


@pytest.mark.parametrize("name", ["new", "new/frames", "clip.mp4"])
def test_places_that_hold_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "clip.mp4").write_text("an older clip")
    check_clip("--out", tmp_path / name)


@pytest.mark.parametrize(
    ("result", "refused"),
    [
        ("scene", True),
        ("scene/scene.json", True),
        ("scene/picture.png", True),
        ("scene/masks/character-1.png", True),
        ("scene/masks/../masks/new.PNG", True),  # a mask that a person added
        ("scene/styled.png", False),  # an earlier result
        ("scene/new.png", False),
        ("frames/0.webp", True),
        ("frames/clip.mp4", False),
        ("alone.png", True),
        ("other.png", False),
    ],
)
def test_results_keep_apart_from_what_is_read(
    tiny_scene: Any, tmp_path: Path, result: str, refused: bool
) -> None:
    tiny_scene.save(tmp_path / "scene")
    (tmp_path / "frames").mkdir()
    for name in ("scene/masks/new.PNG", "scene/styled.png", "frames/0.webp", "frames/clip.mp4"):
        (tmp_path / name).touch()
    read = [tmp_path / name for name in ("scene", "frames", "alone.png")]
    if refused:
        with pytest.raises(typer.BadParameter, match="would be written over"):
            keep_apart([*read, None], [None, tmp_path / result])
    else:
        keep_apart([*read, None], [None, tmp_path / result])


def test_results_keep_apart_from_each_other(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="would be written over"):
        keep_apart([], [tmp_path / "a.png", tmp_path / "sub" / ".." / "a.png"])


def test_input_files_are_those_that_a_scene_reads(tiny_scene: Any, tmp_path: Path) -> None:
    tiny_scene.save(tmp_path)
    masks = {"masks/character-1.png", "masks/character-2.png"}
    names = {"scene.json", "picture.png", "depth.png", "plate.png", *masks}
    (tmp_path / "styled.png").touch()
    assert {file.relative_to(tmp_path).as_posix() for file in input_files(tmp_path)} == names
    assert input_files(tmp_path / "styled.png") == [tmp_path / "styled.png"]
