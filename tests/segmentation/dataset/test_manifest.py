"""The tables beside a folder of material."""

from __future__ import annotations

from pathlib import Path

import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.manifest import MANIFEST_NAME, REFUSED_NAME, Manifest


def touch(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.keep({"path": "a/1.png", "origin": "x, y.png", "width": 3})
    manifest.keep({"path": "a/2.png", "origin": "z.png", "tags": 'solo "smile"'})
    manifest.refuse("bad.png", "small: 3x3\nand odd")
    manifest.save()
    again = Manifest(tmp_path)
    assert again.kept["a/1.png"]["origin"] == "x, y.png"
    assert again.kept["a/1.png"]["width"] == "3"
    assert again.kept["a/2.png"]["tags"] == 'solo "smile"'
    assert again.refused == {"bad.png": "small: 3x3\nand odd"}
    again.forget("bad.png")
    again.save()
    assert Manifest(tmp_path).refused == {}


def test_decided_is_what_is_there_or_refused(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.keep({"path": "a/1.png", "origin": "there"})
    manifest.keep({"path": "a/2.png", "origin": "deleted"})
    manifest.refuse("refused", "why not")
    touch(tmp_path, "a/1.png")
    assert manifest.decided() == {"there", "refused"}


def test_forgetting_a_file_forgets_its_parts(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.keep({"path": "a/1.png", "origin": "a.mp4"})
    manifest.keep({"path": "b/1.png", "origin": "b.mp4"})
    for name in ("a.mp4#3", "a.mp4", "a.mp42", "b.mp4#1"):
        manifest.refuse(name, "why not")
    assert manifest.forget("a.mp4") == ["a/1.png"]
    assert list(manifest.kept) == ["b/1.png"]
    assert list(manifest.refused) == ["a.mp42", "b.mp4#1"]


def test_names_of_pictures_are_not_given_twice(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    touch(tmp_path, "a/1.png")
    manifest.keep({"path": "a/1-2.png", "origin": "x"})
    assert manifest.free_name("a/1", ".png") == "a/1-3.png"
    assert manifest.free_name("a/1", ".jpg") == "a/1.jpg"


def test_files_of_one_name_have_folders_of_their_own(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    assert manifest.source_for("x/clip.mp4", "clip") == "clip"
    manifest.keep({"path": "clip/1.png", "source": "clip", "origin": "x/clip.mp4"})
    manifest.keep({"path": "clip-2/1.png", "source": "clip-2", "origin": "y/clip.mp4"})
    assert manifest.source_for("x/clip.mp4", "clip") == "clip"
    assert manifest.source_for("y/clip.mp4", "clip") == "clip-2"
    assert manifest.source_for("z/clip.mp4", "clip") == "clip-3"


@pytest.mark.parametrize("name", [MANIFEST_NAME, REFUSED_NAME])
@pytest.mark.parametrize("content", [b"name,b\n1,2\n", b"\xff\xfe\x00,\n1\n"])
def test_another_kind_of_table_is_refused_and_stays(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=name):
        Manifest(tmp_path)
    assert (tmp_path / name).read_bytes() == content
