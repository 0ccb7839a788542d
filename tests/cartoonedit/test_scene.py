from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cartoonedit.depth
import cartoonedit.inpaint
from cartoonedit.errors import InvalidInput
from cartoonedit.images import save_image
from cartoonedit.scene import Instance, Scene

SIZE_WH = (40, 30)
PICTURE = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)


def box_mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((30, 40), np.uint8)
    mask[y1:y2, x1:x2] = 255
    return mask


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cheap estimators in place of the real ones, and a list of what was computed."""
    calls: list[str] = []

    def estimate_depth(picture: np.ndarray, masks: Any, estimator: str) -> np.ndarray:
        calls.append(f"depth {estimator} {len(masks)}")
        return np.full(picture.shape[:2], 0.25, np.float32)

    def make_plate(picture: np.ndarray, masks: Any, method: str) -> np.ndarray:
        calls.append(f"plate {method} {len(masks)}")
        return np.zeros_like(picture)

    monkeypatch.setattr(cartoonedit.depth, "estimate_depth", estimate_depth)
    monkeypatch.setattr(cartoonedit.inpaint, "make_plate", make_plate)
    return calls


@pytest.fixture
def scene() -> Scene:
    return Scene(PICTURE, [Instance(box_mask(20, 5, 30, 25)), Instance(box_mask(2, 5, 9, 25))])


def test_what_a_scene_holds(scene: Scene) -> None:
    assert scene.size_wh == SIZE_WH and len(scene) == 2
    assert [instance.name for instance in scene] == ["character-1", "character-2"]
    assert scene["character-1"] is scene[0] is scene.instances[0]
    assert scene[0].bounds_xyxy == (2, 5, 9, 25)
    assert np.array_equal(scene.union_mask(), box_mask(20, 5, 30, 25) | box_mask(2, 5, 9, 25))
    assert repr(scene) == "Scene(40x30, character-1, character-2)"
    with pytest.raises(InvalidInput, match="no instance 'x'; this scene has character-1"):
        scene["x"]
    with pytest.raises(ValueError, match="read-only"):
        scene.picture[:] = 0


@pytest.mark.parametrize("count", [0, 1, 100])
def test_any_number_of_instances(count: int, computed: list[str]) -> None:
    masks = [box_mask(i % 40, i // 4, i % 40 + 1, i // 4 + 3) for i in range(count)]
    scene = Scene(PICTURE, [Instance(mask) for mask in masks])
    assert bool(scene) and len(scene) == count == len({instance.name for instance in scene})
    assert scene.plate.shape == (30, 40, 3)
    assert (scene.union_mask() > 0).any() == (count > 0)


def test_without_instances_the_plate_is_the_picture(computed: list[str]) -> None:
    assert np.array_equal(Scene(PICTURE).plate, PICTURE) and not computed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"picture": "a.png"}, r"picture must be a numpy array; got str. open_image"),
        ({"picture": PICTURE[..., 0]}, r"RGB uint8 of shape \(H, W, 3\); got uint8 \(30, 40\)"),
        ({"picture": PICTURE / 255}, "got float64"),
        ({"instances": [Instance(np.ones((4, 4), np.uint8))]}, r"\(30, 40\); got \(4, 4\)"),
        ({"depth": np.zeros((40, 30))}, r"picture, \(30, 40\); got float64 \(40, 30\)"),
        ({"depth": np.zeros((30, 40), np.uint8)}, "float array"),
        ({"depth": np.full((30, 40), 7.0)}, r"got 7 .. 7"),
        ({"depth": np.full((30, 40), np.nan)}, "got nan"),
        ({"plate": PICTURE[:5]}, r"plate must have the shape of the picture, \(30, 40, 3\); got"),
        ({"meta": {"a": object()}}, "what JSON can"),
        ({"meta": {"a": float("nan")}}, "what JSON can"),
    ],
)
def test_parts_are_checked_at_construction(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Scene(**{"picture": PICTURE, **arguments})


def test_parts_are_computed_once_and_only_when_asked_for(scene: Scene, computed: list[str]) -> None:
    assert not scene.has("depth") and not computed
    assert scene.depth is scene.depth and scene.plate is scene.plate
    assert computed == ["depth layered 2", "plate patchmatch 2"]


def test_parts_handed_in_are_not_computed(computed: list[str]) -> None:
    depth = np.linspace(0, 1, 1200).reshape(30, 40)
    scene = Scene(PICTURE, depth=depth, plate=PICTURE[::-1].copy())
    assert np.allclose(scene.depth, depth) and scene.depth.dtype == np.float32
    assert np.array_equal(scene.plate, PICTURE[::-1]) and not computed


def test_what_stays_when_the_instances_change(scene: Scene, computed: list[str]) -> None:
    depth = np.zeros((30, 40), np.float32)
    scene = scene.replace(depth=depth)
    scene.plate  # noqa: B018
    renamed = scene.with_instances([Instance(i.mask, name=f"n{i.name}") for i in scene])
    assert renamed.has("depth") and renamed.plate is scene.plate  # the masks are the same
    fewer = scene.with_instances(scene.instances[:1])
    assert fewer.has("depth") and not fewer.has("plate")
    assert fewer.depth is not None and computed == ["plate patchmatch 2"]


@pytest.mark.parametrize(
    ("change", "depth_stays", "plate_stays"),
    [
        ({"source": "b.png"}, True, True),
        ({"depth_estimator": "other"}, False, True),
        ({"inpainter": "other"}, True, False),
        ({"picture": PICTURE[::-1].copy()}, False, False),
        ({"depth": None}, False, True),
    ],
)
def test_computed_parts_stay_while_they_are_true(
    scene: Scene,
    computed: list[str],
    change: dict[str, Any],
    depth_stays: bool,
    plate_stays: bool,
) -> None:
    assert scene.depth is not None and scene.plate is not None
    other = scene.replace(**change)
    assert (other.has("depth"), other.has("plate")) == (depth_stays, plate_stays)


def test_replace_names_what_it_knows(scene: Scene) -> None:
    with pytest.raises(InvalidInput, match=r"no part plates. Parts: picture, instances"):
        scene.replace(plates=None)


def test_cutout(tiny_scene: Scene) -> None:
    for key in (0, "character-1", tiny_scene[0]):
        cutout = tiny_scene.cutout(key)
        assert cutout.shape == (*tiny_scene.picture.shape[:2], 4)
        assert np.array_equal(cutout[..., 3], tiny_scene[0].mask)
        inside = tiny_scene[0].mask == 255
        assert np.array_equal(cutout[inside][:, :3], tiny_scene.picture[inside])
        assert not cutout[0, 0].any()  # far outside there is nothing
    with pytest.raises(InvalidInput, match="another size"):
        tiny_scene.cutout(Instance(np.ones((4, 4), np.uint8)))


def test_open(tmp_path: Path, scene: Scene) -> None:
    save_image(tmp_path / "a.png", PICTURE)
    opened = Scene.open(tmp_path / "a.png")
    assert np.array_equal(opened.picture, PICTURE) and len(opened) == 0
    assert opened.source == str(tmp_path / "a.png")
    assert Scene.open(PICTURE).source is None
    scene.save(tmp_path / "scene")
    for path in (tmp_path / "scene", str(tmp_path / "scene"), tmp_path / "scene" / "scene.json"):
        assert [i.name for i in Scene.open(path)] == ["character-1", "character-2"]
    with pytest.raises(InvalidInput, match=r"holds no scene.json"):
        Scene.open(tmp_path)
