from __future__ import annotations

from pathlib import Path

import pytest

from apps.puppet.motion.bvh import read_bvh
from apps.puppet.motion.library import MOTIONS, find_motion, motion_file, motion_names
from apps.puppet.motions.make import ACTS
from cartoonedit.errors import InvalidInput


@pytest.mark.parametrize("name", MOTIONS)
def test_finds_every_motion_of_ours(name: str) -> None:
    assert find_motion(name) == find_motion(f" {name.upper()} ")
    assert len(read_bvh(find_motion(name))) > 1


def test_describes_just_what_is_there() -> None:
    stored = {file.stem for file in find_motion("idle").parent.glob("*.bvh")}
    assert set(motion_names()) == set(ACTS) == stored
    assert all(len(text) < 80 for text in MOTIONS.values())


@pytest.mark.parametrize("name", ["my.bvh", "dab.yaml", "walk.YML", "walk.bvh"])
def test_takes_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert find_motion(tmp_path / name) == tmp_path / name
    assert find_motion(str(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dnace", "Did you mean dance?"),
        ("walking", "Did you mean walk?"),
        ("zzz", "there is no motion 'zzz'. There are idle, wave, walk"),
        ("gone/walk.bvh", "no file .*Did you mean walk"),
        ("", "There are idle"),
        ("a\0b", "there is no motion"),
        (".", "is a folder"),
        ("~nobody-of-that-name/x", "there is no"),
    ],
)
def test_says_what_there_is(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        find_motion(name)


def test_refuses_other_files(tmp_path: Path) -> None:
    (tmp_path / "walk.mp4").touch()
    with pytest.raises(InvalidInput, match=r"must be a \.bvh file.*got \.mp4"):
        find_motion(tmp_path / "walk.mp4")


def test_a_motion_of_ours_goes_before_the_frames_of_its_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wave").mkdir()
    (tmp_path / "wave" / "run.json").write_text("{}")
    assert motion_file("Wave") == find_motion("wave")
    assert motion_file("./wave") == Path("wave")
    assert motion_file(str(tmp_path / "wave")) == tmp_path / "wave"
