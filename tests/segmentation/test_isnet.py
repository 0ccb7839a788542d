"""The refinement networks against recorded outputs of the reference code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from segmentation.isnet import RSU, GTEncoder, ISNet

from .recipe import recipe_weights

RELATIVE = 3e-4  # of the array's largest value

Fixture = dict[str, NDArray[np.floating]]


def assert_near(actual: torch.Tensor, expected: NDArray[np.floating], what: str) -> None:
    assert tuple(actual.shape) == expected.shape, what
    error = np.abs(actual.detach().numpy() - expected).max()
    assert error <= RELATIVE * np.abs(expected).max(), f"{what}: off by {error:.2e}"


def load(path: Path) -> Fixture:
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "fixtures" / "segmentation"


@pytest.fixture(scope="module")
def isnet(fixtures: Path) -> ISNet:
    net = ISNet()
    keys, bnstats = fixtures / "keys/isnet_dis4.json", fixtures / "bnstats_isnet_dis4.npz"
    net.load_state_dict(recipe_weights(keys, bnstats), strict=True)
    return net.eval()


@pytest.fixture(scope="module")
def gt_encoder(fixtures: Path) -> GTEncoder:
    net = GTEncoder()
    keys, bnstats = fixtures / "keys/isnet_gt.json", fixtures / "bnstats_isnet_gt.npz"
    net.load_state_dict(recipe_weights(keys, bnstats), strict=True)
    return net.eval()


def assert_outputs(net: ISNet | GTEncoder, recorded: Fixture, prefix: str = "") -> None:
    with torch.no_grad():
        sides, features = net(torch.from_numpy(recorded[f"{prefix}input"]))
    for i in range(6):
        assert_near(sides[i], recorded[f"{prefix}d{i + 1}"], f"d{i + 1}")
        assert_near(features[i], recorded[f"{prefix}f{i + 1}"], f"f{i + 1}")


@pytest.mark.parametrize("case", ["a_", "b_"])
def test_isnet_gives_the_recorded_outputs(isnet: ISNet, fixtures: Path, case: str) -> None:
    assert_outputs(isnet, load(fixtures / "isnet_dis4_small.npz"), case)


def test_isnet_stages_give_the_recorded_activations(isnet: ISNet, fixtures: Path) -> None:
    recorded = load(fixtures / "isnet_dis4_small.npz")
    seen: dict[str, torch.Tensor] = {}
    names = [name for name, _ in isnet.named_children() if f"a_act_{name}" in recorded]
    handles = [
        isnet.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.__setitem__(name, output)
        )
        for name in names
    ]
    with torch.no_grad():
        isnet(torch.from_numpy(recorded["a_input"]))
    for handle in handles:
        handle.remove()
    assert len(names) == 12
    for name in names:
        assert_near(seen[name][:, ::8], recorded[f"a_act_{name}"], name)


def test_alpha_is_the_finest_map_as_probability(isnet: ISNet, fixtures: Path) -> None:
    recorded = load(fixtures / "isnet_dis4_small.npz")
    with torch.no_grad():
        alpha = isnet.alpha(torch.from_numpy(recorded["b_input"]))
    assert_near(alpha, 1 / (1 + np.exp(-recorded["b_d1"])), "alpha")


def test_gt_encoder_gives_the_recorded_outputs(gt_encoder: GTEncoder, fixtures: Path) -> None:
    assert_outputs(gt_encoder, load(fixtures / "isnet_gt_small.npz"))


@pytest.mark.parametrize("name", ["RSU7", "RSU6", "RSU5", "RSU4", "RSU4F"])
def test_rsu_gives_the_recorded_output(fixtures: Path, name: str) -> None:
    recorded = load(fixtures / "rsu_blocks.npz")
    weights = load_file(fixtures / "rsu_blocks.safetensors")
    block = RSU(int(name[3]), *map(int, recorded[f"{name}_args"]), flat=name.endswith("F")).eval()
    own = {key.removeprefix(f"{name}."): value for key, value in weights.items()
           if key.startswith(f"{name}.")}  # fmt: skip
    block.load_state_dict(own, strict=True)
    with torch.no_grad():
        output = block(torch.from_numpy(recorded[f"{name}_input"]))
    assert_near(output, recorded[f"{name}_output"], name)


@pytest.mark.parametrize("net", ["isnet_dis4", "isnet_gt"])
def test_state_dict_names_keep_the_released_order(fixtures: Path, net: str) -> None:
    expected = recipe_weights(fixtures / f"keys/{net}.json", fixtures / f"bnstats_{net}.npz")
    own = (ISNet() if net == "isnet_dis4" else GTEncoder()).state_dict()
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in expected.items()}


@pytest.mark.parametrize("width", [0.0625, 0.25, 0.3, 0.5])
@pytest.mark.parametrize("size", [(64, 64), (33, 50), (1, 1)])
def test_slim_networks_agree_in_their_feature_shapes(width: float, size: tuple[int, int]) -> None:
    with torch.no_grad():
        sides, features = ISNet(width=width).eval()(torch.rand(1, 4, *size))
        gt_sides, gt_features = GTEncoder(width=width).eval()(torch.rand(1, 1, *size))
    assert [f.shape for f in features] == [f.shape for f in gt_features]
    assert {tuple(d.shape) for d in sides + gt_sides} == {(1, 1, *size)}


def test_width_quarters_the_parameters_twice() -> None:
    full, slim = (sum(p.numel() for p in ISNet(width=w).parameters()) for w in (1.0, 0.25))
    assert 44_000_000 < full < 44_100_000
    assert slim < full / 15


@pytest.mark.parametrize("width", [0.25, 1.0])
def test_gradients_reach_every_parameter(width: float) -> None:
    net = ISNet(width=width).train()
    sides, _ = net(torch.rand(2, 4, 64, 64))
    torch.stack([d.mean() for d in sides]).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
