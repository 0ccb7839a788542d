from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from apps.puppet.classic.character import Drawing, read_drawing, write_drawing
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput

WIDTH, HEIGHT = 40, 60
SKELETON = Skeleton.build({"root": (20, 30), "torso": (20, 10), "left_hip": (25, 30)})


def drawing() -> Drawing:
    rng = np.random.default_rng(0)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[5:50, 10:30] = 255
    texture = rng.integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    texture[..., 3] = mask
    return Drawing("hero", SKELETON, texture, mask)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_drawing(drawing(), tmp_path / "hero")
    return tmp_path / "hero"


def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "char_cfg.yaml"
    data = yaml.safe_load(file.read_text())
    edit(data)
    file.write_text(yaml.dump(data))  # not the safe one: tuples get a tag


def test_what_is_written_is_read_back(folder: Path) -> None:
    expected, got = drawing(), read_drawing(folder)
    assert got.name == "hero"
    assert got.size_wh == (WIDTH, HEIGHT)
    assert got.skeleton.tree == expected.skeleton.tree
    assert np.array_equal(got.skeleton.points_xy, expected.skeleton.points_xy)
    assert np.array_equal(got.texture, expected.texture)
    assert np.array_equal(got.mask, expected.mask)


@pytest.mark.parametrize("parent", ["hip", None, "torso", "ear"])
def test_joints_that_do_not_hang_from_the_root_are_left_out(
    folder: Path, parent: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["skeleton"][1]["parent"] = parent
        data["skeleton"].insert(0, {"loc": [20, 5], "name": "ear", "parent": "torso"})

    change(folder, edit)
    assert read_drawing(folder).skeleton.tree == {"root": None, "left_hip": "root"}
    assert "torso" in caplog.text
    assert "ear" in caplog.text


def test_the_files_are_those_of_animated_drawings(folder: Path) -> None:
    assert sorted(file.name for file in folder.iterdir()) == [
        "char_cfg.yaml",
        "mask.png",
        "texture.png",
    ]
    data = yaml.safe_load((folder / "char_cfg.yaml").read_text())
    assert (data["width"], data["height"]) == (WIDTH, HEIGHT)
    assert data["skeleton"] == [
        {"loc": [20, 30], "name": "root", "parent": None},
        {"loc": [20, 10], "name": "torso", "parent": "root"},
        {"loc": [25, 30], "name": "left_hip", "parent": "root"},
    ]
    assert cv2.imread(str(folder / "texture.png"), cv2.IMREAD_UNCHANGED).shape[2] == 4
    assert cv2.imread(str(folder / "mask.png"), cv2.IMREAD_UNCHANGED).ndim == 2


POINTS = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=16, max_size=16)


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_joints_are_written_at_whole_pixels_inside(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, float]]
) -> None:
    skeleton = Skeleton.build(dict(zip(STANDARD, points, strict=True)))
    made = Drawing.of_picture("a", skeleton, drawing().texture, drawing().mask)
    folder = tmp_path_factory.mktemp("drawing") / "a"
    write_drawing(made, folder)
    for joint in yaml.safe_load((folder / "char_cfg.yaml").read_text())["skeleton"]:
        (x, y), (wanted_x, wanted_y) = joint["loc"], skeleton[joint["name"]]
        assert isinstance(x, int) and isinstance(y, int)
        assert 0 <= x < WIDTH and 0 <= y < HEIGHT
        # The pixel in which the joint lies, or the nearest.
        assert abs(x + 0.5 - np.clip(wanted_x, 0, WIDTH)) <= 0.5 + 1e-9
        assert abs(y + 0.5 - np.clip(wanted_y, 0, HEIGHT)) <= 0.5 + 1e-9
    assert read_drawing(folder).skeleton.tree == STANDARD


def test_a_root_of_another_name_is_read_and_written_as_root(folder: Path) -> None:
    change(folder, lambda data: [joint.update(name="pelvis") for joint in data["skeleton"][:1]])
    change(folder, lambda data: [joint.update(parent="pelvis") for joint in data["skeleton"][1:]])
    got = read_drawing(folder)
    assert got.skeleton.tree == {"pelvis": None, "torso": "pelvis", "left_hip": "pelvis"}
    write_drawing(got, folder)
    assert read_drawing(folder).skeleton.tree == SKELETON.tree
    taken = Skeleton(("pelvis", "root"), (-1, 0), np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="to be called 'root', but another one is"):
        write_drawing(Drawing("a", taken, got.texture, got.mask), folder)


# ---------------------------------------------------------------- what a person may have changed


