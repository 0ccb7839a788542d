"""The average of several networks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from apps.cli import main
from cartoonedit.errors import InvalidInput
from segmentation.checkpoints import read_meta
from segmentation.models import load_detector
from segmentation.rtmdet import RTMDetIns
from segmentation.training.loop import save_weights
from segmentation.training.soup import average_weights


def write(path: Path, value: float, **tensors: torch.Tensor) -> Path:
    save_file({"a": torch.full((2, 3), value), **tensors}, path, metadata={"network": path.stem})
    return path


def test_every_weight_is_the_mean(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{value}.safetensors", value) for value in (1.0, 2.0, 6.0)]
    average_weights(files, tmp_path / "out.safetensors")
    assert load_file(tmp_path / "out.safetensors")["a"].tolist() == [[3.0] * 3] * 2
    metadata = read_meta(tmp_path / "out.safetensors").metadata
    assert metadata == {"network": "1.0", "averaged": "3"}


def test_the_average_of_detectors_is_one(tmp_path: Path) -> None:
    for seed in (0, 1):
        torch.manual_seed(seed)
        metadata = {"network": "rtmdet-ins", "input_size": "64"}
        save_weights(RTMDetIns("nano"), tmp_path / f"{seed}.safetensors", metadata)
    files = [str(tmp_path / f"{seed}.safetensors") for seed in (0, 1)]
    out = tmp_path / "out.safetensors"
    with pytest.raises(SystemExit) as stop:
        main(["train", "average", *files, "--out", str(out)])
    assert stop.value.code == 0
    assert load_detector(out, torch.device("cpu")).side == 64


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({}, "'b'"),
        ({"b": torch.zeros(2)}, "'b'"),
        ({"b": torch.zeros(3), "c": torch.zeros(1)}, "'c'"),
    ],
    ids=["one tensor less", "another shape", "one tensor more"],
)
def test_other_networks_are_refused(
    second: dict[str, torch.Tensor], reason: str, tmp_path: Path
) -> None:
    files = [
        write(tmp_path / "a.safetensors", 1, b=torch.zeros(3)),
        write(tmp_path / "b.safetensors", 1, **second),
    ]
    with pytest.raises(InvalidInput, match=reason):
        average_weights(files, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_one_network_has_no_average(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least two"):
        average_weights([write(tmp_path / "a.safetensors", 1)], tmp_path / "out.safetensors")
