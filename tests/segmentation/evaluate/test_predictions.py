"""Predictions are kept, taken up again, and made anew where something has changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import Cancelled, InvalidInput
from cartoonedit.images import save_image
from cartoonedit.scene import Instance, Scene
from segmentation.evaluate.predictions import fingerprint, predict, predict_once


class Halves:
    """In place of a segmenter: finds the left half of every picture."""

    def __init__(self, stop_after: int = 100) -> None:
        self.stop_after = stop_after
        self.seen = 0

    def batch(self, pictures: Any, progress: Any = None) -> Iterator[Scene]:
        for picture in pictures:
            if self.seen == self.stop_after:
                raise Cancelled("stopped")
            self.seen += 1
            scene = Scene.open(picture)
            mask = np.zeros(scene.size_wh[::-1], bool)
            mask[:, : scene.size_wh[0] // 2] = True
            yield scene.with_instances([Instance(mask, score=scene.picture.mean() / 255)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        save_image(tmp_path / f"{number}.png", np.full((8, 10 + number, 3), 50 * number, np.uint8))
    return tmp_path


def truth(*numbers: int) -> dict[str, Any]:
    images = [{"id": 7 + n, "file_name": f"{n}.png", "width": 10 + n, "height": 8} for n in numbers]
    annotations = [{"image_id": image["id"], "bbox": [0, 0, 4, 4]} for image in images]
    return {"images": images, "annotations": annotations}


def test_kept_predictions_are_those_made(folder: Path) -> None:
    kept, first, second = folder / "deep" / "kept.json", Halves(), Halves()
    made = predict_once(lambda: first, folder, truth(0, 1, 2), kept, "a")  # type: ignore[arg-type]
    assert made == predict(Halves(), folder, truth(0, 1, 2))  # type: ignore[arg-type]
    again = predict_once(lambda: second, folder, truth(0, 1, 2), kept, "a")  # type: ignore[arg-type]
    assert again == made
    assert (first.seen, second.seen) == (3, 0)


def test_a_run_cut_short_goes_on(folder: Path) -> None:
    kept, first, second = folder / "kept.json", Halves(stop_after=2), Halves()
    with pytest.raises(Cancelled):
        predict_once(lambda: first, folder, truth(0, 1, 2), kept, "a")  # type: ignore[arg-type]
    assert len(json.loads(kept.read_text())["images"]) == 2
    steps: list[tuple[int, int]] = []
    made = predict_once(
        lambda: second, folder, truth(0, 1, 2), kept, "a",  # type: ignore[arg-type]
        lambda step, total, _: steps.append((step, total)),
    )  # fmt: skip
    assert second.seen == 1 and steps == [(2, 3), (3, 3)]
    assert made == predict(Halves(), folder, truth(0, 1, 2))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numbers", "change", "made_by", "done"),
    [
        ((2, 1), False, "a", 0),  # fewer pictures, in another order
        ((0, 1, 2), False, "b", 3),  # another model
        ((0, 1, 2), True, "a", 1),  # another picture of one name
    ],
)
def test_only_what_changed_is_done_again(
    folder: Path, numbers: tuple[int, ...], change: bool, made_by: str, done: int
) -> None:
    kept, again = folder / "kept.json", Halves()
    predict_once(Halves, folder, truth(0, 1, 2), kept, "a")  # type: ignore[arg-type]
    if change:
        save_image(folder / "1.png", np.full((8, 11, 3), 222, np.uint8))
    made = predict_once(lambda: again, folder, truth(*numbers), kept, made_by)  # type: ignore[arg-type]
    assert again.seen == done
    assert made == predict(Halves(), folder, truth(*numbers))  # type: ignore[arg-type]


def test_pictures_are_drawn_anew(folder: Path) -> None:
    made = predict(
        Halves(), folder, truth(0, 1, 2), render=lambda rgb: 255 - rgb  # type: ignore[arg-type]
    )  # fmt: skip
    assert [result["score"] for result in made] == pytest.approx(
        [1, 205 / 255, 155 / 255], abs=1e-5
    )


@pytest.mark.parametrize("text", ["", "[]", '{"info": {}}', '{"info": 3}'])
def test_a_file_of_something_else_stays(folder: Path, text: str) -> None:
    kept = folder / "kept.json"
    kept.write_text(text)
    with pytest.raises(InvalidInput, match="would be overwritten"):
        predict_once(Halves, folder, truth(0), kept, "a")  # type: ignore[arg-type]
    assert kept.read_text() == text


def test_fingerprints_tell_weights_and_settings_apart(folder: Path) -> None:
    file, same, other = folder / "0.png", folder / "copy.png", folder / "1.png"
    same.write_bytes(file.read_bytes())
    plain = fingerprint({"detector": file}, {"threshold": 0.05})
    assert plain == fingerprint({"detector": same}, {"threshold": 0.05})
    others = (
        fingerprint({"detector": other}, {"threshold": 0.05}),
        fingerprint({"refiner": file}, {"threshold": 0.05}),
        fingerprint({"detector": file}, {"threshold": 0.06}),
        fingerprint({"detector": file}, {"threshold": 0.05, "rendering": "grey"}),
    )
    assert len({plain, *others}) == 5
