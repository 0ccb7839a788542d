"""Pipelines whose networks wait in main memory, by diffusers' own hooks, with the CPU as the GPU.

Sequential offloading is left out: its hooks want two devices.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines import pipeline_utils

from cartoonedit.diffusion import (
    IMG2IMG,
    Lora,
    blank_embeds,
    forget_pipelines,
    load_pipeline,
    memory,
    reference_tokens,
    use_loras,
    use_references,
)
from cartoonedit.diffusion.denoise import denoise
from cartoonedit.diffusion.latents import decode, encode
from cartoonedit.diffusion.predict import Conditions
from cartoonedit.diffusion.regions import Region
from cartoonedit.errors import Cancelled

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network")

CPU = torch.device("cpu")
LEFT = (torch.arange(8) < 4).float().expand(8, 8)
NOISE = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(2))
PICTURE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture
def make(
    tiny_diffusion: Build, tiny_controlnet: Build, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Any]:
    """Gives a pipeline of its own: ``(family, offload) -> pipeline``."""
    monkeypatch.setattr(pipeline_utils, "get_device", lambda: CPU)

    def load(family: str, offload: str) -> Any:
        forget_pipelines()
        pipeline = load_pipeline(
            tiny_diffusion(family, 4), IMG2IMG, device="cpu", controlnet=tiny_controlnet(family)
        )
        forget_pipelines()
        if offload == "group":
            pipeline.enable_group_offload(onload_device=CPU, offload_type="leaf_level")
        else:
            memory._put(pipeline, CPU, offload)
        memory._placed[pipeline] = (CPU, offload)
        return pipeline

    return load


def paint(pipeline: Any, reference: Any = None, on_step: Any = None) -> Any:
    """The whole way of a picture, of two regions."""
    found = pipeline.encode_prompt(
        "a cat",
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt="dog",
    )
    text = torch.cat([found[1], found[0]])
    tokens = reference_tokens(pipeline, reference)
    start = encode(pipeline, [PICTURE])
    led = Conditions(
        [Region(LEFT, text, tokens), Region(1 - LEFT, text.flip(1), tokens)],
        pooled=torch.cat([found[3], found[2]]) if found[2:] else None,
        guidance=torch.full((1, 1, 1, 1), 5.0),
        control=torch.from_numpy(PICTURE / 255).permute(2, 0, 1)[None],
        control_scale=torch.full((1, 1, 1, 1), 0.7),
    )
    extra = blank_embeds(pipeline, 2)
    made = denoise(
        pipeline, start, NOISE, led, steps=4, strength=0.75, extra=extra, on_step=on_step
    )
    (shown,) = decode(pipeline, made)
    return shown.astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("offload", ["model", "group"])
def test_it_gives_what_a_pipeline_in_place_gives(
    make: Callable[..., Any],
    tiny_lora: Build,
    tiny_ip_adapter: Build,
    family: str,
    offload: str,
) -> None:
    """Also after LoRAs and adapters have come and gone, which needs the hooks to be undone."""
    lora = [Lora(str(tiny_lora(family)), 0.5)]
    made: dict[str, list[Any]] = {}
    for way in ("none", offload):
        pipeline = make(family, way)
        pictures = made.setdefault(way, [paint(pipeline)])
        for loras in (lora, [], lora):
            use_loras(pipeline, loras)
            pictures.append(paint(pipeline))
        if offload != "group":
            for adapter in (tiny_ip_adapter(family), None):
                use_references(pipeline, adapter, 0.7)
                pictures.append(paint(pipeline, PICTURE))
    for wanted, got in zip(made["none"], made[offload], strict=True):
        assert np.abs(wanted - got).max() <= 1
    assert len({each.sum() for each in made["none"]}) == (2 if offload == "group" else 3)


def test_a_forgotten_pipeline_is_gone(tiny_diffusion: Build, tiny_ip_adapter: Build) -> None:
    """Although its hooks refer to each other, before another one is loaded."""
    pipeline = load_pipeline(tiny_diffusion("sd15", 4), IMG2IMG, device="cpu")
    memory._put(pipeline, CPU, "model")
    use_loras(pipeline, [])
    use_references(pipeline, tiny_ip_adapter("sd15"))
    gone = weakref.ref(pipeline)
    unet = weakref.ref(pipeline.unet)
    del pipeline
    assert gone() is not None
    forget_pipelines()
    assert gone() is None and unet() is None


@pytest.mark.parametrize("stops", [False, True])
@pytest.mark.slow
def test_networks_go_back_after_the_last_step(make: Callable[..., Any], stops: bool) -> None:
    pipeline = make("sd15", "model")
    hooks = list(pipeline._all_hooks)

    def on_step(step: int, steps: int, latents: torch.Tensor) -> None:
        if stops:
            raise Cancelled("enough")

    try:
        paint(pipeline, on_step=on_step)
    except Cancelled:
        assert stops
    assert len(pipeline._all_hooks) == len(hooks)
    assert not any(hook in hooks for hook in pipeline._all_hooks)  # that is how diffusers does it
