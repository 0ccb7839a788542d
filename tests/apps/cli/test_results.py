"""What commands refuse to write over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from apps.cli.results import check_clip

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
        with pytest.raises(typer.BadParameter, match="--out: the folder .*frames holds files"):
            check_clip("--out", folder)
    else:
        check_clip("--out", folder)


@pytest.mark.parametrize("name", ["new", "new/frames", "clip.mp4"])
def test_places_that_hold_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "clip.mp4").write_text("an older clip")
    check_clip("--out", tmp_path / name)
