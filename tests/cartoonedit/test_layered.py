from __future__ import annotations

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from cartoonedit.errors import InvalidInput
from cartoonedit.layered import back_to_front, save_ora, save_psd
from cartoonedit.scene import Instance, Scene

SIZE_WH = (90, 60)


def disc(x: int, y: int, radius: int) -> np.ndarray:
    mask = np.zeros((SIZE_WH[1], SIZE_WH[0]), np.uint8)
    cv2.circle(mask, (x, y), radius, 255, -1)
    return cv2.GaussianBlur(mask, (0, 0), 1.5)


@pytest.fixture
def scene() -> Scene:
    """A noisy picture, two characters that overlap, one more in another script, a blurred plate."""
    picture = np.random.default_rng(0).integers(0, 256, (SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    front = disc(50, 35, 15)
    behind = np.minimum(disc(30, 30, 18), 255 - front)
    return Scene(
        picture,
        [
            Instance(behind, depth=0.8),
            Instance(front, depth=0.2),
            Instance(disc(80, 10, 12), depth=0.9, name="りんご & x"),
        ],
        plate=cv2.GaussianBlur(picture, (0, 0), 5),
    )


def paste(canvas: np.ndarray, pixels: np.ndarray, left: int, top: int) -> None:
    """Source-over with the rounding to 8 bits of a paint program."""
    height, width = pixels.shape[:2]
    box = canvas[top : top + height, left : left + width]
    alpha = pixels[..., 3:] / 255
    box[:] = np.rint(alpha * pixels[..., :3] + (1 - alpha) * box)


def test_psd_reopens_with_names_places_and_alpha(scene: Scene, tmp_path: Path) -> None:
    document = PSDImage.open(save_psd(scene, tmp_path / "a.psd"))
    assert document.size == SIZE_WH and document.channels == 3
    assert [layer.name for layer in document] == [
        "plate",
        "plate edges",
        "りんご & x",
        "character-1",
        "character-2",
    ]
    assert np.array_equal(np.array(document.topil()), scene.picture)  # the merged preview
    for instance in scene:
        (group,) = [layer for layer in document if layer.name == instance.name]
        assert group.kind == "group" and group.visible
        cutout, mask = group
        x1, y1, x2, y2 = instance.bounds_xyxy
        alpha = instance.mask[y1:y2, x1:x2]
        assert cutout.name == instance.name and cutout.bbox == (x1, y1, x2, y2) and cutout.visible
        assert np.array_equal(np.array(cutout.topil())[..., 3], alpha)
        assert mask.name == f"{instance.name} mask" and mask.bbox == cutout.bbox
        assert not mask.visible
        assert np.array_equal(np.array(mask.topil().convert("RGB"))[..., 1], alpha)


def test_psd_layers_show_the_picture_again(scene: Scene, tmp_path: Path) -> None:
    document = PSDImage.open(save_psd(scene, tmp_path / "a.psd"))
    canvas = np.zeros_like(scene.picture)
    for layer in document.descendants():
        if layer.kind == "pixel" and layer.visible:
            paste(canvas, np.array(layer.topil().convert("RGBA")), layer.left, layer.top)
    assert np.abs(canvas.astype(int) - scene.picture).max() <= 1  # soft edges, too


def test_ora_follows_its_specification(scene: Scene, tmp_path: Path) -> None:
    with zipfile.ZipFile(save_ora(scene, tmp_path / "a.ora")) as archive:
        first = archive.infolist()[0]
        assert first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED
        assert archive.read("mimetype") == b"image/openraster" and not first.extra
        assert {entry.compress_type for entry in archive.infolist()} <= {
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        }
        merged = np.array(Image.open(io.BytesIO(archive.read("mergedimage.png"))))
        assert np.array_equal(merged, scene.picture)
        with Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))) as thumbnail:
            assert max(thumbnail.size) <= 256 and thumbnail.format == "PNG"
        root = ElementTree.fromstring(archive.read("stack.xml"))
        assert (root.get("w"), root.get("h")) == ("90", "60")
        (stack,) = root
        assert [layer.get("name") for layer in stack] == [
            "character-2",
            "character-1",
            "りんご & x",
            "plate edges",
            "plate",
        ]
        canvas = np.zeros_like(scene.picture)
        for layer in reversed(list(stack.iter("layer"))):
            pixels = Image.open(io.BytesIO(archive.read(layer.get("src")))).convert("RGBA")
            if layer.get("visibility") == "visible":
                paste(canvas, np.array(pixels), int(layer.get("x")), int(layer.get("y")))
        assert np.abs(canvas.astype(int) - scene.picture).max() <= 1


def test_equal_scenes_give_equal_files(scene: Scene, tmp_path: Path) -> None:
    for save, ending in ((save_ora, "ora"), (save_psd, "psd")):
        files = [save(scene, tmp_path / f"{number}.{ending}") for number in range(2)]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize("size_wh", [(1, 1), (3000, 3)])
@pytest.mark.parametrize("count", [0, 1])
def test_small_pictures(size_wh: tuple[int, int], count: int, tmp_path: Path) -> None:
    picture = np.full((size_wh[1], size_wh[0], 3), 77, np.uint8)
    mask = np.full(picture.shape[:2], 255, np.uint8)
    scene = Scene(picture, [Instance(mask)] * count, plate=picture)
    document = PSDImage.open(save_psd(scene, tmp_path / "a.psd"))
    assert [layer.name for layer in document] == ["plate", "character-1"][: 1 + count]
    assert zipfile.is_zipfile(save_ora(scene, tmp_path / "a.ora"))


def test_a_picture_too_long_for_a_psd(tmp_path: Path) -> None:
    long = np.zeros((1, 30_001, 3), np.uint8)
    with pytest.raises(InvalidInput, match=r"30000 pixels a side; .* 30001x1. Write OpenRaster"):
        save_psd(Scene(long, plate=long), tmp_path / "a.psd")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("depths", "depth_map", "expected"),
    [
        ((0.1, 0.9), False, ["right", "left"]),  # by their own depths, the farther one first
        ((0.9, 0.1), False, ["left", "right"]),
        ((None, None), False, ["right", "left"]),  # by the lower edge: left stands lower
        ((0.9, None), False, ["right", "left"]),  # not all are known
        ((None, None), True, ["left", "right"]),  # by the map, which is farther on the left
        ((0.1, None), True, ["right", "left"]),
    ],
)
def test_order(
    depths: tuple[float | None, float | None], depth_map: bool, expected: list[str]
) -> None:
    scene = Scene(
        np.zeros((60, 90, 3), np.uint8),
        [
            Instance(disc(20, 40, 10), name="left", depth=depths[0]),
            Instance(disc(70, 20, 10), name="right", depth=depths[1]),
        ],
        depth=np.tile(np.linspace(1, 0, 90), (60, 1)) if depth_map else None,
    )
    assert [instance.name for instance in back_to_front(scene)] == expected
