"""ControlNets: what holds a picture's lines while it is painted anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cartoonedit.diffusion.weights import dtype_argument, variant_in
from cartoonedit.errors import InvalidInput, ModelNotFound

__all__ = ["add_controlnet"]


def add_controlnet(pipeline: Any, where: Path, dtype: Any) -> Any:
    """An image-to-image pipeline with a ControlNet.

    Args:
        pipeline: Without one.
        where: A folder in diffusers' form, also of a union of ControlNets, or a ``.safetensors``
            file in the form of diffusers or of the original code.
        dtype: Of its numbers.

    Raises:
        InvalidInput: It is damaged, no ControlNet, or of another family.
        ModelNotFound: The folder lacks a file.
    """
    import diffusers

    network = _from_folder(where, dtype) if where.is_dir() else _from_file(where, pipeline, dtype)
    wanted, got = (part.config.cross_attention_dim for part in (pipeline.unet, network))
    if wanted != got:
        raise InvalidInput(
            f"the ControlNet {where} is of another family than the model: it reads words of width"
            f" {got}, the model of {wanted} (SD 1.5 has 768, SDXL 2048). Take one for the model."
        )
    kind = "ControlNetUnion" if "num_control_type" in network.config else "ControlNet"
    name = type(pipeline).__name__.replace("Img2Img", f"{kind}Img2Img")
    own = {"add_watermarker": False} if "XL" in name else {"requires_safety_checker": False}
    parts = {key: part for key, part in pipeline.components.items() if key != "controlnet"}
    return getattr(diffusers, name)(**parts, controlnet=network, **own)


def _from_folder(folder: Path, dtype: Any) -> Any:
    import diffusers

    index = folder / "config.json"
    if not index.is_file():
        raise ModelNotFound(
            f"{folder} holds no config.json, so it is no ControlNet in diffusers' form. Give the"
            " folder that holds it, or a .safetensors file."
        )
    name = json.loads(index.read_text(encoding="utf-8")).get("_class_name", "")
    if name not in ("ControlNetModel", "ControlNetUnionModel"):
        raise InvalidInput(f"{folder} is a {name or 'model without a class'}, no ControlNet.")
    try:
        return getattr(diffusers, name).from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            variant=variant_in(folder),
            **dtype_argument(dtype),
        )
    except OSError as error:
        raise ModelNotFound(
            f"the ControlNet in {folder} lacks .safetensors files, or they are damaged: {error}"
        ) from error


def _from_file(file: Path, pipeline: Any, dtype: Any) -> Any:
    """A ControlNet of the pipeline's own family, whose shape follows from its UNet."""
    import diffusers
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{file} is no whole .safetensors file: {error}") from error
    network = diffusers.ControlNetModel.from_unet(pipeline.unet, load_weights_from_unet=False)
    try:
        if "controlnet_cond_embedding.conv_in.weight" not in weights:
            weights = convert_controlnet_checkpoint(weights, network.config)
        network.load_state_dict(weights)
    except (RuntimeError, KeyError, IndexError) as error:
        raise InvalidInput(
            f"{file} is no ControlNet for a model of this family: {str(error).splitlines()[0]}"
        ) from error
    return network.to(dtype)
