"""Sketches of latents."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Literal, get_args

import diffusers
import numpy as np
import pytest
import torch

from cartoonedit.diffusion import SCHEDULERS, Family, latent_preview
from cartoonedit.diffusion.preview import foresee
from cartoonedit.diffusion.schedulers import use_scheduler

Known = Literal["sd15", "sdxl"]
GREY = {"sd15": (128, 128, 128), "sdxl": (150, 140, 130)}  # nothing but the offset


@pytest.mark.parametrize("family", get_args(Family))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_shape_and_range(family: Known, dtype: torch.dtype) -> None:
    latents = 30 * torch.randn(2, 4, 6, 9, generator=torch.Generator().manual_seed(0))
    shown = latent_preview(latents.to(dtype).requires_grad_(), family)
    assert shown.shape == (6, 9, 3) and shown.dtype == np.uint8
    assert shown.min() == 0 and shown.max() == 255  # cut off, not wrapped around
    assert not np.array_equal(shown, latent_preview(latents[1:], family))


@pytest.mark.parametrize("family", get_args(Family))
def test_the_same_everywhere_is_a_flat_colour(family: Known) -> None:
    assert (latent_preview(torch.zeros(1, 4, 3, 5), family) == GREY[family]).all()
    some = torch.tensor([0.4, -0.3, 0.2, 0.1]).view(1, 4, 1, 1).expand(1, 4, 3, 5)
    shown = latent_preview(some, family)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1
    assert tuple(shown[0, 0]) != GREY[family]


@pytest.mark.parametrize("family", get_args(Family))
def test_the_first_channel_is_brightness(family: Known) -> None:
    latents = torch.zeros(1, 4, 1, 3)
    latents[0, 0] = torch.tensor([-1.0, 0.0, 1.0])
    shown = latent_preview(latents, family).astype(int)
    assert (np.diff(shown[0], axis=0) > 20).all()


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_who_knows_the_noise_foresees_the_picture(name: str, kind: str) -> None:
    """Whatever scale the scheduler keeps latents at."""
    own = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind
    )

    class Pipeline(SimpleNamespace):
        __hash__ = object.__hash__

    pipeline = Pipeline(scheduler=own)
    use_scheduler(pipeline, name)
    scheduler = pipeline.scheduler
    scheduler.set_timesteps(10)
    clean, noise = torch.randn(2, 1, 4, 6, 9, generator=torch.Generator().manual_seed(0))
    for timestep in scheduler.timesteps[[2, 5, 8]]:
        noisy = scheduler.add_noise(clean, noise, timestep[None])
        kept = scheduler.alphas_cumprod[int(timestep.round())]
        velocity = kept**0.5 * noise - (1 - kept) ** 0.5 * clean
        said = {"epsilon": noise, "v_prediction": velocity, "sample": clean}[kind]
        scheduler._step_index = None  # as if it came here by itself
        torch.testing.assert_close(
            foresee(scheduler, noisy, said, timestep), clean, atol=0.05, rtol=0
        )
