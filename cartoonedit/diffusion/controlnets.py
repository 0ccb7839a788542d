"""ControlNets: what holds a picture's lines while it is painted anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartoonedit.diffusion.locating import refuse_pickles_in
from cartoonedit.diffusion.weights import (
    dtype_argument,
    explain_damage,
    read_settings,
    reason,
    variant_in,
)
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.weights import open_safetensors, read_weights

if TYPE_CHECKING:
    import torch

__all__ = ["add_controlnet"]


def add_controlnet(pipeline: Any, where: Path, dtype: Any) -> Any:
    """An image-to-image pipeline with a ControlNet.

    Args:
        pipeline: Without one.
        where: A folder in diffusers' form, or a ``.safetensors`` file with the names of diffusers
            or of the original code. A union of ControlNets is told by its weights, since the
            published one calls itself a plain ControlNet.
        dtype: Of its numbers.

    Raises:
        InvalidInput: It is damaged, a pickle, no ControlNet, or of another family.
        ModelNotFound: The folder lacks a file.
    """
    import diffusers

    if where.is_dir():
        network = _from_folder(where, dtype)
        _check_family(where, network.config.cross_attention_dim, pipeline.unet)
    else:
        network = _from_file(where, pipeline.unet, dtype)
    kind = "ControlNetUnion" if "num_control_type" in network.config else "ControlNet"
    name = type(pipeline).__name__.replace("Img2Img", f"{kind}Img2Img")
    own = {"add_watermarker": False} if "XL" in name else {"requires_safety_checker": False}
    return getattr(diffusers, name)(**pipeline.components, controlnet=network, **own)


def _check_family(where: Path, width: int, unet: Any) -> None:
    wanted = unet.config.cross_attention_dim
    if width != wanted:
        raise InvalidInput(
            f"the ControlNet {where} is of another family than the model: it reads words of width"
            f" {width}, the model of {wanted} (SD 1.5 has 768, SDXL 2048). Take one for the model."
        )


def _from_folder(folder: Path, dtype: Any) -> Any:
    import diffusers

    index = folder / "config.json"
    if not index.is_file():
        raise ModelNotFound(
            f"{folder} holds no config.json, so it is no ControlNet in diffusers' form. Give the"
            " folder that holds it, or a .safetensors file."
        )
    name = read_settings(index).get("_class_name", "")
    if name not in ("ControlNetModel", "ControlNetUnionModel"):
        raise InvalidInput(f"{folder} is a {name or 'model without a class'}, no ControlNet.")
    files = sorted(folder.glob("diffusion_pytorch_model[.-]*safetensors"))
    if not files:
        refuse_pickles_in(folder)
        raise ModelNotFound(
            f"the ControlNet in {folder} lacks its weights, diffusion_pytorch_model.safetensors."
        )
    union = _union_in(files)
    kind = diffusers.ControlNetUnionModel if union else diffusers.ControlNetModel
    try:
        with explain_damage(f"the ControlNet in {folder}"):
            return kind.from_pretrained(
                str(folder),
                local_files_only=True,
                use_safetensors=True,
                variant=variant_in(folder),
                **union,
                **dtype_argument(dtype),
            )
    except OSError as error:
        raise ModelNotFound(f"the ControlNet in {folder} is not whole: {error}") from error


_KINDS = "task_embedding"
"""Only in unions: a row for each kind of picture that one can be shown."""


def _union_in(files: list[Path]) -> dict[str, int]:
    """What the settings of a union must say; nothing for a single ControlNet."""
    for file in files:
        with open_safetensors(file) as weights:
            if _KINDS in weights.keys():  # noqa: SIM118  # it is no dict
                return {"num_control_type": weights.get_slice(_KINDS).get_shape()[0]}
    return {}


_EYES = "controlnet_cond_embedding"  # what looks at the lines


def _from_file(file: Path, unet: Any, dtype: Any) -> Any:
    """A ControlNet whose shape follows from its weights and the UNet that it is for."""
    weights = read_weights(file)
    if f"{_EYES}.conv_in.weight" not in weights:
        weights = _renamed(weights, unet)
    widths = [
        each.shape[1]
        for name, each in weights.items()
        if name.endswith("attn2.to_k.weight") and each.ndim == 2
    ]
    if not widths or f"{_EYES}.conv_in.weight" not in weights:
        raise InvalidInput(f"{file} is no ControlNet: it lacks the layers of one.")
    _check_family(file, widths[0], unet)
    network = _empty(unet, weights)
    try:
        network.load_state_dict(
            {name: each.to(dtype) for name, each in weights.items()}, assign=True
        )
    except RuntimeError as error:
        raise InvalidInput(
            f"{file} does not have the form of a ControlNet for this model: {reason(error)}"
        ) from error
    return network


def _renamed(weights: dict[str, torch.Tensor], unet: Any) -> dict[str, torch.Tensor]:
    """Weights of the original code by the names of diffusers."""
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    renamed = convert_controlnet_checkpoint(weights, unet.config)
    return {name: each for name, each in renamed.items() if each is not None}


def _empty(unet: Any, weights: dict[str, torch.Tensor]) -> Any:
    """A ControlNet for a UNet, without memory for its own weights."""
    import diffusers
    import torch

    # Every second layer in between widens what it sees.
    widening = (f"{_EYES}.blocks.{index}.weight" for index in range(1, len(weights), 2))
    layers = [f"{_EYES}.conv_in.weight", *(name for name in widening if name in weights)]
    kind = diffusers.ControlNetUnionModel if _KINDS in weights else diffusers.ControlNetModel
    with torch.device("meta"):
        network = kind.from_unet(
            unet,
            conditioning_embedding_out_channels=tuple(len(weights[name]) for name in layers),
            load_weights_from_unet=False,
        )
        if _KINDS in weights:
            kinds, width = weights[_KINDS].shape
            network = kind.from_config(
                network.config,
                num_control_type=kinds,
                num_trans_channel=width,
                num_proj_channel=unet.config.block_out_channels[0],
            )
    return network.eval()
