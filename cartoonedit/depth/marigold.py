"""Depth by Marigold: a latent diffusion model that paints a depth map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cartoonedit import hub
from cartoonedit.depth.networks import held, to_size
from cartoonedit.depth.scale import from_affine_distance, from_disparity, from_distance
from cartoonedit.errors import InvalidInput, ModelNotFound

__all__ = ["is_marigold", "marigold", "marigold_depth"]


def marigold(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Marigold 1.1, which predicts distance of unknown scale and offset."""
    return marigold_depth(picture, hub.path("marigold"), device)


def is_marigold(folder: Path) -> bool:
    """Whether a folder holds a pipeline of diffusers rather than a model of transformers."""
    return (folder / "model_index.json").is_file()


def marigold_depth(picture: NDArray[np.uint8], folder: Path, device: str) -> NDArray[np.float32]:
    """Depth by any ``MarigoldDepthPipeline``, with the steps and size that its config recommends.

    The noise that it starts from is always the same, so the same picture gives the same depth.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        folder: What diffusers saved, with weights as safetensors.
        device: Where it runs.

    Raises:
        ModelNotFound: A file is missing from the folder.
        InvalidInput: The folder holds another pipeline.
    """
    import torch

    from cartoonedit.runtime import pick_device

    pipeline = held(_load, folder, str(pick_device(device)))
    result = pipeline(Image.fromarray(picture), generator=torch.Generator("cpu").manual_seed(0))
    values = to_size(np.squeeze(result.prediction), picture.shape[1::-1])
    if pipeline.config.prediction_type == "disparity":
        return from_disparity(values)
    return from_affine_distance(values) if pipeline.shift_invariant else from_distance(values)


def _load(folder: Path, device: str) -> Any:
    from diffusers import DiffusionPipeline, MarigoldDepthPipeline

    from cartoonedit.runtime import pick_dtype

    half = any(folder.glob("unet/*.fp16.safetensors"))
    try:
        kind = DiffusionPipeline.load_config(folder).get("_class_name")
        if kind != MarigoldDepthPipeline.__name__:
            raise InvalidInput(f"{folder} holds a {kind}; depth needs a MarigoldDepthPipeline.")
        pipeline = MarigoldDepthPipeline.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant="fp16" if half else None,
        )
    except OSError as error:
        raise ModelNotFound(
            f"the Marigold pipeline in {folder} is not complete: {error} Weights must be"
            " safetensors; a pickle is not read."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(device=device, dtype=pick_dtype(device))
