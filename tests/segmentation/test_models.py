"""Other weights in the place of a model's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cartoonedit.errors import InvalidInput, ModelNotFound
from segmentation.models import exchange

FULL = Path("full-detector"), Path("full-refiner")
FILES = {"detector": "rtmdet.safetensors", "refiner": "isnet.safetensors"}


@pytest.mark.parametrize("roles", [("detector",), ("refiner",), ("detector", "refiner")])
@pytest.mark.parametrize("as_folder", [False, True])
def test_what_is_not_given_stays(
    tiny_model: Path, tmp_path: Path, roles: tuple[str, ...], as_folder: bool
) -> None:
    for role in roles:
        shutil.copy(tiny_model / FILES[role], tmp_path)
    if not as_folder and len(roles) > 1:
        pytest.skip("a file holds one network")
    weights = tmp_path if as_folder else tmp_path / FILES[roles[0]]
    expected = tuple(
        tmp_path / FILES[role] if role in roles else full
        for role, full in zip(FILES, FULL, strict=True)
    )
    assert exchange(FULL, weights) == expected


def test_names_of_the_catalogue() -> None:
    detector, refiner = exchange(FULL, "embedded")
    assert detector.is_file() and refiner is not None and refiner.is_file()


def test_wrong_weights(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="it holds 0 and 0"):
        exchange(FULL, tmp_path)
    shutil.copy(tiny_model / FILES["detector"], tmp_path / "a.safetensors")
    shutil.copy(tiny_model / FILES["detector"], tmp_path / "b.safetensors")
    with pytest.raises(InvalidInput, match="it holds 2 and 0"):
        exchange(FULL, tmp_path)
    with pytest.raises((InvalidInput, ModelNotFound), match="nowhere"):
        exchange(FULL, "nowhere.safetensors")
