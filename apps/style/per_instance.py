"""The paper's way: every part is translated by itself, from the same noise (section 6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from apps.style.jobs import Job, Studio
from cartoonedit.diffusion import batch_for, blank_embeds, explain_memory, steps_run

if TYPE_CHECKING:
    from cartoonedit.diffusion.predict import Conditions
    from cartoonedit.diffusion.words import Encoded

__all__ = ["translate_apart"]


def translate_apart(studio: Studio, jobs: Sequence[Job]) -> list[NDArray[np.uint8]]:
    """Translate jobs one by one, those of one form together as far as memory goes.

    Args:
        studio: Where it is done.
        jobs: In any order.

    Returns:
        For each job RGB ``uint8`` at its working size.

    Raises:
        Cancelled: The studio's progress stopped it.
        CartooneditError: The device has too little memory.
    """
    steps = studio.options.steps
    studio.total += sum(steps_run(steps, job.part.strength) for job in jobs)
    worked: dict[int, NDArray[np.uint8]] = {}
    # One set of LoRAs after the other: the words are encoded, and the pictures made, with them.
    order = sorted(range(len(jobs)), key=lambda index: repr(jobs[index].part.loras))
    for _, alike in groupby(order, key=lambda index: jobs[index].part.loras):
        with explain_memory():
            words = {index: studio.words(jobs[index].part) for index in alike}
            for batch in _batches(studio, jobs, words):
                images = _translate(
                    studio, [jobs[index] for index in batch], [words[index] for index in batch]
                )
                worked |= dict(zip(batch, images, strict=True))
    return [worked[index] for index in range(len(jobs))]


def _batches(studio: Studio, jobs: Sequence[Job], words: dict[int, Encoded]) -> Iterator[list[int]]:
    """Numbers of jobs that can be done at once: of one form, and no more than fit."""

    def form(index: int) -> tuple[Any, ...]:
        job = jobs[index]
        steps = steps_run(studio.options.steps, job.part.strength)
        return (job.window.size_wh, steps, words[index].embeds.shape[1], job.part.seed)

    for (size_wh, *_), alike in groupby(sorted(words, key=form), key=form):
        together = list(alike)
        count = studio.options.batch or batch_for(studio.pipeline, size_wh)
        for first in range(0, len(together), count):
            yield together[first : first + count]


def _translate(
    studio: Studio, jobs: Sequence[Job], words: Sequence[Encoded]
) -> list[NDArray[np.uint8]]:
    """Translate jobs of one form in one batch."""
    import torch

    from cartoonedit.diffusion.denoise import denoise
    from cartoonedit.diffusion.latents import decode, encode

    first, pipeline = jobs[0], studio.pipeline
    start = encode(pipeline, [job.shown for job in jobs])
    noise = torch.cat([studio.noise(job.part.seed, job.window) for job in jobs])
    conditions = _conditions(studio, jobs, words, (start.shape[2], start.shape[3]))
    latents = denoise(
        pipeline,
        start,
        noise,
        conditions,
        steps=studio.options.steps,
        strength=first.part.strength,
        tile=studio.tile(first.window),
        seed=first.part.seed,
        extra=blank_embeds(pipeline, len(conditions.regions[0].text)),
        on_step=studio.on_step(
            ", ".join(job.part.name for job in jobs),
            len(jobs) * steps_run(studio.options.steps, first.part.strength),
        ),
    )
    return decode(pipeline, latents)


def _conditions(
    studio: Studio, jobs: Sequence[Job], words: Sequence[Encoded], size_hw: tuple[int, int]
) -> Conditions:
    import torch

    from cartoonedit.diffusion.predict import Conditions
    from cartoonedit.diffusion.regions import Region

    def by_picture(name: str) -> torch.Tensor:
        return torch.tensor([getattr(job.part, name) for job in jobs]).view(-1, 1, 1, 1)

    guidance = by_picture("guidance").clamp(min=1)
    guided = bool((guidance > 1).any())
    rows = slice(None) if guided else slice(1, None)  # of [away from, towards]

    def stack(pairs: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.stack(list(pairs), dim=1)[rows].flatten(0, 1)

    references = [tokens for job in jobs if (tokens := studio.reference(job.part)) is not None]
    reference = stack(references) if references else None
    summaries = [each.pooled for each in words if each.pooled is not None]
    return Conditions(
        [Region(torch.ones(size_hw), stack([each.embeds for each in words]), reference)],
        pooled=stack(summaries) if summaries else None,
        guidance=guidance if guided else None,
        control=studio.control(list(jobs)),
        control_scale=by_picture("control"),
    )
