"""Small copies of material."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.packing import pack
from segmentation.dataset.sources import Library
from tests.segmentation.dataset.material import write_art


def test_a_copy_is_smaller_and_of_use(tmp_path: Path) -> None:
    art = write_art(tmp_path / "art")
    with (art / "MANIFEST.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "kind", "author"])
        rows.writerow(["foregrounds/dolls/0.png", "character-half", "me.png, and her"])
    packed = pack(art, tmp_path / "copy", max_side=45)
    assert (packed.pictures, packed.refused) == (10, {})
    library = Library.from_folder(tmp_path / "copy" / "foregrounds")
    images = [library.load(file) for files in library.sources.values() for file in files]
    assert {image.shape for image in images} == {(45, 30, 4)}
    (first,) = [f for f in library.sources["dolls"] if f.path.name.startswith("0")]
    assert first.is_cut_at_the_bottom
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "copy").rglob("*.webp")}
    assert pack(art, tmp_path / "copy", max_side=45) == packed
    assert before == {file: file.stat().st_mtime_ns for file in before}


def test_colours_and_alpha_stay(tmp_path: Path) -> None:
    art = write_art(tmp_path / "art")
    pack(art, tmp_path / "copy", max_side=640, quality=95)
    for part in ("foregrounds", "backgrounds"):
        old, new = (Library.from_folder(root / part) for root in (art, tmp_path / "copy"))
        for source, files in old.sources.items():
            for a, b in zip(files, new.sources[source], strict=True):
                was, now = old.load(a).astype(int), new.load(b).astype(int)
                assert abs(was[..., 3:] - now[..., 3:]).max(initial=0) <= 8
                inside = was[..., 3] == 255 if was.shape[2] == 4 else np.ones(was.shape[:2], bool)
                assert abs(was - now)[inside][:, :3].mean() < 10


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    art = write_art(tmp_path / "art")
    bad = art / "foregrounds" / "dolls" / "bad.png"
    bad.write_bytes(b"no picture")
    packed = pack(art, tmp_path / "copy", max_side=45)
    assert list(packed.refused) == [str(bad)]
    assert packed.pictures == 10


@pytest.mark.parametrize("wrong", [{"max_side": 4}, {"max_side": 64, "quality": 0}])
def test_senseless_numbers_and_places_are_refused(tmp_path: Path, wrong: dict[str, int]) -> None:
    art = write_art(tmp_path / "art")
    with pytest.raises(InvalidInput):
        pack(art, tmp_path / "copy", **wrong)
    with pytest.raises(InvalidInput, match="another folder"):
        pack(art, art, max_side=64)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no pictures"):
        pack(tmp_path / "empty", tmp_path / "copy", max_side=64)


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    from segmentation.dataset.sources import read_picture

    deep = np.full((4, 4, 3), 257 * 200, np.uint16)
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    assert (read_picture(tmp_path / "deep.png", 64) == 200).all()
