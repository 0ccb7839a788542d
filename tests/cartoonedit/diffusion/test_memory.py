"""Where the parts of a pipeline live, and what is said when they do not fit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cartoonedit.diffusion import (
    IMG2IMG,
    INPAINT,
    OFFLOADS,
    batch_for,
    explain_memory,
    load_pipeline,
)
from cartoonedit.diffusion.memory import laid_open, place
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput

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


GIB = 2**30
GPU = torch.device("cuda:0")


class Gpu:
    """A stand-in for a pipeline with large networks, whose weights take no memory.

    Args:
        sizes: GiB of each network in half precision, by name.
        where: The device that the weights are on.
    """

    def __init__(self, where: str = "cpu", **sizes: float) -> None:
        self.components = {
            name: SimpleNamespace(parameters=lambda size=size: iter([weights(size, where)]))
            for name, size in sizes.items()
        } | {"tokenizer": object()}
        self.unet = self.components["unet"]
        self.unet.dtype = torch.float16
        self.controlnet = self.components.get("controlnet")
        self.vae = SimpleNamespace(enable_slicing=lambda: None, enable_tiling=lambda: None)
        self._execution_device = GPU
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: self.calls.append(name)


def weights(size: float, where: str) -> Any:
    return SimpleNamespace(
        numel=lambda: int(size * GIB / 2), element_size=lambda: 2, device=torch.device(where)
    )


@pytest.fixture
def gpu_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Fakes a GPU: ``(free, cached) -> None`` in GiB; cached is what torch holds unused."""

    def fake(free: float, cached: float = 0) -> None:
        for name, value in (
            ("mem_get_info", (int(free * GIB), 80 * GIB)),
            ("memory_reserved", int((2 + cached) * GIB)),
            ("memory_allocated", 2 * GIB),
        ):
            monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)

    return fake


SDXL = {"text_encoder": 0.2, "text_encoder_2": 1.3, "vae": 0.2, "unet": 4.8}


@pytest.mark.parametrize(
    ("free", "networks", "call"),
    [
        (24, SDXL, "to"),
        (9.6, SDXL, "to"),
        (9.4, SDXL, "enable_model_cpu_offload"),
        (7.9, SDXL, "enable_model_cpu_offload"),
        (7.7, SDXL, "enable_sequential_cpu_offload"),
        # Its ControlNet is on the device together with the UNet.
        (12.1, SDXL | {"controlnet": 2.4}, "to"),
        (10.3, SDXL | {"controlnet": 2.4}, "enable_model_cpu_offload"),
        (10.1, SDXL | {"controlnet": 2.4}, "enable_sequential_cpu_offload"),
        (4, {"unet": 0.1, "text_encoder": 2}, "enable_sequential_cpu_offload"),
    ],
)
def test_the_fastest_way_that_fits(
    gpu_with: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    free: float,
    networks: dict[str, float],
    call: str,
) -> None:
    gpu_with(free)
    pipeline = Gpu(**networks)
    with caplog.at_level(logging.INFO):
        place(pipeline, GPU, "auto")
    assert pipeline.calls == [call]
    assert f"{free:.1f} GiB free" in caplog.text


def test_what_torch_holds_unused_is_free(gpu_with: Callable[..., None]) -> None:
    gpu_with(1, cached=10)
    pipeline = Gpu(**SDXL)
    place(pipeline, GPU, "auto")
    assert pipeline.calls == ["to"]


@pytest.mark.parametrize(
    ("size_wh", "free", "cached", "networks", "batch"),
    [
        ((768, 768), 3.4, 0, {"unet": 1.7}, 2),
        ((768, 768), 3.4, 1.7, {"unet": 1.7}, 3),
        ((768, 768), 0.5, 0, {"unet": 1.7}, 1),  # it is tried with one at least
        ((768, 768), 70, 0, {"unet": 1.7}, 8),
        ((1536, 768), 6.7, 0, {"unet": 1.7}, 2),
        ((64, 64), 24, 0, {"unet": 1.7}, 8),
    ],
)
def test_how_many_at_once(
    gpu_with: Callable[..., None],
    size_wh: tuple[int, int],
    free: float,
    cached: float,
    networks: dict[str, float],
    batch: int,
) -> None:
    gpu_with(free, cached)
    assert batch_for(Gpu("cuda:0", **networks), size_wh) == batch


def test_what_is_still_to_come_is_counted(gpu_with: Callable[..., None]) -> None:
    gpu_with(10)
    networks = {"unet": 4.8, "controlnet": 2.4, "text_encoder": 1.3}
    assert batch_for(Gpu("cpu", **networks), (768, 768)) == 1
    assert batch_for(Gpu("cuda:0", **networks), (768, 768)) == 6
    assert batch_for(Gpu("meta", **networks), (768, 768)) == 6  # comes layer by layer


def test_twice_the_bytes_half_as_many(gpu_with: Callable[..., None]) -> None:
    gpu_with(7)
    pipeline = Gpu("cuda:0", unet=1.7)
    assert batch_for(pipeline, (768, 768)) == 4
    pipeline.unet.dtype = torch.float32
    assert batch_for(pipeline, (768, 768)) == 2


def test_one_at_once_on_the_cpu(tiny_diffusion: Build) -> None:
    pipeline = load_pipeline(tiny_diffusion("sd15", 4), IMG2IMG, device="cpu")
    assert batch_for(pipeline, (64, 64)) == 1


@pytest.mark.parametrize(
    ("offload", "calls"),
    [
        ("none", ["open", "to"]),
        ("model", ["remove_all_hooks", "open", "enable_model_cpu_offload"]),
        ("sequential", ["remove_all_hooks", "open", "enable_sequential_cpu_offload"]),
    ],
)
@pytest.mark.parametrize("fails", [False, True])
def test_laid_open_and_put_back(offload: str, calls: list[str], fails: bool) -> None:
    pipeline = Gpu(unet=1)
    place(pipeline, GPU, offload)
    pipeline.calls.clear()
    with nullcontext() if not fails else pytest.raises(Cancelled), laid_open(pipeline):
        pipeline.calls.append("open")
        if fails:
            raise Cancelled("enough")
    assert pipeline.calls == calls


def test_groups_cannot_be_laid_open() -> None:
    pipeline = Gpu(unet=1)
    place(pipeline, GPU, "group")
    with pytest.raises(InvalidInput, match="offload='model'"), laid_open(pipeline):
        pytest.fail("it was")


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
