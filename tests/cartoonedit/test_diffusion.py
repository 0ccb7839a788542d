from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from huggingface_hub import constants
from safetensors.torch import save_file

from cartoonedit.diffusion import (
    INPAINT,
    OFFLOADS,
    explain_memory,
    forget_pipelines,
    load_pipeline,
    report_steps,
    steps_run,
    warn_long_prompt,
)
from cartoonedit.diffusion.memory import place
from cartoonedit.errors import Cancelled, CartooneditError, InvalidInput, ModelNotFound
from tests.cartoonedit.tiny_diffusion import build_single_file

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget_pipelines()
    yield
    forget_pipelines()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def put_in_cache(cache: Path, repo: str, folder: Path) -> None:
    top = cache / f"models--{repo.replace('/', '--')}"
    shutil.copytree(folder, top / "snapshots" / "abc")
    (top / "refs").mkdir()
    (top / "refs" / "main").write_text("abc")


def load(model: str | Path, **options: Any) -> Any:
    return load_pipeline(model, INPAINT, device="cpu", **options)


@pytest.mark.parametrize(
    ("family", "channels", "class_name"),
    [
        ("sd15", 9, "StableDiffusionInpaintPipeline"),
        ("sd15", 4, "StableDiffusionInpaintPipeline"),
        ("sdxl", 9, "StableDiffusionXLInpaintPipeline"),
        ("sdxl", 4, "StableDiffusionXLInpaintPipeline"),
    ],
)
def test_a_folder(tiny_diffusion: Build, family: str, channels: int, class_name: str) -> None:
    pipeline = load(tiny_diffusion(family, channels))
    assert type(pipeline).__name__ == class_name
    assert pipeline.unet.config.in_channels == channels
    assert getattr(pipeline, "safety_checker", None) is None
    assert pipeline.unet.dtype == torch.float32


