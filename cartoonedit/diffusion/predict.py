"""The noise that networks see in latents, led by words, lines and guidance that vary by place.

What the pipelines of diffusers cannot do is done here: words by region, guidance and ControlNet
scale by place, and large pictures in tiles that are blended at every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import torch
import torch.nn.functional as F

from cartoonedit.diffusion.regions import Region, RegionalAttention, Regions

__all__ = ["CELL", "Conditions", "Predictor", "tile_spans"]

CELL = 8
"""Pixels on a side of a latent cell, in both families of networks."""

Span = tuple[slice, slice]


@dataclass(frozen=True)
class Conditions:
    """What leads a batch of B pictures, whose latents are ``(B, 4, h, w)``.

    With classifier-free guidance, tensors "per answer" have 2B rows: for all pictures what to go
    away from, then for all what to go towards. Without it they have B.

    Attributes:
        regions: What is said, by region; ``text`` and ``reference`` are per answer. Of several
            pictures all share the regions' weights.
        pooled: SDXL's summary of the words ``(rows, P)``, per answer.
        guidance: How strongly the words are followed, ``(B, 1, 1, 1)`` or by place ``(1, 1, h,
            w)``; None runs without classifier-free guidance.
        control: Line art 0..1 ``(B, 3, H, W)``; None without a ControlNet.
        control_scale: How strongly it is followed, of the same forms as ``guidance``.
    """

    regions: Sequence[Region]
    pooled: torch.Tensor | None = None
    guidance: torch.Tensor | None = None
    control: torch.Tensor | None = None
    control_scale: torch.Tensor | None = None


class Predictor:
    """Predicts the noise in latents, tile by tile, under classifier-free guidance.

    Args:
        pipeline: An image-to-image pipeline of diffusers, with or without ControlNet.
        conditions: What leads it.
        like: Latents of the shape and dtype that are worked on.
        tile: Latents larger than this on a side are worked on in overlapping tiles.
        extra: More ``added_cond_kwargs`` for the UNet.
    """

    def __init__(
        self,
        pipeline: Any,
        conditions: Conditions,
        like: torch.Tensor,
        tile: int | None,
        extra: dict[str, Any] | None,
    ) -> None:
        self._pipeline = pipeline
        self._controlnet = None if conditions.control is None else pipeline.controlnet
        networks = [pipeline.unet] + ([self._controlnet] if self._controlnet is not None else [])
        self._attention = RegionalAttention(networks)
        self._rows = 1 if conditions.guidance is None else 2
        self._extra = extra or {}
        rows, columns = like.shape[2:]
        self._spans = [
            (down, across)
            for down in tile_spans(rows, tile)
            for across in tile_spans(columns, tile)
        ]
        whole = _placed(conditions, like)
        self._tiles = [_cut(whole, span) for span in self._spans]
        self._regions = [Regions(each.regions) for each in self._tiles]

    def __enter__(self) -> Self:
        self._attention.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._attention.__exit__(kind, error, trace)

    def __call__(self, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """The noise in ``latents``, blended over the tiles that see a place."""
        if len(self._tiles) == 1:
            return self._tile(0, latents, timestep)
        total = torch.zeros_like(latents, dtype=torch.float32)
        weight = torch.zeros_like(total[:1, :1])
        for index, span in enumerate(self._spans):
            seen = latents[..., span[0], span[1]]
            fade = _fade(seen)
            total[..., span[0], span[1]] += self._tile(index, seen, timestep).float() * fade
            weight[..., span[0], span[1]] += fade
        return (total / weight).to(latents.dtype)

    def _tile(self, index: int, latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        conditions = self._tiles[index]
        self._attention.use(self._regions[index])
        shown = self._pipeline.scheduler.scale_model_input(
            torch.cat([latents] * self._rows), timestep
        )
        added = self._added(conditions, latents)
        text = conditions.regions[0].text  # of the right form; the regions are what is looked at
        answer = self._pipeline.unet(
            shown,
            timestep,
            encoder_hidden_states=text,
            added_cond_kwargs=added | self._extra,
            return_dict=False,
            **self._residuals(conditions, shown, timestep, text, added),
        )[0]
        if conditions.guidance is None:
            return answer
        away, towards = answer.chunk(2)
        return away + conditions.guidance * (towards - away)

    def _residuals(
        self,
        conditions: Conditions,
        shown: torch.Tensor,
        timestep: torch.Tensor,
        text: torch.Tensor,
        added: dict[str, Any],
    ) -> dict[str, Any]:
        """What the ControlNet adds to the UNet."""
        network = self._controlnet
        if network is None or conditions.control is None or conditions.control_scale is None:
            return {}
        lines = torch.cat([conditions.control] * self._rows)
        options: dict[str, Any] = {"controlnet_cond": lines}
        if "num_control_type" in network.config:  # a union of ControlNets, told which one is meant
            kinds = lines.new_zeros((len(lines), network.config.num_control_type))
            kinds[:, _LINE_ART] = 1
            options = {"controlnet_cond": [lines], "control_type": kinds}
            options |= {"control_type_idx": [_LINE_ART]}
        down, middle = network(
            shown,
            timestep,
            encoder_hidden_states=text,
            added_cond_kwargs=added,
            return_dict=False,
            **options,
        )
        scale = torch.cat(
            [conditions.control_scale] * (len(lines) // len(conditions.control_scale))
        )
        return {
            "down_block_additional_residuals": [each * _at(scale, each) for each in down],
            "mid_block_additional_residual": middle * _at(scale, middle),
        }

    def _added(self, conditions: Conditions, latents: torch.Tensor) -> dict[str, Any]:
        """What SDXL is told beside the words."""
        if conditions.pooled is None:
            return {}
        size = (latents.shape[2] * CELL, latents.shape[3] * CELL)
        towards, away = self._pipeline._get_add_time_ids(
            size, (0, 0), size, *_AESTHETIC_SCORES, size, (0, 0), size,
            dtype=latents.dtype, text_encoder_projection_dim=conditions.pooled.shape[-1],
        )  # fmt: skip
        both = [away, towards][-self._rows :]
        times = torch.cat([each.repeat(len(latents), 1) for each in both]).to(latents.device)
        return {"text_embeds": conditions.pooled, "time_ids": times}


_LINE_ART = 3
"""Lines of drawings among the kinds of the published union of ControlNets."""

_AESTHETIC_SCORES = (6.0, 2.5)
"""What diffusers tells refiners of SDXL to go towards and away from."""


def _placed(conditions: Conditions, like: torch.Tensor) -> Conditions:
    """The conditions on the device and in the dtype of the latents."""

    def put(tensor: torch.Tensor | None) -> Any:
        return None if tensor is None else tensor.to(like.device, like.dtype)

    regions = [
        Region(region.weight.to(like.device), put(region.text), put(region.reference))
        for region in conditions.regions
    ]
    return Conditions(
        regions,
        put(conditions.pooled),
        put(conditions.guidance),
        put(conditions.control),
        put(conditions.control_scale),
    )


def _cut(conditions: Conditions, span: Span) -> Conditions:
    """The conditions of one tile."""
    down, across = span

    def by_place(tensor: torch.Tensor | None) -> torch.Tensor | None:
        same = tensor is None or tensor.shape[2:] == (1, 1)
        return tensor if same or tensor is None else tensor[..., down, across]

    control = conditions.control
    if control is not None:
        pixels = [slice(one.start * CELL, one.stop * CELL) for one in span]
        control = control[..., pixels[0], pixels[1]]
    return Conditions(
        [replace(region, weight=region.weight[down, across]) for region in conditions.regions],
        conditions.pooled,
        by_place(conditions.guidance),
        control,
        by_place(conditions.control_scale),
    )


def _at(scale: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
    """A map of scales at the size of a residual."""
    if scale.shape[2:] == (1, 1):
        return scale
    return F.adaptive_avg_pool2d(scale.float(), residual.shape[2:]).to(residual.dtype)


def tile_spans(length: int, side: int | None) -> list[slice]:
    """Spans of ``side`` cells that cover ``length``; neighbours overlap by a quarter or more."""
    if side is None or length <= side:
        return [slice(0, length)]
    overlap = side // 4
    count = math.ceil((length - overlap) / (side - overlap))
    starts = [round(index * (length - side) / (count - 1)) for index in range(count)]
    return [slice(start, start + side) for start in starts]


def _fade(like: torch.Tensor) -> torch.Tensor:
    """The weight of a tile's cells ``(1, 1, h, w)``: 1 in its middle, falling to its rim."""
    along = []
    for length in like.shape[2:]:
        place = torch.arange(length, device=like.device) + 0.5
        along.append((torch.minimum(place, length - place) / (length / 4)).clamp(max=1))
    return torch.outer(*along)[None, None]
