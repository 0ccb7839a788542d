from __future__ import annotations

from pathlib import Path

import pytest

from cartoonedit.errors import InvalidInput
from cartoonedit.onnx_graph import open_graph, providers


@pytest.mark.parametrize(
    ("available", "device", "expected"),
    [
        (["CUDAExecutionProvider", "CPUExecutionProvider"], "auto",
         ["CUDAExecutionProvider", "CPUExecutionProvider"]),
        (["CUDAExecutionProvider", "CPUExecutionProvider"], "cpu", ["CPUExecutionProvider"]),
        (["AzureExecutionProvider", "CPUExecutionProvider"], "auto", ["CPUExecutionProvider"]),
    ],
)  # fmt: skip
def test_providers(available: list[str], device: str, expected: list[str]) -> None:
    assert providers(available, device, "tagger") == expected
    with pytest.raises(InvalidInput, match="onnxruntime-gpu"):
        providers(["CPUExecutionProvider"], "cuda", "tagger")


def test_no_graph(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no graph")
    with pytest.raises(InvalidInput, match="is no ONNX graph that can be run"):
        open_graph(tmp_path / "a.onnx", "cpu", "tagger")
