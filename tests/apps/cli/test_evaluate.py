from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def truth(cli: Any, picture: Path, two_discs: Any) -> Path:
    """Annotations of two pictures, with exactly the characters that the segmenter will find."""
    other = picture.with_name("other.png")
    Image.new("RGB", (50, 40), "red").save(other)
    cli("segment", picture, other, "-o", picture.parent / "out")
    return picture.parent / "out" / "annotations.json"


def test_what_was_found_is_perfect(cli: Any, picture: Path, truth: Path) -> None:
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth, "--json")
    assert run.code == 0, run.err
    result = json.loads(run.out)
    assert set(result) == {"bbox", "segm", "boundary"}
    assert all(measures["AP"] == pytest.approx(1) for measures in result.values())


def test_table(cli: Any, picture: Path, truth: Path) -> None:
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth)
    lines = [line.split() for line in run.out.splitlines()]
    assert lines[0] == ["AP", "AP50", "AP75", "AR"]
    assert lines[1] == ["box", "100.0", "100.0", "100.0", "100.0"]


def test_pictures_are_segmented(cli: Any, picture: Path, truth: Path, two_discs: Any) -> None:
    kept = picture.parent / "results.json"
    run = cli("evaluate", "segmentation", picture.parent, truth, "--json", "-o", kept)
    assert json.loads(run.out)["segm"]["AP"] == pytest.approx(1)
    assert two_discs[-1].options["threshold"] < 0.1
    assert len(json.loads(kept.read_text())) == 4


def shifted(truth: Path, name: str) -> Path:
    """The truth as predictions, every box and mask of one picture left out."""
    content = json.loads(truth.read_text())
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] == 1]
    file = truth.with_name(name)
    file.write_text(json.dumps(content))
    return file


def test_several_contenders(cli: Any, picture: Path, truth: Path) -> None:
    half = shifted(truth, "half.json")
    words = ("evaluate", "segmentation", picture.parent, truth,
             "--predictions", truth, "--predictions", f"worse={half}")  # fmt: skip
    lines = [line.split("  ") for line in cli(*words).out.splitlines()]
    assert [line[0] for line in lines] == ["", "annotations", "worse"]
    assert cli(*words, "--markdown").out.splitlines() == [
        "|             | Box AP | Mask AP | Boundary AP |",
        "| ----------- | -----: | ------: | ----------: |",
        "| annotations |  100.0 |   100.0 |       100.0 |",
        "| worse       |   50.5 |    50.5 |        50.5 |",
    ]
    both = json.loads(cli(*words, "--json").out)["contenders"]
    assert [one["label"] for one in both] == ["annotations", "worse"]
    assert both[1]["measures"]["segm"]["recall"] == pytest.approx(0.5)


def test_report_and_sheets(cli: Any, picture: Path, truth: Path, tmp_path: Path) -> None:
    half = shifted(truth, "half.json")
    report, sheet = tmp_path / "made here" / "report.md", tmp_path / "made here" / "worst.png"
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth,
              "--predictions", half, "--report", report, "--sheet", sheet,
              "--worst", 1)  # fmt: skip
    assert run.code == 0, run.err
    text = report.read_text()
    assert f"--predictions {half}" in text
    assert "| half        | segm" not in text and "| half        | mask " in text
    assert "| other.png | 0.00 |          2 |     0 |     0 |" in text
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert links == ["report-curves.png", "worst-annotations.png", "worst-half.png"]
    assert all(Image.open(report.parent / link).width > 100 for link in links)
    assert len(list(report.parent.iterdir())) == 4


@pytest.mark.parametrize("rendering", ["grey", "screentone", "lineart", "manga"])
def test_renderings(
    cli: Any, picture: Path, truth: Path, two_discs: Any, rendering: str, tmp_path: Path
) -> None:
    words = ("evaluate", "segmentation", picture.parent, truth, "--render", rendering)
    rows = [line.split("  ") for line in cli(*words).out.splitlines()]
    assert [row[0] for row in rows] == ["", "embedded", f"embedded, {rendering}"]
    assert rows[2][-1].strip() == "100.0 (1.00)"
    assert two_discs[-1].seen == ["drawn", "drawn"]
    plain, drawn = json.loads(cli(*words, "--json").out)["contenders"]
    assert plain["ratios"] is None and drawn["ratios"]["bbox"] == pytest.approx(1)
    assert drawn["rendering"] == rendering


