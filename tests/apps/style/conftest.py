"""Editors on tiny networks, and a way to see what the networks are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apps.style import StyleEditor
from cartoonedit.diffusion import forget_pipelines
from cartoonedit.scene import Instance, Scene, Tag

Build = Callable[..., Path]
MakeEditor = Callable[..., StyleEditor]


@pytest.fixture(scope="module", autouse=True)
def forgotten() -> Iterator[None]:
    forget_pipelines()
    yield
    forget_pipelines()


@pytest.fixture
def make_editor(no_network: None, tiny_diffusion: Build, tiny_controlnet: Build) -> MakeEditor:
    def make(family: str = "sd15", **options: Any) -> StyleEditor:
        chosen: dict[str, Any] = {
            "prompt": "ink",
            "model": str(tiny_diffusion(family, 4)),
            "controlnet": str(tiny_controlnet(family)),
            "tagger": "none",
            "steps": 4,
            "side": 64,
            "device": "cpu",
        }
        return StyleEditor(**(chosen | options))

    return make


@pytest.fixture
def tagged_scene(tiny_scene: Scene) -> Scene:
    """Two discs that overlap, each with tags of its own."""
    tags = [
        (Tag("red_hair", 0.9), Tag("1girl", 0.8), Tag("alice", 0.99, "character")),
        (Tag("blue_hair", 0.9), Tag("simple_background", 0.7), Tag("general", 1.0, "rating")),
    ]
    return tiny_scene.with_instances(
        [
            Instance(one.mask, score=one.score, name=one.name, tags=words)
            for one, words in zip(tiny_scene, tags, strict=True)
        ]
    )


@pytest.fixture
def square_scene() -> Scene:
    """A picture of 64 x 64 pixels, a size that the tiny networks take as it is; one character."""
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 255, (64, 64, 3), np.uint8)
    return Scene(picture, [Instance(np.full((64, 64), 255, np.uint8), tags=(Tag("hat", 0.9),))])


@dataclass
class Seen:
    """What the networks were given.

    Attributes:
        calls: The arguments of every call of the loop.
        prompts: Prompt and negative prompt of every encoding.
        lines: What the ControlNet was shown, call by call.
    """

    calls: list[dict[str, Any]] = field(default_factory=list)
    prompts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[torch.Tensor] = field(default_factory=list)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Lets everything through and takes notes."""
    from diffusers import ControlNetModel

    from cartoonedit.diffusion import denoise as loop
    from cartoonedit.diffusion import words

    notes = Seen()
    denoise, encode_pair, forward = loop.denoise, words.encode_pair, ControlNetModel.forward

    def watched_denoise(
        pipeline: Any, start: Any, noise: Any, conditions: Any, **options: Any
    ) -> Any:
        given = {"start": start, "noise": noise, "conditions": conditions, "pipeline": pipeline}
        result = denoise(pipeline, start, noise, conditions, **options)
        notes.calls.append(given | options | {"result": result})
        return result

    def watched_encode(pipeline: Any, prompt: str, negative: str, **options: Any) -> Any:
        notes.prompts.append((prompt, negative))
        return encode_pair(pipeline, prompt, negative, **options)

    def watched_forward(self: Any, *args: Any, **options: Any) -> Any:
        notes.lines.append(options["controlnet_cond"])
        return forward(self, *args, **options)

    monkeypatch.setattr(loop, "denoise", watched_denoise)
    monkeypatch.setattr(words, "encode_pair", watched_encode)
    monkeypatch.setattr(ControlNetModel, "forward", watched_forward)
    return notes
