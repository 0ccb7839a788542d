from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from cartoonedit.diffusion import IMG2IMG, load_pipeline
from cartoonedit.diffusion.words import _weighted, encode_pair
from cartoonedit.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("no_network")


@pytest.fixture(scope="module", params=["sd15", "sdxl"])
def pipeline(request: Any, tiny_diffusion: Callable[..., Path]) -> Any:
    return load_pipeline(tiny_diffusion(request.param, 4), IMG2IMG, device="cpu")


def own(pipeline: Any, prompt: str, negative: str, **options: Any) -> tuple[Any, Any]:
    """What the pipeline makes of two prompts by itself."""
    found = pipeline.encode_prompt(
        prompt,
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt=negative,
        **options,
    )
    summary = torch.cat([found[3], found[2]]) if len(found) > 2 else None
    return torch.cat([found[1], found[0]]), summary


@pytest.mark.parametrize(
    ("prompt", "negative"),
    [
        ("a cat", "dog"),
        ("a cat, in a hat", ""),
        ("", ""),
        ("x" * 75, "dog"),  # the tiny tokenizer has a token for each letter
        (r"clock \(object\)", "dog"),
    ],
)
def test_short_prompts_are_what_the_pipeline_makes_of_them(
    pipeline: Any, prompt: str, negative: str
) -> None:
    encoded = encode_pair(pipeline, prompt, negative)
    embeds, pooled = own(pipeline, prompt.replace("\\", ""), negative)
    torch.testing.assert_close(encoded.embeds, embeds, atol=1e-5, rtol=0)
    if pooled is None:
        assert encoded.pooled is None
    else:
        torch.testing.assert_close(encoded.pooled, pooled, atol=1e-5, rtol=0)


def test_layers_left_out(pipeline: Any) -> None:
    """For both prompts; of SDXL, one more than the last, which is never read."""
    encoded = encode_pair(pipeline, "a cat", "dog", clip_skip=1)
    both = [pipeline.text_encoder, getattr(pipeline, "text_encoder_2", None)]
    ids = pipeline.tokenizer(["dog", "a cat"], padding="max_length", return_tensors="pt").input_ids
    layers = [encoder(ids, output_hidden_states=True).hidden_states for encoder in both if encoder]
    if len(layers) == 2:
        wanted = torch.cat([each[-3] for each in layers], dim=-1)
    else:
        body = getattr(pipeline.text_encoder, "text_model", pipeline.text_encoder)
        wanted = body.final_layer_norm(layers[0][-2])
    torch.testing.assert_close(encoded.embeds, wanted, atol=1e-5, rtol=0)
    assert not torch.allclose(encoded.embeds, encode_pair(pipeline, "a cat", "dog").embeds)


@pytest.mark.parametrize(
    ("prompt", "negative", "chunks"),
    [
        ("x" * 76, "", 2),
        ("x" * 75, "y" * 200, 3),
        ("ab, " * 60, "", 3),
        ("a BREAK b", "", 2),
        ("word " * 1000, "", 54),  # 5,000 characters
    ],
)
def test_long_prompts_are_read_in_chunks(
    pipeline: Any, prompt: str, negative: str, chunks: int
) -> None:
    encoded = encode_pair(pipeline, prompt, negative)
    assert encoded.embeds.shape[:2] == (2, 77 * chunks)
    assert bool(torch.isfinite(encoded.embeds).all())


def test_each_chunk_is_a_prompt_of_its_own(pipeline: Any) -> None:
    """Cut at the comma nearest to the end, and the shorter side filled with empty chunks."""
    first, second = ", ".join(["abcdefgh"] * 8) + ",", "ijklmnop, qrs"
    encoded = encode_pair(pipeline, f"{first} {second}", "dog")
    for chunk, (positive, negative) in enumerate([(first, "dog"), (second, "")]):
        embeds, pooled = own(pipeline, positive, negative)
        part = encoded.embeds[:, 77 * chunk : 77 * (chunk + 1)]
        torch.testing.assert_close(part, embeds, atol=1e-5, rtol=0)
        if pooled is not None and chunk == 0:
            torch.testing.assert_close(encoded.pooled, pooled, atol=1e-5, rtol=0)


def test_a_weight_multiplies_its_tokens(pipeline: Any) -> None:
    plain = encode_pair(pipeline, "a cat", "dog")
    weighted = encode_pair(pipeline, "a (cat:1.5)", "dog")
    torch.testing.assert_close(weighted.embeds[0], plain.embeds[0])
    width = pipeline.text_encoder.config.hidden_size
    for ours, theirs in zip(
        weighted.embeds[1].split(width, -1), plain.embeds[1].split(width, -1), strict=True
    ):
        ratio = ours / theirs
        level = ratio[0, 0]  # of what begins the chunk
        scale = torch.ones(77)
        scale[2:5] = 1.5  # after the beginning and "a"
        torch.testing.assert_close(
            ratio, level * scale[:, None].expand_as(ratio), atol=1e-3, rtol=1e-3
        )
    if plain.pooled is not None:
        torch.testing.assert_close(weighted.pooled, plain.pooled)
    same = encode_pair(pipeline, "a (cat:1.0)", "dog")
    torch.testing.assert_close(same.embeds, plain.embeds)


def test_the_mean_is_restored() -> None:
    hidden = torch.rand(2, 77, 8) + 0.5
    weights = torch.ones(2, 77)
    weights[0, 3], weights[0, 4], weights[1, 5] = 1.5, 0.5, 1.21
    weighted = _weighted(hidden, weights)
    torch.testing.assert_close(weighted.mean((1, 2)), hidden.mean((1, 2)))
    wanted = hidden * weights[..., None]
    wanted *= (hidden.mean((1, 2)) / wanted.mean((1, 2)))[:, None, None]
    torch.testing.assert_close(weighted, wanted)


@pytest.mark.parametrize("weight", [-1.0, 0.0, 0.1, 1.3, 10.0])
def test_means_that_cancel_do_not_turn_embeddings_around(weight: float) -> None:
    hidden = torch.randn(200, 77, 8, generator=torch.Generator().manual_seed(0))
    hidden += 0.002 - hidden.mean((1, 2), keepdim=True)
    weights = torch.ones(200, 77)
    weights[:, 3:9] = weight
    level = (_weighted(hidden, weights) / hidden)[:, 20, 0]
    assert bool(((level > 0.099) & (level < 10.01)).all())


def test_weights_of_one_change_no_bit() -> None:
    hidden = torch.randn(3, 77, 8)
    assert torch.equal(_weighted(hidden, torch.ones(3, 77)), hidden)


@pytest.mark.parametrize("clip_skip", [-1, 2, 12])
def test_some_layer_must_be_left(pipeline: Any, clip_skip: int) -> None:
    with pytest.raises(InvalidInput, match=f"0 to 1 .*got {clip_skip}"):
        encode_pair(pipeline, "a", "b", clip_skip=clip_skip)


def test_weights_in_the_second_chunk(pipeline: Any) -> None:
    plain = encode_pair(pipeline, "x" * 75 + ", cat", "")
    weighted = encode_pair(pipeline, "x" * 75 + ", (cat:1.5)", "")
    torch.testing.assert_close(weighted.embeds[:, :77], plain.embeds[:, :77])
    assert not torch.allclose(weighted.embeds[1, 77:], plain.embeds[1, 77:])
