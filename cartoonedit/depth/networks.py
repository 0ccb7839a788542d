"""Depth estimated by networks, whose weights come from the hub or a folder."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.scale import normalise
from cartoonedit.errors import ModelNotFound

__all__ = ["depth_anything", "transformers_depth"]


def transformers_depth(picture: NDArray[np.uint8], model: str, device: str) -> NDArray[np.float32]:
    """Depth of any transformers depth-estimation model that predicts relative disparity.

    Nothing is downloaded: ``model`` is a folder, or a repository that was fetched before.
    """
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    from cartoonedit.runtime import pick_device

    where = pick_device(device)
    try:
        processor = AutoImageProcessor.from_pretrained(model, local_files_only=True)
        network = AutoModelForDepthEstimation.from_pretrained(
            model, local_files_only=True, use_safetensors=True
        )
    except OSError as error:
        raise ModelNotFound(
            f"the depth model {model} (config.json, preprocessor_config.json, model.safetensors) is"
            f" not on this machine; looked in {_cache_folder()}. Fetch it with: cartoonedit models"
            f" fetch depth-anything-v2-small, or use --depth layered, which needs no weights."
        ) from error
    network = network.to(where).eval()
    inputs = processor(images=picture, return_tensors="pt").to(where)
    with torch.inference_mode():
        disparity = network(**inputs).predicted_depth[0].float().cpu().numpy()
    height, width = picture.shape[:2]
    return 1 - cv2.resize(normalise(disparity), (width, height), interpolation=cv2.INTER_LINEAR)


def _cache_folder() -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return str(HF_HUB_CACHE)


def depth_anything(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth Anything V2 small (Apache-2.0), through transformers."""
    return transformers_depth(picture, "depth-anything/Depth-Anything-V2-Small-hf", device)
