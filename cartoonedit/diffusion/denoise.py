"""Image-to-image diffusion from noise that is handed in, in which places may join late or never.

The steps are those of diffusers' ControlNet image-to-image pipelines, and give what they give where
one prompt holds everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from cartoonedit.diffusion.predict import Conditions, Predictor
from cartoonedit.diffusion.preview import foresee

__all__ = ["OnStep", "denoise"]

OnStep = Callable[[int, int, torch.Tensor], None]
"""``on_step(step, steps, foreseen)`` after each step, with the clean latents that are foreseen now;
may raise to stop."""


def denoise(
    pipeline: Any,
    start: torch.Tensor,
    noise: torch.Tensor,
    conditions: Conditions,
    *,
    steps: int,
    strength: float,
    begin: torch.Tensor | None = None,
    tile: int | None = None,
    seed: int = 0,
    extra: dict[str, Any] | None = None,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """Noise latents and take the noise away again, led by words and lines.

    Args:
        pipeline: An image-to-image pipeline of diffusers, with or without ControlNet.
        start: Clean latents ``(B, 4, h, w)``.
        noise: White noise of the same shape.
        conditions: What leads it.
        steps: Of the whole schedule.
        strength: The share of the schedule that is run, above 0 to 1.
        begin: ``(1, 1, h, w)``, the step (0 = the first that is run) from which a place takes part;
            until then it is what it was, noised. From ``inf`` on it stays what it was.
        tile: Latents larger than this on a side are worked on in overlapping tiles.
        seed: Of schedulers that add noise at every step.
        extra: More ``added_cond_kwargs`` for the UNet.
        on_step: Called after each step.

    Returns:
        Clean latents ``(B, 4, h, w)``.
    """
    scheduler, device = pipeline.scheduler, pipeline._execution_device
    start, noise = (tensor.to(device, pipeline.unet.dtype) for tensor in (start, noise))
    scheduler.set_timesteps(steps, device=device)
    timesteps, _ = pipeline.get_timesteps(steps, strength, device)
    generators = [torch.Generator("cpu").manual_seed(seed) for _ in start]
    options = pipeline.prepare_extra_step_kwargs(generators, 0.0)
    late = None if begin is None else begin.to(device)

    latents = scheduler.add_noise(start, noise, timesteps[:1].repeat(len(start)))
    try:
        with torch.no_grad(), Predictor(pipeline, conditions, start, tile, extra) as predict:
            for index, timestep in enumerate(timesteps):
                predicted = predict(latents, timestep)
                if on_step is not None:
                    foreseen = foresee(scheduler, latents, predicted, timestep)
                latents = scheduler.step(
                    predicted, timestep, latents, **options, return_dict=False
                )[0]
                if late is not None:
                    after = timesteps[index + 1 : index + 2]
                    before = start
                    if len(after):
                        before = scheduler.add_noise(start, noise, after.repeat(len(start)))
                    latents = torch.where(late >= index + 1, before, latents.to(start.dtype))
                if on_step is not None:
                    if late is not None:
                        foreseen = torch.where(late >= index + 1, start, foreseen)
                    on_step(index + 1, len(timesteps), foreseen)
    finally:
        pipeline.maybe_free_model_hooks()  # what is offloaded goes, also if it was stopped
    return latents
