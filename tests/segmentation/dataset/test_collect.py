"""From pictures to folders of material."""

from __future__ import annotations

import csv
import json
from itertools import count
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from PIL import Image

from cartoonedit.errors import Cancelled
from segmentation.dataset import collect
from segmentation.dataset.collect import collect_backgrounds, collect_cutouts
from segmentation.dataset.manifest import Manifest
from segmentation.dataset.material_options import BackgroundOptions, CutoutOptions
from segmentation.dataset.people import Person
from segmentation.dataset.sources import Library
from segmentation.dataset.tags import parse_tags
from tests.segmentation.dataset.material import figure

SMALL = CutoutOptions(min_size=40)
LOW = BackgroundOptions(min_size_wh=(120, 90))


def write_stills(folder: Path, count: int = 3) -> list[Path]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(count):
        framed = cv2.copyMakeBorder(figure(rng), 20, 20, 20, 20, cv2.BORDER_CONSTANT)
        cv2.imwrite(str(folder / f"{number}.png"), framed)
    return sorted(folder.glob("*.png"))


def write_sceneries(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (100, 140, 3), np.uint8)
    Image.fromarray(noise).save(folder / "plain.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(noise).save(folder / "turned.jpg", exif=exif)
    Image.fromarray(noise).save(folder / "other.bmp")
    Image.fromarray(noise[:50]).save(folder / "small.png")
    return sorted(folder.iterdir())


def test_cutouts_are_a_library_with_tags(tmp_path: Path) -> None:
    files = write_stills(tmp_path / "in" / "artist")
    files[2].write_bytes(files[2].read_bytes()[:200])
    tags = {"0": parse_tags("solo transparent_background smile"), "1": parse_tags("solo")}
    tags["2"] = tags["0"]
    out = tmp_path / "out"
    collected = collect_cutouts(files, out, SMALL, tags=tags)
    assert (collected.kept, collected.known) == (1, 0)
    assert collected.refused[str(files[1])] == "not tagged transparent_background"
    assert collected.refused[str(files[2])].startswith("unreadable: ")
    (only,) = Library.from_folder(out).sources["artist"]
    assert only.tags == ("smile", "solo", "transparent_background")
    row = Manifest(out).kept["artist/0.png"]
    assert (row["width"], row["height"], row["parts"]) == ("39", "84", "1")
    assert Image.open(only.path).size == (39, 84)


def test_backgrounds_are_copied_or_brought_into_a_readable_form(tmp_path: Path) -> None:
    files = write_sceneries(tmp_path / "in")
    collected = collect_backgrounds(files, tmp_path / "out", LOW)
    assert list(collected.refused.values()) == ["small: 140x50 pixels, at least 120x90 asked for"]
    made = {path.name: path for path in (tmp_path / "out" / "in").iterdir()}
    assert set(made) == {"plain.jpg", "turned.png", "other.png"}
    assert made["plain.jpg"].read_bytes() == (tmp_path / "in" / "plain.jpg").read_bytes()
    assert Image.open(made["turned.png"]).size == (100, 140)
    assert len(Library.from_folder(tmp_path / "out").sources["in"]) == 3


def test_the_segmenter_has_a_say(tmp_path: Path) -> None:
    files = write_sceneries(tmp_path / "in")[:1]
    seen = collect_backgrounds(files, tmp_path / "a", LOW, find=lambda _: [Person(0.9, 0.2)])
    assert "somebody is in it" in seen.refused[str(files[0])]
    assert collect_backgrounds(files, tmp_path / "b", LOW, find=lambda _: []).kept == 1
    two = [Person(0.9, 0.5), Person(0.9, 0.4)]
    stills = write_stills(tmp_path / "stills", 1)
    assert not collect_cutouts(stills, tmp_path / "c", SMALL, find=lambda _: two).kept


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    files = write_stills(tmp_path / "in", 5)

    def stop(step: int, total: int, message: str) -> None:
        if step == 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        collect_cutouts(files, tmp_path / "out", SMALL, progress=stop)
    assert len(Manifest(tmp_path / "out").kept) == 3
    collected = collect_cutouts(files, tmp_path / "out", SMALL)
    assert (collected.kept, collected.known) == (5, 3)
    assert len(list((tmp_path / "out").glob("*/*"))) == 5


def test_pictures_are_judged_together_and_kept_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first picture waits until another is looked at, so that one alone would wait forever."""
    monkeypatch.setattr(collect, "cpu_count", lambda: 4)
    other_is_seen, calls = Event(), count()

    def find(rgb: np.ndarray) -> list[Person]:
        if next(calls):
            other_is_seen.set()
        else:
            assert other_is_seen.wait(30)
        return []

    files = write_stills(tmp_path / "in", 6)
    collect_cutouts(files, tmp_path / "out", SMALL, find=find)
    assert [row["origin"] for row in Manifest(tmp_path / "out").kept.values()] == list(
        map(str, files)
    )


def test_an_accident_loses_nothing_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collect, "cpu_count", lambda: 1)
    files = write_stills(tmp_path / "in", 5)
    calls = count()

    def find(rgb: np.ndarray) -> list[Person]:
        if next(calls) == 3:
            raise MemoryError
        return []

    with pytest.raises(MemoryError):
        collect_cutouts(files, tmp_path / "out", SMALL, find=find)
    assert len(Manifest(tmp_path / "out").kept) == 3
    assert collect_cutouts(files, tmp_path / "out", SMALL).known == 3


def test_deciding_anew_replaces_pictures(tmp_path: Path) -> None:
    files = write_stills(tmp_path / "in")
    out = tmp_path / "out"
    collect_cutouts(files, out, SMALL)
    strict = CutoutOptions(min_size=400)
    assert collect_cutouts(files, out, strict).kept == 3  # decided before
    assert collect_cutouts(files, out, SMALL, overwrite=True).kept == 3
    assert sorted(path.name for path in (out / "in").iterdir()) == ["0.png", "1.png", "2.png"]
    assert collect_cutouts(files, out, strict, overwrite=True).kept == 0
    assert not list((out / "in").iterdir())


def test_equal_names_of_two_folders_do_not_collide(tmp_path: Path) -> None:
    files = write_stills(tmp_path / "a" / "same", 1) + write_stills(tmp_path / "b" / "same", 1)
    collect_cutouts(files, tmp_path / "out", SMALL)
    assert sorted(Manifest(tmp_path / "out").kept) == ["same/0-2.png", "same/0.png"]


@pytest.mark.parametrize("command", ["cutouts", "backgrounds"])
def test_the_commands(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from apps.cli import main

    write_stills(tmp_path / "art" / "dolls", 2)
    write_sceneries(tmp_path / "art" / "places")
    tags = {"cutouts": "solo transparent_background", "backgrounds": "scenery no_humans"}[command]
    wanted = ["0", "1"] if command == "cutouts" else ["plain", "other", "small"]
    (tmp_path / "tags.jsonl").write_text(
        "\n".join(json.dumps({"file": name, "tags": tags}) for name in wanted)
    )
    out = tmp_path / "art" / "made"
    size = "40" if command == "cutouts" else "120x90"
    words = ["dataset", command, str(tmp_path / "art"), "--metadata", str(tmp_path / "tags.jsonl"),
             "--min-size", size, "--no-check", "-o", str(out)]  # fmt: skip
    for _ in range(2):  # what it wrote itself is not collected
        with pytest.raises(SystemExit) as stop:
            main(words)
        assert stop.value.code == 0
    said = capsys.readouterr().out
    assert "2 pictures kept, 4 left out" in said
    assert "does not name it" in said
    with (out / "MANIFEST.csv").open() as lines:
        assert len(list(csv.DictReader(lines))) == 2
    assert (out / "sheet.jpg").is_file()
