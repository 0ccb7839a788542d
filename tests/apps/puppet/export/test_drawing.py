"""Folders for Animated Drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from apps.puppet.classic.character import read_drawing
from apps.puppet.export.drawing import export_drawing
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image, open_mask, open_rgba
from tests.apps.puppet.figures import figure, points


@pytest.mark.parametrize("margin", [None, 0, 1000])
def test_the_folder_is_as_animated_drawings_wants_it(tmp_path: Path, margin: int | None) -> None:
    picture, mask, skeleton = figure()
    folder = export_drawing(tmp_path / "figure", "figure", picture, mask, skeleton, margin=margin)
    assert {file.name for file in folder.iterdir()} == {
        "char_cfg.yaml",
        "texture.png",
        "mask.png",
        "image.png",
        "joint_overlay.png",
        "bounding_box.yaml",
    }
    box = yaml.safe_load((folder / "bounding_box.yaml").read_text())
    config = yaml.safe_load((folder / "char_cfg.yaml").read_text())
    inside = np.s_[box["top"] : box["bottom"], box["left"] : box["right"]]
    size = (config["height"], config["width"])
    for name in ("texture.png", "mask.png", "joint_overlay.png"):
        assert open_rgba(folder / name).shape[:2] == size == mask[inside].shape
    np.testing.assert_array_equal(open_image(folder / "image.png"), picture)
    stored = open_mask(folder / "mask.png")
    np.testing.assert_array_equal(stored, np.where(mask[inside] >= 128, 255, 0))
    assert (mask >= 128).sum() == (stored == 255).sum()
    roots = [joint["name"] for joint in config["skeleton"] if joint["parent"] is None]
    assert roots == ["root"]
    for joint in config["skeleton"]:
        assert all(isinstance(value, int) for value in joint["loc"])
        assert 0 <= joint["loc"][0] < size[1]
        assert 0 <= joint["loc"][1] < size[0]


def test_it_reads_back_where_it_was(tmp_path: Path) -> None:
    picture, mask, skeleton = figure()
    folder = export_drawing(tmp_path / "figure", "figure", picture, mask, skeleton)
    drawing = read_drawing(folder)
    box = yaml.safe_load((folder / "bounding_box.yaml").read_text())
    back = drawing.skeleton.points_xy + 0.5 + (box["left"], box["top"])
    assert drawing.skeleton.names == skeleton.names
    np.testing.assert_allclose(back, skeleton.points_xy, atol=0.51)


def test_joints_outside_are_brought_in(tmp_path: Path) -> None:
    picture, mask, _ = figure()
    skeleton = Skeleton.build(points(right_hand=(-50, 400)))
    folder = export_drawing(tmp_path / "figure", "figure", picture, mask, skeleton)
    config = yaml.safe_load((folder / "char_cfg.yaml").read_text())
    hand = next(joint for joint in config["skeleton"] if joint["name"] == "right_hand")
    assert hand["loc"] == [0, config["height"] - 1]


@pytest.mark.parametrize("value", [0, 90])
def test_a_character_that_cannot_be_seen_is_refused(tmp_path: Path, value: int) -> None:
    picture, mask, skeleton = figure()
    faint = np.full_like(mask, value)
    with pytest.raises(InvalidInput, match="nothing to draw"):
        export_drawing(tmp_path / "nobody", "nobody", picture, faint, skeleton)
    assert not list(tmp_path.iterdir())
