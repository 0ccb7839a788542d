"""ControlNets from every form in which users have them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save, save_file

from cartoonedit.diffusion import IMG2IMG, INPAINT, load_pipeline
from cartoonedit.errors import InvalidInput, ModelNotFound
from tests.cartoonedit.tiny_adapters import build_controlnet_file

Build = Callable[..., Path]
Put = Callable[[str, Path], Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")

WEIGHTS = "diffusion_pytorch_model.safetensors"
LINES = "lllyasviel/control_v11p_sd15_lineart"


def load(model: Path, controlnet: str | Path, **options: Any) -> Any:
    return load_pipeline(model, IMG2IMG, device="cpu", controlnet=controlnet, **options)


def same(ours: Any, folder: Path) -> bool:
    """Whether a network has the weights of a folder, to the bit, and none without values."""
    weights = load_file(folder / WEIGHTS)
    state = ours.state_dict()
    return state.keys() == weights.keys() and all(
        torch.equal(each, weights[name]) for name, each in state.items()
    )


def changed(folder: Path, copy: Path, **settings: Any) -> Path:
    """A copy of a ControlNet with other settings; None takes one away."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text()) | settings
    config = {name: value for name, value in config.items() if value is not None}
    (copy / "config.json").write_text(json.dumps(config))
    return copy


@pytest.mark.parametrize(
    ("family", "union", "class_name"),
    [
        ("sd15", False, "StableDiffusionControlNetImg2ImgPipeline"),
        ("sdxl", False, "StableDiffusionXLControlNetImg2ImgPipeline"),
        ("sdxl", True, "StableDiffusionXLControlNetUnionImg2ImgPipeline"),
    ],
)
@pytest.mark.parametrize("form", ["folder", "file"])
def test_each_form(
    tiny_diffusion: Build,
    tiny_controlnet: Build,
    family: str,
    union: bool,
    class_name: str,
    form: str,
) -> None:
    folder = tiny_controlnet(family, union)
    pipeline = load(tiny_diffusion(family, 4), folder / WEIGHTS if form == "file" else folder)
    assert type(pipeline).__name__ == class_name
    assert same(pipeline.controlnet, folder)
    assert not pipeline.controlnet.training
    assert type(pipeline.scheduler).__name__ == "DPMSolverMultistepScheduler"


@pytest.mark.parametrize("prefix", ["control_model.", ""])
def test_a_file_with_the_names_of_the_original_code(
    tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path, prefix: str
) -> None:
    folder = tiny_controlnet("sd15")
    file = build_controlnet_file(folder, tmp_path / "lines.safetensors", prefix=prefix)
    assert not any("down_blocks" in name for name in load_file(file))
    pipeline = load(tiny_diffusion("sd15", 4), file, dtype="bfloat16")
    assert pipeline.controlnet.dtype == torch.bfloat16
    loaded = load(tiny_diffusion("sd15", 4), file)
    assert same(loaded.controlnet, folder)


def test_a_union_that_calls_itself_a_controlnet(
    tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path
) -> None:
    """As the published one does; its settings do not say how many kinds it knows, either."""
    folder = changed(
        tiny_controlnet("sdxl", True),
        tmp_path / "union",
        _class_name="ControlNetModel",
        num_control_type=None,
    )
    # Another version lies beside it there, which is not the one that is meant.
    weights = load_file(folder / WEIGHTS)
    save_file({"task_embedding": torch.zeros(8, 16)}, folder / WEIGHTS.replace("l.", "l_promax."))
    pipeline = load(tiny_diffusion("sdxl", 4), folder)
    assert "Union" in type(pipeline).__name__
    assert pipeline.controlnet.config.num_control_type == len(weights["task_embedding"]) == 6
    assert same(pipeline.controlnet, folder)


