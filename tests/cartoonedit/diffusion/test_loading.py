"""Pipelines from every form in which users have them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from safetensors.torch import load_file, save_file

from cartoonedit.diffusion import (
    INPAINT,
    family_of,
    family_of_model,
    forget_pipelines,
    load_pipeline,
)
from cartoonedit.diffusion.weights import quiet_casts
from cartoonedit.errors import InvalidInput, ModelNotFound
from tests.cartoonedit.tiny_diffusion import build_single_file

Build = Callable[..., Path]
Put = Callable[[str, Path], Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")


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


def test_a_single_file_is_read_without_warnings(
    tiny_diffusion: Build, tmp_path: Path, warned_of: list[str]
) -> None:
    folder = tiny_diffusion("sd15", 4)
    pipeline = load(build_single_file(folder, tmp_path / "model.safetensors"), config=folder)
    assert warned_of == []
    pipeline.unet._keep_in_fp32_modules = ["norm"]
    with quiet_casts():
        pipeline.unet.to(torch.float32)  # what is worth a warning is told
    assert ["['norm']" in message for message in warned_of] == [True]


def test_a_single_file_takes_its_settings_from_the_cache(
    tiny_diffusion: Build, tmp_path: Path, put_in_cache: Put
) -> None:
    file = build_single_file(tiny_diffusion("sd15", 4), tmp_path / "model.safetensors")
    with pytest.raises(ModelNotFound, match="cartoonedit models fetch sd15-config"):
        load(file)
    folder = tmp_path / "settings"
    shutil.copytree(
        tiny_diffusion("sd15", 4), folder, ignore=shutil.ignore_patterns("*.safetensors")
    )
    put_in_cache("stable-diffusion-v1-5/stable-diffusion-v1-5", folder)
    assert load(file).unet.config.in_channels == 4


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_the_family_is_known_before_it_is_loaded(
    tiny_diffusion: Build, tmp_path: Path, family: str
) -> None:
    folder = tmp_path / "settings"  # no weights are needed for it
    shutil.copytree(
        tiny_diffusion(family, 4), folder, ignore=shutil.ignore_patterns("*.safetensors")
    )
    assert family_of_model(folder) == family
    assert family_of(load(tiny_diffusion(family, 4))) == family


def test_the_family_of_a_file(tiny_diffusion: Build, tmp_path: Path) -> None:
    file = build_single_file(tiny_diffusion("sd15", 4), tmp_path / "model.safetensors")
    assert family_of_model(str(file)) == "sd15"
    with pytest.raises(ModelNotFound, match="there is no model at"):
        family_of_model("./none.safetensors")


def test_the_names_of_old_text_encoders(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tiny_diffusion("sd15", 4)
    weights = load_file(build_single_file(folder, tmp_path / "new.safetensors"))
    top = "cond_stage_model.transformer."
    old = {name.replace(f"{top}text_model.", top): tensor for name, tensor in weights.items()}
    old[f"{top}embeddings.position_ids"] = torch.arange(77)[None]
    save_file(old, tmp_path / "old.safetensors")
    wanted = load(folder).text_encoder.state_dict()
    encoder = load(tmp_path / "old.safetensors", config=folder, dtype="bfloat16").text_encoder
    assert encoder.dtype == torch.bfloat16
    assert not encoder.training
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name].bfloat16(), rtol=0, atol=0)
    del old[f"{top}final_layer_norm.weight"]
    save_file(old, tmp_path / "old.safetensors")
    with pytest.raises(InvalidInput, match="is damaged: Missing key"):
        load(tmp_path / "old.safetensors", config=folder)


@pytest.mark.parametrize("marks", [(), ("v_pred",), ("v_pred", "ztsnr")])
def test_what_a_single_file_predicts(
    tiny_diffusion: Build, tmp_path: Path, marks: tuple[str, ...]
) -> None:
    folder = tiny_diffusion("sd15", 4)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    save_file(load_file(file) | {name: torch.zeros(1) for name in marks}, file)
    found = load(file, config=folder).scheduler.config
    assert found.prediction_type == ("v_prediction" if "v_pred" in marks else "epsilon")
    assert found.rescale_betas_zero_snr == ("ztsnr" in marks)
    assert found.use_karras_sigmas


@pytest.mark.parametrize(
    ("without", "word"),
    [
        ("first_stage_model.", "holds no VAE"),
        ("first_stage_model.decoder.up.3", "layers are missing"),
        ("model.diffusion_model.input_blocks.3.", "layers are missing"),
        ("cond_stage_model.transformer.text_model.encoder", "its text_encoder lacks"),
        ("cond_stage_model.", "family"),
    ],
)
def test_a_single_file_that_is_not_whole(
    tiny_diffusion: Build, tmp_path: Path, without: str, word: str
) -> None:
    folder = tiny_diffusion("sd15", 4)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    weights = load_file(file)
    save_file({name: each for name, each in weights.items() if not name.startswith(without)}, file)
    with pytest.raises(InvalidInput, match=word):
        load(file, config=folder)


def test_a_single_file_of_another_size(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tiny_diffusion("sd15", 4)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    weights = load_file(file)
    name = next(name for name in weights if name.endswith("attn2.to_k.weight"))
    save_file(weights | {name: weights[name][:, :16].contiguous()}, file)
    with pytest.raises(InvalidInput, match="damaged"):
        load(file, config=folder)


def test_settings_that_do_not_fit(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tiny_diffusion("sd15", 4)
    file = build_single_file(folder, tmp_path / "model.safetensors")
    with pytest.raises(InvalidInput, match="another family than the settings"):
        load(file, config=tiny_diffusion("sdxl", 4))
    with pytest.raises(ModelNotFound, match=r"no model_index\.json"):
        load(file, config=tmp_path / "none")
    shutil.copytree(folder, tmp_path / "settings")
    shutil.rmtree(tmp_path / "settings" / "vae")
    with pytest.raises(ModelNotFound, match="not whole"):
        load(file, config=tmp_path / "settings")


@pytest.mark.parametrize("file", [None, "vocab.json", "merges.txt", "tokenizer_config.json"])
def test_a_tokenizer_that_is_not_whole(
    tiny_diffusion: Build, tmp_path: Path, file: str | None
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_diffusion("sd15", 4), folder)
    if file is None:
        shutil.rmtree(folder / "tokenizer")
    else:
        (folder / "tokenizer" / file).write_text("[]")
    with pytest.raises((InvalidInput, ModelNotFound), match=r"not whole|damaged"):
        load(folder)


@pytest.mark.parametrize("name", ["stable-diffusion-v1-5/stable-diffusion-inpainting",
                                  "sd15-inpainting"])  # fmt: skip
def test_the_cache(tiny_diffusion: Build, cache: Path, put_in_cache: Put, name: str) -> None:
    with pytest.raises(ModelNotFound) as missing:
        load(name)
    for part in (
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        str(cache),
        "cartoonedit models fetch sd15-inpainting",
    ):
        assert part in str(missing.value)
    put_in_cache("stable-diffusion-v1-5/stable-diffusion-inpainting", tiny_diffusion())
    assert load(name).unet.config.in_channels == 9


def test_settings_alone_are_not_the_model(
    tiny_diffusion: Build, tmp_path: Path, put_in_cache: Put
) -> None:
    """Of one repository, settings may be there without weights."""
    repo = "stable-diffusion-v1-5/stable-diffusion-v1-5"
    with pytest.raises(ModelNotFound, match=r"cartoonedit models fetch sd15\."):
        load("sd15")
    folder = tmp_path / "settings"
    shutil.copytree(
        tiny_diffusion("sd15", 4), folder, ignore=shutil.ignore_patterns("*.safetensors")
    )
    put_in_cache(repo, folder)
    for name in ("sd15", repo):
        with pytest.raises(ModelNotFound, match=r"cartoonedit models fetch sd15\."):
            load(name)


def test_weights_in_half_precision_only(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_diffusion(), folder)
    for file in folder.glob("*/*.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert load(folder, dtype="bfloat16").unet.dtype == torch.bfloat16


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_some_weights_in_half_precision_only(
    tiny_diffusion: Build, tmp_path: Path, part: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_diffusion(), folder)
    (file,) = (folder / part).glob("*.safetensors")
    file.rename(file.with_suffix(".fp16.safetensors"))
    expected = getattr(load(tiny_diffusion()), part).state_dict()
    for name, tensor in getattr(load(folder), part).state_dict().items():
        torch.testing.assert_close(tensor, expected[name])


def test_pickles_that_are_not_used_are_not_blamed(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = broken(tiny_diffusion(), "vae", tmp_path, pickle=False)
    (folder / "safety_checker").mkdir()
    torch.save({}, folder / "safety_checker" / "pytorch_model.bin")
    with pytest.raises(ModelNotFound, match="not whole"):
        load(folder)


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


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_part_that_is_cut_off(tiny_diffusion: Build, tmp_path: Path, part: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_diffusion(), folder)
    (weights,) = (folder / part).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises((InvalidInput, ModelNotFound), match=r"damaged|not whole"):
        load(folder)


def test_a_part_of_another_model(tiny_diffusion: Build, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_diffusion(), folder)
    shutil.rmtree(folder / "vae")
    shutil.copytree(folder / "unet", folder / "vae")
    with pytest.raises(InvalidInput, match="damaged"):
        load(folder)


@pytest.mark.parametrize("file", ["model_index.json", "unet/config.json"])
def test_settings_that_are_damaged(tiny_diffusion: Build, tmp_path: Path, file: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny_diffusion(), folder)
    (folder / file).write_text("{")
    with pytest.raises(InvalidInput, match=f"{file} is damaged"):
        load(folder)


def test_a_part_missing_from_the_cache(
    tiny_diffusion: Build, tmp_path: Path, put_in_cache: Put
) -> None:
    put_in_cache("some/model", broken(tiny_diffusion(), "vae", tmp_path, pickle=False))
    with pytest.raises(ModelNotFound, match=r"some/model.*hf download some/model"):
        load("some/model")


@pytest.mark.parametrize(
    ("model", "error", "word"),
    [
        ("model.ckpt", InvalidInput, "pickle"),
        ("folder/model.pt", InvalidInput, "refused"),
        ("folder/none", ModelNotFound, "hf download folder/none"),
        ("./none.safetensors", ModelNotFound, "there is no model at"),
        ("none", ModelNotFound, "there is no model at"),
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