def test_the_safety_checker_is_left_out(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_diffusion(), folder)
    index = json.loads((folder / "model_index.json").read_text())
    index |= {  # as in the published models; the files themselves are not fetched
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPFeatureExtractor"],
        "requires_safety_checker": True,
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    assert load(folder).safety_checker is None


def test_the_papers_scheduler(tiny_diffusion: Build) -> None:
    scheduler = load(tiny_diffusion()).scheduler
    assert type(scheduler) is DPMSolverMultistepScheduler
    wanted = {
        "algorithm_type": "dpmsolver++",
        "solver_order": 2,
        "use_karras_sigmas": True,
        "beta_start": 0.00085,  # of the pipeline's own scheduler
        "beta_schedule": "scaled_linear",
    }
    assert {name: scheduler.config[name] for name in wanted} == wanted


@pytest.mark.parametrize("channels", [9, 4])
def test_a_single_file_is_the_same_model(
    tiny_diffusion: Build, tmp_path: Path, channels: int
) -> None:
    folder = tiny_diffusion("sd15", channels)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    expected = load(folder)
    # The settings are those of the other kind of UNet; the file knows how many inputs it has.
    pipeline = load(file, config=tiny_diffusion("sd15", 13 - channels))
    for part in ("unet", "vae", "text_encoder"):
        ours, theirs = (getattr(p, part).state_dict() for p in (pipeline, expected))
        assert ours.keys() == theirs.keys()
        for name, tensor in theirs.items():
            torch.testing.assert_close(ours[name], tensor, rtol=0, atol=0)
    assert type(pipeline.scheduler) is DPMSolverMultistepScheduler


def test_a_single_file_takes_its_settings_from_the_cache(
    tiny_diffusion: Build, tmp_path: Path, cache: Path
) -> None:
    file = build_single_file(tiny_diffusion("sd15", 4), tmp_path / "model.safetensors")
    with pytest.raises(ModelNotFound, match="cartoonedit models fetch sd15-config"):
        load(file)
    folder = tmp_path / "settings"
    shutil.copytree(
        tiny_diffusion("sd15", 4), folder, ignore=shutil.ignore_patterns("*.safetensors")
    )
    put_in_cache(cache, "stable-diffusion-v1-5/stable-diffusion-v1-5", folder)
    assert load(file).unet.config.in_channels == 4


@pytest.mark.parametrize("name", ["stable-diffusion-v1-5/stable-diffusion-inpainting",
                                  "sd15-inpainting"])  # fmt: skip
def test_the_cache(tiny_diffusion: Build, cache: Path, name: str) -> None:
    with pytest.raises(ModelNotFound) as missing:
        load(name)
    for part in (
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        str(cache),
        "cartoonedit models fetch sd15-inpainting",
    ):
        assert part in str(missing.value)
    put_in_cache(cache, "stable-diffusion-v1-5/stable-diffusion-inpainting", tiny_diffusion())
    assert load(name).unet.config.in_channels == 9


def test_weights_in_half_precision_only(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_diffusion(), folder)
    for file in folder.glob("*/*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert load(folder, dtype="bfloat16").unet.dtype == torch.bfloat16


def broken(folder: Path, part: str, tmp_path: Path, *, pickle: bool) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (weights,) = (copy / part).glob("*.safetensors")
    weights.unlink()
    if pickle:
        torch.save({}, copy / part / "pytorch_model.bin")
        torch.save({}, copy / part / "diffusion_pytorch_model.bin")
    return copy


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
@pytest.mark.parametrize("pickle", [False, True])
def test_a_folder_that_is_not_whole(
    tiny_diffusion: Build, tmp_path: Path, part: str, pickle: bool
) -> None:
    folder = broken(tiny_diffusion(), part, tmp_path, pickle=pickle)
    error, word = (InvalidInput, "pickles such as") if pickle else (ModelNotFound, "not whole")
    with pytest.raises(error, match=word):
        load(folder)


def test_a_part_missing_from_the_cache(tiny_diffusion: Build, tmp_path: Path, cache: Path) -> None:
    put_in_cache(cache, "some/model", broken(tiny_diffusion(), "vae", tmp_path, pickle=False))
    with pytest.raises(ModelNotFound, match=r"some/model.*hf download some/model"):
        load("some/model")


@pytest.mark.parametrize(
    ("model", "error", "word"),
    [
        ("model.ckpt", InvalidInput, "pickle"),
        ("folder/model.pt", InvalidInput, "refused"),
        ("folder/none", ModelNotFound, "hf download folder/none"),
        ("./none.safetensors", ModelNotFound, "no diffusion model"),
        ("none", ModelNotFound, "no diffusion model"),
    ],
)
def test_wrong_names(model: str, error: type[Exception], word: str, cache: Path) -> None:
    with pytest.raises(error, match=word):
        load(model)


def test_other_models_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no model_index\.json"):
        load(tmp_path)
    (tmp_path / "model_index.json").write_text('{"_class_name": "FluxFillPipeline"}')
    with pytest.raises(InvalidInput, match="FluxFillPipeline"):
        load(tmp_path)
    save_file({"weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    with pytest.raises(InvalidInput, match=r"SD 1\.5 or SDXL"):
        load(tmp_path / "lora.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08")
    with pytest.raises(InvalidInput, match="no whole"):
        load(tmp_path / "cut.safetensors")


def test_the_last_one_is_kept(tiny_diffusion: Build) -> None:
    first = load(tiny_diffusion())
    assert load(str(tiny_diffusion())) is first
    forget_pipelines()
    assert load(tiny_diffusion()) is not first


@pytest.mark.parametrize("offload", OFFLOADS)
def test_offload_does_nothing_on_the_cpu(
    tiny_diffusion: Build, offload: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        pipeline = load(tiny_diffusion(), offload=offload)
    assert ("no effect on the CPU" in caplog.text) == (offload != "none")
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


@pytest.mark.parametrize(("steps", "strength", "run"), [(32, 0.75, 24), (32, 1, 32), (3, 0.3, 0)])
def test_steps_run(steps: int, strength: float, run: int) -> None:
    assert steps_run(steps, strength) == run


def test_long_prompts_are_not_cut_in_silence(
    tiny_diffusion: Build, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = load(tiny_diffusion())
    caplog.clear()
    warn_long_prompt(pipeline, "a" * 75)
    assert not caplog.text
    warn_long_prompt(pipeline, "a" * 75 + "xyz")
    assert "80 tokens" in caplog.text and "cut off: xyz" in caplog.text


def test_steps_are_reported_and_can_be_cancelled() -> None:
    seen: list[tuple[int, int, str]] = []

    def progress(step: int, total: int, message: str) -> None:
        seen.append((step, total, message))
        if step == 12:
            raise Cancelled("enough")

    after_step = report_steps(progress, 10, 20, "painting")
    state = {"latents": torch.zeros(1)}
    assert after_step(None, 0, None, state) is state
    with pytest.raises(Cancelled):
        after_step(None, 1, None, state)
    assert seen == [(11, 20, "painting"), (12, 20, "painting")]
