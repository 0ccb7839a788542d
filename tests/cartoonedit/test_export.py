from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pycocotools import mask as coco_mask

from cartoonedit.errors import InvalidInput, MissingExtra
from cartoonedit.export import coco, index_map, rle, save_cutouts, to_supervision
from cartoonedit.scene import Instance, Scene, Tag

BLACK = np.zeros((20, 30, 3), np.uint8)


def box_mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((20, 30), np.uint8)
    mask[y1:y2, x1:x2] = 255
    return mask


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_rle_round_trip(mask: np.ndarray) -> None:
    encoded = json.loads(json.dumps(rle(mask)))
    assert encoded["size"] == list(mask.shape) and isinstance(encoded["counts"], str)
    assert np.array_equal(coco_mask.decode(encoded), mask >= 128)


def test_coco() -> None:
    scene = Scene(
        BLACK,
        [
            Instance(box_mask(2, 3, 6, 8), score=0.75),
            Instance(box_mask(10, 3, 16, 8), score=0.5, box_xyxy=(9.5, 2, 40, 8)),
        ],
    )
    result = json.loads(json.dumps(coco([scene, Scene(BLACK), scene], ["a.png", "b.png", "c.png"])))
    assert result["images"][1] == {"id": 2, "file_name": "b.png", "width": 30, "height": 20}
    assert result["categories"][0]["id"] == 1 and result["categories"][0]["name"] == "character"
    assert [(one["id"], one["image_id"]) for one in result["annotations"]] == [
        (1, 1), (2, 1), (3, 3), (4, 3),
    ]  # fmt: skip
    first, second = result["annotations"][:2]
    assert first["bbox"] == [2, 3, 4, 5] and first["area"] == 20 and first["score"] == 0.75
    assert first["iscrowd"] == 0 and first["category_id"] == 1
    assert coco_mask.area(first["segmentation"]) == first["area"]
    assert second["bbox"] == [9.5, 2, 20.5, 6]  # the detector's box, clipped to the picture


def test_coco_of_nothing() -> None:
    assert coco([], [])["annotations"] == []
    with pytest.raises(InvalidInput, match="1 scenes and 0 names"):
        coco([Scene(BLACK)], [])


def test_cutouts(tiny_scene: Scene, tmp_path: Path) -> None:
    files = save_cutouts(tiny_scene, tmp_path)
    assert [file.name for file in files] == ["character-1.png", "character-2.png"]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["size_wh"] == list(tiny_scene.size_wh)
    assert {entry["name"] for entry in manifest["cutouts"]} == {"character-1", "character-2"}
    for entry in manifest["cutouts"]:
        whole = np.zeros((*tiny_scene.picture.shape[:2], 4), np.uint8)
        cutout = np.array(Image.open(tmp_path / entry["file"]))
        x, y = entry["offset_xy"]
        width, height = entry["size_wh"]
        whole[y : y + height, x : x + width] = cutout
        expected = tiny_scene.cutout(entry["name"])
        seen = expected[..., 3] > 0
        assert np.array_equal(whole[seen], expected[seen]) and not whole[~seen][:, 3].any()


def test_cutouts_of_full_size_and_again(tiny_scene: Scene, tmp_path: Path) -> None:
    save_cutouts(tiny_scene, tmp_path)
    (tmp_path / "mine.png").write_bytes(b"")
    one = tiny_scene.with_instances(tiny_scene.instances[:1])
    (file,) = save_cutouts(one, tmp_path, full_size=True)
    assert Image.open(file).size == tiny_scene.size_wh
    # The second cut-out of the earlier run is gone, the file of the user is not.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "character-1.png",
        "manifest.json",
        "mine.png",
    ]
    assert save_cutouts(Scene(BLACK), tmp_path / "none") == []


def test_index_map() -> None:
    left, right = box_mask(0, 0, 10, 20), box_mask(8, 0, 20, 20)
    left[:, 9] = 200
    faint = np.where(box_mask(25, 0, 30, 20) > 0, 100, 0).astype(np.uint8)
    near = Instance(left, depth=0.1)
    scene = Scene(BLACK, [near, Instance(right, depth=0.9), Instance(faint, depth=0)])
    row = index_map(scene)[0]
    assert row[:9].tolist() == [1] * 9  # of equals the nearer one
    assert row[9:20].tolist() == [2] * 11  # more alpha wins
    assert not row[20:].any() and row.dtype == np.uint8


def test_index_map_of_many() -> None:
    masks = [box_mask(i % 30, i // 30, i % 30 + 1, i // 30 + 1) for i in range(300)]
    indices = index_map(Scene(BLACK, [Instance(mask) for mask in masks]))
    assert indices.dtype == np.uint16 and indices.max() == 300


@pytest.mark.slow
def test_to_supervision() -> None:
    pytest.importorskip("supervision")
    instances = [
        Instance(box_mask(2, 3, 6, 8), score=0.75, tags=(Tag("hat", 0.9), Tag("cat", 0.8))),
        Instance(box_mask(10, 3, 16, 8), score=0.5, box_xyxy=(9, 2, 17, 9), depth=0.25),
    ]
    detections = to_supervision(Scene(BLACK, instances))
    assert detections.xyxy.tolist() == [[2, 3, 6, 8], [9, 2, 17, 9]]
    assert detections.mask.shape == (2, 20, 30) and detections.mask.sum() == 20 + 30
    sure = detections[detections.confidence > 0.6]
    assert sure.data["name"].tolist() == ["character-1"] and sure.data["tags"][0] == ("hat", "cat")
    assert detections.data["depth"][1] == 0.25
    assert len(to_supervision(Scene(BLACK))) == 0


def test_to_supervision_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "supervision", None)
    with pytest.raises(MissingExtra, match="pip install supervision"):
        to_supervision(Scene(BLACK))
