from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from torch import nn

from cartoonedit.diffusion.regions import Region, RegionalAttention, Regions

ROWS, COLUMNS = 8, 12
ANSWERS = 2  # to the negative and to the positive prompt


class Network(nn.Module):
    """The only layer that matters: cross-attention."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attn1 = Attention(query_dim=16, heads=2, dim_head=8, processor=AttnProcessor2_0())
        self.attn2 = Attention(
            query_dim=16, cross_attention_dim=10, heads=2, dim_head=8, processor=AttnProcessor2_0()
        )


@pytest.fixture(scope="module")
def network() -> Network:
    return Network().eval().requires_grad_(False)


def text(seed: int, length: int = 7) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((ANSWERS, length, 10), generator=generator)


def places(count: int = ROWS * COLUMNS) -> torch.Tensor:
    return torch.randn((ANSWERS, count, 16), generator=torch.Generator().manual_seed(9))


LEFT = (torch.arange(COLUMNS) < 4).float().expand(ROWS, COLUMNS)


def ask(network: Network, hidden: torch.Tensor, *regions: Region) -> torch.Tensor:
    with RegionalAttention([network]) as attention:
        attention.use(Regions(regions))
        return network.attn2(hidden, encoder_hidden_states=text(99))


def test_each_place_listens_to_its_region(network: Network) -> None:
    hidden = places()
    one, other = text(1), text(2, length=14)  # of different lengths
    got = ask(network, hidden, Region(LEFT, one), Region(1 - LEFT, other))
    left = LEFT.reshape(-1) > 0
    torch.testing.assert_close(got[:, left], network.attn2(hidden, one)[:, left])
    torch.testing.assert_close(got[:, ~left], network.attn2(hidden, other)[:, ~left])


def test_shares_are_mixed(network: Network) -> None:
    hidden = places()
    share = torch.full((ROWS, COLUMNS), 0.25)
    got = ask(network, hidden, Region(share, text(1)), Region(1 - share, text(2)))
    wanted = 0.25 * network.attn2(hidden, text(1)) + 0.75 * network.attn2(hidden, text(2))
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize(
    ("size", "reduced"), [((8, 12), (4, 6)), ((8, 12), (1, 2)), ((7, 9), (4, 5))]
)
def test_deeper_layers_have_fewer_places(
    network: Network, size: tuple[int, int], reduced: tuple[int, int]
) -> None:
    """The shares are reduced as the picture is; an odd side is rounded up."""
    left = (torch.arange(size[1]) < size[1] / 2).float().expand(size)
    hidden = places(reduced[0] * reduced[1])
    got = ask(network, hidden, Region(left, text(1)), Region(1 - left, text(2)))
    by_row = got.reshape(ANSWERS, *reduced, 16)
    for words, column in ((text(1), 0), (text(2), -1)):
        wanted = network.attn2(hidden, words).reshape(ANSWERS, *reduced, 16)
        torch.testing.assert_close(by_row[:, :, column], wanted[:, :, column])


def test_words_that_the_network_is_called_with_do_not_count(network: Network) -> None:
    whole = torch.ones(ROWS, COLUMNS)
    got = ask(network, places(), Region(whole, text(1)), Region(0 * whole, text(2)))
    torch.testing.assert_close(got, network.attn2(places(), text(1)))


def test_self_attention_is_left_alone_and_everything_is_put_back(network: Network) -> None:
    before = network.attn1.processor, network.attn2.processor
    with pytest.raises(RuntimeError, match="stop"), RegionalAttention([network]):
        assert network.attn1.processor is before[0]
        assert network.attn2.processor is not before[1]
        raise RuntimeError("stop")
    assert (network.attn1.processor, network.attn2.processor) == before


def test_an_inner_processor_with_weights_moves_with_the_network() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def __call__(self, *args: Any, **options: Any) -> Any:
            return args[1]

    network = Network()
    network.attn2.set_processor(Weighted())
    with RegionalAttention([network]):
        network.to(torch.float64)
        assert any("layer" in name for name, _ in network.named_parameters())
    assert network.attn2.processor.layer.weight.dtype == torch.float64
