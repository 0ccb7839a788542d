from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from apps.style import Styled, StyleEditor
from apps.style.layers import write_layers
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Scene
from tests.apps.style.by_hand import COLOURS, paint

Layer = tuple[str, bool, np.ndarray, tuple[int, int]]


def read_ora(path: Path) -> tuple[list[Layer], np.ndarray]:
    """Name, whether it shows, pixels and place of all layers from the bottom; and the preview."""
    with zipfile.ZipFile(path) as archive:
        stack = ElementTree.fromstring(archive.read("stack.xml"))
        preview = np.array(Image.open(io.BytesIO(archive.read("mergedimage.png"))))
        layers = []
        for layer in reversed(list(stack.iter("layer"))):
            told: dict[str, Any] = layer.attrib
            pixels = np.array(Image.open(io.BytesIO(archive.read(told["src"]))))
            place = int(told["x"]), int(told["y"])
            layers.append((told["name"], told["visibility"] == "visible", pixels, place))
    return layers, preview


def read_psd(path: Path) -> tuple[list[Layer], np.ndarray]:
    document = PSDImage.open(path)
    layers = [
        (layer.name, layer.visible, np.array(layer.topil()), (layer.left, layer.top))
        for layer in document.descendants()
        if not layer.is_group()
    ]
    return layers, np.array(document.topil())


def flattened(layers: list[Layer], preview: np.ndarray) -> np.ndarray:
    canvas = np.zeros(preview.shape)
    for _, visible, pixels, (left, top) in layers:
        if visible:
            height, width = pixels.shape[:2]
            alpha = pixels[..., 3:] / 255
            box = canvas[top : top + height, left : left + width]
            box[:] = np.rint(alpha * pixels[..., :3] + (1 - alpha) * box)
    return canvas


READERS = {".ora": read_ora, ".psd": read_psd}
TWO = ["character-2", "character-1"]  # the farther one first


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("edited", [[*COLOURS], TWO, ["character-1"], ["background"], []])
def test_the_stack_shows_the_styled_picture(
    tagged_scene: Scene, tmp_path: Path, edited: list[str], ending: str
) -> None:
    styled = paint(tagged_scene, edited)
    layers, preview = READERS[ending](write_layers(styled, tmp_path / f"a{ending}"))
    np.testing.assert_array_equal(preview, styled.picture)
    np.testing.assert_allclose(flattened(layers, preview), styled.picture, atol=1)
    shows = {name: visible for name, visible, *_ in layers if not name.endswith("edges")}
    expected = {"plate": True} | ({"background": True} if "background" in edited else {})
    for name in TWO:
        expected |= {f"{name} original": False} if name in edited else {}
        expected |= {name: True, f"{name} mask": False}
    assert shows == expected
    assert list(shows) == list(expected)


@pytest.mark.parametrize("mode", ["per-instance", "fused"])
def test_what_networks_made(
    make_editor: Any, tagged_scene: Scene, tmp_path: Path, mode: str
) -> None:
    editor: StyleEditor = make_editor(mode=mode, steps=2)
    styled = editor(tagged_scene)
    layers, preview = read_ora(write_layers(styled, tmp_path / "a.ora"))
    np.testing.assert_allclose(flattened(layers, preview), styled.picture, atol=1)


def test_the_originals_can_be_shown_again(tagged_scene: Scene, tmp_path: Path) -> None:
    layers, _ = read_ora(write_layers(paint(tagged_scene), tmp_path / "a.ora"))
    by_name = {name: (pixels, place) for name, _, pixels, place in layers}
    for one in tagged_scene:
        pixels, (left, top) = by_name[f"{one.name} original"]
        x1, y1, x2, y2 = one.bounds_xyxy
        assert (left, top) == (x1, y1)
        np.testing.assert_array_equal(pixels, tagged_scene.cutout(one)[y1:y2, x1:x2])
    np.testing.assert_array_equal(by_name["plate"][0][..., :3], tagged_scene.plate)


def test_a_picture_translated_as_a_whole(
    make_editor: Any, tagged_scene: Scene, tmp_path: Path
) -> None:
    styled: Styled = make_editor(global_only=True, steps=2)(tagged_scene)
    layers, preview = read_ora(write_layers(styled, tmp_path / "a.ora"))
    assert [layer[:2] for layer in layers] == [("picture original", False), ("picture", True)]
    np.testing.assert_array_equal(flattened(layers, preview), styled.picture)
    np.testing.assert_array_equal(layers[0][2][..., :3], tagged_scene.picture)


@pytest.mark.parametrize("name", ["a.png", "a", "a.psb"])
def test_other_endings(tagged_scene: Scene, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"one of \.psd, \.ora"):
        write_layers(paint(tagged_scene), tmp_path / name)
    assert not list(tmp_path.iterdir())
