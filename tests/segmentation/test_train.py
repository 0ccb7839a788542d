"""Training: a few steps on drawn material, resumed, and its weights used."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from cartoonedit.errors import InvalidInput
from segmentation.dataset.loader import BOX_HINT
from segmentation.isnet import ISNet
from segmentation.models import load_refiner
from segmentation.rtmdet import RTMDetIns
from segmentation.train import main
from segmentation.trainer import TrainOptions, load_start, save_weights
from tests.segmentation.dataset.material import write_art


@pytest.fixture(scope="module")
def art(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_art(tmp_path_factory.mktemp("art"))


def train(stage: str, art: Path, out: Path, steps: int, *more: str) -> None:
    main([stage, "--art", str(art), "--out", str(out), "--steps", str(steps), "--batch", "2",
          "--workers", "0", "--precision", "no", "--sides", "64", *more])  # fmt: skip


def test_detector_trains_resumes_and_repeats(art: Path, tmp_path: Path) -> None:
    through, stopped = tmp_path / "through", tmp_path / "stopped"
    train("detector", art, through, 4, "--size", "nano")
    train("detector", art, through, 4, "--size", "nano")  # nothing left to do
    train("detector", art, stopped, 4, "--size", "nano")
    states = [torch.load(f / "last.pt", weights_only=True) for f in (through, stopped)]
    assert states[0]["step"] == 4
    for name, tensor in states[0]["net"].items():
        assert torch.equal(tensor, states[1]["net"][name]), name
    with safe_open(through / "weights.safetensors", "pt") as file:
        assert file.metadata()["network"] == "rtmdet-ins"
        assert file.metadata()["trained_steps"] == "4"
        assert not any("reg_convs" in name for name in file.keys())  # noqa: SIM118
    load_start(RTMDetIns("nano"), through / "weights.safetensors")
    with pytest.raises(InvalidInput, match="is not of this network"):
        load_start(ISNet(4, width=0.1), through / "weights.safetensors")


def test_a_resumed_run_goes_on_where_it_stopped(art: Path, tmp_path: Path) -> None:
    train("detector", art, tmp_path / "a", 2, "--size", "nano")
    # The schedule of a longer run differs, so only the clock is compared.
    train("detector", art, tmp_path / "a", 5, "--size", "nano")
    state = torch.load(tmp_path / "a" / "last.pt", weights_only=True)
    assert state["step"] == 5
    assert state["elapsed"] > 0


def test_refiner_trains_with_its_encoder(art: Path, tmp_path: Path) -> None:
    train("refiner", art, tmp_path, 3, "--width", "0.1")
    net = ISNet(4, width=0.1)
    load_start(net, tmp_path / "weights.safetensors")
    assert (tmp_path / "encoder" / "weights.safetensors").is_file()


def test_fp16_weights_round_trip(tmp_path: Path) -> None:
    net = RTMDetIns("nano")
    save_weights(net, tmp_path / "w.safetensors", {"network": "rtmdet-ins"})
    other = RTMDetIns("nano")
    load_start(other, tmp_path / "w.safetensors")
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(a.half().float(), b)


def test_the_rate_warms_up_and_falls() -> None:
    options = TrainOptions(lr=1.0, warmup=10)
    rates = [
        options.rate(0, 0.0),
        options.rate(10, 0.01),
        options.rate(500, 0.5),
        options.rate(999, 1.0),
    ]
    assert rates[0] == pytest.approx(0.1)
    assert rates[1] > 0.99
    assert rates[2] == pytest.approx(0.51, abs=0.01)
    assert rates[3] == pytest.approx(0.02)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"lr": 0.0}, {"minutes": 0.0}])
def test_senseless_budgets_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        TrainOptions(**wrong)  # type: ignore[arg-type]


def test_refiner_learns_from_a_detector(art: Path, tmp_path: Path) -> None:
    train("detector", art, tmp_path / "detector", 1, "--size", "nano")
    weights = tmp_path / "detector" / "weights.safetensors"
    train("refiner", art, tmp_path / "refiner", 1, "--width", "0.1", "--detector", str(weights))
    trained = tmp_path / "refiner" / "weights.safetensors"
    assert load_refiner(trained, torch.device("cpu")).settings.box_hint == BOX_HINT


def test_refiner_goes_on_without_an_encoder(art: Path, tmp_path: Path) -> None:
    train("refiner", art, tmp_path, 1, "--width", "0.1", "--feature-weight", "0")
    assert (tmp_path / "weights.safetensors").is_file()
    assert not (tmp_path / "encoder").exists()
