from __future__ import annotations

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from apps.kenburns.export import export_layers, take_apart
from cartoonedit.scene import Instance, Scene

Layer = tuple[str, np.ndarray, int, int, bool]


def psd_layers(path: Path) -> list[tuple[str, list[Layer]]]:
    return [
        (
            group.name,
            [
                (
                    layer.name,
                    np.array(layer.topil().convert("RGBA")),
                    layer.left,
                    layer.top,
                    layer.visible,
                )
                for layer in group
            ],
        )
        for group in PSDImage.open(path)
    ]


def ora_layers(path: Path) -> list[tuple[str, list[Layer]]]:
    with zipfile.ZipFile(path) as archive:
        (stack,) = ElementTree.fromstring(archive.read("stack.xml"))
        groups = []
        for group in reversed(stack):
            layers = []
            for layer in reversed(group):
                image = Image.open(io.BytesIO(archive.read(layer.get("src")))).convert("RGBA")
                place = int(layer.get("x")), int(layer.get("y"))
                visible = layer.get("visibility") == "visible"
                layers.append((layer.get("name"), np.array(image), *place, visible))
            groups.append((group.get("name"), layers))
        return groups


READERS = {".psd": psd_layers, ".ora": ora_layers}


@pytest.fixture(params=READERS)
def groups_of(request: pytest.FixtureRequest, tmp_path: Path):
    def groups(scene: Scene, **options) -> list[tuple[str, list[Layer]]]:
        path = export_layers(scene, tmp_path / f"a{request.param}", **options)
        return READERS[request.param](path)

    return groups


def paste(canvas: np.ndarray, pixels: np.ndarray, left: int, top: int) -> None:
    """Source-over with the rounding to 8 bits of a paint program."""
    height, width = pixels.shape[:2]
    box = canvas[top : top + height, left : left + width]
    alpha = pixels[..., 3:] / 255
    box[:] = np.rint(alpha * pixels[..., :3] + (1 - alpha) * box)


@pytest.mark.parametrize("pool", ["mean", "none"])
def test_what_is_visible_is_the_picture(scene: Scene, groups_of, pool: str) -> None:
    canvas = np.zeros_like(scene.picture)
    for _, layers in groups_of(scene, pool=pool):
        for _, pixels, left, top, visible in layers:
            if visible:
                paste(canvas, pixels, left, top)
    assert np.abs(canvas.astype(int) - scene.picture).max() <= 1


def test_groups_from_the_back_each_with_its_depth(scene: Scene, groups_of) -> None:
    groups = groups_of(scene)
    cards = take_apart(scene).cards
    assert [name for name, _ in groups] == ["plate", *(card.name for card in cards)]
    for name, layers in groups:
        names = [layer[0] for layer in layers]
        assert names in ([name, f"{name} depth"], ["plate", "plate edges", "plate depth"])
        assert [layer[4] for layer in layers] == [True] * (len(layers) - 1) + [False]


def test_all_depth_layers_together_are_the_depth_map(groups_of) -> None:
    masks = np.zeros((2, 36, 64), np.uint8)
    masks[0, 5:20, 10:40] = masks[1, 15:30, 30:60] = 255
    picture = np.zeros((36, 64, 3), np.uint8)
    instances = [Instance(mask, depth=depth) for mask, depth in zip(masks, (0.6, 0.2), strict=True)]
    depth = np.full((36, 64), 0.8, np.float32)
    canvas = np.zeros_like(picture)
    for _, layers in groups_of(Scene(picture, instances, plate=picture, depth=depth)):
        _, pixels, left, top, _ = layers[-1]
        paste(canvas, pixels, left, top)
    expected = np.where(masks[1], 0.2, np.where(masks[0], 0.6, 0.8)) * 255
    np.testing.assert_allclose(canvas[..., 0], expected, atol=0.51)


def test_a_character_is_complete_behind_the_one_in_front(groups_of) -> None:
    # A green block goes behind a blue bar.
    picture = np.full((72, 128, 3), (255, 0, 255), np.uint8)
    bar, block = np.zeros((2, 72, 128), np.uint8)
    bar[6:66, 50:70], block[30:42, 70:100] = 255, 255
    plate = picture.copy()
    picture[bar > 0], picture[block > 0] = (0, 0, 200), (0, 180, 0)
    instances = [Instance(bar, depth=0.1, name="bar"), Instance(block, depth=0.5, name="block")]
    groups = dict(groups_of(Scene(picture, instances, plate=plate)))
    _, pixels, left, _, _ = groups["block"][0]
    assert left <= 66  # at least four pixels of what nobody saw
    red, green, blue, alpha = pixels[pixels.shape[0] // 2, 66 - left]
    assert green > 120 and red < 60 and blue < 60 and alpha == 255