def test_ablation_is_a_table_of_the_paper(
    cli: Any, picture: Path, truth: Path, two_discs: Any
) -> None:
    run = cli("evaluate", "segmentation", picture.parent, truth, "--ablation", "no-refine")
    rows = [line.split("|")[1].strip() for line in run.out.splitlines()]
    assert rows[2:] == ["W/o 2nd stage", "Full model"]
    assert "Box AP | Mask AP | Boundary AP" in run.out
    assert [made.options["refine"] for made in two_discs[-2:]] == ["none", "instance"]


def test_kept_predictions_are_used_again(
    cli: Any, picture: Path, truth: Path, two_discs: Any, tmp_path: Path
) -> None:
    words = ("evaluate", "segmentation", picture.parent, truth, "--model", "a=embedded",
             "--model", "b=embedded", "-o", tmp_path / "kept", "--json")  # fmt: skip
    first = cli(*words)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["a.json", "b.json"]
    made = len(two_discs)
    again = cli(*words)
    assert again.out == first.out and len(two_discs) == made
    assert cli(*words, "--threshold", 0.1).code == 0
    assert len(two_discs) == made + 2  # other options: nothing of it can be used
    kept = tmp_path / "kept" / "a.json"
    told = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", kept, "--json")
    assert json.loads(told.out) == json.loads(first.out)["contenders"][0]["measures"]


WRONG_USAGE = {
    "an ablation nobody knows": (["--ablation", "no-eyes"], "no-refine, no-ppa=WEIGHTS"),
    "an ablation without weights": (["--ablation", "no-ppa"], "no-ppa=WEIGHTS"),
    "an ablation twice": (["--ablation", "no-refine", "--ablation", "no-refine"], "each once"),
    "an ablation of two": (["--ablation", "no-refine", "--model", "a=embedded", "--model",
                            "b=embedded"], "one --model"),
    "a rendering nobody knows": (["--render", "oil"], "grey, lineart, screentone, manga"),
    "no predictions": (["--predictions", "nowhere.json"], "nowhere.json"),
    "one name for two": (["--model", "embedded", "--model", "embedded"], "NAME=PATH"),
    "one file for two": (["--render", "grey", "-o", "a.json"], "Name a folder"),
    "a sheet of another kind": (["--sheet", "worst.tiff"], "--sheet ends in .png"),
    "no worst picture": (["--sheet", "worst.png", "--worst", "0"], "--worst"),
    "a threshold beyond": (["--operating-threshold", "2"], "--operating-threshold"),
    "sizes of another kind": (["--sizes", "inches"], "--sizes"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_USAGE)
def test_wrong_usage_is_told_before_the_work(
    cli: Any, picture: Path, truth: Path, two_discs: Any, case: str
) -> None:
    words, message = WRONG_USAGE[case]
    two_discs.clear()
    run = cli("evaluate", "segmentation", picture.parent, truth, *words)
    assert run.code == 2
    assert message in " ".join(run.err.split())
    assert not two_discs and "Traceback" not in run.err


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:60])


def enlarge(file: Path) -> None:
    Image.new("RGB", (500, 400)).save(file)


@pytest.mark.parametrize("spoil", [truncate, enlarge, Path.unlink])
def test_pictures_that_cannot_be_measured(
    cli: Any, picture: Path, truth: Path, two_discs: Any, spoil: Any, tmp_path: Path
) -> None:
    spoil(picture.with_name("other.png"))
    two_discs.clear()
    run = cli("evaluate", "segmentation", picture.parent, truth, "-o", tmp_path / "kept")
    assert run.code == 1
    assert "other.png" in run.err and "Traceback" not in run.err
    assert all(not made.seen for made in two_discs) and not (tmp_path / "kept").exists()


def test_a_file_of_another_kind_is_not_overwritten(
    cli: Any, picture: Path, truth: Path, two_discs: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "kept" / "embedded.json"
    kept.parent.mkdir()
    kept.write_text('{"mine": 1}')
    run = cli("evaluate", "segmentation", picture.parent, truth, "-o", kept.parent)
    assert run.code == 1 and "embedded.json" in run.err
    assert kept.read_text() == '{"mine": 1}'


def test_bad_predictions_are_named(cli: Any, picture: Path, truth: Path) -> None:
    bad = truth.with_name("bad.json")
    bad.write_text("[{}]")
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth,
              "--predictions", bad)  # fmt: skip
    assert run.code == 1 and "bad.json" in run.err


def test_bad_truth(cli: Any, picture: Path) -> None:
    truth = picture.with_name("truth.json")
    truth.write_text("{}")
    run = cli("evaluate", "segmentation", picture.parent, truth, "--predictions", truth)
    assert run.code == 1
    assert "COCO" in run.err
