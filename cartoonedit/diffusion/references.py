"""Reference pictures: an IP-Adapter lets a picture speak beside the words."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.diffusion.locating import locate_file
from cartoonedit.diffusion.weights import dtype_argument
from cartoonedit.errors import InvalidInput, ModelNotFound

if TYPE_CHECKING:
    import torch

__all__ = ["blank_embeds", "reference_tokens", "use_references"]

logger = logging.getLogger(__name__)

_adapters: WeakKeyDictionary[Any, tuple[Path, torch.Tensor]] = WeakKeyDictionary()
"""The adapter that each pipeline has, and what it makes of a black picture."""


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
    """
    file, encoder = (None, None) if adapter is None else _find(str(adapter))
    if pipeline in _adapters and _adapters[pipeline][0] != file:
        pipeline.unload_ip_adapter()
        del _adapters[pipeline]
    if file is None or encoder is None:
        return
    if pipeline not in _adapters:
        _load(pipeline, file, encoder)
        black = np.zeros((64, 64, 3), np.uint8)
        _adapters[pipeline] = (file, _embed(pipeline, black))
        logger.info("reference pictures by %s", file.name)
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
    with torch.inference_mode():
        embeds = _adapters[pipeline][1] if picture is None else _embed(pipeline, picture)
        tokens = pipeline.unet.encoder_hid_proj([embeds])[0]
    return torch.zeros_like(tokens) if picture is None else tokens


def blank_embeds(pipeline: Any, rows: int) -> dict[str, Any]:
    """The ``added_cond_kwargs`` that a UNet with an adapter insists on, for a batch of ``rows``."""
    if pipeline not in _adapters:
        return {}
    embeds = _adapters[pipeline][1]
    return {"image_embeds": [embeds.new_zeros((rows, *embeds.shape[1:]))]}


def _embed(pipeline: Any, picture: NDArray[np.uint8]) -> torch.Tensor:
    """What the image encoder says of [no picture, the picture]."""
    import torch
    from PIL import Image

    with torch.inference_mode():
        (embeds,) = pipeline.prepare_ip_adapter_image_embeds(
            Image.fromarray(picture), None, pipeline._execution_device, 1, True
        )
    return embeds


def _find(adapter: str) -> tuple[Path, Path]:
    """The adapter's file and the folder of its image encoder."""
    if adapter in hub.CATALOGUE:
        encoder = hub.resolve(adapter, "image encoder")
        return hub.resolve(adapter, "adapter"), encoder.parent
    file = locate_file(adapter)
    folders = [top / "image_encoder" for top in (file.parent, file.parent.parent)]
    folders.append(file.parent.parent / "models" / "image_encoder")
    for folder in folders:
        if (folder / "config.json").is_file():
            return file, folder
    raise ModelNotFound(
        f"the IP-Adapter {file} needs the image encoder that it was trained with, in {folders[0]}."
    )


def _load(pipeline: Any, file: Path, encoder: Path) -> None:
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    try:
        network = CLIPVisionModelWithProjection.from_pretrained(
            str(encoder),
            local_files_only=True,
            use_safetensors=True,
            **dtype_argument(pipeline.unet.dtype),
        )
    except OSError as error:
        raise ModelNotFound(f"the image encoder in {encoder} is not whole: {error}") from error
    side = network.config.image_size
    pipeline.register_modules(
        image_encoder=network.to(pipeline._execution_device),
        feature_extractor=CLIPImageProcessor(size=side, crop_size=side),
    )
    try:
        pipeline.load_ip_adapter(
            str(file.parent),
            subfolder="",
            weight_name=file.name,
            image_encoder_folder=None,
            local_files_only=True,
        )
    except Exception as error:  # its kinds differ between diffusers, safetensors and torch
        pipeline.register_modules(image_encoder=None, feature_extractor=None)
        raise InvalidInput(
            f"{file} is no IP-Adapter for a model of this family: {str(error).splitlines()[0]}"
        ) from error
