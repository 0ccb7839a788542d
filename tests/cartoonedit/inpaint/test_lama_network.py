from __future__ import annotations

import pytest
import torch

from cartoonedit.inpaint.lama_network import LamaGenerator, LamaShape, _FourierUnit, shape_of

TINY = LamaShape(width=4, blocks=2)


def ready(network: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Random weights, and running means as if it had been trained."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
        elif tensor.is_floating_point():
            tensor.normal_(std=0.2, generator=generator)
    return network.eval()


def test_the_names_of_the_public_checkpoints() -> None:
    with torch.device("meta"):
        weights = LamaGenerator().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    expected = {
        "model.1.ffc.convl2l.weight": (64, 4, 7, 7),
        "model.1.bn_l.running_mean": (64,),
        "model.3.ffc.convl2l.weight": (256, 128, 3, 3),
        "model.4.ffc.convl2l.weight": (128, 256, 3, 3),
        "model.4.ffc.convl2g.weight": (384, 256, 3, 3),
        "model.4.bn_g.weight": (384,),
        "model.5.conv1.ffc.convl2l.weight": (128, 128, 3, 3),
        "model.5.conv1.ffc.convg2l.weight": (128, 384, 3, 3),
        "model.5.conv1.ffc.convl2g.weight": (384, 128, 3, 3),
        "model.5.conv1.ffc.convg2g.conv1.0.weight": (192, 384, 1, 1),
        "model.5.conv1.ffc.convg2g.conv1.1.bias": (192,),
        "model.5.conv1.ffc.convg2g.fu.conv_layer.weight": (384, 384, 1, 1),
        "model.5.conv1.ffc.convg2g.fu.bn.weight": (384,),
        "model.5.conv1.ffc.convg2g.conv2.weight": (384, 192, 1, 1),
        "model.22.conv2.bn_g.num_batches_tracked": (),
        "model.24.weight": (512, 256, 3, 3),
        "model.24.bias": (256,),
        "model.25.weight": (256,),
        "model.30.weight": (128, 64, 3, 3),
        "model.34.weight": (3, 64, 7, 7),
        "model.34.bias": (3,),
    }
    assert {name: shapes.get(name) for name in expected} == expected
    assert not any(name.startswith(("model.0.", "model.2.bn_g", "model.23.")) for name in shapes)
    parameters = sum(tensor.numel() for tensor in weights.values())
    assert 50e6 < parameters < 52e6  # 51 million, as in the paper


@pytest.mark.parametrize("shape", [TINY, LamaShape(4, 1, 0.5), LamaShape(8, 3)])
def test_the_size_is_read_from_the_weights(shape: LamaShape) -> None:
    assert shape_of(LamaGenerator(shape).state_dict()) == shape


@pytest.mark.parametrize("size", [(16, 16), (24, 40), (56, 16)])
def test_a_picture_comes_out(size: tuple[int, int]) -> None:
    network = ready(LamaGenerator(TINY))
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    hole = torch.zeros(2, 1, *size)
    hole[..., 4:10, 5:12] = 1
    painted = network(image, hole)
    assert painted.shape == image.shape
    assert painted.min() > 0 and painted.max() < 1
    # What is in the hole is not seen.
    torch.testing.assert_close(network(image * (1 - hole) + 0.5 * hole, hole), painted)


def test_every_pixel_sees_the_whole_picture() -> None:
    network = ready(LamaGenerator(TINY)).double()
    image = torch.rand(1, 3, 16, 240, generator=torch.Generator().manual_seed(1)).double()
    hole = torch.zeros(1, 1, 16, 240).double()
    other = image.clone()
    other[..., -8:] = 1 - other[..., -8:]  # farther away than plain convolutions reach
    assert (network(other, hole)[..., 0] != network(image, hole)[..., 0]).all()


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (5, 4), (1, 3)])
def test_the_spectrum_keeps_odd_sizes(size: tuple[int, int]) -> None:
    unit = ready(_FourierUnit(3))
    unit.conv_layer.weight.data = torch.eye(6)[..., None, None]
    for name, value in (("weight", 1), ("bias", 1e3), ("running_mean", 0), ("running_var", 1)):
        getattr(unit.bn, name).data.fill_(value)
    features = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    # Nothing but a constant was added before the ReLU, so taking it away leaves the identity.
    constant = torch.full((2, 3, size[0], size[1] // 2 + 1), 1e3)
    added = torch.fft.irfft2(torch.complex(constant, constant), s=size, norm="ortho")
    torch.testing.assert_close(unit(features) - added, features, atol=2e-3, rtol=0)


def test_the_order_of_real_and_imaginary_parts() -> None:
    unit = ready(_FourierUnit(2))
    seen: list[torch.Tensor] = []
    unit.conv_layer.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    features = torch.rand(1, 2, 6, 5, generator=torch.Generator().manual_seed(0))
    unit(features)
    spectrum = torch.fft.rfft2(features, norm="ortho")[0]
    expected = torch.stack([spectrum[0].real, spectrum[0].imag, spectrum[1].real, spectrum[1].imag])
    torch.testing.assert_close(seen[0][0], expected)
