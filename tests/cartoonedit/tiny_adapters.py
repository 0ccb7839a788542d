"""What is added to the tiny pipelines: ControlNets, LoRAs and IP-Adapters with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import diffusers
import torch
import transformers
from safetensors.torch import save_file

from tests.cartoonedit.tiny_diffusion import ldm_unet, weights_in

CONDITION_CHANNELS = (4, 4, 8, 8)


def build_controlnet(model: Path, folder: Path, union: bool = False) -> Path:
    """Write a tiny ControlNet for the model in a folder; one that has an influence."""
    unet = diffusers.UNet2DConditionModel.from_pretrained(model / "unet")
    kind = diffusers.ControlNetUnionModel if union else diffusers.ControlNetModel
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = kind.from_unet(unet, conditioning_embedding_out_channels=CONDITION_CHANNELS)
        if union:
            width = unet.config.block_out_channels[0]
            network = kind.from_config(
                network.config, num_trans_channel=width, num_proj_channel=width
            )
        for weights in network.parameters():
            if weights.ndim > 1 and not weights.any():  # where training starts without influence
                torch.nn.init.normal_(weights, std=0.1)
    network.save_pretrained(folder)
    return folder


def build_controlnet_file(folder: Path, file: Path, *, prefix: str = "control_model.") -> Path:
    """Write the ControlNet of a folder as one file with the names of the original code."""
    weights = weights_in(folder)
    save_file({prefix + _ldm_controlnet(name): each for name, each in weights.items()}, file)
    return file


def _ldm_controlnet(name: str) -> str:
    place, _, kind = name.rpartition(".")
    stem, _, index = place.rpartition(".")
    if place == "controlnet_mid_block":
        return f"middle_block_out.0.{kind}"
    if stem == "controlnet_down_blocks":
        return f"zero_convs.{index}.0.{kind}"
    if place.startswith("controlnet_cond_embedding"):
        last = 2 * (2 * len(CONDITION_CHANNELS) - 1)
        ends = {"conv_in": 0, "conv_out": last}
        return f"input_hint_block.{ends[index] if index in ends else 2 * int(index) + 2}.{kind}"
    return ldm_unet(name)


def build_lora(model: Path, file: Path, form: Literal["diffusers", "kohya"] = "diffusers") -> Path:
    """Write a tiny LoRA for the cross-attention of the UNet in a folder."""
    unet = diffusers.UNet2DConditionModel.from_pretrained(model / "unet")
    generator = torch.Generator().manual_seed(2)
    weights = {}
    for name, layer in unet.named_modules():
        if not name.endswith(("attn2.to_k", "attn2.to_v")):
            continue
        down = torch.randn((2, layer.in_features), generator=generator)
        up = torch.randn((layer.out_features, 2), generator=generator)
        if form == "diffusers":
            weights[f"unet.{name}.lora_A.weight"] = down
            weights[f"unet.{name}.lora_B.weight"] = up
        else:
            flat = f"lora_unet_{name.replace('.', '_')}"
            weights[f"{flat}.lora_down.weight"] = down
            weights[f"{flat}.lora_up.weight"] = up
            weights[f"{flat}.alpha"] = torch.tensor(2.0)
    save_file(weights, file)
    return file


def build_ip_adapter(
    model: Path, folder: Path, form: Literal["plain", "plus"] = "plain", projection: int = 12
) -> Path:
    """Write a tiny IP-Adapter for the model in a folder, with its image encoder beside it."""
    seen = 16  # width of what the encoder says of each patch
    with torch.random.fork_rng():
        torch.manual_seed(3)
        encoder = transformers.CLIPVisionModelWithProjection(
            transformers.CLIPVisionConfig(
                hidden_size=seen,
                intermediate_size=24,
                projection_dim=projection,
                num_hidden_layers=2,
                num_attention_heads=2,
                image_size=32,
                patch_size=8,
            )
        )
        for parameter in encoder.parameters():
            if parameter.ndim > 1:  # as drawn, all pictures would look nearly the same
                torch.nn.init.normal_(parameter, std=0.3)
    encoder.save_pretrained(folder / "image_encoder")
    unet = diffusers.UNet2DConditionModel.from_pretrained(model / "unet")
    width = unet.config.cross_attention_dim
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.5

    layers = {
        "plain": lambda: {
            "proj.weight": draw(4 * width, projection),
            "proj.bias": draw(4 * width),
            "norm.weight": torch.ones(width),
            "norm.bias": torch.zeros(width),
        },
        "plus": lambda: _resampler(draw, seen, width),
    }[form]()
    weights = {f"image_proj.{name}": each for name, each in layers.items()}
    # Numbered as the attention processors are, of which every second one reads words.
    names = [name for name in unet.attn_processors if "attn2" in name]
    for name in names:
        index = 2 * names.index(name) + 1
        layer = unet.get_submodule(name.removesuffix(".processor"))
        for kind in ("k", "v"):
            weights[f"ip_adapter.{index}.to_{kind}_ip.weight"] = draw(layer.inner_dim, width)
    save_file(weights, folder / "adapter.safetensors")
    return folder / "adapter.safetensors"


def _resampler(draw: Callable[..., torch.Tensor], seen: int, width: int) -> dict[str, torch.Tensor]:
    """What stands between encoder and UNet in the Plus adapters, with the original names."""
    inside, head, queries = 16, 64, 5
    layers = {
        "latents": draw(1, queries, inside),
        "proj_in.weight": draw(inside, seen),
        "proj_in.bias": draw(inside),
        "proj_out.weight": draw(width, inside),
        "proj_out.bias": draw(width),
        "norm_out.weight": torch.ones(width),
        "norm_out.bias": torch.zeros(width),
    }
    for index in range(4):
        for norm in ("0.norm1", "0.norm2", "1.0"):
            layers[f"layers.{index}.{norm}.weight"] = torch.ones(inside)
            layers[f"layers.{index}.{norm}.bias"] = torch.zeros(inside)
        layers[f"layers.{index}.0.to_q.weight"] = draw(head, inside)
        layers[f"layers.{index}.0.to_kv.weight"] = draw(2 * head, inside)
        layers[f"layers.{index}.0.to_out.weight"] = draw(inside, head)
        layers[f"layers.{index}.1.1.weight"] = draw(4 * inside, inside)
        layers[f"layers.{index}.1.3.weight"] = draw(inside, 4 * inside)
    return layers
