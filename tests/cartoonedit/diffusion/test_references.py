"""Reference pictures against diffusers' own pipelines, and what only regions can do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from cartoonedit.diffusion import (
    IMG2IMG,
    blank_embeds,
    load_pipeline,
    reference_tokens,
    references,
    use_references,
)
from cartoonedit.diffusion.denoise import denoise
from cartoonedit.diffusion.predict import Conditions
from cartoonedit.diffusion.regions import Region
from cartoonedit.errors import CartooneditError, InvalidInput, ModelNotFound
from tests.cartoonedit.tiny_adapters import build_ip_adapter

Build = Callable[..., Path]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_network", "forgotten")]

ROWS, COLUMNS = 8, 8  # of latent cells
START = torch.randn((1, 4, ROWS, COLUMNS), generator=torch.Generator().manual_seed(1))
NOISE = torch.randn((1, 4, ROWS, COLUMNS), generator=torch.Generator().manual_seed(2))
LINES = torch.rand((1, 3, 8 * ROWS, 8 * COLUMNS), generator=torch.Generator().manual_seed(3))
WHOLE = torch.ones(ROWS, COLUMNS)
LEFT = (torch.arange(COLUMNS) < COLUMNS / 2).float().expand(ROWS, COLUMNS)
WEIGHT = 0.8


def picture(seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (48, 40, 3), np.uint8)


@pytest.fixture
def make(tiny_diffusion: Build, tiny_controlnet: Build) -> Callable[..., Any]:
    """Gives a pipeline without an adapter: ``(family) -> pipeline``."""

    def load(family: str = "sd15") -> Any:
        return load_pipeline(
            tiny_diffusion(family, 4), IMG2IMG, device="cpu", controlnet=tiny_controlnet(family)
        )

    return load


def words(pipeline: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
    found = pipeline.encode_prompt(
        "a cat",
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt="dog",
    )
    return torch.cat([found[1], found[0]]), torch.cat([found[3], found[2]]) if found[2:] else None


def paint(pipeline: Any, *regions: tuple[torch.Tensor, Any], guidance: float = 5.0) -> torch.Tensor:
    """What the loop makes of regions with a reference picture each."""
    text, pooled = words(pipeline)
    rows = slice(None) if guidance > 1 else slice(1, None)
    made = []
    for weight, reference in regions:
        tokens = reference_tokens(pipeline, reference)
        made.append(Region(weight, text[rows], None if tokens is None else tokens[rows]))
    led = Conditions(
        made,
        pooled=None if pooled is None else pooled[rows],
        guidance=torch.full((1, 1, 1, 1), guidance) if guidance > 1 else None,
        control=LINES,
        control_scale=torch.full((1, 1, 1, 1), 0.7),
    )
    return denoise(
        pipeline,
        START,
        NOISE,
        led,
        steps=4,
        strength=0.75,
        extra=blank_embeds(pipeline, len(text[rows])),
    )


def diffusers_own(pipeline: Any, reference: Any, guidance: float = 5.0) -> torch.Tensor:
    xl = hasattr(pipeline, "text_encoder_2")
    return torch.as_tensor(
        pipeline(
            prompt="a cat",
            negative_prompt="dog",
            image=START,
            control_image=LINES,
            strength=0.75,
            num_inference_steps=4,
            guidance_scale=guidance,
            controlnet_conditioning_scale=0.7,
            generator=torch.Generator().manual_seed(2),
            ip_adapter_image=Image.fromarray(reference),
            output_type="latent",
            **({} if xl else {"height": 8 * ROWS, "width": 8 * COLUMNS}),
        ).images
    )


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("form", ["plain", "plus"])
@pytest.mark.parametrize("guidance", [5.0, 1.0])
def test_one_picture_gives_what_diffusers_gives(
    make: Callable[..., Any], tiny_ip_adapter: Build, family: str, form: str, guidance: float
) -> None:
    pipeline = make(family)
    plain = paint(pipeline, (WHOLE, None), guidance=guidance)
    use_references(pipeline, tiny_ip_adapter(family, form), WEIGHT)
    for seed in (0, 1):
        wanted = diffusers_own(pipeline, picture(seed), guidance)
        got = paint(pipeline, (WHOLE, picture(seed)), guidance=guidance)
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)
        assert (got - plain).abs().mean() > 1e-3


@pytest.mark.parametrize("form", ["plain", "plus"])
def test_tokens(make: Callable[..., Any], tiny_ip_adapter: Build, form: str) -> None:
    pipeline = make()
    assert reference_tokens(pipeline, picture(0)) is None
    assert blank_embeds(pipeline, 2) == {}
    use_references(pipeline, tiny_ip_adapter("sd15", form))
    (embeds,) = pipeline.prepare_ip_adapter_image_embeds(
        Image.fromarray(picture(0)), None, "cpu", 1, True
    )
    with torch.inference_mode():
        wanted = pipeline.unet.encoder_hid_proj([embeds])[0]
    tokens = reference_tokens(pipeline, picture(0))
    assert tokens is not None and torch.equal(tokens, wanted)
    assert tokens.shape == (2, 1, 4 if form == "plain" else 5, 32)
    assert not torch.equal(tokens[0], tokens[1])
    nothing = reference_tokens(pipeline, None)
    assert nothing is not None and nothing.shape == tokens.shape and not nothing.any()
    (blank,) = blank_embeds(pipeline, 6)["image_embeds"]
    assert blank.shape == (6, *embeds.shape[1:]) and not blank.any()


@pytest.mark.parametrize("form", ["plain", "plus"])
def test_without_a_picture_it_adds_nothing(
    make: Callable[..., Any], tiny_ip_adapter: Build, form: str
) -> None:
    pipeline = make()
    plain = paint(pipeline, (WHOLE, None))
    use_references(pipeline, tiny_ip_adapter("sd15", form), WEIGHT)
    torch.testing.assert_close(paint(pipeline, (WHOLE, None)), plain, atol=1e-6, rtol=0)
    use_references(pipeline, tiny_ip_adapter("sd15", form), 0.0)
    torch.testing.assert_close(paint(pipeline, (WHOLE, picture(0))), plain, atol=1e-6, rtol=0)


def test_each_region_has_its_picture(make: Callable[..., Any], tiny_ip_adapter: Build) -> None:
    pipeline = make()
    use_references(pipeline, tiny_ip_adapter("sd15"), WEIGHT)
    one, other = (paint(pipeline, (WHOLE, picture(seed))) for seed in (0, 1))
    same = paint(pipeline, (LEFT, picture(0)), (1 - LEFT, picture(0)))
    torch.testing.assert_close(same, one, atol=1e-5, rtol=0)
    both = paint(pipeline, (LEFT, picture(0)), (1 - LEFT, picture(1)))
    left, right = LEFT > 0, LEFT == 0
    for here, mine, others in ((left, one, other), (right, other, one)):
        assert (both - mine)[..., here].abs().mean() < (both - others)[..., here].abs().mean()


def test_taking_it_away_is_exact(
    make: Callable[..., Any], tiny_ip_adapter: Build, tmp_path: Path, tiny_diffusion: Build
) -> None:
    """To and fro, and to another adapter with another image encoder."""
    pipeline = make()
    second = build_ip_adapter(tiny_diffusion("sd15", 4), tmp_path, "plus", projection=20)
    processors = {name: type(each) for name, each in pipeline.unet.attn_processors.items()}
    plain = paint(pipeline, (WHOLE, None))
    made = {}
    for file in (tiny_ip_adapter("sd15"), second, None, second, tiny_ip_adapter("sd15"), None):
        use_references(pipeline, file, WEIGHT)
        got = paint(pipeline, (WHOLE, None if file is None else picture(0)))
        assert torch.equal(made.setdefault(file, got), got)
    assert (
        torch.equal(made[None], plain) and len({each.sum().item() for each in made.values()}) == 3
    )
    assert {name: type(each) for name, each in pipeline.unet.attn_processors.items()} == processors
    assert pipeline.image_encoder is None and pipeline.unet.encoder_hid_proj is None


def test_no_warnings(
    make: Callable[..., Any], tiny_ip_adapter: Build, warned_of: list[str]
) -> None:
    pipeline = make()
    warned_of.clear()
    for adapter in (tiny_ip_adapter("sd15"), None):
        use_references(pipeline, adapter)
    assert warned_of == []


def test_the_weight_can_be_changed_alone(make: Callable[..., Any], tiny_ip_adapter: Build) -> None:
    pipeline = make()
    use_references(pipeline, tiny_ip_adapter("sd15"), 1.0)
    encoder = pipeline.image_encoder
    whole = paint(pipeline, (WHOLE, picture(0)))
    use_references(pipeline, tiny_ip_adapter("sd15"), 0.3)
    assert pipeline.image_encoder is encoder
    assert not torch.equal(paint(pipeline, (WHOLE, picture(0))), whole)


def spoiled(adapter: Path, folder: Path, content: bytes | None, at: str) -> Path:
    """A copy of an adapter and its encoder with a file changed, or taken away."""
    shutil.copytree(adapter.parent, folder)
    if content is None:
        (folder / at).unlink()
    else:
        (folder / at).write_bytes(content)
    return folder / adapter.name


FACE_ID = save({"image_proj.proj.2.weight": torch.zeros(2, 2), "image_proj.norm.weight": WHOLE})
HALF = save({"image_proj.proj.weight": torch.zeros(128, 12)})


@pytest.mark.parametrize(
    ("at", "content", "error", "message"),
    [
        ("adapter.safetensors", b"\x08", InvalidInput, "no whole .safetensors file"),
        ("adapter.safetensors", None, ModelNotFound, "there is no file"),
        ("adapter.safetensors", save({"x": WHOLE}), InvalidInput, "is no IP-Adapter"),
        ("adapter.safetensors", FACE_ID, InvalidInput, "is no IP-Adapter"),
        ("adapter.safetensors", HALF, InvalidInput, "is no IP-Adapter for a model of this family"),
        ("image_encoder/config.json", None, ModelNotFound, "needs the image encoder"),
        ("image_encoder/config.json", b"{", InvalidInput, "is damaged"),
        ("image_encoder/model.safetensors", None, ModelNotFound, "is not whole"),
        ("image_encoder/model.safetensors", b"\x08", InvalidInput, "is damaged"),
    ],
)
def test_what_cannot_be_used(
    make: Callable[..., Any],
    tiny_ip_adapter: Build,
    tmp_path: Path,
    at: str,
    content: bytes | None,
    error: type[Exception],
    message: str,
) -> None:
    """And the pipeline is as it was without."""
    pipeline = make()
    plain = paint(pipeline, (WHOLE, None))
    with pytest.raises(error, match=message):
        use_references(pipeline, spoiled(tiny_ip_adapter("sd15"), tmp_path / "copy", content, at))
    assert torch.equal(paint(pipeline, (WHOLE, None)), plain)
    use_references(pipeline, tiny_ip_adapter("sd15"))
    assert not torch.equal(paint(pipeline, (WHOLE, picture(0))), plain)


@pytest.mark.parametrize("at", ["_embed", "load_ip_adapter"])
@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), CartooneditError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_after_it_was_stopped_the_pipeline_is_as_it_was(
    make: Callable[..., Any],
    tiny_ip_adapter: Build,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    raised: BaseException,
    told: type[BaseException],
) -> None:
    pipeline = make()
    plain = paint(pipeline, (WHOLE, None))

    def fail(*_: Any, **__: Any) -> None:
        raise raised

    with monkeypatch.context() as patch:
        patch.setattr(references if at == "_embed" else pipeline, at, fail)
        with pytest.raises(told) as caught:
            use_references(pipeline, tiny_ip_adapter("sd15"))
    assert not isinstance(caught.value, InvalidInput)
    assert torch.equal(paint(pipeline, (WHOLE, None)), plain)
    use_references(pipeline, tiny_ip_adapter("sd15"))
    assert not torch.equal(paint(pipeline, (WHOLE, picture(0))), plain)


@pytest.mark.parametrize(("family", "other"), [("sd15", "sdxl"), ("sdxl", "sd15")])
@pytest.mark.parametrize("form", ["plain", "plus"])
def test_another_family(
    make: Callable[..., Any], tiny_ip_adapter: Build, family: str, other: str, form: str
) -> None:
    pipeline = make(family)
    plain = paint(pipeline, (WHOLE, None))
    with pytest.raises(InvalidInput, match="no IP-Adapter for a model of this family") as caught:
        use_references(pipeline, tiny_ip_adapter(other, form))
    assert "\n" not in str(caught.value)
    assert torch.equal(paint(pipeline, (WHOLE, None)), plain)
    use_references(pipeline, None)
    assert torch.equal(paint(pipeline, (WHOLE, None)), plain)


def test_a_pickle(make: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is a pickle"):
        use_references(make(), tmp_path / "ip-adapter_sd15.bin")


def test_its_image_encoder_is_found_among_others(
    make: Callable[..., Any], tiny_ip_adapter: Build, tiny_diffusion: Build, tmp_path: Path
) -> None:
    """As published: the nearest folder is for other adapters, the right one is elsewhere."""
    pipeline, published = make(), tmp_path / "published"
    source = tiny_ip_adapter("sd15")
    build_ip_adapter(tiny_diffusion("sd15", 4), published / "sdxl_models", projection=20)
    shutil.copy(source, published / "sdxl_models" / "vit-h.safetensors")
    shutil.copytree(source.parent / "image_encoder", published / "models" / "image_encoder")
    use_references(pipeline, source)
    wanted = reference_tokens(pipeline, picture(0))
    use_references(pipeline, published / "sdxl_models" / "vit-h.safetensors")
    tokens = reference_tokens(pipeline, picture(0))
    assert tokens is not None and wanted is not None and torch.equal(tokens, wanted)


@pytest.mark.parametrize("name", ["ip-adapter-sd15", "ip-adapter-sdxl"])
def test_the_catalogue(
    make: Callable[..., Any],
    tiny_ip_adapter: Build,
    tmp_path: Path,
    put_in_cache: Callable[[str, Path], Path],
    name: str,
) -> None:
    family = name.rpartition("-")[2]
    pipeline = make(family)
    with pytest.raises(ModelNotFound, match=f"cartoonedit models fetch {name}"):
        use_references(pipeline, name)
    file = tiny_ip_adapter(family)
    shutil.copytree(file.parent / "image_encoder", tmp_path / "h94" / "models" / "image_encoder")
    for place in ("models/ip-adapter_sd15", "sdxl_models/ip-adapter_sdxl_vit-h"):
        (tmp_path / "h94" / place).parent.mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "h94" / f"{place}.safetensors")
    put_in_cache("h94/IP-Adapter", tmp_path / "h94")
    use_references(pipeline, name)
    assert reference_tokens(pipeline, picture(0)) is not None
