from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cli.places import distinct, file_names, is_scene, scene_folders


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.png", "b.png"], ["a", "b"]),
        (["a.png", "a.jpg", "x/a.png"], ["a", "a-2", "a-3"]),
        (["a-2.png", "a.png", "a.jpg"], ["a-2", "a", "a-3"]),
        (["A.png", "a.png"], ["A", "a-2"]),  # one folder where letter case does not count
        (["run.json.png"], ["run.json-2"]),
        (["..png", "...png", ".png"], ["picture", "picture-2", ".png"]),  # never OUT or above it
    ],
)
def test_scene_folders(tmp_path: Path, files: list[str], expected: list[str]) -> None:
    paths = [tmp_path / file for file in files]
    folders = scene_folders(paths, tmp_path / "out", reserved=["run.json"])
    assert [folder.name for folder in folders.values()] == expected


def test_scene_of_the_same_file_is_found_again(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.png", tmp_path / "out" / "a-2"
    folder.mkdir(parents=True)
    (folder.parent / "a").mkdir()
    for encoding in ("utf-8", "utf-8-sig"):
        text = json.dumps({"source": str(file)})
        (folder / "scene.json").write_text(text, encoding=encoding)
        assert is_scene(folder)
        assert scene_folders([file], folder.parent) == {file: folder}


@given(st.lists(st.sampled_from(["a", "A", "b", "a-2", "a-3", "b-2"]), max_size=8))
def test_distinct_places_differ(stems: list[str]) -> None:
    files = [Path(str(number), f"{stem}.png") for number, stem in enumerate(stems)]
    places = distinct(files, Path("out").joinpath, lambda file, path: True)
    assert len({str(place).casefold() for place in places.values()}) == len(files)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["x/a.png", "y/b.png"], ["a.png", "b.png"]),
        (["x/a.png", "x/y/a.png", "x/c.png"], ["a.png", "y/a.png", "c.png"]),
        ([], []),
    ],
)
def test_file_names(files: list[str], expected: list[str]) -> None:
    assert list(file_names([Path(file) for file in files]).values()) == expected
