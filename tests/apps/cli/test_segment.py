"""`cartoonedit segment` with a segmenter that costs nothing: files, folders, exit codes."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.cli.segment import merge_coco
from cartoonedit.errors import Cancelled

PARTS = [
    "cutouts/character-1.png",
    "cutouts/character-2.png",
    "masks/character-1.png",
    "masks/character-2.png",
    "overlay.png",
    "picture.png",
    "scene.json",
]


def written(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_writes_scene_folders_and_coco(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    out = tmp_path / "out"
    run = cli("segment", picture, "-o", out)
    assert (run.code, run.out) == (0, f"{picture}: 2 characters -> {out / 'picture'}\n")
    names = written(out)
    assert {"annotations.json", "run.json", *(f"picture/{part}" for part in PARTS)} <= set(names)

    coco = json.loads((out / "annotations.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["picture.png"]
    assert [a["id"] for a in coco["annotations"]] == [1, 2]
    assert all(0 < a["score"] <= 1 and a["image_id"] == 1 for a in coco["annotations"])
    Image.open(out / "picture" / "overlay.png").verify()
    assert Image.open(out / "picture" / "cutouts" / "character-1.png").mode == "RGBA"


def test_psd_and_ora(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    assert cli("segment", picture, "-o", tmp_path / "out", "--psd", "--ora").code == 0
    names = written(tmp_path / "out" / "picture")
    assert {"layers.psd", "layers.ora", "plate.png"} <= set(names)


def test_seed_is_that_of_the_plate(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    plates = []
    for seed, out in [(0, "a"), (7, "b"), (7, "c")]:
        cli("segment", picture, "-o", tmp_path / out, "--psd", "--seed", seed)
        plates.append((tmp_path / out / "picture" / "plate.png").read_bytes())
    assert plates[0] != plates[1] == plates[2]


def test_options_reach_the_segmenter(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    cli(
        "segment",
        picture,
        "-o",
        tmp_path / "out",
        "--threshold",
        ".5",
        "--refine",
        "none",
        "--overlap",
    )
    options = two_discs[0].options
    assert (options["threshold"], options["refine"], options["overlap"]) == (0.5, "none", True)


def test_json_is_all_of_stdout(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    run = cli("segment", picture, bad, "-o", tmp_path / "out", "--json")
    result = json.loads(run.out)
    assert run.code == 1
    assert [entry["file"] for entry in result["pictures"]] == [str(picture)]
    assert [i["name"] for i in result["pictures"][0]["instances"]] == ["character-1", "character-2"]
    assert [entry["file"] for entry in result["failed"]] == [str(bad)]
    assert "bad.png" in run.err


def test_one_bad_file_among_ten(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(10):
        shutil.copy(picture, folder / f"{number}.png")
    (folder / "4.png").write_bytes(picture.read_bytes()[:200])
    run = cli("segment", folder, "-o", tmp_path / "out")
    assert run.code == 1
    assert len(run.err.splitlines()) == 1
    assert "4.png" in run.err
    coco = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [i["file_name"] for i in coco["images"]] == [f"{n}.png" for n in range(10) if n != 4]
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_dir()) == [
        str(n) for n in range(10) if n != 4
    ]


def test_nothing_is_written_when_all_fail(cli: Any, tmp_path: Path, two_discs: Any) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    assert cli("segment", bad, "-o", tmp_path / "out").code == 1
    assert not (tmp_path / "out").exists()


def test_scenes_are_segmented_again_only_where_they_are_named(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    assert cli("segment", picture, "-o", tmp_path / "out").code == 0
    for _ in range(2):  # the scene that lies beside the picture is none of those meant
        assert cli("segment", tmp_path / "p*", "-o", tmp_path).code == 0
    assert not (tmp_path / "picture-2").exists()
    assert cli("segment", tmp_path / "out", "-o", tmp_path / "b").code == 2
    assert cli("segment", tmp_path / "out" / "picture", "-o", tmp_path / "b").code == 0


def test_equal_names_do_not_collide(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    other = tmp_path / "other" / "picture.png"
    other.parent.mkdir()
    Image.fromarray(np.full((30, 30, 3), 77, np.uint8)).save(other)
    out = tmp_path / "out"
    for _ in range(2):  # the second run finds the folders of the first again
        assert cli("segment", picture, other, "-o", out).code == 0
    folders = sorted(p.name for p in out.iterdir() if p.is_dir())
    assert folders == ["picture", "picture-2"]
    assert Image.open(out / "picture-2" / "picture.png").size == (30, 30)
    coco = json.loads((out / "annotations.json").read_text())
    assert [i["file_name"] for i in coco["images"]] == ["picture.png", "other/picture.png"]


def test_mended_mask_is_kept_until_overwrite(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    out = tmp_path / "out"
    cli("segment", picture, "-o", out)
    (out / "picture" / "masks" / "character-2.png").unlink()
    painted = out / "picture" / "layers.kra"  # layers.psd, saved by a paint program as its own
    painted.write_bytes(b"mine")

    run = cli("segment", picture, "-o", out)
    assert run.code == 0
    assert "--overwrite" in run.err
    assert len(two_discs) == 1  # no network was loaded for a second look
    assert len(json.loads((out / "annotations.json").read_text())["annotations"]) == 1
    assert not (out / "picture" / "cutouts" / "character-2.png").exists()

    cli("segment", picture, "-o", out, "--overwrite")
    assert len(json.loads((out / "annotations.json").read_text())["annotations"]) == 2
    assert painted.read_bytes() == b"mine"


def test_a_folder_of_the_user_is_left_alone(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    mine = tmp_path / "out" / "picture" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert cli("segment", picture, "-o", tmp_path / "out", "--overwrite").code == 0
    assert written(mine.parent) == ["notes.txt"]
    assert (tmp_path / "out" / "picture-2" / "scene.json").exists()


def test_ctrl_c_leaves_whole_files_only(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second.png"
    shutil.copy(picture, second)

    def interrupted(scene: Any, folder: Any) -> None:
        if Path(scene.source).name == "second.png":
            raise Cancelled("stopped by Ctrl-C")

    monkeypatch.setattr("cartoonedit.export.save_cutouts", interrupted)
    out = tmp_path / "out"
    assert cli("segment", picture, second, "-o", out).code == 130
    assert [p.name for p in out.iterdir()] == ["picture"]


def test_a_reader_that_goes_away_stops_the_work(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(message: str) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("apps.cli.segment.say", gone)
    shutil.copy(picture, tmp_path / "second.png")
    run = cli("segment", picture, tmp_path / "second.png", "-o", tmp_path / "out")
    assert (run.code, run.err) == (1, "")
    assert two_discs[0].seen == ["picture.png"]


def test_rerun_repeats(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    monkeypatch.chdir(tmp_path)
    cli("segment", "picture.png", "-o", "out", "--threshold", "0.25", "--psd")
    monkeypatch.chdir("/")
    run = cli("rerun", out / "run.json", "-o", again)
    assert run.code == 0, run.err
    assert two_discs[1].options == two_discs[0].options
    assert (again / "annotations.json").read_bytes() == (out / "annotations.json").read_bytes()
    assert written(again) == written(out)


def test_rerun_tells_what_has_changed(
    cli: Any, picture: Path, tmp_path: Path, two_discs: Any
) -> None:
    cli("segment", picture, "-o", tmp_path / "out")
    Image.new("RGB", (64, 48)).save(picture)
    run = cli("rerun", tmp_path / "out" / "run.json")
    assert run.code == 0
    assert f"{picture} has changed" in run.err


RECORD = {"format": 1, "command": "segment", "arguments": {}, "inputs": [], "models": []}
DAMAGED = [
    {"format": 99},
    {"command": 3},
    {"command": "rerun"},
    {"arguments": []},
    {"inputs": None},
    {"inputs": ["a.png"]},
    {"models": [{"file": "a.ckpt"}]},
]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "[" * 100_000, *(json.dumps(RECORD | one) for one in DAMAGED)]
)
def test_rerun_of_something_else(cli: Any, tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    run = cli("rerun", path)
    assert run.code == 1
    assert "no record of a run" in run.err


def test_names_that_are_not_utf8(cli: Any, picture: Path, tmp_path: Path, two_discs: Any) -> None:
    odd = os.fsdecode(b"\xe9.png")
    try:
        picture.rename(tmp_path / odd)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    out = tmp_path / "out"
    for _ in range(2):  # the second run finds the scene of the first again
        run = cli("segment", tmp_path / odd, "-o", out, "--psd")
        assert run.code == 0, run.err
    coco = json.loads((out / "annotations.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in coco["images"]] == [odd]
    assert cli("rerun", out / "run.json").code == 0
    assert [path.name for path in out.iterdir() if path.is_dir()] == [Path(odd).stem]


def test_merge_coco_numbers_anew() -> None:
    def part(name: str, count: int) -> dict[str, Any]:
        return {
            "categories": [{"id": 1}],
            "images": [{"id": 1, "file_name": name}],
            "annotations": [{"id": n + 1, "image_id": 1} for n in range(count)],
        }

    merged = merge_coco([part("a", 2), part("b", 0), part("c", 1)])
    assert [(i["id"], i["file_name"]) for i in merged["images"]] == [(1, "a"), (2, "b"), (3, "c")]
    assert [(a["id"], a["image_id"]) for a in merged["annotations"]] == [(1, 1), (2, 1), (3, 3)]
    assert merged["categories"] == [{"id": 1}]
    assert merge_coco([]) == {}
