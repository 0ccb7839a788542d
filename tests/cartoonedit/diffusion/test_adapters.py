"""LoRAs: what is added, and that it can be taken away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from safetensors.torch import load_file, save, save_file

from cartoonedit.diffusion import IMG2IMG, Lora, load_pipeline, use_loras
from cartoonedit.errors import CartooneditError, InvalidInput, ModelNotFound

Build = Callable[..., Path]
Put = Callable[[str, Path], Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")


@pytest.mark.parametrize(
    ("text", "weights", "weight"),
    [
        ("ink.safetensors", "ink.safetensors", 1.0),
        ("ink.safetensors:0.5", "ink.safetensors", 0.5),
        ("ink.safetensors:-1", "ink.safetensors", -1.0),
        ("ink.safetensors:0", "ink.safetensors", 0.0),
        ("ink.safetensors:1e-1", "ink.safetensors", 0.1),
        ("owner/name", "owner/name", 1.0),
        ("owner/name/ink.safetensors:2", "owner/name/ink.safetensors", 2.0),
        (r"C:\x.safetensors", r"C:\x.safetensors", 1.0),
        (r"C:\x.safetensors:0.7", r"C:\x.safetensors", 0.7),
        ("a:b.safetensors", "a:b.safetensors", 1.0),
    ],
)
def test_parse(text: str, weights: str, weight: float) -> None:
    assert Lora.parse(text) == Lora(weights, weight)


@pytest.mark.parametrize(
    "text", ["", " ", ":0.5", "ink.safetensors:nan", "ink.safetensors:inf", "ink.safetensors:11"]
)
def test_parse_refuses(text: str) -> None:
    with pytest.raises(InvalidInput, match="FILE or FILE:WEIGHT") as caught:
        Lora.parse(text)
    assert repr(text) in str(caught.value)


@pytest.fixture
def make(tiny_diffusion: Build) -> Callable[..., Any]:
    """Gives a pipeline without LoRAs: ``(family) -> pipeline``."""
    return lambda family="sd15": load_pipeline(tiny_diffusion(family, 4), IMG2IMG, device="cpu")


def paint(pipeline: Any) -> torch.Tensor:
    """What a pipeline makes of a picture that is always the same."""
    return torch.as_tensor(
        pipeline(
            prompt="a cat",
            image=np.random.default_rng(0).random((1, 64, 64, 3), np.float32),
            strength=0.5,
            num_inference_steps=4,
            generator=torch.Generator().manual_seed(0),
            output_type="latent",
        ).images
    )


def uses(pipeline: Any, *loras: tuple[Path, float]) -> torch.Tensor:
    use_loras(pipeline, [Lora(str(file), weight) for file, weight in loras])
    return paint(pipeline)


def other(file: Path, to: Path, factor: float = -0.5, prefix: str = "") -> Path:
    """A LoRA of other weights, whose tensors may be of other layers."""
    weights = load_file(file)
    save_file({prefix + name: factor * each for name, each in weights.items()}, to)
    return to


def for_words(pipeline: Any, file: Path) -> Path:
    """A LoRA for the text encoder alone."""
    weights = {}
    generator = torch.Generator().manual_seed(4)
    for name, layer in pipeline.text_encoder.named_modules():
        if name.endswith(("q_proj", "v_proj")):
            path = f"text_encoder.{name if name.startswith('text_model') else f'text_model.{name}'}"
            weights[f"{path}.lora_A.weight"] = torch.randn(
                (2, layer.in_features), generator=generator
            )
            weights[f"{path}.lora_B.weight"] = torch.randn(
                (layer.out_features, 2), generator=generator
            )
    save_file(weights, file)
    return file


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("form", ["diffusers", "kohya"])
def test_each_form_is_added_and_taken_away(
    make: Callable[..., Any], tiny_lora: Build, family: str, form: str
) -> None:
    pipeline, file = make(family), tiny_lora(family, form)
    plain = paint(pipeline)
    whole = uses(pipeline, (file, 1.0))
    half = uses(pipeline, (file, 0.5))
    assert (whole - plain).abs().mean() > 1e-3
    assert 0 < (half - plain).abs().mean() < (whole - plain).abs().mean()
    assert torch.equal(uses(pipeline, (file, 0.0)), plain)
    assert torch.equal(uses(pipeline), plain)
    assert torch.equal(uses(pipeline, (file, 1.0)), whole)


def test_both_forms_are_the_same(make: Callable[..., Any], tiny_lora: Build) -> None:
    pipeline = make()
    one, two = (uses(pipeline, (tiny_lora("sd15", form), 1.0)) for form in ("diffusers", "kohya"))
    torch.testing.assert_close(one, two)


def test_what_is_added(make: Callable[..., Any], tiny_lora: Build) -> None:
    """The product of its two matrices, times its weight, is on top of the layer's own."""
    pipeline, file = make(), tiny_lora("sd15")
    by_peft = uses(pipeline, (file, 0.3))
    use_loras(pipeline, [])
    weights = load_file(file)
    names = [name.removesuffix(".lora_A.weight") for name in weights if "lora_A" in name]
    assert names
    with torch.no_grad():
        for name in names:
            layer = pipeline.unet.get_submodule(name.removeprefix("unet.")).base_layer
            down, up = (weights[f"{name}.lora_{side}.weight"] for side in "AB")
            layer.weight.add_(0.3 * up @ down)
    torch.testing.assert_close(paint(pipeline), by_peft, atol=1e-5, rtol=1e-4)


