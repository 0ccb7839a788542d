from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from PIL import Image

from apps.cli.style_scores import StyleScore, summarise
from apps.cli.style_sets import by_name, find_scenes, find_sets
from cartoonedit.bootstrap import mean_interval
from cartoonedit.clip import ClipScorer
from cartoonedit.images import open_image
from cartoonedit.scene import Instance, Scene
from cartoonedit.structure import structure_score

PROMPT = "a watercolour"
NAMES = ("one", "three", "two")

pytestmark = pytest.mark.usefixtures("no_network")


def drawing(number: int, shift: int = 0) -> Any:
    picture = np.full((96, 128, 3), (240, 220 - 40 * number, 200), np.uint8)
    cv2.circle(picture, (40 + 10 * number + shift, 48), 24, (30, 20, 10), 2)
    return picture


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Three pictures in ``sources``, and translations of them in ``ours`` and ``theirs``."""
    for name in ("sources", "ours", "theirs"):
        (tmp_path / name).mkdir()
    for number, name in enumerate(NAMES):
        source = drawing(number)
        Image.fromarray(source).save(tmp_path / "sources" / f"{name}.png")
        Image.fromarray(source[..., ::-1].copy()).save(tmp_path / "ours" / f"{name}.bmp")
        Image.fromarray(drawing(number, 20)).save(tmp_path / "theirs" / f"{name}.png")
    return tmp_path


@pytest.fixture
def evaluate(cli: Any, tiny_clip: Path) -> Any:
    """Runs the command with the tiny model."""

    def run(*words: object) -> Any:
        model = ("--model", tiny_clip, "--device", "cpu")
        return cli("evaluate", "style", "--prompt", PROMPT, *model, *words)

    return run


@pytest.fixture
def scorer(tiny_clip: Path) -> ClipScorer:
    return ClipScorer(tiny_clip, device="cpu")


def pictures(folder: Path) -> list[Any]:
    return [open_image(file) for file in sorted(folder.iterdir())]


# ---------------------------------------------------------------- what is printed


def test_one_set(evaluate: Any, folders: Path, scorer: ClipScorer) -> None:
    run = evaluate(folders / "ours")
    assert run.code == 0, run.err
    found = mean_interval(scorer(pictures(folders / "ours"), PROMPT))
    head, row = (line.split() for line in run.out.splitlines())
    assert head == ["pictures", "CLIP", "score"]
    expected = f"pictures 3 {found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"
    assert " ".join(row) == expected and found.high - found.low > 0.01


def test_json(evaluate: Any, folders: Path, scorer: ClipScorer) -> None:
    run = evaluate("--set", f"ours={folders / 'ours'}", "--set", folders / "theirs",
                   "--sources", folders / "sources", "--seed", 7, "--json")  # fmt: skip
    result = json.loads(run.out)
    scores = {name: scorer(pictures(folders / name), PROMPT) for name in ("ours", "theirs")}
    ours, theirs = result["sets"]
    assert (ours["label"], theirs["label"]) == ("ours", "theirs")
    for one in (ours, theirs):
        found = mean_interval(scores[one["label"]], seed=7)
        assert one["means"]["clip"]["mean"] == pytest.approx(found.mean, abs=1e-4)
        assert one["means"]["clip"]["low"] == pytest.approx(found.low, abs=1e-4)
    (difference,) = result["differences"]
    assert (difference["label"], difference["minus"], difference["pictures"]) == (
        "theirs", "ours", 3)  # fmt: skip
    paired = mean_interval(scores["theirs"] - scores["ours"], seed=7)
    assert difference["means"]["clip"]["mean"] == pytest.approx(paired.mean, abs=1e-4)
    assert difference["means"]["clip"]["high"] == pytest.approx(paired.high, abs=1e-4)
    assert [row["name"] for row in result["pictures"]] == [*NAMES, *NAMES]
    assert result["prompt"] == PROMPT and not result["failed"]


def test_structure_of_constructed_cases(evaluate: Any, folders: Path) -> None:
    """With red for blue the lines are all there; moved by 20 pixels, hardly one is."""
    result = json.loads(evaluate("--set", folders / "ours", "--set", folders / "theirs",
                                 "--sources", folders / "sources", "--json").out)  # fmt: skip
    ours, theirs = (one["means"]["structure"] for one in result["sets"])
    assert ours["mean"] > 0.98 and theirs["mean"] < 0.4
    source, moved = (open_image(folders / name / "two.png") for name in ("sources", "theirs"))
    assert result["pictures"][-1]["structure"] == structure_score(source, moved)


def test_characters_are_cut_out_on_white(evaluate: Any, folders: Path, scorer: ClipScorer) -> None:
    """One upright character and one across the picture: both are seen whole."""
    upright, across = np.zeros((2, 96, 128), np.uint8)
    upright[10:90, 20:40], across[30:50, 5:125] = 255, 128
    source = drawing(0)
    Scene(source, [Instance(upright), Instance(across)]).save(folders / "scenes" / "one")
    run = evaluate(folders / "ours", "--scenes", folders / "scenes", "--json")
    assert run.code == 0, run.err
    picture = open_image(folders / "ours" / "one.bmp")
    white = np.full((80, 80, 3), 255, np.uint8)
    white[:, 30:50] = picture[10:90, 20:40]
    half = np.full((120, 120, 3), 255, np.uint8)
    half[50:70] = (picture[30:50, 5:125].astype(np.uint16) * 128 + 255 * 127 + 127) // 255
    expected = scorer([white, half], PROMPT).mean()
    scores = [row["characters"] for row in json.loads(run.out)["pictures"]]
    assert scores == [pytest.approx(expected, abs=1e-3), None, None]
    table = evaluate(folders / "ours", "--scenes", folders / "scenes").out.splitlines()
    assert table[0].split()[-1] == "characters"
    assert table[1].endswith(f"{expected:.2f} of 1")


def test_a_scene_without_characters_has_no_score(evaluate: Any, folders: Path) -> None:
    Scene(drawing(0)).save(folders / "scenes" / "one")
    run = evaluate(folders / "ours", "--scenes", folders / "scenes", "--json")
    assert run.code == 0
    assert "characters" not in json.loads(run.out)["sets"][0]["means"]


def test_a_result_whose_size_was_rounded(evaluate: Any, folders: Path) -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[20:60, 20:60] = 255
    Scene(drawing(0), [Instance(mask)]).save(folders / "scenes" / "one")
    Image.open(folders / "ours" / "one.bmp").resize((130, 98)).save(folders / "ours" / "one.bmp")
    run = evaluate(folders / "ours", "--scenes", folders / "scenes",
                   "--sources", folders / "sources", "--json")  # fmt: skip
    assert run.code == 0, run.err
    first = json.loads(run.out)["pictures"][0]
    assert first["characters"] is not None and first["structure"] > 0.9


def test_markdown(evaluate: Any, folders: Path) -> None:
    run = evaluate("--set", f"a={folders / 'ours'}", "--set", f"b={folders / 'theirs'}",
                   "--sources", folders / "sources", "--markdown")  # fmt: skip
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in run.out.splitlines()]
    assert rows[0] == ["", "pictures", "CLIP score", "structure"]
    assert [row[:2] for row in rows[2:]] == [["a", "3"], ["b", "3"], ["b - a", "3"]]
    assert rows[4][3].startswith("-0.")


def test_csv(evaluate: Any, folders: Path) -> None:
    file = folders / "made here" / "scores.csv"
    run = evaluate(folders / "ours", "--sources", folders / "sources", "--csv", file)
    assert run.code == 0 and str(file) in run.err
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["set", "name", "file", "clip", "structure", "characters"]
    assert [row["name"] for row in rows] == list(NAMES)
    assert float(rows[0]["structure"]) > 0.98 and rows[0]["characters"] == ""


def test_one_picture_has_no_interval(evaluate: Any, folders: Path) -> None:
    row = evaluate(folders / "ours" / "one.bmp").out.splitlines()[1]
    assert "[" not in row and row.split()[:2] == ["pictures", "1"]


# ---------------------------------------------------------------- summing up


def scored(label: str, **clip: float) -> list[StyleScore]:
    return [StyleScore(label, name, f"{name}.png", value) for name, value in clip.items()]


def test_differences_pair_what_both_have() -> None:
    first = scored("first", a=10, b=20, c=90)
    second = scored("second", b=21, a=11, d=5)
    summaries = summarise([first, second], seed=0)
    assert [(one.label, one.minus, one.pictures) for one in summaries] == [
        ("first", None, 3), ("second", None, 3), ("second", "first", 2)]  # fmt: skip
    assert summaries[0].means["clip"].mean == 40
    difference = summaries[2].means["clip"]
    assert (difference.mean, difference.low, difference.high) == (1, 1, 1)
    assert "structure" not in summaries[0].means


def test_sets_that_share_no_picture_have_no_difference() -> None:
    summaries = summarise([scored("first", a=1), scored("second", b=2), []], seed=0)
    assert [(one.label, one.minus) for one in summaries] == [("first", None), ("second", None)]


# ---------------------------------------------------------------- which pictures


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(folder / name)
    return folder


def test_results_in_folders_of_their_own_are_named_by_those(tmp_path: Path) -> None:
    make(tmp_path, "a/result.png", "b/result.png")
    sets, _ = find_sets([], [f"all={tmp_path}/*/result.png"])
    assert [(one.label, list(one.files)) for one in sets] == [("all", ["a", "b"])]


@pytest.mark.parametrize("names", [("a.png", "a.jpg", "b.png"), ("x/a.png", "y/a.png", "y/b.png")])
def test_two_pictures_of_one_name(tmp_path: Path, names: tuple[str, ...]) -> None:
    make(tmp_path, *names)
    with pytest.raises(typer.BadParameter, match="have one name"):
        by_name(tmp_path / name for name in names)


def test_scenes_are_found_by_their_folder_and_by_their_source(tmp_path: Path) -> None:
    for folder, source in [("a", "x/a.png"), ("a-2", "y/other.png"), ("b", None)]:
        Scene(drawing(0), source=source).save(tmp_path / folder)
    (tmp_path / "no scene").mkdir()
    found = find_scenes(tmp_path)
    assert {name: path.name for name, path in found.items()} == {
        "a": "a", "a-2": "a-2", "b": "b", "other": "a-2"}  # fmt: skip
    assert find_scenes(tmp_path / "a-2").keys() == {"a-2", "other"}


# ---------------------------------------------------------------- what goes wrong


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:60])


@pytest.mark.parametrize(
    ("place", "spoil"),
    [
        ("ours/one.bmp", truncate),
        ("sources/one.png", truncate),
        ("sources/one.png", lambda file: Image.new("RGB", (40, 90)).save(file)),
        ("scenes/one/scene.json", lambda file: file.write_text("{")),
    ],
    ids=["picture", "source", "another source", "scene"],
)
def test_a_damaged_file_fails_alone(evaluate: Any, folders: Path, place: str, spoil: Any) -> None:
    for name in NAMES:
        Scene(drawing(0), source=None).save(folders / "scenes" / name)
    spoil(folders / place)
    run = evaluate(folders / "ours", "--sources", folders / "sources",
                   "--scenes", folders / "scenes", "--json")  # fmt: skip
    assert run.code == 1 and "Traceback" not in run.err
    result = json.loads(run.out)
    assert [row["name"] for row in result["pictures"]] == ["three", "two"]
    (failed,) = result["failed"]
    assert failed["file"].endswith("one.bmp") and "one" in run.err


def test_nothing_that_can_be_measured(evaluate: Any, folders: Path) -> None:
    for file in (folders / "ours").iterdir():
        truncate(file)
    out = folders / "scores.csv"
    run = evaluate(folders / "ours", "--csv", out)
    assert run.code == 1 and run.out == "" and not out.exists()


def test_a_missing_model_is_told_with_the_command(
    cli: Any, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    run = cli("evaluate", "style", "--prompt", PROMPT, folders / "ours")
    assert run.code == 1
    assert "cartoonedit models fetch clip-vit-l-14" in " ".join(run.err.split())


WRONG_USAGE: dict[str, tuple[list[str], str]] = {
    "no picture": ([], "either pictures, or sets"),
    "both forms": (["ours", "--set", "theirs"], "either pictures, or sets"),
    "pictures that are not there": (["nowhere"], "nowhere"),
    "a set that is not there": (["--set", "a=nowhere"], "nowhere"),
    "one name for two": (["--set", "ours", "--set", "ours=theirs"], "LABEL=PATH"),
    "sources of other pictures": (["ours", "--sources", "strangers"], "--sources: nothing in"),
    "a folder without scenes": (["ours", "--scenes", "sources"], "--scenes: nothing in"),
    "sources that are not there": (["ours", "--sources", "nowhere"], "--sources"),
    "a picture for the scores": (["ours", "--csv", "ours/one.bmp"], "--csv must end in .csv"),
    "the place of what is measured": (["ours/a.csv", "--csv", "ours/a.csv"], "be written over"),
    "the place of a source": (
        ["ours", "--sources", "sources", "--csv", "sources/../links/one.csv"],
        "be written over",
    ),
    "the place of a scene": (
        ["ours", "--scenes", "scenes", "--csv", "scenes/one/one.csv"],
        "be written over",
    ),
    "a place below a file": (["ours", "--csv", "ours/one.bmp/a.csv"], "--csv"),
    "a seed below zero": (["ours", "--seed", "-1"], "--seed"),
    "an empty prompt": (["ours", "--prompt", " "], "--prompt must say something"),
}


@pytest.mark.parametrize("case", WRONG_USAGE)
def test_wrong_usage(
    evaluate: Any, folders: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    make(folders / "strangers", "stranger.png")
    monkeypatch.chdir(folders)
    shutil.copy("ours/one.bmp", "ours/a.csv")  # files that are named outright may be called so
    (folders / "links").mkdir()
    (folders / "links" / "one.csv").symlink_to(folders / "sources" / "one.png")
    scene = Scene(drawing(0)).save(folders / "scenes" / "one")
    text = (scene / "scene.json").read_text().replace('"picture.png"', '"one.csv"')
    (scene / "scene.json").write_text(text)
    (scene / "picture.png").rename(scene / "one.csv")
    before = {path: path.read_bytes() for path in folders.rglob("*") if path.is_file()}
    words, message = WRONG_USAGE[case]
    run = evaluate(*words)
    assert run.code == 2, run.err
    assert {path: path.read_bytes() for path in folders.rglob("*") if path.is_file()} == before
    assert message in " ".join(run.err.split()) and "Traceback" not in run.err


def test_a_prompt_is_needed(cli: Any, folders: Path) -> None:
    run = cli("evaluate", "style", folders / "ours")
    assert run.code == 2 and "--prompt" in run.err


def test_pictures_in_several_forms(evaluate: Any, folders: Path) -> None:
    """A saved scene stands for its picture; a pattern without a match fails alone."""
    Scene(drawing(1)).save(folders / "saved")
    shutil.copy(folders / "ours" / "one.bmp", folders / "alone.bmp")
    run = evaluate(folders / "saved", folders / "al*.bmp", folders / "nowhere.png", "--json")
    assert run.code == 1
    result = json.loads(run.out)
    assert [row["name"] for row in result["pictures"]] == ["saved", "alone"]
    assert [failure["file"] for failure in result["failed"]] == [str(folders / "nowhere.png")]
