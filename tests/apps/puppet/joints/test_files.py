from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.puppet.joints.coco import KEYPOINTS
from apps.puppet.joints.files import joints_text, read_joints, write_joints
from apps.puppet.skeleton import BUST, STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Instance
from cartoonedit.scene import Scene
from tests.apps.puppet.joints.figures import ADULT, mask_of, skeleton

SIZE = (500, 400)


def instance(name: str, x: float, y: float = 10) -> Instance:
    """The figure with its upper left corner at a place of a picture of 500 x 400."""
    mask = np.zeros((400, 500), np.uint8)
    drawn = mask_of(skeleton())
    mask[int(y) : int(y) + 380, int(x) : int(x) + 200] = drawn[: 400 - int(y)]
    return Instance(mask, name=name)


A, B = instance("a", 20), instance("b", 270)


def joints_at(x: float, y: float = 10) -> Skeleton:
    return skeleton().moved(skeleton().points_xy + (x, y))  # noqa: RUF005


def coco(x: float, y: float = 10, hidden: tuple[str, ...] = ()) -> list[float]:
    """The 17 key points of the figure, as COCO writes them."""
    same = {"wrist": "hand", "ankle": "foot"}
    numbers: list[float] = []
    for name in KEYPOINTS:
        side, _, part = name.partition("_")
        joint = (
            f"{side}_{same.get(part, part)}" if f"{side}_{same.get(part, part)}" in ADULT else ""
        )
        place = ADULT["neck"] if not joint else ADULT[joint]
        numbers += [0, 0, 0] if name in hidden else [place[0] + x, place[1] + y, 2]
    return numbers


def save(folder: Path, name: str, data: Any) -> Path:
    file = folder / name
    text = json.dumps(data) if name.endswith(".json") else yaml.safe_dump(data)
    file.write_text(text, encoding="utf-8")
    return file


def assert_same(found: Skeleton, expected: Skeleton, atol: float = 0.006) -> None:
    assert found.tree == expected.tree
    for name in expected.names:
        np.testing.assert_allclose(found[name], expected[name], atol=atol)


# ---------------------------------------------------------------- our own


def test_several_characters_there_and_back(tmp_path: Path) -> None:
    file = tmp_path / "joints.yaml"
    bust = Skeleton.build({name: joints_at(270)[name] for name in BUST}, BUST)
    write_joints(file, {"a": joints_at(20), "b": bust})
    found = read_joints(file, [A, B], SIZE)
    assert list(found) == ["a", "b"]
    assert_same(found["a"], joints_at(20))
    assert_same(found["b"], bust)
    assert read_joints(tmp_path, [A, B]).keys() == found.keys()  # the folder stands for it


def test_the_file_explains_itself() -> None:
    text = joints_text({"a": joints_at(20)})
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert len(comments) >= 5 and "left" in text and "root: [120, 220]" in text
    assert "parents:\n" not in text  # of standard joints they are known


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_skeleton_there_and_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    names = data.draw(st.lists(NAMES | st.sampled_from([*STANDARD]), min_size=1, max_size=8,
                               unique=True))  # fmt: skip
    parents = [-1, *(data.draw(st.integers(0, i - 1)) for i in range(1, len(names)))]
    points = data.draw(st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 2), min_size=len(names),
                                max_size=len(names)))  # fmt: skip
    skeleton_ = Skeleton(tuple(names), tuple(parents), np.array(points))
    character = data.draw(NAMES)
    write_joints(file, {character: skeleton_})
    found = read_joints(file)
    assert list(found) == [character]
    assert_same(found[character], skeleton_)


def test_a_short_form(tmp_path: Path) -> None:
    points = {name: list(map(float, point)) for name, point in joints_at_named(20).items()}
    file = save(tmp_path, "mine.yaml", {"a": points})
    assert_same(read_joints(file, [A], SIZE)["a"], joints_at(20))


def joints_at_named(x: float) -> dict[str, np.ndarray]:
    return {name: joints_at(x)[name] for name in STANDARD}


