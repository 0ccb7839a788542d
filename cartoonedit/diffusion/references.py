"""Reference pictures: an IP-Adapter lets a picture speak beside the words."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.diffusion.locating import locate_file
from cartoonedit.diffusion.memory import explain_memory, lacks_memory, laid_open
from cartoonedit.diffusion.weights import explain_damage, quiet_casts, read_settings, reason
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.weights import open_safetensors

if TYPE_CHECKING:
    import torch

__all__ = ["blank_embeds", "find_adapter", "reference_tokens", "use_references"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Adapter:
    """The adapter that a pipeline has.

    Attributes:
        file: Its weights.
        blank: What its image encoder says of [no picture, a black one].
    """

    file: Path
    blank: torch.Tensor


_adapters: WeakKeyDictionary[Any, _Adapter] = WeakKeyDictionary()


def use_references(pipeline: Any, adapter: str | Path | None, weight: float = 0.6) -> None:
    """Let a pipeline listen to reference pictures, or to words alone.

    Args:
        pipeline: Of the SD 1.5 or SDXL family.
        adapter: A name of the catalogue, or an IP-Adapter's ``.safetensors`` file, beside which, or
            one folder up, is ``image_encoder/``; None takes the one in use away.
        weight: How much a reference picture counts, 0 to 1.

    Raises:
        ModelNotFound: It, or its image encoder, is not on this machine.
        InvalidInput: It is damaged, a pickle, or for another family.
        CartooneditError: The device has too little memory.
    """
    found = None if adapter is None else find_adapter(str(adapter))
    held = _adapters.get(pipeline)
    with explain_memory():
        if held is not None and (found is None or held.file != found[0]):
            with laid_open(pipeline):
                _unload(pipeline)
        if found is None:
            return
        if pipeline not in _adapters:
            _load(pipeline, *found)
        pipeline.set_ip_adapter_scale(weight)


def reference_tokens(pipeline: Any, picture: NDArray[np.uint8] | None) -> torch.Tensor | None:
    """What the UNet's cross-attention is given of a reference picture.

    Args:
        pipeline: Its adapter is set by :func:`use_references`.
        picture: RGB ``uint8`` ``(H, W, 3)``; None gives tokens that add nothing: the layers that
            read them have no bias.

    Returns:
        ``(2, 1, T, D)`` for [no picture, the picture]; None if the pipeline has no adapter.
    """
    import torch

    if pipeline not in _adapters:
        return None
    network = pipeline.unet.encoder_hid_proj
    home = next(network.parameters()).device  # in main memory, where all of the UNet is offloaded
    with torch.no_grad():
        embeds = _adapters[pipeline].blank if picture is None else _embed(pipeline, picture)
        tokens = network([embeds if home.type == "meta" else embeds.to(home)])[0]
    return torch.zeros_like(tokens) if picture is None else tokens


def blank_embeds(pipeline: Any, rows: int) -> dict[str, Any]:
    """The ``added_cond_kwargs`` that a UNet with an adapter insists on, for a batch of ``rows``."""
    if pipeline not in _adapters:
        return {}
    blank = _adapters[pipeline].blank
    return {"image_embeds": [blank.new_zeros((rows, *blank.shape[1:]))]}


def _embed(pipeline: Any, picture: NDArray[np.uint8]) -> torch.Tensor:
    """What the image encoder says of [no picture, the picture]."""
    import torch
    from PIL import Image

    with torch.no_grad():
        (embeds,) = pipeline.prepare_ip_adapter_image_embeds(
            Image.fromarray(picture), None, pipeline._execution_device, 1, True
        )
    return embeds


def find_adapter(adapter: str) -> tuple[Path, Path]:
    """An adapter's file and the folder of its image encoder.

    Raises:
        ModelNotFound: One is not on this machine.
        InvalidInput: It is damaged, a pickle, or no IP-Adapter.
    """
    if adapter in hub.CATALOGUE:
        encoder = hub.resolve(adapter, "image encoder")
        hub.resolve(adapter, "image encoder config")
        return hub.resolve(adapter, "adapter"), encoder.parent
    file = locate_file(adapter)
    setting, width = _sees(file)
    folders = [top / "image_encoder" for top in (file.parent, file.parent.parent)]
    folders.append(file.parent.parent / "models" / "image_encoder")  # as they were published
    for folder in folders:
        config = folder / "config.json"
        if config.is_file() and read_settings(config).get(setting) == width:
            return file, folder
    raise ModelNotFound(
        f"the IP-Adapter {file} needs the image encoder that it was trained with, of {setting}"
        f" {width}. Put it into {folders[0]}."
    )


_INPUTS = {
    "image_proj.proj.weight": "projection_dim",  # plain
    "image_proj.proj_in.weight": "hidden_size",  # Plus
    "image_proj.proj.0.weight": "hidden_size",  # full face
}
"""The layer of an adapter that reads what the image encoder says, and what of it."""


def _sees(file: Path) -> tuple[str, int]:
    """The setting of an image encoder that an adapter depends on, and its value."""
    with open_safetensors(file) as weights:
        names = set(weights.keys())
        for layer, setting in _INPUTS.items():
            if layer in names:
                return setting, weights.get_slice(layer).get_shape()[1]
    raise InvalidInput(f"{file} is no IP-Adapter that reads pictures by CLIP.")


def _load(pipeline: Any, file: Path, encoder: Path) -> None:
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    try:
        with explain_damage(f"the image encoder in {encoder}"):
            network = CLIPVisionModelWithProjection.from_pretrained(
                str(encoder),
                local_files_only=True,
                use_safetensors=True,
                dtype=pipeline.unet.dtype,
            )
    except OSError as error:
        raise ModelNotFound(f"the image encoder in {encoder} is not whole: {error}") from error
    side = network.config.image_size
    processor = CLIPImageProcessor(size=side, crop_size=side)
    with laid_open(pipeline):
        pipeline.register_modules(image_encoder=network, feature_extractor=processor)
        try:
            with quiet_casts():
                pipeline.load_ip_adapter(
                    str(file.parent),
                    subfolder="",
                    weight_name=file.name,
                    image_encoder_folder=None,
                    local_files_only=True,
                )
        except BaseException as error:  # its kinds differ between diffusers, safetensors and torch
            _unload(pipeline)
            if not isinstance(error, Exception) or lacks_memory(error):
                raise
            raise InvalidInput(
                f"{file} is no IP-Adapter for a model of this family: {reason(error)}"
            ) from error
    try:
        blank = _embed(pipeline, np.zeros((64, 64, 3), np.uint8))
    except BaseException:  # stopped, or out of memory: half an adapter would be in the way
        with laid_open(pipeline):
            _unload(pipeline)
        raise
    _adapters[pipeline] = _Adapter(file, blank)
    logger.info("reference pictures by %s", file.name)


def _unload(pipeline: Any) -> None:
    pipeline.unload_ip_adapter()
    pipeline.register_modules(image_encoder=None, feature_extractor=None)
    _adapters.pop(pipeline, None)
