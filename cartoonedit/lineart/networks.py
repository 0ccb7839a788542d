"""Lines by networks that were trained to draw them.

Of controlnet-aux only the networks are used, not its detectors: those give a size of their own, and
load weights as pickles that may run code.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, MissingExtra
from cartoonedit.weights import load_into, read_weights

if TYPE_CHECKING:
    import torch

__all__ = ["NETWORKS", "LineNetwork"]

MAX_SIDE = 1536  # pixels of the longer side that a network sees; more would need many gigabytes


@dataclass(frozen=True)
class _Design:
    """How a network is built and fed.

    Attributes:
        weights: Its name in the catalogue.
        build: Makes it, without weights.
        paper: The numbers that stand for black and for white, in its input and its output. All of
            them draw black lines on white.
        multiple: Of what its input's sides are multiples.
        grey: Whether it takes luminance instead of RGB.
    """

    weights: str
    build: Callable[[], torch.nn.Module]
    paper: tuple[float, float]
    multiple: int
    grey: bool = False


def informative_network() -> torch.nn.Module:
    """The generator of Informative Drawings (Chan et al., 2022)."""
    with warnings.catch_warnings(action="ignore"):  # of packages that controlnet-aux could use
        from controlnet_aux.lineart import Generator

        return Generator(3, 1, 3)


def anime_network() -> torch.nn.Module:
    """The U-Net of Anime2Sketch (Xiang et al., 2021)."""
    from torch import nn

    with warnings.catch_warnings(action="ignore"):
        from controlnet_aux.lineart_anime import UnetGenerator

        norm = functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
        return UnetGenerator(3, 1, 8, 64, norm_layer=norm, use_dropout=False)


def manga_network() -> torch.nn.Module:
    """The network of Deep Extraction of Manga Structural Lines (Li et al., 2017)."""
    from cartoonedit.lineart.manga_network import MangaLineNetwork

    return MangaLineNetwork()


_UNIT, _SIGNED, _BYTES = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)

NETWORKS: Mapping[str, _Design] = {
    "realistic": _Design("lineart", informative_network, _UNIT, 4),
    "coarse": _Design("lineart-coarse", informative_network, _UNIT, 4),
    "anime": _Design("lineart-anime", anime_network, _SIGNED, 256),
    "anime-denoise": _Design("lineart-anime-denoise", manga_network, _BYTES, 16, grey=True),
}
"""The networks by the name of their method. ``anime-denoise`` was trained to see through the
screentones of manga."""


@dataclass(frozen=True)
class LineNetwork:
    """Draw lines with a network. It is loaded at the first picture and kept.

    Attributes:
        method: A name in :data:`NETWORKS`.
        weights: A name of the catalogue or a file, ``.pth`` or ``.safetensors``; None takes those
            of the method.

    Raises:
        InvalidInput: There is no such method.
    """

    method: str
    weights: str | Path | None = None

    def __post_init__(self) -> None:
        if self.method not in NETWORKS:
            raise InvalidInput(
                f"there is no line art network {self.method!r}. Choose one of:"
                f" {', '.join(NETWORKS)}."
            )

    @property
    def file(self) -> Path:
        """The weights.

        Raises:
            ModelNotFound: They are not on this machine.
        """
        return hub.resolve(self.weights or NETWORKS[self.method].weights, "weights")

    def __call__(self, picture: NDArray[np.uint8], device: str = "auto") -> NDArray[np.uint8]:
        """Draw the lines of a picture.

        A picture whose longer side has more than 1536 pixels is reduced for the network, and its
        lines are enlarged.

        Args:
            picture: RGB ``uint8`` ``(H, W, 3)``.
            device: As for :func:`cartoonedit.runtime.pick_device`.

        Returns:
            ``uint8`` ``(H, W)``, 0 = paper, 255 = line.

        Raises:
            ModelNotFound: The weights are not on this machine.
            InvalidInput: They are those of another network, or cannot be read safely.
            MissingExtra: controlnet-aux is not installed.
            CartooneditError: The device has too little memory.
        """
        design = NETWORKS[self.method]
        return _draw(_load(self.method, self.file, device), design, picture)


@lru_cache(maxsize=1)
def _load(method: str, file: Path, device: str) -> torch.nn.Module:
    from cartoonedit.diffusion.memory import explain_memory
    from cartoonedit.runtime import pick_device

    weights = read_weights(file)
    try:
        network = NETWORKS[method].build()
    except ImportError as error:
        raise MissingExtra(
            f"line art of method {method!r} needs controlnet-aux, which cannot be imported:"
            f" {error}. Install it with: pip install controlnet-aux. Or take the method 'standard'."
        ) from error
    load_into(network, weights, file)
    with explain_memory():
        return network.to(pick_device(device)).float().eval()


def _draw(
    network: torch.nn.Module, design: _Design, picture: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    import torch

    from cartoonedit.diffusion.memory import explain_memory

    size_wh = picture.shape[1::-1]
    shown = _resized(picture, _working_size(size_wh, design.multiple))
    if design.grey:
        shown = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)[..., None]
    black, white = design.paper
    values = black + shown.astype(np.float32) * ((white - black) / 255)
    where = next(network.parameters()).device
    with torch.inference_mode(), explain_memory():
        inputs = torch.from_numpy(values.transpose(2, 0, 1).copy())[None].to(where)
        drawn = network(inputs)[0, 0].cpu().numpy()
    lines = _resized((white - drawn) / (white - black) * 255, size_wh)
    return lines.clip(0, 255).round().astype(np.uint8)


def _working_size(size_wh: tuple[int, ...], multiple: int) -> tuple[int, int]:
    """Sides in whole multiples, and not smaller than layers that mirror the edges need."""
    scale = min(1.0, MAX_SIDE / max(size_wh))
    least = max(multiple, 16)
    width, height = (max(least, -(-round(side * scale) // multiple) * multiple) for side in size_wh)
    return width, height


def _resized(image: NDArray, size_wh: tuple[int, ...]) -> NDArray:
    if image.shape[1::-1] == tuple(size_wh):
        return image
    shrinks = size_wh[0] < image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, tuple(size_wh), interpolation=how)
