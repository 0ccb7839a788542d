from __future__ import annotations

import errno
import hashlib
import os
import re
from pathlib import Path

import pytest

from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.files import atomic_folder, atomic_path, check_place, expand_pictures, sha256


def names(folder: Path) -> list[str]:
    """Every file and folder below, so that a partial one left over would be seen."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "clip.mp4"
    with atomic_path(target) as partial:
        assert partial.suffix == ".mp4" and partial.parent == target.parent
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(tmp_path) == ["new", "new/clip.mp4"]


@pytest.mark.parametrize("stem", ["a" * 251, "日" * 83, f"a.{'日' * 82}"])
def test_the_longest_names_of_a_file_system(tmp_path: Path, stem: str) -> None:
    with atomic_path(tmp_path / f"{stem}.png") as partial:
        partial.touch()
    with atomic_folder(tmp_path / stem):
        pass
    assert names(tmp_path) == [stem, f"{stem}.png"]


@pytest.mark.parametrize(
    ("path", "folder", "reason"),
    [
        ("new/sub/clip.mp4", False, None),
        ("new/sub", True, None),
        ("folder", True, None),
        ("file", False, None),
        ("file", True, "a file of that name is there"),
        ("folder", False, "it is a folder"),
        ("file/clip.mp4", False, "file is a file, not a folder"),
        ("file/sub/clip.mp4", True, "file is a file, not a folder"),
        ("日" * 84 + ".mp4", False, "names of files have 255 bytes at most"),
        ("a" * 256, True, "names of files have 255 bytes at most"),
    ],
)
def test_places(tmp_path: Path, path: str, folder: bool, reason: str | None) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    if reason is None:
        assert check_place(tmp_path / path, folder=folder) == tmp_path / path
    else:
        with pytest.raises(InvalidInput, match=reason):
            check_place(tmp_path / path, folder=folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_place_that_is_not_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*, dir: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(dir))

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    message = f"the folder {tmp_path} takes no new file (Permission denied)"
    with pytest.raises(CartooneditError, match=re.escape(message)):
        check_place(tmp_path / "sub" / "clip.mp4")


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no such file system here")
def test_a_place_that_takes_no_file_of_anybody() -> None:
    """An administrator, too, is told before the work."""
    with pytest.raises(CartooneditError, match="the folder /proc takes no new file"):
        check_place("/proc/clip.mp4")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_result(tmp_path: Path, code: int) -> None:
    full = OSError(code, os.strerror(code))
    with pytest.raises(OSError) as told, atomic_path(tmp_path / "a.png"):
        raise full
    assert (told.value.errno, told.value.filename) == (code, str(tmp_path / "a.png"))
    with (
        pytest.raises(OSError) as told,
        atomic_folder(tmp_path / "frames") as partial,
        atomic_path(partial / "0.png"),
    ):
        raise full
    assert told.value.filename == str(tmp_path / "frames")
    assert names(tmp_path) == []


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    missing = FileNotFoundError(errno.ENOENT, "No such file", "source.png")
    with pytest.raises(FileNotFoundError) as told, atomic_path(tmp_path / "a.png"):
        raise missing
    assert told.value is missing


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_old_file_is_untouched(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), atomic_path(target) as partial:
        partial.write_text("half")
        raise error
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_file_is_not_written_over_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="it is a folder"), atomic_path(tmp_path):
        pass


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CartooneditError, match="nothing was written"), atomic_path(tmp_path / "a"):
        pass


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("real.txt")
    with atomic_path(link) as partial:
        partial.write_text("new")
    assert link.is_symlink() and (tmp_path / "real.txt").read_text() == "new"


def test_a_folder_keeps_what_belongs_to_others(tmp_path: Path) -> None:
    target = tmp_path / "scene"
    for text in ("first", "second"):
        with atomic_folder(target, stale=["masks/*.png"]) as partial:
            (partial / "masks").mkdir()
            (partial / "masks" / f"{text}.png").write_text(text)
            (partial / "same.txt").write_text(text)
        (target / "notes.txt").write_text("mine")
    assert names(tmp_path / "scene") == ["masks", "masks/second.png", "notes.txt", "same.txt"]
    assert (target / "same.txt").read_text() == "second"
    assert names(tmp_path)[0] == "scene"


def test_after_an_error_the_old_folder_is_untouched(tmp_path: Path) -> None:
    target = tmp_path / "scene"
    target.mkdir()
    (target / "a.png").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_folder(target, stale=["*.png"]) as partial:
        (partial / "a.png").write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["scene", "scene/a.png"] and (target / "a.png").read_text() == "old"


def test_a_folder_is_not_written_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(InvalidInput, match="a file of that name"), atomic_folder(tmp_path / "a"):
        pass


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.png", "a.JPG", "notes.txt", ".hidden.png", "sub/c.webp", "odd[1].png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["b.png"], ["b.png"]),
        (["notes.txt"], ["notes.txt"]),  # named outright, so it is taken
        (["."], ["a.JPG", "b.png", "odd[1].png"]),  # not the hidden one, not the folder below
        (["*.png"], ["b.png", "odd[1].png"]),
        (["**/*.webp"], ["sub/c.webp"]),
        (["odd[1].png"], ["odd[1].png"]),  # a file of that name wins over the pattern
        (["b.png", "*.png", "b.png"], ["b.png", "odd[1].png"]),  # each once, in order
    ],
)
def test_expand(pictures: Path, patterns: list[str], expected: list[str]) -> None:
    assert [path.as_posix() for path in expand_pictures(patterns)] == expected


def test_expand_below(pictures: Path) -> None:
    found = [path.as_posix() for path in expand_pictures(["."], below=True)]
    assert found == ["a.JPG", "b.png", "odd[1].png", "sub/c.webp"]


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["one"], ["one"]),  # though it holds a picture
        (["parts"], ["parts/a", "parts/b"]),
        (["parts/*"], ["parts/a", "parts/b"]),  # without the lists beside them
        (["parts/[ab]", "b.png"], ["parts/a", "parts/b", "b.png"]),
        (["*"], ["a.JPG", "b.png", "notes.txt", "odd[1].png", "one"]),
        (["mixed"], ["mixed/c.png"]),
        (["mixed/*"], ["mixed/a", "mixed/c.png"]),
    ],
)
def test_folders_that_count_as_a_picture(
    pictures: Path, patterns: list[str], expected: list[str]
) -> None:
    for name in ("one/x", "one/p.png", "parts/a/x", "parts/b/x", "parts/c/y", "parts/run.json",
                 "mixed/a/x", "mixed/c.png"):  # fmt: skip
        (pictures / name).parent.mkdir(parents=True, exist_ok=True)
        (pictures / name).touch()
    found = expand_pictures(patterns, stands_for_one=lambda folder: (folder / "x").exists())
    assert [path.as_posix() for path in found] == expected


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["missing.png"], "there is no file 'missing.png'"),
        (["*.gif"], "no file matches"),
        (["empty"], "holds no picture"),
        ([], "no picture was given"),
        (["b.png", "missing.png"], "missing.png"),
    ],
)
def test_expand_says_what_is_missing(pictures: Path, patterns: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        expand_pictures(patterns)


def test_sha256(tmp_path: Path) -> None:
    content = os.urandom(100_000)
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
