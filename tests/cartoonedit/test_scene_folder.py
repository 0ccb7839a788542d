from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import cartoonedit.depth
import cartoonedit.inpaint
from cartoonedit import scene_folder
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image, open_mask, save_image
from cartoonedit.scene import Instance, Scene, Tag

PICTURE = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)


def box_mask(x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    mask = np.zeros((30, 40), np.uint8)
    mask[y1:y2, x1:x2] = 255
    return mask


@pytest.fixture(autouse=True)
def cheap_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Depth and plate that can be told from any handed in: the number of masks is in them."""
    monkeypatch.setattr(
        cartoonedit.depth,
        "estimate_depth",
        lambda picture, masks, name: np.full(picture.shape[:2], 0.1 * len(masks), np.float32),
    )
    monkeypatch.setattr(
        cartoonedit.inpaint,
        "make_plate",
        lambda picture, masks, name: np.full_like(picture, len(masks)),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A saved scene of two instances with computed depth and plate."""
    instances = [
        Instance(box_mask(2, 5, 9, 25), score=0.9, box_xyxy=(2, 5, 9, 25)),
        Instance(box_mask(20, 5, 30, 25), name="りんご", tags=(Tag("hat", 0.5),)),
    ]
    return Scene(PICTURE, instances).save(tmp_path / "scene", parts=("depth", "plate"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "scene.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


# ---------------------------------------------------------------- round trip

names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
unit = st.floats(0, 1)
coordinate = st.floats(-1e6, 1e6)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    pixels = hnp.arrays(np.uint8, (height, width))
    instances = []
    for number in range(draw(st.integers(0, 3))):
        x1, y1 = draw(coordinate), draw(coordinate)
        instances.append(
            Instance(
                draw(pixels),
                score=draw(unit),
                name=draw(st.sampled_from(["", f"n{number}", f"りんご {number}"])),
                box_xyxy=draw(st.sampled_from([None, (x1, y1, x1 + 1, y1 + 2)])),
                tags=tuple(draw(st.lists(st.builds(Tag, names, unit, names), max_size=2))),
                depth=draw(st.none() | unit),
                joints=draw(st.none() | st.dictionaries(names, st.tuples(coordinate, coordinate))),
            )
        )
    rgb = hnp.arrays(np.uint8, (height, width, 3))
    depth = hnp.arrays(np.float32, (height, width), elements=st.floats(0, 1, width=32))
    return Scene(
        draw(rgb),
        instances,
        depth=draw(st.none() | depth),
        plate=draw(st.none() | rgb),
        source=draw(st.none() | st.text(max_size=9).filter(lambda text: text.isprintable()))
        or None,
        depth_estimator=draw(st.sampled_from(["layered", "a.png"])),
        meta=draw(st.dictionaries(names, names)),
    )


@settings(max_examples=30, deadline=None)
@given(scenes())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> None:
    again = Scene.load(scene.save(tmp_path_factory.mktemp("round") / "scene"))
    assert np.array_equal(again.picture, scene.picture)
    for field in ("source", "depth_estimator", "inpainter", "size_wh", "meta"):
        assert getattr(again, field) == getattr(scene, field)
    assert len(again) == len(scene)
    for one, other in zip(again, scene, strict=True):
        # Compare without the 0/1 masks of the smallest alpha, which are read as labels.
        expected = other.mask * np.uint8(255) if other.mask.max() == 1 else other.mask
        assert np.array_equal(one.mask, expected)
        for field in ("name", "score", "tags", "depth", "joints"):
            assert getattr(one, field) == getattr(other, field)
        if other.mask.max() > 1:
            assert one.box_xyxy == other.box_xyxy
    assert again.has("depth") == scene.has("depth") and again.has("plate") == scene.has("plate")
    if scene.has("depth"):
        assert np.abs(again.depth - scene.depth).max() <= 0.5 / 65535 + 1e-7
    if scene.has("plate"):
        assert np.array_equal(again.plate, scene.plate)


def test_the_files_are_plain(folder: Path) -> None:
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    masks = ["masks/character-1.png", "masks/りんご.png"]
    assert files == ["depth.png", *masks, "picture.png", "plate.png", "scene.json"]
    with Image.open(folder / "depth.png") as depth:
        assert depth.mode == "I;16" and "nearest" in depth.text["Comment"]
    text = (folder / "scene.json").read_text(encoding="utf-8")
    assert "りんご" in text and json.loads(text)["format"] == 1


def test_lazy_parts_are_not_computed_by_saving(tmp_path: Path) -> None:
    Scene(PICTURE).save(tmp_path / "s")
    assert not (tmp_path / "s" / "depth.png").exists()
    with pytest.raises(InvalidInput, match="'depth' and 'plate'; got 'masks'"):
        Scene(PICTURE).save(tmp_path / "s", parts=("masks",))  # type: ignore[arg-type]


def test_saving_over_a_scene_keeps_the_users_files(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    (folder / "masks" / "notes.txt").write_text("mine")
    Scene(PICTURE, [Instance(box_mask(0, 0, 5, 5), name="new")]).save(folder)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert files == ["masks/new.png", "masks/notes.txt", "notes.txt", "picture.png", "scene.json"]
    assert [instance.name for instance in Scene.load(folder)] == ["new"]


def test_a_failed_save_leaves_the_old_scene(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    monkeypatch.setattr(scene_folder.json, "dumps", fail)
    with pytest.raises(KeyboardInterrupt):
        Scene(PICTURE[::-1].copy()).save(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert os.listdir(folder.parent) == ["scene"]


# ---------------------------------------------------------------- edits by a person

EDITED = box_mask(1, 1, 15, 20)


@pytest.mark.parametrize(
    "painted",
    [
        Image.fromarray(EDITED),
        Image.fromarray(EDITED).convert("RGB"),
        Image.fromarray(EDITED).convert("RGBA"),
        Image.fromarray(EDITED).convert("P"),
        Image.fromarray(EDITED).convert("1"),
        Image.fromarray(EDITED).convert("LA"),
        Image.fromarray(EDITED.astype(np.uint16) * 257),
        Image.merge("RGBA", [Image.new("L", (40, 30), 255)] * 3 + [Image.fromarray(EDITED)]),
        Image.fromarray(EDITED).resize((80, 60), Image.Resampling.NEAREST),
    ],
)
def test_a_painted_mask_is_honoured(folder: Path, painted: Image.Image) -> None:
    painted.save(folder / "masks" / "character-1.png")
    scene = Scene.load(folder)
    difference = np.abs(scene["character-1"].mask.astype(int) - EDITED)
    assert difference.max() == 0 if painted.size == (40, 30) else difference.mean() < 3
    assert scene["character-1"].score == 0.9
    assert scene["character-1"].box_xyxy is None  # it was found for the old mask
    # What was computed from the old masks is computed anew.
    assert not scene.has("depth") and not scene.has("plate")
    assert (scene.plate == 2).all()


def test_a_mask_saved_anew_is_no_edit(folder: Path) -> None:
    path = folder / "masks" / "character-1.png"
    Image.fromarray(open_mask(path)).convert("RGBA").save(path, compress_level=0)
    scene = Scene.load(folder)
    assert scene.has("depth") and scene.has("plate") and scene[0].box_xyxy == (2, 5, 9, 25)


def test_an_editor_may_mark_scene_json_as_utf8(folder: Path) -> None:
    path = folder / "scene.json"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert [instance.name for instance in Scene.load(folder)] == ["character-1", "りんご"]


def test_a_mask_of_other_proportions_is_refused(folder: Path) -> None:
    save_image(folder / "masks" / "character-1.png", np.ones((40, 40), np.uint8))
    with pytest.raises(InvalidInput, match=r"character-1.png is 40x40 .* its picture is 40x30"):
        Scene.load(folder)


def test_a_deleted_mask_drops_its_instance(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "masks" / "character-1.png").unlink()
    assert [instance.name for instance in Scene.load(folder)] == ["りんご"]
    assert "character-1.png is gone" in caplog.text


def test_a_mask_painted_black_drops_its_instance(folder: Path) -> None:
    save_image(folder / "masks" / "character-1.png", np.zeros((30, 40), np.uint8))
    assert [instance.name for instance in Scene.load(folder)] == ["りんご"]


@pytest.mark.parametrize(("file", "name"), [("cat.png", "cat"), ("nul.PNG", "character-2")])
def test_a_new_mask_is_a_new_instance(folder: Path, file: str, name: str) -> None:
    save_image(folder / "masks" / "new.png", box_mask(32, 5, 39, 25))
    (folder / "masks" / "new.png").rename(folder / "masks" / file)
    (folder / "masks" / ".ignored.png").write_bytes(b"")
    assert [instance.name for instance in Scene.load(folder)] == ["character-1", "りんご", name]


def test_edited_parts_are_kept(folder: Path) -> None:
    save_image(folder / "plate.png", PICTURE)
    save_image(folder / "depth.png", np.full((30, 40), 255, np.uint8))  # 8 bits will do
    save_image(folder / "masks" / "character-1.png", EDITED)
    scene = Scene.load(folder)
    assert np.array_equal(scene.plate, PICTURE) and (scene.depth == 1).all()
    # And they are still kept after another round.
    again = Scene.load(scene.with_instances(scene.instances[:1]).save(folder))
    assert np.array_equal(again.plate, PICTURE) and (again.depth == 1).all()


def test_a_part_put_into_the_folder_is_taken(tmp_path: Path) -> None:
    folder = Scene(PICTURE).save(tmp_path / "s")
    save_image(folder / "plate.png", PICTURE[::-1].copy())
    assert np.array_equal(Scene.load(folder).plate, PICTURE[::-1])
    save_image(folder / "plate.png", PICTURE[:, :5].copy())
    with pytest.raises(InvalidInput, match=r"plate.png is 5x30 pixels"):
        Scene.load(folder)


def test_an_edited_picture_makes_computed_parts_stale(folder: Path) -> None:
    save_image(folder / "picture.png", PICTURE[::-1].copy())
    scene = Scene.load(folder)
    assert np.array_equal(scene.picture, PICTURE[::-1]) and not scene.has("plate")


# ---------------------------------------------------------------- damaged and malicious folders


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.update(format=2), "A newer cartoonedit wrote it"),
        (lambda v: v.pop("format"), "format must be 1; got None"),
        (lambda v: v.update(instances=5), "'instances' must be a list"),
        (lambda v: v.update(instances=["a"]), "'instances' must be a list"),
        (lambda v: v.update(meta=[1]), "'meta' must be an object"),
        (lambda v: v.update(source=3), "'source' must be a string"),
        (lambda v: v["instances"][0].update(score=7), "instance 0: .* score must be in 0..1"),
        (lambda v: v["instances"][0].update(score="a"), "finite number"),
        (lambda v: v["instances"][0].update(tags=[{"name": "x"}]), "each tag needs"),
        (lambda v: v["instances"][0].update(tags=5), "'tags' must be a list"),
        (lambda v: v["instances"][0].update(box_xyxy=[1]), "must be 4 numbers"),
        (lambda v: v["instances"][0].update(joints=[1]), "joints must map"),
        (lambda v: v["instances"][0].pop("name"), "cannot be a file name"),
        (lambda v: v["instances"][0].update(name="りんご"), "two instances are named"),
        (lambda v: v["instances"][0].update(name="../../x"), "cannot be a file name"),
        (lambda v: v["instances"][0].update(mask="/etc/passwd"), "leads out of the scene folder"),
        (lambda v: v["instances"][0].update(mask="../a.png"), "leads out of the scene folder"),
        (lambda v: v["instances"][0].update(mask="masks/../../a.png"), "leads out"),
        (lambda v: v["instances"][0].update(mask="..\\a.png"), "leads out"),
        (lambda v: v["instances"][0].update(mask=["a"]), "leads out"),
        (lambda v: v["instances"][0].update(mask="a" * 5000), "cannot be used: .*too long"),
        (lambda v: v["instances"][0].update(mask="\ud800"), "cannot be used"),
        (lambda v: v["instances"][0].update(score=10**400), "finite number"),
        (lambda v: v["instances"][0].update(box_xyxy=[0, 0, 1, 10**400]), "finite number"),
        (lambda v: v["instances"][0].update(joints={"a": [0, -(10**400)]}), "finite number"),
        (lambda v: v["instances"][0].update(tags=[{"name": "x", "score": 10**400}]), "each tag"),
        (lambda v: v["instances"][0].update(tags=[{"name": "x", "score": 1e999}]), "finite"),
        (lambda v: v.update(picture="/etc/passwd"), "leads out"),
    ],
)
def test_scene_json_is_checked(
    folder: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    edit(folder, change)
    with pytest.raises(InvalidInput, match=message):
        Scene.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"format": "1"}'])
def test_scene_json_that_is_none(folder: Path, text: str) -> None:
    (folder / "scene.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"scene.json"):
        Scene.load(folder)
    Scene(PICTURE).save(folder)  # and it can be saved over


def test_links_out_of_the_folder_are_refused(folder: Path) -> None:
    save_image(folder.parent / "secret.png", EDITED)
    mask = folder / "masks" / "character-1.png"
    mask.unlink()
    mask.symlink_to(folder.parent / "secret.png")
    with pytest.raises(InvalidInput, match="leads out of the scene folder"):
        Scene.load(folder)
    mask.unlink()
    mask.symlink_to(mask.name)
    with pytest.raises(InvalidInput, match="cannot be used"):
        Scene.load(folder)


def test_saving_deletes_nothing_that_a_strangers_scene_names(folder: Path) -> None:
    (folder / "notes.png").write_bytes(b"mine")
    edit(folder, lambda values: values["instances"][0].update(mask="notes.png"))
    Scene(PICTURE).save(folder)
    assert (folder / "notes.png").read_bytes() == b"mine"


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no scene folder"):
        Scene.load(tmp_path / "none")
    assert open_image(PICTURE) is not PICTURE


def test_files_of_a_scene(tmp_path: Path, tiny_scene: Any) -> None:
    tiny_scene.save(tmp_path, parts=("depth", "plate"))
    (tmp_path / "notes.txt").touch()
    (tmp_path / "masks" / "new.png").touch()
    named = [file.relative_to(tmp_path).as_posix() for file in scene_folder.files_of(tmp_path)]
    masks = ["masks/character-1.png", "masks/character-2.png", "masks/new.png"]
    assert named == ["depth.png", *masks, "picture.png", "plate.png", "scene.json"]

    (tmp_path / "picture.png").rename(tmp_path / "drawing.png")
    text = (tmp_path / "scene.json").read_text()
    (tmp_path / "scene.json").write_text(text.replace('"picture.png"', '"drawing.png"'))
    assert tmp_path / "drawing.png" in scene_folder.files_of(tmp_path)
    (tmp_path / "scene.json").write_text("{")
    assert tmp_path / "masks" / "new.png" in scene_folder.files_of(tmp_path)
