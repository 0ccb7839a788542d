"""A tiny CLIP with random weights, in the form that transformers saves."""

from __future__ import annotations

from pathlib import Path

import torch
import transformers

from tests.cartoonedit.tiny_diffusion import tokenizer_of_letters

SIDE = 32  # of the square that it sees


def build_clip(folder: Path) -> Path:
    """Write a CLIP into ``folder / "clip"``; its tokenizer knows single letters only."""
    tokenizer = tokenizer_of_letters(folder / "words")
    small = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2}
    small |= {"num_attention_heads": 4}
    words = {
        "vocab_size": len(tokenizer),
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = transformers.CLIPConfig(
        text_config=small | words,
        vision_config=small | {"image_size": SIDE, "patch_size": 8},
        projection_dim=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.CLIPModel(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:  # as drawn, all pictures would score nearly the same
                torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder / "clip")
    transformers.CLIPProcessor(
        image_processor=transformers.CLIPImageProcessor(
            size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
        ),
        tokenizer=tokenizer,
    ).save_pretrained(folder / "clip")
    return folder / "clip"