def test_to_and_fro_is_exact(make: Callable[..., Any], tiny_lora: Build, tmp_path: Path) -> None:
    """Whatever was active in between, for the UNet or the text encoder."""
    pipeline = make()
    first = tiny_lora("sd15")
    second = other(first, tmp_path / "second.safetensors")
    words = for_words(pipeline, tmp_path / "words.safetensors")
    sets: list[tuple[tuple[Path, float], ...]] = [
        (),
        ((first, 0.7),),
        ((first, 0.7), (second, 0.4)),
        ((words, 1.0),),
        ((second, 0.4),),
        ((words, -1.0), (first, 0.2)),
    ]
    made = [uses(pipeline, *loras) for loras in sets]
    for index, one in enumerate(made):
        assert not any(torch.equal(one, two) for two in made[index + 1 :])
    for index in (3, 0, 5, 1, 0, 2, 4, 3, 2, 1):
        assert torch.equal(uses(pipeline, *sets[index]), made[index])


def test_two_at_once(make: Callable[..., Any], tiny_lora: Build, tmp_path: Path) -> None:
    pipeline, file = make(), tiny_lora("sd15")
    same = other(file, tmp_path / "same.safetensors", 1.0)
    torch.testing.assert_close(
        uses(pipeline, (file, 0.2), (same, 0.3)), uses(pipeline, (file, 0.5))
    )
    torch.testing.assert_close(
        uses(pipeline, (file, 0.2), (file, 0.3)), uses(pipeline, (file, 0.5))
    )
    torch.testing.assert_close(uses(pipeline, (file, 0.6), (same, -0.6)), uses(pipeline))


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def narrower(content: bytes) -> bytes:
    """With a layer of another model."""
    weights = safetensors.torch.load(content)
    name = next(name for name in weights if name.endswith("lora_B.weight"))
    return save(weights | {name: torch.zeros(3, 2)})


def elsewhere(content: bytes) -> bytes:
    """For layers that this model does not have."""
    weights = safetensors.torch.load(content)
    return save({name.replace("attn2", "attn7"): each for name, each in weights.items()})


def by_lycoris(*names: str) -> Callable[[bytes], bytes]:
    """With tensors that no LoRA has."""

    def add(content: bytes) -> bytes:
        layer = "lora_unet_mid_block_resnets_0"
        extra = {f"{layer}.{name}": torch.zeros(2, 2, 3, 3) for name in names}
        pair = {f"{layer}.lora_down.weight": torch.zeros(2, 2, 1, 1)}
        return save(pair | {f"{layer}.lora_up.weight": torch.zeros(2, 2, 1, 1)} | extra)

    return add


