"""Where the parts of a pipeline live, and what is said when they do not fit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cartoonedit.diffusion import INPAINT, OFFLOADS, explain_memory, load_pipeline
from cartoonedit.diffusion.memory import place
from cartoonedit.errors import CartooneditError, InvalidInput

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")


@pytest.mark.parametrize("offload", OFFLOADS)
def test_offload_does_nothing_on_the_cpu(
    tiny_diffusion: Build, offload: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        pipeline = load_pipeline(tiny_diffusion(), INPAINT, device="cpu", offload=offload)
    assert ("no effect on the CPU" in caplog.text) == (offload not in ("auto", "none"))
    assert pipeline.device.type == "cpu"


@pytest.mark.parametrize(
    ("offload", "call"),
    [
        ("none", "to"),
        ("model", "enable_model_cpu_offload"),
        ("sequential", "enable_sequential_cpu_offload"),
        ("group", "enable_group_offload"),
    ],
)
def test_offload_on_a_gpu(offload: str, call: str) -> None:
    calls: list[str] = []

    class Pipeline:
        vae = SimpleNamespace(
            enable_slicing=lambda: calls.append("slicing"),
            enable_tiling=lambda: calls.append("tiling"),
        )

        def __getattr__(self, name: str) -> Callable[..., None]:
            return lambda *_, **__: calls.append(name)

    place(Pipeline(), torch.device("cuda:0"), offload)
    assert calls == ["slicing", *(["tiling"] if offload != "none" else []), call]


def test_offload_that_is_not_there() -> None:
    pipeline = SimpleNamespace(
        vae=SimpleNamespace(enable_slicing=lambda: None, enable_tiling=lambda: None)
    )
    with pytest.raises(InvalidInput, match="pip install -U diffusers"):
        place(pipeline, torch.device("cuda:0"), "group")
    with pytest.raises(InvalidInput, match="none, model, group, sequential"):
        place(pipeline, torch.device("cuda:0"), "all")


@pytest.mark.parametrize(
    ("error", "explained"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: out of memory"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried 9 GB"), True),
        (RuntimeError("shapes do not match"), False),
    ],
)
def test_lack_of_memory_names_the_knobs(error: RuntimeError, explained: bool) -> None:
    with pytest.raises(CartooneditError if explained else RuntimeError) as caught, explain_memory():
        raise error
    assert (caught.value is error) != explained
    for word in ("offload", "max_side", "dtype", str(error)) if explained else ():
        assert word in str(caught.value)
