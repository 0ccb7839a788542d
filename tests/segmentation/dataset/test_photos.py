"""Person boxes from COCO annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput
from segmentation.dataset.photos import PersonPhotos


def coco() -> dict[str, Any]:
    def annotation(image: int, category: int, *box: float, crowd: int = 0) -> dict[str, Any]:
        return {"image_id": image, "category_id": category, "bbox": list(box), "iscrowd": crowd}

    return {
        "images": [{"id": 7, "width": 400, "height": 100}, {"id": 8, "width": 100, "height": 100}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}],
        "annotations": [
            annotation(7, 1, 20, 10, 40, 80),
            annotation(7, 1, 200, 0, 100, 100),
            annotation(7, 1, 0, 0, 400, 100, crowd=1),
            annotation(7, 1, 0, 0, 5, 5),  # far away
            annotation(7, 2, 0, 0, 50, 50),
            annotation(8, 2, 0, 0, 50, 50),
        ],
    }


def test_only_people_near_enough_count(tmp_path: Path) -> None:
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(coco()))
    photos = PersonPhotos.from_file(file)
    assert len(photos) == 1
    drawn = photos.draw(np.random.default_rng(0), 1)
    assert drawn is not None
    boxes, size = drawn
    assert size == (2.0, 0.5)
    np.testing.assert_allclose(boxes * 200, [[20, 10, 40, 80], [200, 0, 100, 100]])
    photos.save(tmp_path / "small.json")
    again = PersonPhotos.from_file(tmp_path / "small.json").draw(np.random.default_rng(0), 1)
    assert again is not None
    np.testing.assert_allclose(again[0], boxes, atol=1e-4)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"images": [], "categories": [], "annotations": []}', '{"images": 3}',
     '{"person_photos": [{"boxes": [[1]]}]}', json.dumps({**coco(), "categories": []})],
)  # fmt: skip
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(InvalidInput):
        PersonPhotos.from_file(file)
    with pytest.raises(InvalidInput, match="holds no COCO"):
        PersonPhotos.from_file(tmp_path / "missing.json")