LOHA = save(
    {f"lora_unet_mid_block_attn2_to_k.hada_w{n}": torch.zeros(2, 2) for n in ("1_a", "1_b")}
)
LOKR = save({f"lycoris_mid_block_to_k.lokr_w{n}": torch.zeros(2, 2) for n in (1, 2)})
CHECKPOINT = save({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (half, "no whole .safetensors file"),
        (CHECKPOINT, "is no LoRA"),
        (LOHA, "LoHa and LoKr cannot be used"),
        (LOKR, "LoHa and LoKr cannot be used"),
        (by_lycoris("lora_mid.weight"), "LyCORIS.*1 of its tensors, such as .*lora_mid.weight"),
        (by_lycoris("w_norm", "b_norm"), "LyCORIS.*2 of its tensors, such as .*_norm"),
        (by_lycoris("diff"), "LyCORIS.*1 of its tensors, such as .*diff"),
        (save({}), "is no LoRA"),
        (narrower, "cannot be used as a LoRA of this model"),
        (elsewhere, "cannot be used as a LoRA of this model"),
    ],
)
@pytest.mark.parametrize("active", [False, True])
def test_after_a_failure_the_pipeline_is_as_it_was(
    make: Callable[..., Any],
    tiny_lora: Build,
    tmp_path: Path,
    content: bytes | Callable[[bytes], bytes],
    message: str,
    active: bool,
) -> None:
    """With the LoRAs that were active, at their weights; those that came with it are not."""
    pipeline, file = make(), tiny_lora("sd15")
    before = [(file, 0.3)] if active else []
    made = uses(pipeline, *before)
    broken, good = tmp_path / "broken.safetensors", tmp_path / "good.safetensors"
    broken.write_bytes(content(file.read_bytes()) if callable(content) else content)
    other(file, good)
    for _ in range(2):
        with pytest.raises(InvalidInput, match=message) as caught:
            uses(pipeline, (good, 1.0), (broken, 1.0))
        assert str(broken) in str(caught.value) and "\n" not in str(caught.value)
        assert torch.equal(paint(pipeline), made)
    assert not torch.equal(uses(pipeline, (good, 1.0)), made)
    assert torch.equal(uses(pipeline, *before), made)


