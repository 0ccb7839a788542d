"""Depth by the networks of controlnet-aux: LeReS (the paper's), ZoeDepth and MiDaS.

Only its networks are used, not its detectors: those give 8 bits and load weights as pickles that
may run code, and its LeReS is fed another range and order of colours than it was trained with.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.depth.networks import held, to_size
from cartoonedit.depth.scale import from_affine_distance, from_disparity, from_distance
from cartoonedit.errors import MissingExtra
from cartoonedit.weights import load_into, read_weights

if TYPE_CHECKING:
    import torch

__all__ = ["leres", "midas", "zoe"]

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
PLAIN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def leres(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """LeReS with ResNeXt-101, the paper's estimator (section 6.1).

    It predicts distance of unknown scale and offset. It sees the picture at the 448 pixels it was
    trained with.
    """
    network = _network("leres", leres_network, device)
    return from_affine_distance(_predict(network.depth_model, picture, 448, 32, IMAGENET))


def zoe(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """ZoeDepth, trained on indoor metres over MiDaS; it predicts distance."""
    network = _network("zoe", zoe_network, device)
    return from_distance(_predict(network.infer, picture, 512, 1, PLAIN))


def midas(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """MiDaS 3.0, DPT-Hybrid, which predicts relative disparity at 384 pixels."""
    return from_disparity(
        _predict(_network("midas", midas_network, device), picture, 384, 32, HALF)
    )


# ---------------------------------------------------------------- the networks and their weights


def leres_network() -> torch.nn.Module:
    """LeReS without weights."""
    with warnings.catch_warnings(action="ignore"):  # of packages that controlnet-aux could use
        from controlnet_aux.leres.leres.multi_depth_model_woauxi import RelDepthModel

        return RelDepthModel(backbone="resnext101")


def zoe_network() -> torch.nn.Module:
    """ZoeDepth without weights."""
    with warnings.catch_warnings(action="ignore"):
        from controlnet_aux.zoe.zoedepth.models.zoedepth.zoedepth_v1 import ZoeDepth
        from controlnet_aux.zoe.zoedepth.utils.config import get_config

        return ZoeDepth.build_from_config(get_config("zoedepth", "infer"))


def midas_network() -> torch.nn.Module:
    """DPT-Hybrid without weights."""
    with warnings.catch_warnings(action="ignore"):
        from controlnet_aux.midas.midas.dpt_depth import DPTDepthModel

        return DPTDepthModel(path=None, backbone="vitb_rn50_384", non_negative=True)


def _network(name: str, build: Callable[[], torch.nn.Module], device: str) -> Any:
    from cartoonedit.runtime import pick_device

    path = hub.resolve(name, "weights")  # first: a missing file is told before any heavy import
    return held(_load, build, path, str(pick_device(device)))


def _load(build: Callable[[], torch.nn.Module], path: Path, device: str) -> torch.nn.Module:
    weights = read_weights(path)
    try:
        network = build()
    except ImportError as error:
        raise MissingExtra(
            f"this depth network needs controlnet-aux, which cannot be imported: {error}. Install"
            " it with: pip install controlnet-aux timm."
        ) from error
    # Tables of positions are stored by some versions of timm and computed by others.
    load_into(network, weights, path, computed=("relative_position_index",))
    return network.to(device).eval()


# ---------------------------------------------------------------- running one


def _predict(
    run: Callable[[torch.Tensor], torch.Tensor],
    picture: NDArray[np.uint8],
    short: int,
    multiple: int,
    mean_and_std: tuple[Sequence[float], Sequence[float]],
) -> NDArray[np.float32]:
    """Run a network on a picture whose shorter side is ``short``, and bring its map back."""
    import torch

    size_wh = _working_size(picture.shape[1::-1], short, multiple)
    shrink = size_wh[0] < picture.shape[1]
    scaled = cv2.resize(
        picture, size_wh, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    )
    mean, std = (np.asarray(part, np.float32) for part in mean_and_std)
    values = (scaled / np.float32(255) - mean) / std
    owner: Any = getattr(run, "__self__", run)  # of a method, the network
    where = next(owner.parameters()).device
    with torch.inference_mode():
        inputs = torch.from_numpy(values.transpose(2, 0, 1).copy())[None].to(where)
        result = run(inputs).squeeze().float().cpu().numpy()
    return to_size(result, picture.shape[1::-1])


def _working_size(size_wh: tuple[int, int], short: int, multiple: int) -> tuple[int, int]:
    """Sides of a whole number of strides; a very long picture is squeezed rather than endless."""
    scale = short / min(size_wh)
    width, height = (
        max(multiple, round(min(side * scale, 3 * short) / multiple) * multiple) for side in size_wh
    )
    return width, height
