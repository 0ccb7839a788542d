"""``cartoonedit dataset synthesise`` and ``pack``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.apps.cli.conftest import Cli
from tests.segmentation.dataset.material import write_art


@pytest.fixture
def art(tmp_path: Path) -> Path:
    return write_art(tmp_path / "art")


def words(art: Path, *more: object) -> list[object]:
    return [
        "dataset", "synthesise", "--foregrounds", art / "foregrounds",
        "--backgrounds", art / "backgrounds", "--size", "96x80", "--workers", "1", *more,
    ]  # fmt: skip


def test_scenes_are_made_and_counted(cli: Cli, art: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    code, shown, _ = cli(*words(art, "-o", out, "--count", "20"))
    assert code == 0
    assert "20 scenes" in shown
    assert "Poisson(2.5)" in shown
    assert "partly hidden" in shown
    assert json.loads((out / "manifest.json").read_text())["complete"]
    code, shown, _ = cli(*words(art, "-o", out, "--count", "20", "--json"))
    told = json.loads(shown)
    assert code == 0
    assert (told["scenes"], told["shards"], told["kept"]) == (20, 10, 10)
    assert told["instances"] == len(
        json.loads((out / "annotations.json").read_text())["annotations"]
    )


def test_recipes_and_single_values_count(cli: Cli, art: Path, tmp_path: Path) -> None:
    def recipe(*more: object) -> dict[str, object]:
        out = tmp_path / f"data{len(more)}"
        assert cli(*words(art, "-o", out, "--count", "2", *more)).code == 0
        return json.loads((out / "manifest.json").read_text())["made_of"]["recipe"]

    paper = recipe()
    assert (paper["mean_subjects"], paper["manga"]) == (2.5, 0.0)
    varied = recipe("--recipe", "embedded", "--mean-subjects", "1.5")
    assert varied["mean_subjects"] == 1.5
    assert varied["manga"] != 0


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--count", "0"], 2, "count"),
        (["--recipe", "cake"], 2, "paper, embedded"),
        (["--shadow", "2"], 2, "between 0 and 1"),
        (["--placing", "heap"], 2, "placing must"),
        (["--size", "9x9"], 2, "32 to 8192"),
        (["--address", "x:1"], 2, "--engine ray"),
        (["--layout", __file__], 1, "holds no COCO annotations"),
    ],
)
def test_wrong_wishes(
    cli: Cli, art: Path, tmp_path: Path, more: list[str], code: int, said: str
) -> None:
    out = tmp_path / "data"
    count = [] if "--count" in more else ["--count", "2"]
    ended = cli(*words(art, "-o", out, *count, *more))
    assert ended.code == code
    assert said in " ".join(ended.err.split())
    assert not list(out.glob("shard-*"))


def test_another_dataset_in_the_folder_is_not_touched(cli: Cli, art: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    assert cli(*words(art, "-o", out, "--count", "2")).code == 0
    ended = cli(*words(art, "-o", out, "--count", "2", "--seed", "4"))
    assert ended.code == 1
    assert "other seed" in ended.err


def test_pack_copies_what_can_be_read(cli: Cli, art: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    code, shown, _ = cli("dataset", "pack", art, "-o", copy, "--max-side", "40")
    assert code == 0
    assert "10 pictures" in shown
    (art / "foregrounds" / "dolls" / "bad.png").write_bytes(b"no picture")
    code, shown, said = cli("dataset", "pack", art, "-o", copy, "--max-side", "40", "--json")
    assert code == 1
    assert json.loads(shown)["pictures"] == 10
    assert "bad.png" in said
    assert cli("dataset", "pack", tmp_path / "copy", "-o", copy).code == 1
