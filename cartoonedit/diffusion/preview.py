"""What latents look like, without a VAE: small, blurry and at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

    from cartoonedit.diffusion.loading import Family

__all__ = ["foresee", "latent_preview"]

# Linear fits of colours to latents, each with its offset: for SD 1.5 by Kevin Turner
# (https://discuss.huggingface.co/t/decoding-latents-to-rgb-without-upscaling/23204), for SDXL by
# Timothy Alexis Vass (https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space).
_FACTORS = {
    "sd15": (
        [[0.298, 0.207, 0.208], [0.187, 0.286, 0.173],
         [-0.158, 0.189, 0.264], [-0.184, -0.271, -0.473]],
        127.5,
        127.5,
    ),
    "sdxl": (
        [[60, 60, 60], [-60, -5, 10], [25, 15, -5], [-70, -50, -35]],
        1.0,
        np.array([150.0, 140.0, 130.0]),
    ),
}  # fmt: skip


def foresee(
    scheduler: Any, latents: torch.Tensor, predicted: torch.Tensor, timestep: torch.Tensor
) -> torch.Tensor:
    """What latents would be if all their noise were taken away at once.

    Schedulers keep latents at scales of their own, up to fourteen times that of a picture; this is
    at the picture's with all of them.

    Args:
        scheduler: Before it takes the step.
        latents: ``(B, 4, h, w)``.
        predicted: What the network said of them: noise, velocity, or the picture itself.
        timestep: Of the network.

    Returns:
        Float ``(B, 4, h, w)``.
    """
    kind = scheduler.config.prediction_type
    if kind == "sample":
        return predicted.float()
    noisy = scheduler.scale_model_input(latents, timestep).float()
    # Karras' schedule is between the steps that the network was trained with.
    index = int(timestep.round().clamp(0, len(scheduler.alphas_cumprod) - 1))
    kept = float(scheduler.alphas_cumprod[index])
    signal, noise = kept**0.5, (1 - kept) ** 0.5
    if kind == "v_prediction":
        return signal * noisy - noise * predicted.float()
    return (noisy - noise * predicted.float()) / signal


def latent_preview(latents: torch.Tensor, family: Family) -> NDArray[np.uint8]:
    """A sketch of the first picture of a batch.

    Args:
        latents: ``(B, 4, h, w)``.
        family: Of the model.

    Returns:
        RGB ``uint8`` ``(h, w, 3)``.
    """
    factors, scale, offset = _FACTORS[family]
    values = latents[0].detach().float().cpu().permute(1, 2, 0).numpy()
    colours = values @ np.array(factors, np.float32) * scale + offset
    return np.rint(np.clip(colours, 0, 255)).astype(np.uint8)
