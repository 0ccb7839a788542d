"""Small networks with reproducible weights, for tests that need some network and not a good one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from segmentation.isnet import ISNet
from segmentation.rtmdet import RTMDetIns

from .recipe import recipe_weights

REFINE_METADATA = {"width": "0.0625", "refine_size": "64", "colour_order": "rgb"}


def _shaken(net: torch.nn.Module, seed: int) -> dict[str, torch.Tensor]:
    """Random weights with lively outputs."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            if weight.ndim == 4:
                weight.normal_(std=(2 / weight[0].numel()) ** 0.5, generator=generator)
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def _diamond(radius: float) -> torch.Tensor:
    """Mask parameters that draw a diamond around the cell, whatever the picture shows.

    Args:
        radius: In units of eight times the cell's stride.
    """
    first, second, third = torch.zeros(8, 10), torch.zeros(8, 8), torch.zeros(1, 8)
    first[:4, :2] = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])  # ReLU: |x| and |y|
    second[0, :4] = 1
    third[0, 0] = -20
    biases = torch.zeros(17)
    biases[-1] = 20 * radius
    return torch.cat((first.flatten(), second.flatten(), third.flatten(), biases))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a nano detector (96 pixels) and a very slim refiner (64), both untrained."""
    folder = tmp_path_factory.mktemp("tiny-model")
    detector = _shaken(RTMDetIns("nano"), seed=2)
    for level in range(3):
        head = "bbox_head.{}." + str(level)
        detector[head.format("rtm_cls") + ".weight"] *= 20
        detector[head.format("rtm_cls") + ".bias"].fill_(-0.5)
        detector[head.format("rtm_reg") + ".bias"].fill_(1.5)
        detector[head.format("rtm_kernel") + ".weight"].zero_()
        detector[head.format("rtm_kernel") + ".bias"].copy_(_diamond(radius=0.25))
    save_file(detector, folder / "rtmdet.safetensors", metadata={"input_size": "96"})
    refiner = _shaken(ISNet(width=0.0625), seed=2)
    save_file(refiner, folder / "isnet.safetensors", metadata=REFINE_METADATA)
    return folder


@pytest.fixture(scope="session")
def reference_model(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoints that the reference's end-to-end results were recorded with."""
    fixtures = shared / "fixtures/segmentation"
    folder = tmp_path_factory.mktemp("reference-model")
    shutil.copy(fixtures / "checkpoints/rtmdet_nano_mmengine.ckpt", folder)
    keys, bnstats = fixtures / "keys/isnet_dis4.json", fixtures / "bnstats_isnet_dis4.npz"
    torch.save(recipe_weights(keys, bnstats), folder / "refine_last.ckpt")
    return folder