@pytest.mark.parametrize(("kinds", "form"), [(8, "folder"), (8, "file")])
def test_a_union_of_more_kinds(
    tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path, kinds: int, form: str
) -> None:
    folder = changed(tiny_controlnet("sdxl", True), tmp_path / "union")
    weights = load_file(folder / WEIGHTS)
    known, width = weights["task_embedding"].shape
    weights["task_embedding"] = torch.rand(kinds, width)
    first = weights["control_add_embedding.linear_1.weight"]
    weights["control_add_embedding.linear_1.weight"] = torch.rand(
        len(first), first.shape[1] // known * kinds
    )
    save_file(weights, folder / WEIGHTS)
    pipeline = load(tiny_diffusion("sdxl", 4), folder if form == "folder" else folder / WEIGHTS)
    assert pipeline.controlnet.config.num_control_type == kinds
    assert same(pipeline.controlnet, folder)


def test_weights_in_half_precision_only(
    tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path
) -> None:
    folder = changed(tiny_controlnet("sd15"), tmp_path / "half")
    (folder / WEIGHTS).rename(folder / WEIGHTS.replace(".", ".fp16."))
    assert load(tiny_diffusion("sd15", 4), folder, dtype="bfloat16").controlnet.dtype == (
        torch.bfloat16
    )


@pytest.mark.parametrize(("family", "other"), [("sd15", "sdxl"), ("sdxl", "sd15")])
@pytest.mark.parametrize("form", ["folder", "file"])
def test_another_family(
    tiny_diffusion: Build, tiny_controlnet: Build, family: str, other: str, form: str
) -> None:
    folder = tiny_controlnet(other)
    with pytest.raises(InvalidInput, match="of another family than the model"):
        load(tiny_diffusion(family, 4), folder / WEIGHTS if form == "file" else folder)


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def narrower(content: bytes) -> bytes:
    return save(safetensors.torch.load(content) | {"conv_in.weight": torch.zeros(3, 4, 3, 3)})


def flattened(content: bytes) -> bytes:
    """As weights in few bits are stored, in rows of bytes."""
    weights = safetensors.torch.load(content)
    return save(
        {n: w.flatten() if n.endswith("attn2.to_k.weight") else w for n, w in weights.items()}
    )


LORA = save({"lora_unet_mid_attn2.lora_down.weight": torch.zeros(2, 32)})
# A whole model has no ControlNet in it.
CHECKPOINT = save({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)})
POINTER = b"version https://git-lfs.github.com/spec/v1"
PICKLE = "diffusion_pytorch_model.bin"


@pytest.mark.parametrize(
    ("file", "content", "given", "error", "message"),
    [
        (WEIGHTS, half, ".", InvalidInput, "no whole .safetensors file"),
        (WEIGHTS, half, WEIGHTS, InvalidInput, "no whole .safetensors file"),
        (WEIGHTS, POINTER, ".", InvalidInput, "no whole .safetensors file"),
        ("config.json", None, ".", ModelNotFound, "holds no config.json"),
        ("config.json", b"{", ".", InvalidInput, "config.json is damaged"),
        ("config.json", b"[1, 2]", ".", InvalidInput, "config.json is damaged"),
        ("config.json", b"{}", ".", InvalidInput, "model without a class, no ControlNet"),
        (WEIGHTS, None, ".", ModelNotFound, "lacks its weights"),
        (PICKLE, b"", PICKLE, InvalidInput, "is a pickle"),
        (WEIGHTS, narrower, ".", InvalidInput, "is damaged: .*conv_in"),
        (WEIGHTS, narrower, WEIGHTS, InvalidInput, "does not have the form.*conv_in"),
        (WEIGHTS, flattened, WEIGHTS, InvalidInput, "is no ControlNet: it lacks the layers"),
        (WEIGHTS, LORA, WEIGHTS, InvalidInput, "is no ControlNet"),
        (WEIGHTS, CHECKPOINT, WEIGHTS, InvalidInput, "is no ControlNet"),
        (WEIGHTS, None, WEIGHTS, ModelNotFound, "there is no model at"),
        ("lines.txt", b"", "lines.txt", InvalidInput, "is no .safetensors file"),
    ],
)
def test_what_cannot_be_used(
    tiny_diffusion: Build,
    tiny_controlnet: Build,
    tmp_path: Path,
    file: str,
    content: bytes | Callable[[bytes], bytes] | None,
    given: str,
    error: type[Exception],
    message: str,
) -> None:
    copy = changed(tiny_controlnet("sd15"), tmp_path / "copy")
    if content is None:
        (copy / file).unlink()
    else:
        was = (copy / file).read_bytes() if (copy / file).exists() else b""
        (copy / file).write_bytes(content(was) if callable(content) else content)
    with pytest.raises(error, match=message):
        load(tiny_diffusion("sd15", 4), copy / given)


