"""All parts in one pass: each place of the picture listens to the prompt of the part it shows.

The cost hardly grows with the number of parts, and what lies next to each other fits, since the
network sees the whole picture. What is not edited is held to the original at every step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.style.jobs import Job, Studio
from apps.style.parts import Part
from apps.style.windows import Window
from cartoonedit.diffusion import blank_embeds, explain_memory, steps_run
from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    import torch

    from cartoonedit.diffusion.predict import Conditions

__all__ = ["check_fused", "translate_together"]


def check_fused(parts: Sequence[Part]) -> None:
    """Raise :class:`InvalidInput` if parts cannot share a pass."""
    if len({part.loras for part in parts if part.edited}) > 1:
        raise InvalidInput(
            "mode fused makes one pass for all parts, so they cannot have different LoRAs. Take"
            " mode per-instance, or the same LoRAs for all."
        )


def translate_together(studio: Studio, parts: Sequence[Part], whole: Job) -> NDArray[np.uint8]:
    """Translate all edited parts in one pass.

    Args:
        studio: Where it is done.
        parts: All parts of the picture, from the back to the front; at least one is edited.
        whole: The picture and its lines in a window that shows all of it. Its part does not count.

    Returns:
        RGB ``uint8`` at the working size of ``whole``.

    Raises:
        InvalidInput: The parts cannot share a pass.
        Cancelled: The studio's progress stopped it.
        CartooneditError: The device has too little memory.
    """
    from cartoonedit.diffusion.denoise import denoise
    from cartoonedit.diffusion.latents import decode, encode

    check_fused(parts)
    edited = [part for part in parts if part.edited]
    # What is not edited has no LoRAs to be encoded with; those of the pass serve it as well.
    parts = [replace(part, loras=edited[0].loras) for part in parts]
    weights = [_weight(part, whole.window) for part in parts]
    pipeline, steps = studio.pipeline, studio.options.steps
    strength = max(part.strength for part in edited)
    studio.total += steps_run(steps, strength)
    with explain_memory():
        start = encode(pipeline, [whole.shown])
        conditions = _conditions(studio, parts, weights, whole)
        latents = denoise(
            pipeline,
            start,
            _noise(studio, parts, weights, whole.window),
            conditions,
            steps=steps,
            strength=strength,
            begin=_begin(parts, weights, steps, strength, pipeline.scheduler.order),
            tile=studio.tile(whole.window),
            seed=edited[0].seed,
            extra=blank_embeds(pipeline, len(conditions.regions[0].text)),
            on_step=studio.on_step("all parts", steps_run(steps, strength)),
        )
        return decode(pipeline, latents)[0]


def _weight(part: Part, window: Window) -> torch.Tensor:
    """A part's share of each latent cell, ``(h, w)``."""
    import torch

    _, _, rows, columns = window.cells
    height, width = part.visible.shape
    right, below = max(0, window.width - width), max(0, window.height - height)
    whole = cv2.copyMakeBorder(part.visible, 0, below, 0, right, cv2.BORDER_REPLICATE)
    cells = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(cells))


def _conditions(
    studio: Studio, parts: Sequence[Part], weights: Sequence[torch.Tensor], whole: Job
) -> Conditions:
    import torch

    from cartoonedit.diffusion.predict import Conditions
    from cartoonedit.diffusion.regions import Region

    seen = [
        (part, weight)
        for part, weight in zip(parts, weights, strict=True)
        if bool((weight > 0).any())
    ]
    words = [studio.words(part) for part, _ in seen]
    guidance = _by_place(seen, "guidance").clamp(min=1)
    guided = bool((guidance > 1).any())
    rows = slice(None) if guided else slice(1, None)
    regions = []
    for (part, weight), said in zip(seen, words, strict=True):
        tokens = studio.reference(part)
        regions.append(Region(weight, said.embeds[rows], None if tokens is None else tokens[rows]))
    summaries = [said.pooled for said in words if said.pooled is not None]
    pooled = None
    if summaries:  # SDXL's summary holds for the whole picture: a mean by area
        areas = torch.stack([weight.sum() for _, weight in seen])
        shares = (areas / areas.sum()).to(summaries[0])
        pooled = torch.einsum("n,nrp->rp", shares, torch.stack(summaries))[rows]
    return Conditions(
        regions,
        pooled=pooled,
        guidance=guidance if guided else None,
        control=studio.control([whole]),
        control_scale=_by_place(seen, "control"),
    )


def _by_place(seen: Sequence[tuple[Part, torch.Tensor]], name: str) -> torch.Tensor:
    """A setting of the parts by place ``(1, 1, h, w)``; ``(1, 1, 1, 1)`` if all have the same."""
    import torch

    values = [getattr(part, name) for part, _ in seen]
    if len(set(values)) == 1:
        return torch.full((1, 1, 1, 1), float(values[0]))
    weights = torch.stack([weight for _, weight in seen])
    total = weights.sum(dim=0).clamp(min=1e-6)
    return ((weights * torch.tensor(values).view(-1, 1, 1)).sum(dim=0) / total)[None, None]


def _noise(
    studio: Studio, parts: Sequence[Part], weights: Sequence[torch.Tensor], window: Window
) -> torch.Tensor:
    """The noise of each place's part; one field, unless seeds differ."""
    import torch

    owner = torch.stack(list(weights)).argmax(dim=0)
    noise = studio.noise(parts[0].seed, window)
    for index, part in enumerate(parts[1:], 1):
        if part.seed != parts[0].seed:
            noise = torch.where(owner == index, studio.noise(part.seed, window), noise)
    return noise


def _begin(
    parts: Sequence[Part],
    weights: Sequence[torch.Tensor],
    steps: int,
    strength: float,
    order: int,
) -> torch.Tensor | None:
    """The step from which each place takes part; None if all do from the first.

    A place at an edge takes part as soon as one of the parts there does.
    """
    import torch

    begin = torch.full(weights[0].shape, math.inf)
    for part, weight in zip(parts, weights, strict=True):
        if part.edited:
            waits = (steps_run(steps, strength) - steps_run(steps, part.strength)) * order
            begin = torch.where(weight > _SEEN, begin.clamp(max=waits), begin)
    return begin[None, None] if bool((begin > 0).any()) else None


_SEEN = 1e-6
"""The least share of a cell that counts: less than a single pixel, more than rounding leaves."""
