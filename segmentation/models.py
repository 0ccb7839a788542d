"""Finds and loads the two networks of a model, whatever form its files have."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cartoonedit import hub
from cartoonedit.errors import InvalidInput
from segmentation.checkpoints import (
    detector_size,
    likely_network,
    load_into,
    load_state_dict,
    read_meta,
    refiner_shape,
)
from segmentation.isnet import ISNet
from segmentation.refine import AlphaNet, RefineSettings
from segmentation.rtmdet import RawOutputs, RTMDetIns
from segmentation.views import View, parse_views

__all__ = ["Detector", "Refiner", "exchange", "find_files", "load_detector", "load_refiner"]

logger = logging.getLogger(__name__)

DetectorNet = Callable[[Tensor], RawOutputs]
WEIGHT_ENDINGS = (".safetensors", ".ckpt", ".pth", ".pt", ".bin")
DETECTOR_SIDE = 640
# Masks of the released refiner, whose files say nothing, are cut at 0.3; networks trained here
# learn alpha.
_RELEASED_THRESHOLD, _OWN_THRESHOLD = 0.3, 0.5


@dataclass(frozen=True)
class Detector:
    """The first stage.

    Attributes:
        net: Normalised BGR `(N, 3, S, S)` to raw outputs.
        side: S, in pixels.
        views: Looks to fuse (`segmentation.views`); empty for a single look at `side`.
        score_power: Fused scores are raised to this power, which fits them to the usual threshold.
    """

    net: DetectorNet
    side: int
    views: tuple[View, ...] = ()
    score_power: float = 1.0


@dataclass(frozen=True)
class Refiner:
    """The second stage.

    Attributes:
        net: Colours and rough mask `(N, 4, S, S)` to probabilities.
        settings: What it expects.
    """

    net: AlphaNet
    settings: RefineSettings


def find_files(model: str | Path, refiner: str | Path | None = None) -> tuple[Path, Path | None]:
    """The files of a model's detector and refiner.

    Args:
        model: A name in the catalogue, a folder that holds both files, or a detector file.
        refiner: A name in the catalogue or a file; takes the place of the model's own.

    Returns:
        Two paths; the second is None if there is no refiner.

    Raises:
        ModelNotFound: A file is not on this machine.
        InvalidInput: The name is unknown, or the folder does not hold one detector.
    """
    if str(model) in hub.CATALOGUE:
        found = hub.resolve(model, "detector"), _own_refiner(str(model), refiner)
    else:
        path = hub.resolve(model)
        found = _in_folder(path) if path.is_dir() else (path, None)
    if refiner is None:
        return found
    if str(refiner) in hub.CATALOGUE:
        return found[0], hub.resolve(refiner, "refiner")
    return found[0], hub.resolve(refiner)


def exchange(files: tuple[Path, Path | None], weights: str | Path) -> tuple[Path, Path | None]:
    """Put other weights in the place of a model's own.

    Args:
        files: The model's detector and refiner.
        weights: A name in the catalogue, a detector file, a refiner file, or a folder that holds
            either or both; what it does not hold stays as it is.

    Raises:
        ModelNotFound: A file is not on this machine.
        InvalidInput: The name is unknown, or there is neither network, or several of a kind.
    """
    if str(weights) in hub.CATALOGUE:
        return find_files(weights)
    path = hub.resolve(weights)
    detectors, refiners = _networks(sorted(path.iterdir()) if path.is_dir() else [path])
    if len(detectors) > 1 or len(refiners) > 1 or not detectors + refiners:
        raise InvalidInput(
            f"{str(path)!r} must hold a detector (RTMDet-Ins), a refiner (IS-Net with 4 input"
            f" channels), or one of each; it holds {len(detectors)} and {len(refiners)}."
        )
    return detectors[0] if detectors else files[0], refiners[0] if refiners else files[1]


def _own_refiner(model: str, refiner: str | Path | None) -> Path | None:
    return hub.resolve(model, "refiner") if refiner is None else None


def _in_folder(folder: Path) -> tuple[Path, Path | None]:
    """The one detector and the refiner, if any, in a folder; told by what is in the files."""
    detectors, refiners = _networks(sorted(folder.iterdir()))
    if len(detectors) != 1 or len(refiners) > 1:
        raise InvalidInput(
            f"the folder {str(folder)!r} must hold one detector (RTMDet-Ins) and at most one"
            " refiner (IS-Net with 4 input channels); it holds"
            f" {len(detectors)} and {len(refiners)}. Name the files: model=FILE, refiner=FILE."
        )
    return detectors[0], refiners[0] if refiners else None


def _networks(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Which of some files are detectors, and which refiners; other files are passed over."""
    detectors, refiners = [], []
    for path in paths:
        if path.suffix.lower() in WEIGHT_ENDINGS:
            kind = likely_network(load_state_dict(path)) or ""
            detectors += [path] if kind.startswith("RTMDet") else []
            refiners += [path] if kind.startswith("IS-Net with 4") else []
    return detectors, refiners


