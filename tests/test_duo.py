"""The sample that the project draws itself, and the truth that is known of it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from apps.puppet.skeleton import STANDARD
from cartoonedit.samples import sample_path


@pytest.fixture(scope="module")
def index(root: Path) -> NDArray[np.uint8]:
    """0 the background, 1 the girl, 2 the boy."""
    return np.asarray(Image.open(root / "tests/data/duo_truth.png"))


@pytest.fixture(scope="module")
def joints(root: Path) -> list[dict[str, list[float]]]:
    return json.loads((root / "tests/data/duo_joints.json").read_text(encoding="utf-8"))


@pytest.fixture
def script(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that draws it; docs/ is no package."""
    monkeypatch.syspath_prepend(str(root / "docs"))
    return importlib.import_module("make_duo")


@pytest.mark.parametrize("number", [1, 2])
def test_joints_lie_in_their_character(
    index: NDArray[np.uint8], joints: list[dict[str, list[float]]], number: int
) -> None:
    of_one = joints[number - 1]
    assert list(of_one) == list(STANDARD)
    assert {name: int(index[int(y), int(x)]) for name, (x, y) in of_one.items()} == dict.fromkeys(
        STANDARD, number
    )
    assert of_one["left_hand"][0] > of_one["right_hand"][0]  # it faces the viewer


def test_there_is_room_to_walk_and_jump(index: NDArray[np.uint8]) -> None:
    rows, columns = np.nonzero(index)
    assert columns.min() >= 120
    assert columns.max() < 1280 - 120
    assert rows.min() >= 100
    assert rows.max() < 720 - 50


def test_the_embedded_model_finds_both_and_no_third(index: NDArray[np.uint8]) -> None:
    from segmentation.segmenter import Segmenter

    scene = Segmenter()(sample_path("duo"))
    assert len(scene) == 2
    for number, instance in enumerate(scene, 1):
        found, true = instance.mask > 127, index == number
        assert (found & true).sum() / (found | true).sum() > 0.98, instance.name


@pytest.mark.slow
def test_the_script_draws_the_sample(script: ModuleType, index: NDArray[np.uint8]) -> None:
    """So that picture, truth and script cannot drift apart; OpenCVs differ by a pixel of a line."""
    drawn = script.draw()
    picture = np.asarray(Image.open(sample_path("duo")), np.float64)
    assert np.abs(drawn.picture - picture).mean() < 0.1
    for number, mask in enumerate(drawn.masks, 1):
        assert ((mask > 127) != (index == number)).sum() < 100
