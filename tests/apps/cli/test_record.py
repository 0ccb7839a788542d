from __future__ import annotations

import json
from pathlib import Path

import pytest

import cartoonedit
from apps.cli.record import _digest, changes_since


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "unet").mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    (folder / "unet" / "weights.safetensors").write_bytes(b"abc")
    (folder / "README.md").write_text("read me")
    return folder


@pytest.mark.parametrize(
    ("file", "content", "counts"),
    [
        ("unet/weights.safetensors", b"abd", True),
        ("unet/more.safetensors", b"", True),
        ("model_index.json", b"{ }", True),
        ("README.md", b"changed", False),
    ],
)
def test_a_model_in_a_folder_that_changed(
    model: Path, file: str, content: bytes, counts: bool
) -> None:
    models = [{"name": "model", "file": str(model), "sha256": _digest(model)}]
    record = {"cartoonedit": cartoonedit.__version__, "inputs": [], "models": models}
    record = json.loads(json.dumps(record))
    assert changes_since(record) == []
    (model / file).write_bytes(content)
    assert changes_since(record) == ([f"{model} has changed"] if counts else [])


def test_a_model_in_another_place_is_the_same(model: Path, tmp_path: Path) -> None:
    before = _digest(model)
    model.rename(tmp_path / "elsewhere")
    assert _digest(tmp_path / "elsewhere") == before