def test_lack_of_memory_is_told_as_such(
    make: Callable[..., Any], tiny_lora: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an error that has no other meaning, after which the pipeline is as it was."""
    pipeline, file = make(), tiny_lora("sd15")
    made = uses(pipeline, (file, 0.3))
    load = pipeline.load_lora_weights

    def fail(*args: Any, **kwargs: Any) -> None:
        load(*args, **kwargs)
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(pipeline, "load_lora_weights", fail)
    second = other(file, tmp_path / "second.safetensors")
    with pytest.raises(CartooneditError, match="ran out of memory") as caught:
        uses(pipeline, (second, 1.0))
    assert not isinstance(caught.value, InvalidInput)
    assert torch.equal(paint(pipeline), made)
    monkeypatch.undo()
    assert not torch.equal(uses(pipeline, (second, 1.0)), made)


def test_nothing_is_said_of_the_loras_before(
    make: Callable[..., Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    talker = logging.getLogger("transformers")
    monkeypatch.setattr(talker, "propagate", True)
    level = talker.level
    pipeline = make()
    first = for_words(pipeline, tmp_path / "first.safetensors")
    second = other(first, tmp_path / "second.safetensors")
    with caplog.at_level(logging.WARNING):
        for file in (first, second):
            uses(pipeline, (file, 1.0))
    assert "LOAD REPORT" not in caplog.text
    assert talker.level == level


@pytest.mark.parametrize(
    ("family", "of", "message"),
    [
        ("sd15", "sdxl", "is a LoRA for another family .width 64., but the model is of width 32"),
        ("sdxl", "sd15", "is a LoRA for another family .width 32., but the model is of width 64"),
    ],
)
@pytest.mark.parametrize("form", ["diffusers", "kohya"])
def test_another_family(
    make: Callable[..., Any], tiny_lora: Build, family: str, of: str, message: str, form: str
) -> None:
    pipeline = make(family)
    with pytest.raises(InvalidInput, match=message):
        uses(pipeline, (tiny_lora(of, form), 1.0))


@pytest.mark.parametrize(
    ("key", "shape", "of"),
    [
        ("lora_unet_mid_block_attn2_to_k.lora_down.weight", (4, 768), None),
        ("lora_unet_mid_block_attn2_to_k.lora_down.weight", (4, 2048), "SDXL"),
        ("unet.mid_block.attn2.to_v.lora_A.weight", (4, 1024), "SD 2"),
        ("unet.mid_block.attn2.processor.to_k_lora.down.weight", (4, 2048), "SDXL"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", (4, 1280), "SDXL"),
        ("text_encoder_2.layers.0.fc1.lora_A.weight", (4, 1280), "SDXL"),
    ],
)
def test_families_have_names(
    tmp_path: Path, key: str, shape: tuple[int, int], of: str | None
) -> None:
    """A stand-in for the real SD 1.5, which is asked for its width alone."""

    class Pipeline:
        class unet:
            class config:
                cross_attention_dim = 768

        text_encoder_2 = None
        deleted: tuple[str, ...] = ()

        def load_lora_weights(self, weights: Any, adapter_name: str) -> None:
            raise ValueError("the family is right")

        def delete_adapters(self, name: str) -> None:
            self.deleted += (name,)

        def disable_lora(self) -> None:
            pass

    file = tmp_path / "lora.safetensors"
    save_file({key: torch.zeros(shape)}, file)
    wanted = f"is a LoRA for {of}, but the model is SD 1.5" if of else "the family is right"
    with pytest.raises(InvalidInput, match=wanted):
        use_loras(Pipeline(), [Lora(str(file))])


def test_where_it_is_looked_for(
    make: Callable[..., Any], tiny_lora: Build, tmp_path: Path, put_in_cache: Put, cache: Path
) -> None:
    pipeline, file = make(), tiny_lora("sd15")
    made = uses(pipeline, (file, 1.0))
    with pytest.raises(ModelNotFound, match=r"some/lora.*hf download some/lora"):
        use_loras(pipeline, [Lora("some/lora")])
    folder = put_in_cache("some/lora", file.parent)
    linked = tmp_path / "link.safetensors"  # in the cache they are links to files without ending
    blob = tmp_path / "0123456789"
    blob.write_bytes(file.read_bytes())
    linked.symlink_to(blob)
    for name in ("some/lora", f"some/lora/{file.name}", str(folder / file.name), str(linked)):
        use_loras(pipeline, [])
        use_loras(pipeline, [Lora(name)])
        assert torch.equal(paint(pipeline), made)
    with pytest.raises(ModelNotFound, match=r"some/lora.*none\.safetensors is not in"):
        use_loras(pipeline, [Lora("some/lora/none.safetensors")])
    (folder / "two.safetensors").write_bytes(b"")
    with pytest.raises(InvalidInput, match=r"several files.*two\.safetensors.*some/lora/FILE"):
        use_loras(pipeline, [Lora("some/lora")])


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("lora.pt", InvalidInput, "is a pickle"),
        ("lora.ckpt", InvalidInput, "is a pickle"),
        ("lora.txt", InvalidInput, "is no .safetensors file"),
        ("none.safetensors", ModelNotFound, "there is no file"),
        ("folder/none.safetensors", ModelNotFound, "there is no file"),
        ("none", ModelNotFound, "there is no file"),
        (".", ModelNotFound, "there is no file"),
    ],
)
def test_what_is_no_file(
    make: Callable[..., Any], tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "lora.txt").write_text("ink")
    with pytest.raises(error, match=message):
        use_loras(make(), [Lora(str(tmp_path / name))])
