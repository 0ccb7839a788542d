"""Finished pictures on the disk, in the layouts that are read."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.compose import Sources, compose
from segmentation.dataset.engines import run_local
from segmentation.dataset.recipe import Recipe
from segmentation.dataset.scenes import StoredScenes, open_sources, thinned
from segmentation.dataset.shards import Job
from segmentation.dataset.sources import Library
from segmentation.dataset.stored import Stored
from segmentation.dataset.synthesise import synthesise
from tests.segmentation.dataset.material import write_art

SIZE = (80, 64)


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_art(tmp_path_factory.mktemp("art"))


def made(art: Path, out: Path, **more: Any) -> Path:
    job = Job(
        **{"foregrounds": art / "foregrounds", "backgrounds": art / "backgrounds", "photos": None,
           "out": out, "count": 6, "size_wh": SIZE, "shard_size": 4, **more}
    )  # fmt: skip
    synthesise(job, partial(run_local, workers=1))
    return out


@pytest.mark.parametrize("layout", ["folder", "webdataset", "one shard"])
def test_scenes_come_back_as_they_were_composed(layout: str, art: Path, tmp_path: Path) -> None:
    form = "webdataset" if layout == "webdataset" else "folder"
    out = made(art, tmp_path / "data", form=form)
    if layout == "one shard":
        out = out / "shard-00000"
    stored = Stored(out)
    assert len(stored) == (4 if layout == "one shard" else 6)
    sources = Sources(
        Library.from_folder(art / "foregrounds", max_side=120),
        Library.from_folder(art / "backgrounds", max_side=160),
    )
    for number in range(len(stored)):
        scene, truth = stored[number], compose(sources, 0, number, SIZE, Recipe())
        np.testing.assert_allclose(scene.picture, truth.picture, atol=4)  # two JPEG decoders
        np.testing.assert_array_equal(scene.alphas > 127, truth.alphas > 127)
    truth_dict = stored.truth(range(len(stored)))
    assert [image["id"] for image in truth_dict["images"]] == list(range(len(stored)))


def test_polygons_and_picture_folders_are_understood(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    cv2.imwrite(str(tmp_path / "pictures" / "a.png"), np.zeros((20, 30, 3), np.uint8))
    square = {"image_id": 1, "bbox": [5, 5, 10, 10], "segmentation": [[5, 5, 15, 5, 15, 15, 5, 15]]}
    crowd = {**square, "iscrowd": 1}
    content = {"images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
               "annotations": [square, crowd]}  # fmt: skip
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    (scene,) = (Stored(tmp_path)[n] for n in range(1))
    assert scene.alphas.shape == (1, 20, 30)
    assert (scene.alphas[0, 6:14, 6:14] == 255).all()
    assert not scene.alphas[0, :4].any()


@pytest.mark.parametrize("content", [None, "[]", "{", '{"images": 3, "annotations": []}'])
def test_other_folders_are_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "annotations.json").write_text(content)
    with pytest.raises(InvalidInput):
        Stored(tmp_path)


def test_every_picture_is_seen_once_an_epoch(art: Path, tmp_path: Path) -> None:
    stored = Stored(made(art, tmp_path / "data"))
    scenes = StoredScenes(stored, seed=3, augmented=False)
    epochs = [[scenes(6 * epoch + n, 64).picture.tobytes() for n in range(6)] for epoch in (0, 1)]
    assert len(set(epochs[0])) == 6
    assert set(epochs[0]) == set(epochs[1])
    assert epochs[0] != epochs[1]
    varied = StoredScenes(stored, seed=3)
    first, again = varied(4, 64), varied(4, 64)
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.alphas, again.alphas)
    assert max(first.picture.shape[:2]) == 64
    assert first.alphas.shape[1:] == first.picture.shape[:2]


def test_damaged_pictures_are_named_and_replaced(
    art: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = made(art, tmp_path / "data")
    bad = sorted((out / "shard-00000").glob("*.jpg"))[1]
    bad.write_bytes(bad.read_bytes()[:200])
    scenes = StoredScenes(Stored(out), seed=0)
    for index in range(12):
        assert scenes(index, 64).picture.any()
    named = [record.message for record in caplog.records if bad.name in record.message]
    assert len(named) == 1
    for file in out.rglob("*.jpg"):
        file.unlink()
    with pytest.raises(InvalidInput, match="none of the 6 pictures"):
        StoredScenes(Stored(out), seed=0)(0, 64)


def test_shares_are_nested_and_keep_every_source(art: Path) -> None:
    numbers = list(range(40))
    eighth, half = (thinned(numbers, share, "x") for share in (0.125, 0.5))
    assert (len(eighth), len(half)) == (5, 20)
    assert set(eighth) <= set(half)
    assert thinned(numbers, 0.5, "y") != half
    assert thinned(numbers, 1.0, "x") == numbers
    thin = open_sources(art, 64, 0.3)
    assert {name: len(files) for name, files in thin.foregrounds.sources.items()} == {
        "blobs": 2, "dolls": 1,
    }  # fmt: skip