def test_a_folder_of_pickles(tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path) -> None:
    folder = changed(tiny_controlnet("sd15"), tmp_path / "copy")
    (folder / WEIGHTS).rename(folder / PICKLE)
    with pytest.raises(InvalidInput, match=f"has pickles such as {PICKLE}"):
        load(tiny_diffusion("sd15", 4), folder)


def test_weights_of_another_variant(
    tiny_diffusion: Build, tiny_controlnet: Build, tmp_path: Path
) -> None:
    folder = changed(tiny_controlnet("sd15"), tmp_path / "copy")
    (folder / WEIGHTS).rename(folder / WEIGHTS.replace(".", ".bf16."))
    with pytest.raises(ModelNotFound, match="is not whole"):
        load(tiny_diffusion("sd15", 4), folder)


def test_another_kind_of_model(tiny_diffusion: Build) -> None:
    with pytest.raises(InvalidInput, match="is a UNet2DConditionModel, no ControlNet"):
        load(tiny_diffusion("sd15", 4), tiny_diffusion("sd15", 4) / "unet")


def test_a_model_that_fills_holes_cannot_paint_anew(
    tiny_diffusion: Build, tiny_controlnet: Build
) -> None:
    with pytest.raises(InvalidInput, match="was made to fill holes"):
        load(tiny_diffusion("sd15", 9), tiny_controlnet("sd15"))


def test_lines_hold_only_what_is_painted_anew(
    tiny_diffusion: Build, tiny_controlnet: Build
) -> None:
    with pytest.raises(InvalidInput, match="no ControlNet"):
        load_pipeline(
            tiny_diffusion("sd15", 9), INPAINT, device="cpu", controlnet=tiny_controlnet("sd15")
        )


def test_the_cache(
    tiny_diffusion: Build, tiny_controlnet: Build, cache: Path, put_in_cache: Put
) -> None:
    with pytest.raises(ModelNotFound) as missing:
        load(tiny_diffusion("sd15", 4), LINES)
    for part in (LINES, "config.json", str(cache), "cartoonedit models fetch controlnet-lineart"):
        assert part in str(missing.value)
    with pytest.raises(ModelNotFound, match="hf download some/lines"):
        load(tiny_diffusion("sd15", 4), "some/lines")
    put_in_cache(LINES, tiny_controlnet("sd15"))
    for name in (LINES, "controlnet-lineart"):
        assert same(load(tiny_diffusion("sd15", 4), name).controlnet, tiny_controlnet("sd15"))


def test_the_pipeline_that_is_kept_is_one_with_this_controlnet(
    tiny_diffusion: Build, tiny_controlnet: Build
) -> None:
    model, lines = tiny_diffusion("sd15", 4), tiny_controlnet("sd15")
    first = load(model, lines)
    assert load(model, str(lines)) is first
    plain = load_pipeline(model, IMG2IMG, device="cpu")
    assert plain is not first and getattr(plain, "controlnet", None) is None
    again = load(model, lines)
    assert again is not first
    assert load(model, lines / WEIGHTS) is not again
