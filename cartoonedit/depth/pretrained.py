"""Depth by the networks that transformers knows: Depth Anything, Depth Pro, ZoeDepth, DPT, ..."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.depth.networks import held, to_size
from cartoonedit.depth.scale import from_disparity, from_distance
from cartoonedit.errors import InvalidInput, ModelNotFound

__all__ = ["depth_anything", "depth_pro", "pretrained_depth"]

METRIC = ("zoedepth", "depth_pro", "glpn", "tipsv2_dpt")
"""Types of model that always predict distance; the others predict disparity unless their config
says otherwise."""


def depth_anything(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth Anything V2 small, which predicts relative disparity."""
    return pretrained_depth(picture, hub.path("depth-anything-v2-small"), device)


def depth_pro(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth Pro, which predicts distance in metres."""
    return pretrained_depth(picture, hub.path("depthpro"), device)


def pretrained_depth(picture: NDArray[np.uint8], folder: Path, device: str) -> NDArray[np.float32]:
    """Depth by any depth-estimation model of transformers, disparity or distance as it predicts.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        folder: What transformers saved: configuration, preprocessor, and weights as safetensors.
        device: Where it runs.

    Raises:
        ModelNotFound: A file is missing from the folder.
        InvalidInput: The folder holds a model of another kind, or one that brings its own code.
    """
    import torch

    from cartoonedit.runtime import pick_device

    where = pick_device(device)
    processor, network = held(_load, folder, str(where))
    inputs = processor(images=picture, return_tensors="pt").to(where)
    height, width = picture.shape[:2]
    with torch.inference_mode():
        outputs = network(**inputs)
        # Only the processor knows of padding to remove, and which output is inverse distance. The
        # size is that of the source for ZoeDepth, and that of the target for the others.
        outputs = processor.post_process_depth_estimation(outputs, [(height, width)])
    values = to_size(outputs[0]["predicted_depth"].float().cpu().numpy(), (width, height))
    return from_distance(values) if _is_metric(network.config) else from_disparity(values)


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    options = {"local_files_only": True, "trust_remote_code": False}
    try:
        processor = AutoImageProcessor.from_pretrained(folder, **options)
        network = AutoModelForDepthEstimation.from_pretrained(
            folder, use_safetensors=True, **options
        )
    except OSError as error:
        raise ModelNotFound(
            f"the depth model in {folder} is not complete: {error} It needs config.json,"
            " preprocessor_config.json and model.safetensors; weights as a pickle are not read."
        ) from error
    except ValueError as error:
        raise InvalidInput(
            f"{folder} holds no depth model that transformers can run without code of the model's"
            f" own: {error}"
        ) from error
    return processor, network.to(device).eval()


def _is_metric(config: Any) -> bool:
    """Whether a model predicts distance rather than disparity."""
    if config.model_type in METRIC:
        return True
    if config.model_type == "dpt":  # on DINOv2 it was trained for metres, on other backbones not
        backbone = getattr(config, "backbone_config", None)
        return getattr(backbone, "model_type", "") == "dinov2"
    return getattr(config, "depth_estimation_type", "relative") == "metric"
