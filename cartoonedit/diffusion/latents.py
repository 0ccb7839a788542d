"""Pictures to latents and back, by the VAE of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.diffusion.memory import free_bytes

if TYPE_CHECKING:
    import torch

__all__ = ["decode", "encode"]


def encode(pipeline: Any, images: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
    """The latents of pictures, in the dtype of the pipeline's UNet.

    The mode of what the VAE says is taken rather than a sample, so nothing here is random.

    Args:
        pipeline: Of the SD 1.5 or SDXL family.
        images: RGB ``uint8`` ``(H, W, 3)``, all of one size, its sides multiples of 8.

    Returns:
        ``(N, 4, H / 8, W / 8)``, scaled as the UNet expects.
    """
    import torch

    vae, device = pipeline.vae, pipeline._execution_device
    found = []
    pixels = images[0].shape[0] * images[0].shape[1]
    with torch.no_grad(), _in_tiles(vae, device, pixels):
        for image in images:  # one by one: the encoder needs more memory than anything after it
            values = torch.from_numpy(image.transpose(2, 0, 1).copy()).to(device, vae.dtype)
            mode = vae.encode((values / 127.5 - 1)[None]).latent_dist.mode()
            shift, scale = _statistics(vae, mode)
            found.append((mode - shift) * vae.config.scaling_factor / scale)
    return torch.cat(found).to(pipeline.unet.dtype)


def decode(pipeline: Any, latents: torch.Tensor) -> list[NDArray[np.uint8]]:
    """The inverse of :func:`encode`: RGB ``uint8`` ``(H, W, 3)`` pictures."""
    import torch

    vae, device = pipeline.vae, pipeline._execution_device
    images = []
    pixels = latents.shape[2] * latents.shape[3] * pipeline.vae_scale_factor**2
    with torch.no_grad(), _in_tiles(vae, device, pixels):
        for latent in latents:
            values = latent[None].to(device, vae.dtype)
            shift, scale = _statistics(vae, values)
            values = values * scale / vae.config.scaling_factor + shift
            shown = vae.decode(values).sample[0].float()
            levels = ((shown + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            images.append(np.ascontiguousarray(levels.permute(1, 2, 0).cpu().numpy()))
    return images


def _statistics(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor | float, torch.Tensor | float]:
    """Mean and standard deviation that some VAEs take out of their latents."""
    mean, deviation = (getattr(vae.config, f"latents_{name}", None) for name in ("mean", "std"))
    if mean is None or deviation is None:
        return 0.0, 1.0
    return (like.new_tensor(mean).view(1, -1, 1, 1), like.new_tensor(deviation).view(1, -1, 1, 1))


_LARGE = 2048 * 2048  # pixels beyond which a VAE works in tiles wherever it is

_PER_PIXEL = 1100
"""Bytes that a pixel takes in a VAE, for each of the bytes of a number: 1.03 GiB at 512 x 512 in
float32."""


@contextmanager
def _in_tiles(vae: Any, device: torch.device, pixels: int) -> Iterator[None]:
    """Let a VAE work on a picture piece by piece where it is too large for the device."""
    fits = pixels * _PER_PIXEL * vae.dtype.itemsize < free_bytes(device)
    if (pixels <= _LARGE and fits) or vae.use_tiling:
        yield
        return
    vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()
