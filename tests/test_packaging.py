"""What a user installs holds all that the commands need."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

NEEDED = [
    "apps/cli/__init__.py",
    "apps/kenburns/export/import.jsx",
    "apps/puppet/motions/dance.bvh",
    "apps/py.typed",
    "cartoonedit/py.typed",
    "cartoonedit/samples/LICENCE.md",
    "cartoonedit/samples/concert.jpg",
    "cartoonedit/samples/duo.png",
    "cartoonedit/samples/novel.jpg",
    "prompts/negatives.yaml",
    "prompts/py.typed",
    "prompts/tags.yaml",
    "segmentation/py.typed",
    "segmentation/weights/MODEL_CARD.md",
    "segmentation/weights/isnet-slim.safetensors",
    "segmentation/weights/rtmdet-tiny.safetensors",
]


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built without a network by the backend that pip calls."""
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    path = next(WheelBuilder(str(root)).build(directory=str(folder), versions=["standard"]))
    return zipfile.ZipFile(path)


@pytest.mark.parametrize("name", NEEDED)
def test_wheel_holds(wheel: zipfile.ZipFile, name: str) -> None:
    assert wheel.getinfo(name).file_size > 0 or name.endswith("py.typed")


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    packages = {top for top in tops if not top.endswith(".dist-info")}
    assert packages == {"cartoonedit", "segmentation", "apps", "prompts"}


def test_embedded_weights_are_small(wheel: zipfile.ZipFile) -> None:
    weights = [i.file_size for i in wheel.infolist() if i.filename.endswith(".safetensors")]
    assert sum(weights) <= 25_000_000
