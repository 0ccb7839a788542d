"""Pictures to latents and back, by the VAE of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

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
    with torch.no_grad(), _whole_precision(vae), _in_tiles(vae, pixels):
        for image in images:  # one by one: the encoder needs more memory than anything after it
            values = torch.from_numpy(image.transpose(2, 0, 1).copy()).to(device, vae.dtype)
            mode = vae.encode((values / 127.5 - 1)[None]).latent_dist.mode()
            shift, scale = _statistics(vae, mode)
            found.append((mode - shift) * vae.config.scaling_factor / scale)
    return torch.cat(found).to(pipeline.unet.dtype)


def decode(pipeline: Any, latents: torch.Tensor) -> list[NDArray[np.uint8]]:
    """The inverse of :func:`encode`: RGB ``uint8`` ``(H, W, 3)`` pictures."""
    import torch

    vae = pipeline.vae
    images = []
    pixels = latents.shape[2] * latents.shape[3] * pipeline.vae_scale_factor**2
    with torch.no_grad(), _whole_precision(vae), _in_tiles(vae, pixels):
        for latent in latents:
            values = latent[None].to(pipeline._execution_device, vae.dtype)
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


@contextmanager
def _whole_precision(vae: Any) -> Iterator[None]:
    """Run a VAE in float32 where half precision would overflow, as SDXL's does."""
    import torch

    before = vae.dtype
    if before != torch.float16 or not vae.config.get("force_upcast", False):
        yield
        return
    to = torch.nn.Module.to  # that of diffusers warns of it, since one might lose precision
    to(vae, dtype=torch.float32)
    try:
        yield
    finally:
        to(vae, dtype=before)


_LARGE = 2048 * 2048  # pixels beyond which a VAE would take more memory than the UNet


@contextmanager
def _in_tiles(vae: Any, pixels: int) -> Iterator[None]:
    """Let a VAE work on a large picture piece by piece."""
    if pixels <= _LARGE or vae.use_tiling:
        yield
        return
    vae.enable_tiling()
    try:
        yield
    finally:
        vae.disable_tiling()
