"""Cross-attention by region: each part of a picture listens to its own prompt.

In cross-attention every place of the picture looks at the words by itself. So a place can be given
the words of the region it lies in, and the one pass of the network that all regions share costs
hardly more than one with a single prompt: each region is asked only where it has any weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["Region", "RegionalAttention", "Regions"]


@dataclass(frozen=True)
class Region:
    """A part of a picture and what is said about it.

    Attributes:
        weight: Its share of each latent cell, ``(h, w)``; those of all regions add up to 1.
        text: Encoded words ``(B, L, D)``; each region may have another L.
        reference: Tokens of a reference picture ``(B, ..., D)`` for the UNet's IP-Adapter, or None
            where none is loaded.
    """

    weight: torch.Tensor
    text: torch.Tensor
    reference: torch.Tensor | None = None


Share = tuple[torch.Tensor | None, torch.Tensor]
"""Which places of a layer belong to a region (None = all), and how much of each, ``(n, 1)``."""


class Regions:
    """Regions that cover a picture, and their shares at each resolution of a network.

    Args:
        regions: Together they cover the picture; those without any weight are left out.
    """

    def __init__(self, regions: Sequence[Region]) -> None:
        self.regions = [region for region in regions if bool((region.weight > 0).any())]
        self._shares: dict[int, list[Share]] = {}

    def shares(self, places: int) -> list[Share]:
        """The shares of the regions in a layer whose grid has so many places."""
        if places not in self._shares:
            self._shares[places] = [_reduced(region.weight, places) for region in self.regions]
        return self._shares[places]


def _reduced(weight: torch.Tensor, places: int) -> Share:
    rows, columns = weight.shape
    while rows * columns > places:  # networks halve by strided convolutions, which round up
        rows, columns = -(-rows // 2), -(-columns // 2)
    share = F.adaptive_avg_pool2d(weight[None, None].float(), (rows, columns)).reshape(-1)
    inside = (share > 0).nonzero()[:, 0]
    if len(inside) == len(share):
        return None, share[:, None]
    return inside, share[inside, None]


class RegionalAttention:
    """While entered, networks look at the words of regions in place of those they are called with.

    Args:
        networks: UNets and ControlNets of diffusers.
    """

    def __init__(self, networks: Sequence[Any]) -> None:
        self._layers = [
            layer
            for network in networks
            for name, layer in network.named_modules()
            if name.endswith("attn2") and hasattr(layer, "set_processor")
        ]
        self._put: list[_Regional] = []

    def __enter__(self) -> Self:
        for layer in self._layers:
            self._put.append(_Regional(layer.processor))
            layer.set_processor(self._put[-1])
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for layer, processor in zip(self._layers, self._put, strict=True):
            layer.set_processor(processor.inner)
        self._put.clear()

    def use(self, regions: Regions) -> None:
        """Look at these from now on; the latents must have the size of their weights."""
        for processor in self._put:
            processor.now = regions


class _Regional(nn.Module):  # a module, so that an inner one which has weights moves with it
    """An attention processor that asks another one for each region."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner
        self.now = Regions([])
        self._takes_reference = "IPAdapter" in type(inner).__name__

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: Any = None,
        attention_mask: torch.Tensor | None = None,
        **options: Any,
    ) -> torch.Tensor:
        shares = self.now.shares(hidden_states.shape[1])
        if len(shares) == 1:
            return self._ask(attn, hidden_states, self.now.regions[0], options)
        result = torch.zeros_like(hidden_states)
        for region, (inside, share) in zip(self.now.regions, shares, strict=True):
            places = hidden_states if inside is None else hidden_states[:, inside]
            answer = self._ask(attn, places, region, options) * share.to(places.dtype)
            if inside is None:
                result += answer
            else:
                result.index_add_(1, inside, answer)
        return result

    def _ask(
        self, attn: Any, places: torch.Tensor, region: Region, options: dict[str, Any]
    ) -> torch.Tensor:
        words: Any = region.text
        if self._takes_reference:
            words = (region.text, [region.reference])
        return self.inner(attn, places, encoder_hidden_states=words, **options)