def load_detector(
    path: Path, device: torch.device, side: int | None = None, *, fold: bool = True
) -> Detector:
    """Load a detector of any size.

    Args:
        path: Its weights.
        device: Where it shall run.
        side: Side of its input in pixels; None takes what the file says, several looks included,
            else 640.
        fold: Fold batch norms into convolutions: faster, and equal but for rounding.

    Raises:
        InvalidInput: The weights are of another network, or `side` is no multiple of 32.
    """
    state = load_state_dict(path)
    size = detector_size(state)
    if size is None:
        raise InvalidInput(_wrong_network(path, "detector (RTMDet-Ins)", likely_network(state)))
    net = RTMDetIns(size)
    load_into(net, state)
    views: tuple[View, ...] = ()
    meta = read_meta(path)
    if side is None:
        said = meta.metadata.get("input_size") or (meta.input_size_wh or [DETECTOR_SIDE])[0]
        side = int(said)
        if "views" in meta.metadata:
            views = parse_views(meta.metadata["views"])
    if side < 32 or side % 32:
        raise InvalidInput(f"the detector's side must be a multiple of 32; got {side}.")
    logger.info("detector: RTMDet-Ins %s at %d pixels from %s", size, side, path)
    power = float(meta.metadata.get("score_power", 1.0))
    return Detector(_for_inference(net, device, fold), side, views, power)


def load_refiner(
    path: Path, device: torch.device, size: int | None = None, *, fold: bool = True
) -> Refiner:
    """Load a refiner of any width.

    Args:
        path: Its weights.
        device: Where it shall run.
        size: Side of its input in pixels; None takes what the file says, else 720.
        fold: As for `load_detector`.

    Raises:
        InvalidInput: The weights are of another network, or `size` is smaller than 32.
    """
    state = load_state_dict(path)
    shape = refiner_shape(state)
    if shape is None or shape[0] != 4:
        wanted = "refiner (IS-Net with 4 input channels)"
        raise InvalidInput(_wrong_network(path, wanted, likely_network(state)))
    said = read_meta(path).metadata
    net = ISNet(in_channels=4, width=float(said.get("width", shape[1])))
    load_into(net, state)
    default = _OWN_THRESHOLD if said else _RELEASED_THRESHOLD
    settings = RefineSettings(
        size=size or int(said.get("refine_size", RefineSettings.size)),
        colour_order=said.get("colour_order", RefineSettings.colour_order),
        threshold=float(said.get("mask_threshold", default)),
        box_hint=float(said.get("box_hint", RefineSettings.box_hint)),
        soft_rough=said.get("rough") == "soft",
        rough_share=float(said.get("rough_share", RefineSettings.rough_share)),
        snap=float(said.get("snap", RefineSettings.snap)),
    )
    if settings.size < 32:
        raise InvalidInput(f"the refiner's size must be at least 32 pixels; got {settings.size}.")
    logger.info("refiner: IS-Net of width %g, %s, from %s", net.width, settings, path)
    return Refiner(_AlphaOnly(_for_inference(net, device, fold)), settings)


class _AlphaOnly(nn.Module):
    """A refinement network of which only the result is wanted."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.alpha(x)


def _wrong_network(path: Path, wanted: str, found: str | None) -> str:
    is_instead = f"are of {found}" if found else "are of a network that is not known here"
    return f"the weights in {str(path)!r} {is_instead}; a {wanted} is needed."


def _for_inference(net: nn.Module, device: torch.device, fold: bool) -> nn.Module:
    """In evaluation mode, and with every batch norm folded into its convolution if `fold`."""
    net = net.eval().requires_grad_(False)
    if not fold:
        return net.to(device)
    for module in net.modules():
        for convolution, norm in (("conv", "bn"), ("conv_s1", "bn_s1")):
            if isinstance(getattr(module, norm, None), nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm))
                setattr(module, convolution, fused)
                setattr(module, norm, nn.Identity())
    return net.to(device, memory_format=torch.channels_last)
