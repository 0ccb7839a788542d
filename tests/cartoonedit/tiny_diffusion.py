"""Tiny pipelines of latent diffusion with random weights, in every form that users have them in.

They paint noise, but through the same classes, files and steps as the real ones.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

import diffusers
import torch
import transformers
from safetensors.torch import save_file

Family = Literal["sd15", "sdxl"]

CELL = 8  # pixels per latent pixel, as in the real ones
NATIVE = 64  # the side that the tiny UNet is "trained" at


def build_pipeline(folder: Path, family: Family = "sd15", channels: int = 9) -> Path:
    """Write a tiny pipeline in diffusers' form into a folder.

    Args:
        folder: Is made.
        family: Which family it belongs to.
        channels: 9 for one that was trained to inpaint, 4 for any other.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts: dict[str, Any] = {
            "unet": _unet(family, channels),
            "vae": _vae(),
            "scheduler": diffusers.DDIMScheduler(
                beta_start=0.00085,
                beta_end=0.012,
                beta_schedule="scaled_linear",
                steps_offset=1,
                clip_sample=False,
            ),
            "tokenizer": tokenizer_of_letters(folder / "words"),
            "text_encoder": transformers.CLIPTextModel(_text_config()),
        }
        if family == "sdxl":
            parts["tokenizer_2"] = parts["tokenizer"]
            parts["text_encoder_2"] = transformers.CLIPTextModelWithProjection(_text_config())
        else:
            parts |= dict.fromkeys(("safety_checker", "feature_extractor"))
            parts["requires_safety_checker"] = False
    name = f"StableDiffusion{'XL' if family == 'sdxl' else ''}{'Inpaint' if channels == 9 else ''}"
    getattr(diffusers, f"{name}Pipeline")(**parts).save_pretrained(folder / "model")
    for tokenizer in (folder / "model").glob("tokenizer*"):
        _write_words(tokenizer)
    return folder / "model"


def build_single_file(folder: Path, file: Path) -> Path:
    """Write the SD 1.5 pipeline of a folder as one file with the names of the original code."""
    weights = {
        f"model.diffusion_model.{ldm_unet(name)}": tensor
        for name, tensor in weights_in(folder / "unet").items()
    }
    weights |= {
        f"first_stage_model.{_ldm_vae(name)}": tensor
        for name, tensor in weights_in(folder / "vae").items()
    }
    weights |= {
        f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}": tensor
        for name, tensor in weights_in(folder / "text_encoder").items()
    }
    save_file(weights, file)
    return file


def _unet(family: Family, channels: int) -> diffusers.UNet2DConditionModel:
    extra: dict[str, Any] = {}
    if family == "sdxl":
        extra = {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 32,
        }
    return diffusers.UNet2DConditionModel(
        sample_size=NATIVE // CELL,
        in_channels=channels,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=8,
        cross_attention_dim=64 if family == "sdxl" else 32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        **extra,
    )


def _vae() -> diffusers.AutoencoderKL:
    blocks = 4  # three halvings
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * blocks,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=NATIVE,
    )


def _text_config() -> transformers.CLIPTextConfig:
    return transformers.CLIPTextConfig(
        vocab_size=len(_vocabulary()),
        hidden_size=32,
        intermediate_size=37,
        projection_dim=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=len(_vocabulary()) - 2,
        eos_token_id=len(_vocabulary()) - 1,
        pad_token_id=len(_vocabulary()) - 1,
    )


def _vocabulary() -> dict[str, int]:
    letters = [chr(code) for code in range(33, 127)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return {word: index for index, word in enumerate(words)}


def tokenizer_of_letters(folder: Path) -> transformers.CLIPTokenizer:
    """One that knows single letters only, so a word has as many tokens as letters."""
    folder.mkdir(parents=True)
    _write_words(folder)
    return transformers.CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def _write_words(folder: Path) -> None:
    """The files of a tokenizer as the published models have them."""
    (folder / "tokenizer.json").unlink(missing_ok=True)
    (folder / "vocab.json").write_text(json.dumps(_vocabulary()))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "special_tokens_map.json").write_text(
        json.dumps(
            {"bos_token": "<|startoftext|>"}
            | dict.fromkeys(("eos_token", "unk_token", "pad_token"), "<|endoftext|>")
        )
    )


def weights_in(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a network that was saved in a folder."""
    from safetensors.torch import load_file

    (file,) = folder.glob("*.safetensors")
    return load_file(file)


# Names of the original code for those of diffusers, for networks of two blocks of one layer.

_RESNET = {
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0", "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
}  # fmt: skip
_UNET_TOP = {
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0", "conv_out": "out.2",
}  # fmt: skip
_VAE = {
    r"down_blocks\.(\d)\.resnets": r"down.\1.block", r"up_blocks\.(\d)\.resnets": r"up.\1.block",
    r"down_blocks\.(\d)\.downsamplers\.0": r"down.\1.downsample",
    r"up_blocks\.(\d)\.upsamplers\.0": r"up.\1.upsample",
    r"mid_block\.attentions\.0": "mid.attn_1", r"mid_block\.resnets\.0": "mid.block_1",
    r"mid_block\.resnets\.1": "mid.block_2", "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut", "group_norm": "norm", r"to_out\.0": "proj_out",
    r"to_([qkv])": r"\1",
}  # fmt: skip


def ldm_unet(name: str) -> str:
    """The original code's name of a tensor in a UNet."""
    stem, _, kind = name.rpartition(".")
    if stem in _UNET_TOP:
        return f"{_UNET_TOP[stem]}.{kind}"
    side, rest = re.match(r"(down_blocks|mid_block|up_blocks)\.(.*)", name).groups()
    if side == "mid_block":
        layer, rest = re.match(r"(\w+\.\d)\.(.*)", rest).groups()
        place = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[layer]
        return f"middle_block.{place}.{_ldm_resnet(rest) if 'resnets' in layer else rest}"
    block, layer, number, rest = re.match(r"(\d)\.(\w+)\.(\d)\.(.*)", rest).groups()
    if layer == "downsamplers":
        return f"input_blocks.{2 * int(block) + 2}.0.op.{rest.removeprefix('conv.')}"
    if layer == "upsamplers":  # comes after the attention of the block's last layer
        return f"output_blocks.{2 * int(block) + 1}.2.{rest}"
    if side == "down_blocks":
        place = f"input_blocks.{2 * int(block) + int(number) + 1}"
    else:
        place = f"output_blocks.{2 * int(block) + int(number)}"
    return f"{place}.0.{_ldm_resnet(rest)}" if layer == "resnets" else f"{place}.1.{rest}"


def _ldm_resnet(name: str) -> str:
    layer, rest = name.split(".", 1)
    return f"{_RESNET[layer]}.{rest}"


def _ldm_vae(name: str) -> str:
    for ours, theirs in _VAE.items():
        name = re.sub(ours, theirs, name)
    # The original counts the decoder's blocks from the other end.
    return re.sub(r"decoder\.up\.(\d)", lambda m: f"decoder.up.{3 - int(m[1])}", name)
