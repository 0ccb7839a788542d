"""LaMa: a hole filled in one pass of a network trained on drawings, quick enough for a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput
from cartoonedit.inpaint.regions import pad, resize, resize_hole, scaled, surroundings
from cartoonedit.inpaint.smooth import rounded
from cartoonedit.inpaint.tone import match_tone
from cartoonedit.weights import read_weights

if TYPE_CHECKING:
    from cartoonedit.inpaint.lama_network import LamaGenerator

__all__ = ["LamaInpainter"]

_MULTIPLE, _LEAST_SIDE = 8, 16  # the network halves three times, and mirrors a pixel at the end


@dataclass(frozen=True)
class LamaInpainter:
    """Fill a hole with LaMa. It draws no random numbers: any seed gives the same fill.

    Attributes:
        weights: A name of the catalogue, or a file: a checkpoint (``.ckpt``, of which only tensors
            are read) or ``.safetensors``. The generator's size is that of its weights.
        device: As for :func:`cartoonedit.runtime.pick_device`.
        max_side: The surroundings of the hole are reduced to this many pixels on their longer side,
            and the fill is enlarged again. The public weights were trained at 512.
    """

    name: ClassVar[str] = "lama"

    weights: str | Path = "lama-anime-manga"
    device: str = "auto"
    max_side: int = 1024

    def __post_init__(self) -> None:
        if self.max_side < _LEAST_SIDE:
            raise InvalidInput(f"max_side must be {_LEAST_SIDE} or more; got {self.max_side}.")

    def __call__(
        self, image: NDArray[np.uint8], hole: NDArray[np.bool_], seed: int
    ) -> NDArray[np.uint8]:
        """Fill ``hole`` ``(H, W)`` of an RGB ``uint8`` image ``(H, W, 3)``.

        Raises:
            ModelNotFound: The weights are not on this machine.
            InvalidInput: They are not those of a LaMa generator, or cannot be read safely.
            CartooneditError: The device has too little memory.
        """
        if not hole.any():
            return image.copy()
        network = _load(str(hub.resolve(self.weights)), self.device)
        inside = surroundings(hole)
        crop, crop_hole = image[inside], hole[inside]
        scale = min(1.0, self.max_side / max(crop_hole.shape))
        size_wh = scaled(crop_hole.shape[::-1], scale)
        shown = pad(resize(crop, size_wh), _MULTIPLE, _LEAST_SIDE)
        todo = pad(resize_hole(crop_hole, size_wh), _MULTIPLE, _LEAST_SIDE)
        painted = _run(network, shown, todo)[: size_wh[1], : size_wh[0]]
        result = image.copy()
        result[inside] = match_tone(resize(painted, crop_hole.shape[::-1]), crop, crop_hole)
        return result


def _run(
    network: LamaGenerator, image: NDArray[np.uint8], hole: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    import torch

    from cartoonedit.diffusion.memory import explain_memory

    device = next(network.parameters()).device
    colours = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255
    mask = torch.from_numpy(hole).to(device)[None, None].float()
    with torch.inference_mode(), explain_memory():
        painted = network(colours, mask)[0].permute(1, 2, 0).cpu().numpy()
    return rounded(painted * 255)


@lru_cache(maxsize=1)
def _load(file: str, device: str) -> LamaGenerator:
    from cartoonedit.inpaint.lama_network import LamaGenerator, shape_of
    from cartoonedit.runtime import pick_device

    weights = _generator_weights(Path(file))
    try:
        network = LamaGenerator(shape_of(weights))
        network.load_state_dict(dict(weights))
    except (KeyError, RuntimeError) as error:
        raise InvalidInput(
            f"{file} does not hold the weights of a LaMa generator: {str(error)[:300]}"
        ) from error
    # In half precision its fills come out too dark, so it stays in float32.
    return network.to(pick_device(device)).float().eval()


def _generator_weights(file: Path) -> Mapping[str, Any]:
    """The state dict of the generator in a file, which may hold its critic, too."""
    weights = read_weights(file)
    prefix = "generator."
    wrapped = {
        name.removeprefix(prefix): tensor
        for name, tensor in weights.items()
        if name.startswith(prefix)
    }
    return wrapped or weights