def test_a_root_follows_from_hips_or_shoulders(tmp_path: Path) -> None:
    points = {name: list(map(float, point)) for name, point in joints_at_named(20).items()}
    for gone in ("root", "hip"):
        del points[gone]
    found = read_joints(save(tmp_path, "j.yaml", {"a": points}))["a"]
    np.testing.assert_allclose(found["root"], (120, 224))
    for gone in ("left_hip", "right_hip"):
        del points[gone]
    found = read_joints(save(tmp_path, "j.yaml", {"a": points}))["a"]
    assert found["root"][1] > found["torso"][1]


def test_a_joint_of_another_name(tmp_path: Path) -> None:
    entry = {"joints": {"root": [120, 220], "tail": [100, 240]}, "parents": {"tail": "root"}}
    found = read_joints(save(tmp_path, "j.yaml", {"a": entry}))["a"]
    assert found.tree == {"root": None, "tail": "root"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": {"root": [1, 2, 3]}}, r"must be \[x, y\]"),
        ({"a": {"root": ["x", 2]}}, "number of pixels"),
        ({"a": {"root": [float("nan"), 2]}}, "number of pixels"),
        ({"a": {"root": [float("inf"), 2]}}, "number of pixels"),
        ({"a": {"root": [True, 2]}}, "number of pixels"),
        ({"a": {"root": [1e9, 2]}}, "number of pixels"),
        ({"a": {"root": "12"}}, r"must be \[x, y\]"),
        ({"a": [1, 2]}, "must map joints"),
        ({"a": {}}, "must map joints"),
        ({"a": {"root": [1, 2], "tail": [1, 2]}}, "'tail' is no standard joint"),
        ({"a": {"left_hand": [1, 2]}}, "no root"),
        ({"a": {"joints": {"root": [1, 2], "t": [1, 2]}, "parents": {"t": "u"}}}, "hangs from"),
        ({"a": {"joints": {"root": [1, 2]}, "parents": ["root"]}}, "parents must map"),
        ({"a": {"joints": {"root": [1, 2]}, "colour": 3}}, "'colour'"),
        ({"a": {"joints": {"root": [1, 2], "b": [1, 2], "c": [1, 2]},
                "parents": {"b": "c", "c": "b"}}}, "form one tree"),
        ({"c": {"root": [1, 2]}, "a": {"root": [1, 2]}}, "joints of 'c', but the characters"),
        ([], "holds no joints"),
        ({}, "holds no joints"),
        (None, "holds no joints"),
        ("root", "holds no joints"),
        (17, "holds no joints"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_told(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_joints(save(tmp_path, "joints.yaml", data), [A, B], SIZE)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("j.yaml", b"\xff\xfe\x00", "cannot be read"),
        ("j.yaml", b"a: [1, 2", "not valid YAML"),
        ("j.json", b"{", "cannot be read"),
        ("j.json", b"[" * 100_000, "cannot be read"),
        ("j.json", b'{"a": {"root": [NaN, 1]}}', "number of pixels"),
        ("j.json", b'{"a": {"root": [1' + b"0" * 400 + b", 1]}}", "number of pixels"),
        ("j.yaml", b"x" * 300_000, "larger than"),
        ("j.yaml", b"a: !!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_a_hostile_file_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_joints(tmp_path / name, [A, B], SIZE)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        read_joints(tmp_path / "none.yaml")
    with pytest.raises(InvalidInput, match=r"holds none of joints\.yaml"):
        read_joints(tmp_path)


def test_joints_of_another_character_are_told(tmp_path: Path) -> None:
    file = tmp_path / "joints.yaml"
    write_joints(file, {"a": joints_at(270)})
    with pytest.raises(InvalidInput, match=r"does not fit the character 'a': 16 of its 16 joints"):
        read_joints(file, [A, B], SIZE)


def test_one_character_may_be_called_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "joints.yaml"
    write_joints(file, {"somebody": joints_at(20)})
    assert list(read_joints(file, [A], SIZE)) == ["a"]


# ---------------------------------------------------------------- Animated Drawings


def drawing(width: int = 200, height: int = 380, **changed: Any) -> dict[str, Any]:
    joints = [
        {"loc": [int(v) for v in ADULT[name]], "name": name, "parent": parent}
        for name, parent in STANDARD.items()
    ]
    return {"width": width, "height": height, "skeleton": joints} | changed


def test_a_character_of_animated_drawings(shared: Path) -> None:
    found = read_joints(shared / "fixtures/puppet/characters/char5")
    (joints,) = found.values()
    assert len(joints) == 28 and joints.tree["left_elbow3"] == "left_shoulder3"
    np.testing.assert_array_equal(joints["neck"], (123, 64))


@pytest.mark.parametrize("box", [{"left": 270, "top": 10, "right": 470, "bottom": 390}, None])
def test_a_crop_is_put_into_its_picture(tmp_path: Path, box: dict[str, int] | None) -> None:
    """By its box, or else by the size of the only character that has it."""
    save(tmp_path, "char_cfg.yaml", drawing())
    shown = [A, B]
    if box:
        save(tmp_path, "bounding_box.yaml", box)
    else:
        x1, y1, x2, y2 = B.bounds_xyxy
        moved = [{**j, "loc": [j["loc"][0] + 270 - x1, j["loc"][1] + 10 - y1]}
                 for j in drawing()["skeleton"]]  # fmt: skip
        save(tmp_path, "char_cfg.yaml", drawing(x2 - x1, y2 - y1, skeleton=moved))
        shown = [B]
    found = read_joints(tmp_path, shown, SIZE)
    assert_same(found["b"], joints_at(270))


def test_a_large_picture_was_reduced(tmp_path: Path) -> None:
    """Animated Drawings' box is in pixels of a copy whose longer side has 1000."""
    mask = np.zeros((1200, 2000), np.uint8)
    mask[100:860, 600:1000] = np.kron(mask_of(skeleton()), np.ones((2, 2), np.uint8))
    save(tmp_path, "char_cfg.yaml", drawing())
    save(tmp_path, "bounding_box.yaml", {"left": 300, "top": 50, "right": 500, "bottom": 430})
    found = read_joints(tmp_path / "char_cfg.yaml", [Instance(mask, name="a")], (2000, 1200))
    np.testing.assert_allclose(found["a"]["torso"], (2 * 100 + 600, 2 * 90 + 100))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"skeleton": []}, "list of 1 to"),
        ({"skeleton": [3]}, "joint 1 must have a name"),
        ({"skeleton": [{"name": "root", "parent": None}]}, "loc"),
        ({"skeleton": [{"name": "root", "loc": [1, 2], "parent": "x"}]}, "hangs from 'x'"),
        ({"skeleton": [{"name": "a", "loc": [1, 2]}, {"name": "b", "loc": [1, 2]}]}, "one tree"),
        ({"width": 123}, "picture of 123x380 pixels"),
        ({"width": "wide"}, "width must be a number"),
    ],
)
def test_a_damaged_drawing_is_told(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    file = save(tmp_path, "char_cfg.yaml", drawing(**changed))
    with pytest.raises(InvalidInput, match=message):
        read_joints(file, [A, B], SIZE)


def test_a_drawing_of_something_else_is_told(tmp_path: Path) -> None:
    file = save(tmp_path, "char_cfg.yaml", drawing(500, 400))
    far = Instance(np.pad(np.full((20, 20), 255, np.uint8), ((370, 10), (470, 10))), name="far")
    with pytest.raises(InvalidInput, match="does not fit the character 'far'"):
        read_joints(file, [far], SIZE)


# ---------------------------------------------------------------- COCO and scenes


IMAGES = [{"id": 7, "file_name": "x/me.png", "width": 500, "height": 400}, {"id": 8}]


@pytest.mark.parametrize(
    "data",
    [
        {"keypoints": coco(270)},
        [{"keypoints": coco(270)}],
        [{"keypoints": coco(270)}, {"keypoints": coco(20)}],
        [coco(270)[i : i + 3] for i in range(0, 51, 3)],
        [coco(270)[i : i + 2] for i in range(0, 51, 3)],
        {"annotations": [{"image_id": 1, "keypoints": coco(270)}]},
        {"images": IMAGES[:1], "annotations": [{"image_id": 7, "keypoints": coco(270)},
                                               {"image_id": 7, "bbox": [1, 2, 3, 4]}]},
        {"images": IMAGES, "annotations": [{"image_id": 8, "keypoints": coco(20)},
                                           {"image_id": 7, "keypoints": coco(270)}]},
    ],
    ids=["one", "list", "two", "rows", "pairs", "data set", "one image", "two images"],
)  # fmt: skip
def test_key_points_of_coco(tmp_path: Path, data: Any) -> None:
    found = read_joints(save(tmp_path, "k.json", data), [A, B], SIZE, "elsewhere/me.png")
    joints = found["b"]
    assert joints.tree == dict(STANDARD)
    for name in STANDARD:
        expected = joints_at(270)[name]
        if name in ("root", "hip"):  # between the hips
            expected = (joints_at(270)["left_hip"] + joints_at(270)["right_hip"]) / 2
        if name == "torso":
            expected = (joints_at(270)["left_shoulder"] + joints_at(270)["right_shoulder"]) / 2
        np.testing.assert_allclose(joints[name], expected)
    assert ("a" in found) == (isinstance(data, list) and len(data) == 2)


def test_key_points_for_another_size(tmp_path: Path) -> None:
    data = {"images": [{"id": 1, "width": 1000, "height": 800}],
            "annotations": [{"image_id": 1, "keypoints": [v * 2 if i % 3 < 2 else v for i, v in
                                                          enumerate(coco(270))]}]}  # fmt: skip
    found = read_joints(save(tmp_path, "k.json", data), [A, B], SIZE)
    np.testing.assert_allclose(found["b"]["neck"], joints_at(270)["neck"])


def test_key_points_that_are_not_marked(tmp_path: Path) -> None:
    legs = ("left_knee", "right_knee", "left_ankle", "right_ankle", "nose", "left_wrist")
    data = {"keypoints": coco(20, hidden=legs)}
    joints = read_joints(save(tmp_path, "k.json", data), [A, B], SIZE)["a"]
    assert "left_knee" not in joints and "left_hand" not in joints and "right_hand" in joints
    np.testing.assert_allclose(joints["neck"], joints_at(20)["neck"])  # between the eyes
    bust = {"keypoints": coco(20, hidden=(*legs[:4], "left_hip", "right_hip"))}
    joints = read_joints(save(tmp_path, "k.json", bust), [A, B], SIZE)["a"]
    assert joints["root"][1] > joints["torso"][1]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"keypoints": [1, 2]}, "got 2"),
        ({"keypoints": [1, 2, 2] * 5}, "the 17 points of COCO"),
        ({"keypoints": "nose"}, "the 17 points of COCO"),
        ({"keypoints": [[1, 2, 2]] * 16 + [[1]]}, "point 17 must be x, y"),
        ({"keypoints": [["a", 2, 2]] * 17}, "number of pixels"),
        ({"keypoints": [0] * 51}, "no annotation with key points that are marked"),
        ({"keypoints": [5, 5, 2] + [0] * 48}, "neither both hips nor both shoulders"),
        ({"keypoints": coco(-3000)}, "none of the 1 skeletons"),
        ({"annotations": []}, "no annotation with key points"),
        ({"images": IMAGES, "annotations": []}, "none of which is called 'you.png'"),
        ([3, 4], "must be the 17 points|got 2"),
    ],
)
def test_damaged_key_points_are_told(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read_joints(save(tmp_path, "k.json", data), [A, B], SIZE, "you.png")


def test_joints_of_a_saved_scene(tmp_path: Path) -> None:
    points = {name: tuple(joints_at(20)[name].tolist()) for name in STANDARD}
    kept = Instance(A.mask, name="a", joints=points)  # type: ignore[arg-type]
    Scene(np.zeros((400, 500, 3), np.uint8), [kept, B]).save(tmp_path / "scene")
    found = read_joints(tmp_path / "scene", [A, B], SIZE)
    assert list(found) == ["a"]
    assert_same(found["a"], joints_at(20))
    Scene(np.zeros((400, 500, 3), np.uint8), [A, B]).save(tmp_path / "scene")
    with pytest.raises(InvalidInput, match="has joints yet"):
        read_joints(tmp_path / "scene", [A, B], SIZE)
