from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from cartoonedit.errors import InvalidInput
from cartoonedit.weights import load_into, read_weights

WEIGHTS = {"0.weight": torch.arange(6.0).reshape(2, 3), "0.bias": torch.ones(2)}


class Harm:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize(
    "stored",
    [
        WEIGHTS,
        {f"module.{name}": value for name, value in WEIGHTS.items()},
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": WEIGHTS},
        {"depth_model": WEIGHTS},
        {"gen_state_dict": WEIGHTS, "step": 3},
        {"model": {"state_dict": WEIGHTS}},
    ],
    ids=["bare", "module.", "state_dict", "model", "depth_model", "gen_state_dict", "nested"],
)
def test_however_they_are_wrapped(tmp_path: Path, stored: Any) -> None:
    torch.save(stored, tmp_path / "weights.pth")
    read = read_weights(tmp_path / "weights.pth")
    assert read.keys() == WEIGHTS.keys()
    assert all(torch.equal(read[name], WEIGHTS[name]) for name in WEIGHTS)


def test_safetensors(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "weights.safetensors")
    assert torch.equal(read_weights(tmp_path / "weights.safetensors")["0.bias"], torch.ones(2))


def test_code_among_tensors_is_not_run(tmp_path: Path) -> None:
    torch.save({"model": WEIGHTS, "extra": Harm(tmp_path / "trace")}, tmp_path / "weights.pth")
    with pytest.raises(InvalidInput, match="could run code"):
        read_weights(tmp_path / "weights.pth")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.pth", b"", "cannot be read as weights"),
        ("text.pth", b"no weights", "cannot be read as weights"),
        ("cut.safetensors", b"\x10", r"no whole \.safetensors"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_weights(tmp_path / name)


def test_no_weights_by_name(tmp_path: Path) -> None:
    torch.save([1.0], tmp_path / "list.pth")
    with pytest.raises(InvalidInput, match="no weights by name, but a list"):
        read_weights(tmp_path / "list.pth")


@pytest.mark.parametrize(
    ("weights", "computed", "message"),
    [
        (WEIGHTS, (), None),
        (WEIGHTS | {"unused": torch.ones(1)}, (), None),
        ({"0.weight": WEIGHTS["0.weight"]}, (), "1 tensors are missing, such as '0.bias'"),
        ({"0.weight": WEIGHTS["0.weight"]}, ("bias",), None),
        (WEIGHTS | {"0.bias": torch.ones(5)}, (), "not of this network"),
    ],
    ids=["right", "more", "less", "less, but computed", "another shape"],
)
def test_load_into(weights: Any, computed: tuple[str, ...], message: str | None) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(3, 2))
    if message is None:
        load_into(network, weights, Path("w.pth"), computed)
        assert torch.equal(network[0].weight, WEIGHTS["0.weight"])
    else:
        with pytest.raises(InvalidInput, match=message):
            load_into(network, weights, Path("w.pth"), computed)
