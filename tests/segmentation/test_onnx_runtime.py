"""ONNX Runtime gives the masks that torch gives."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cartoonedit.errors import InvalidInput, MissingExtra
from segmentation.onnx_runtime import cache_folder
from segmentation.segmenter import Segmenter

from .recipe import recipe_image


@pytest.mark.slow
def test_same_masks_from_one_export(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARTOONEDIT_CACHE", str(tmp_path / "cache"))
    options: dict[str, Any] = {
        "device": "cpu",
        "threshold": 0.2,
        "max_instances": 5,
        "overlap": True,
    }
    pictures = [recipe_image("onnx", *shape) for shape in ((120, 180), (90, 64), (40, 300))]
    expected = list(Segmenter(tiny_model, **options).batch(pictures))
    found = list(Segmenter(tiny_model, runtime="onnx", **options).batch(pictures))
    assert len(expected[0]) == 5
    for one, other in zip(expected, found, strict=True):
        for a, b in zip(one, other, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-4)
            assert ((a.mask >= 128) != (b.mask >= 128)).mean() < 1e-3
    exports = sorted((tmp_path / "cache/onnx").iterdir())
    times = [path.stat().st_mtime_ns for path in exports]
    assert [path.suffix for path in exports] == [".onnx", ".onnx"]
    # Another input size needs no other export of the detector.
    again = Segmenter(tiny_model, runtime="onnx", detector_size=160, **options)
    assert len(again(pictures[0])) == 5
    assert [path.stat().st_mtime_ns for path in exports] == times
    assert sorted((tmp_path / "cache/onnx").iterdir()) == exports


def test_cpu_only(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter = Segmenter(tiny_model, device="cpu")
    segmenter.device = type(segmenter.device)("meta")
    with pytest.raises(InvalidInput, match="runs on the CPU"):
        segmenter._use_onnx(tiny_model / "rtmdet.safetensors", None)


def test_missing_package_is_named(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match="pip install onnxruntime"):
        Segmenter(tiny_model, runtime="onnx")


@pytest.mark.parametrize(
    "platform, variable, tail",
    [
        ("linux", "XDG_CACHE_HOME", "cartoonedit"),
        ("win32", "LOCALAPPDATA", "cartoonedit"),
        ("any", "CARTOONEDIT_CACHE", ""),
    ],
)
def test_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, variable: str, tail: str
) -> None:
    for name in ("CARTOONEDIT_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache_folder() == tmp_path / tail