def test_a_texture_of_another_size_takes_mask_and_joints_along(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Image.fromarray(drawing().texture).resize((80, 120)).save(folder / "texture.png")
    got = read_drawing(folder)
    assert got.mask.shape == got.texture.shape[:2] == (120, 80)
    # The middle of a pixel stays where it is in the picture.
    assert np.array_equal(got.skeleton.points_xy + 0.5, 2 * (SKELETON.points_xy + 0.5))
    assert "joints are scaled from 40x60 to 80x120" in caplog.text


def test_a_missing_mask_is_the_transparency(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "mask.png").unlink()
    assert np.array_equal(read_drawing(folder).mask, drawing().mask)
    assert "the transparency of texture.png is taken" in caplog.text
    Image.fromarray(drawing().texture[..., :3]).save(folder / "texture.png")
    with pytest.raises(InvalidInput, match=r"no .*mask\.png, and texture\.png has no transparency"):
        read_drawing(folder)


def test_a_texture_without_transparency_is_opaque(folder: Path) -> None:
    Image.fromarray(drawing().texture[..., :3]).save(folder / "texture.png")
    assert (read_drawing(folder).texture[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("loc", "expected"),
    [
        ([-3, 70], [0, 59]),
        ([40, 12.25], [39, 12.25]),
        ([39.5, 12.25], [39.5, 12.25]),
        ((5, 6), [5, 6]),
        (["7", "8"], [7, 8]),
    ],
)
def test_joints_are_brought_into_the_picture(folder: Path, loc: object, expected: object) -> None:
    change(folder, lambda data: data["skeleton"][1].update(loc=loc))
    assert read_drawing(folder).skeleton["torso"].tolist() == expected


def test_the_size_may_be_missing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(folder, lambda data: (data.pop("width"), data.pop("height"), data.update(extra=[1])))
    with caplog.at_level(logging.WARNING):
        got = read_drawing(folder)
    assert np.array_equal(got.skeleton.points_xy, SKELETON.points_xy)
    assert not caplog.text


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda data: data.pop("skeleton"), "lacks 'skeleton'. It has height, width"),
        (lambda data: data.pop("width"), "lacks 'width'"),
        (lambda data: data.update(width=0), "width must be a number from 1"),
        (lambda data: data.update(width=99_999, height=99_999), "is for a picture of 99999x99999"),
        (lambda data: data.update(width=60, height=40), "60x40 pixels, but texture.png has 40x60"),
        (lambda data: data.update(skeleton=[]), "skeleton must be a list of at least 1"),
        (lambda data: data.update(skeleton={"a": 1}), "skeleton must be a list"),
        (lambda data: data["skeleton"].append(3), "joint 4 must be a mapping"),
        (lambda data: data["skeleton"].append(data["skeleton"][1]), "'torso' is there twice"),
        (lambda data: data["skeleton"][1].pop("name"), "joint 2 lacks 'name'"),
        (lambda data: data["skeleton"][1].pop("loc"), "joint 2 lacks 'loc'"),
        (lambda data: data["skeleton"][1].update(loc=[1]), "torso: loc must be 2 numbers"),
        (lambda data: data["skeleton"][1].update(loc=[1, "x"]), "loc must be a number"),
        (lambda data: data["skeleton"][1].update(loc=[1, float("nan")]), "loc must be a number"),
        (lambda data: data["skeleton"][1].update(loc=[900, 1]), "far outside of the picture"),
        (lambda data: data["skeleton"][0].update(parent="torso"), "char_cfg.yaml: .* one tree"),
    ],
)
def test_what_is_told_of_the_joints(
    folder: Path, edit: Callable[[dict[str, Any]], object], said: str
) -> None:
    change(folder, edit)
    with pytest.raises(InvalidInput, match=said) as told:
        read_drawing(folder)
    assert "char_cfg.yaml" in str(told.value)


def test_what_is_told_of_the_files(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a file; give the folder"):
        read_drawing(folder / "texture.png")
    with pytest.raises(InvalidInput, match=r"character .*char_cfg\.yaml cannot be read: No such"):
        read_drawing(tmp_path)
    Image.new("L", (60, 40)).save(folder / "mask.png")
    with pytest.raises(InvalidInput, match=r"mask\.png is 60x40 pixels"):
        read_drawing(folder)
    Image.new("L", (WIDTH, HEIGHT), 128).save(folder / "mask.png")
    with pytest.raises(InvalidInput, match="the mask of the drawing 'hero' is empty"):
        read_drawing(folder)
    (folder / "texture.png").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"texture\.png is empty"):
        read_drawing(folder)


def test_a_drawing_needs_a_mask_of_its_size() -> None:
    made = drawing()
    with pytest.raises(InvalidInput, match="needs a texture"):
        Drawing("a", SKELETON, made.texture, made.mask[1:])
    with pytest.raises(InvalidInput, match="needs a texture"):
        Drawing("a", SKELETON, made.texture[..., :3], made.mask)


@pytest.mark.parametrize("name", ["char1", "char5"])
def test_characters_of_the_reference_are_read_and_written(
    shared: Path, tmp_path: Path, name: str
) -> None:
    source = shared / "fixtures" / "puppet" / "characters" / name
    got = read_drawing(source)
    stored = cv2.imread(str(source / "texture.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(got.texture[..., :3], stored[..., 2::-1])
    assert np.array_equal(got.mask, cv2.imread(str(source / "mask.png"), cv2.IMREAD_GRAYSCALE))
    write_drawing(got, tmp_path)
    data = [yaml.safe_load((at / "char_cfg.yaml").read_text()) for at in (source, tmp_path)]
    assert data[0] == data[1]
