from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Instance, Tag
from cartoonedit.scene import Scene
from cartoonedit.tagger import Tagger, background_tags, tag_scene


class Colours:
    """A tagger that names the colour in the middle, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[np.ndarray] = []

    def __call__(self, image: np.ndarray) -> list[Tag]:
        self.shown.append(image)
        red, _, blue = image[image.shape[0] // 2, image.shape[1] // 2]
        return [Tag("red_one" if red > blue else "blue_one", 0.9)]


def test_each_character_alone_on_white_and_the_background_without_them(tiny_scene: Scene) -> None:
    tagger = Colours()
    tagged = tag_scene(tiny_scene, tagger)
    assert [one.tags[0].name for one in tagged] == ["red_one", "blue_one"]
    for image in tagger.shown[:2]:
        assert image.dtype == np.uint8
        for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
            assert (edge == 255).all()
    np.testing.assert_array_equal(tagger.shown[2], tiny_scene.plate)
    assert len(background_tags(tagged)) == 1


def test_tags_are_kept_unless_asked_for_again(tiny_scene: Scene, tmp_path: Path) -> None:
    by_hand = tiny_scene.with_instances(
        [Instance(one.mask, name=one.name, tags=(Tag("knight", 1.0),)) for one in tiny_scene]
    )
    tagger = Colours()
    tagged = tag_scene(by_hand, tagger)
    assert len(tagger.shown) == 1  # the background
    assert {tag.name for one in tagged for tag in one.tags} == {"knight"}
    tagged.save(tmp_path / "scene")
    loaded = Scene.load(tmp_path / "scene")
    assert background_tags(loaded) == background_tags(tagged)
    tag_scene(loaded, tagger)
    assert len(tagger.shown) == 1  # all is there
    again = tag_scene(loaded, tagger, again=True)
    assert {tag.name for one in again for tag in one.tags} == {"red_one", "blue_one"}


@pytest.mark.parametrize("masks", [[], [(10, 10)]], ids=["no instance", "one pixel"])
def test_few_and_small_instances(tiny_scene: Scene, masks: list[tuple[int, int]]) -> None:
    instances = []
    for row, column in masks:
        mask = np.zeros((48, 64), np.uint8)
        mask[row, column] = 255
        instances.append(Instance(mask))
    tagged = tag_scene(tiny_scene.with_instances(instances), Colours())
    assert [len(one.tags) for one in tagged] == [1] * len(masks)
    assert len(background_tags(tagged)) == 1


def test_a_tagger_that_was_not_fetched(
    tiny_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    tagged = tag_scene(tiny_scene, Tagger("wd-swinv2-tagger-v3"))
    assert not any(one.tags for one in tagged)
    assert background_tags(tagged) == []
    assert "cartoonedit models fetch" in caplog.text
    with pytest.raises(ModelNotFound):
        tag_scene(tiny_scene, Tagger(tmp_path / "mine" / "model.onnx"))


@pytest.mark.parametrize(
    "stored",
    [3, None, "hat", {}, ["hat"], [None], [{"name": "hat"}], [{"score": 1}],
     *([{"name": "hat", "score": score}] for score in ("x", None, "nan", "inf", 10**400)),
     *([{"name": name, "score": 1}] for name in (3, "", ["hat"])),
     [{"name": "hat", "score": 1, "category": 3}]],
)  # fmt: skip
def test_notes_that_hold_something_else(tiny_scene: Scene, stored: Any) -> None:
    with pytest.raises(InvalidInput, match="background_tags"):
        background_tags(tiny_scene.replace(meta={"background_tags": stored}))
