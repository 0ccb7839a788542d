"""`cartoonedit segment` with the embedded model on the pictures that people really have."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cartoonedit.samples import sample_path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def segmenter() -> Any:
    """The embedded model, loaded once for all pictures."""
    from segmentation.segmenter import Segmenter

    return Segmenter(device="cpu")


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch, segmenter: Any) -> None:
    monkeypatch.setattr("apps.cli.options.segmenter_maker", lambda values: lambda: segmenter)


def scene(size_wh: tuple[int, int] = (320, 204)) -> Image.Image:
    with Image.open(sample_path("concert")) as picture:
        return picture.resize(size_wh)


def one_pixel(path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(path)


def very_wide(path: Path) -> None:
    scene((12000, 200)).save(path)


def cmyk(path: Path) -> None:
    scene().convert("CMYK").save(path, format="JPEG")


def grey_16_bit(path: Path) -> None:
    grey = np.asarray(scene().convert("L"), np.uint16) * 257
    Image.fromarray(grey).save(path)


def animated(path: Path) -> None:
    frames = [scene(), Image.new("RGB", (320, 204))]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


def transparent(path: Path) -> None:
    picture = scene().convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture.save(path)


def empty_scene(path: Path) -> None:
    Image.linear_gradient("L").convert("RGB").save(path)


def truncated(path: Path) -> None:
    whole = path.with_name("whole.png")
    scene().save(whole)
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    whole.unlink()


def text(path: Path) -> None:
    path.write_text("once upon a time")


def nothing(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "name", "size_wh"),
    [
        (one_pixel, "a.png", (1, 1)),
        (very_wide, "a.png", (12000, 200)),
        (cmyk, "a.jpg", (320, 204)),
        (grey_16_bit, "a.png", (320, 204)),
        (animated, "a.gif", (320, 204)),
        (transparent, "a.webp", (320, 204)),
        (empty_scene, "a.png", (256, 256)),
    ],
)
def test_is_segmented(
    cli: Any, tmp_path: Path, make: Callable[[Path], None], name: str, size_wh: tuple[int, int]
) -> None:
    make(tmp_path / name)
    out = tmp_path / "out"
    run = cli("segment", tmp_path / name, "-o", out, "--psd", "--ora", "--json")
    assert run.code == 0, run.err
    assert "Traceback" not in run.err
    (result,) = json.loads(run.out)["pictures"]
    assert tuple(result["size_wh"]) == size_wh
    coco = json.loads((out / "annotations.json").read_text())
    assert coco["images"][0]["file_name"] == name
    assert len(coco["annotations"]) == len(result["instances"])
    assert Image.open(out / "a" / "overlay.png").size == size_wh
    assert not list(out.rglob("*.part*"))


@pytest.mark.parametrize("make", [truncated, text, nothing])
def test_is_refused(cli: Any, tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.png")
    run = cli("segment", tmp_path / "a.png", "-o", tmp_path / "out")
    assert run.code == 1
    assert "a.png" in run.err
    assert "Traceback" not in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
