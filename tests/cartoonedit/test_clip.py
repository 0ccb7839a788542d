from __future__ import annotations

import json
import logging
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cartoonedit import clip, hub
from cartoonedit.clip import ClipScorer
from cartoonedit.errors import CartooneditError, InvalidInput, ModelNotFound

RANDOM = np.random.default_rng(0)
PICTURES = [
    RANDOM.integers(0, 256, (*shape, 3), dtype=np.uint8)
    for shape in [(32, 32), (40, 64), (91, 33), (7, 5), (300, 200)]
]
TEXT = "a watercolour of two girls"

pytestmark = pytest.mark.usefixtures("no_network")


@pytest.fixture
def score(tiny_clip: Path) -> ClipScorer:
    return ClipScorer(tiny_clip, device="cpu")


def directly(folder: Path, pictures: list[Any], text: str) -> Any:
    """As the documentation of transformers has it, one picture at a time."""
    import torch
    from transformers import CLIPModel, CLIPProcessor

    model, processor = CLIPModel.from_pretrained(folder), CLIPProcessor.from_pretrained(folder)
    scores = []
    for picture in pictures:
        inputs = processor(text=text, images=picture, return_tensors="pt", truncation=True)
        with torch.inference_mode():
            cosine = model(**inputs).logits_per_image / model.logit_scale.exp()
        scores.append(100 * cosine.item())
    return scores


def test_equal_to_a_direct_computation(score: ClipScorer, tiny_clip: Path) -> None:
    scores = score(PICTURES, TEXT)
    assert scores.dtype == np.float64 and np.ptp(scores) > 1
    assert scores == pytest.approx(directly(tiny_clip, PICTURES, TEXT), abs=1e-3)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 99])
def test_batches_change_nothing(score: ClipScorer, tiny_clip: Path, batch_size: int) -> None:
    batches = ClipScorer(tiny_clip, device="cpu", batch_size=batch_size)
    assert batches(iter(PICTURES), TEXT) == pytest.approx(score(PICTURES, TEXT), abs=1e-4)


def test_arrays_that_may_not_be_written_to(score: ClipScorer) -> None:
    """As Pillow gives them. torch would warn, but only once in a process."""
    import torch

    fixed = PICTURES[0].copy()
    fixed.flags.writeable = False
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            scores = score([fixed], TEXT)
    finally:
        torch.set_warn_always(always)
    assert scores == pytest.approx(score(PICTURES[:1], TEXT))


def test_no_picture(score: ClipScorer) -> None:
    assert score([], TEXT).shape == (0,)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1), (3, 3), (1, 9000), (9000, 2)])
def test_any_size(score: ClipScorer, shape: tuple[int, int]) -> None:
    """In one colour, all sizes are the same picture."""
    colour = np.uint8([200, 30, 90])
    square = score([np.broadcast_to(colour, (32, 32, 3))], TEXT)
    assert score([np.broadcast_to(colour, (*shape, 3))], TEXT) == pytest.approx(square, abs=1e-3)


def test_of_a_strip_the_middle_counts(score: ClipScorer) -> None:
    strip = RANDOM.integers(0, 256, (32, 640, 3), dtype=np.uint8)
    assert score([strip], TEXT) == pytest.approx(score([strip[:, 304:336]], TEXT), abs=1e-3)


def test_a_long_text_is_cut_and_that_is_told(
    score: ClipScorer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        long = score(PICTURES, "a b " * 60)
    assert "CLIP reads 77 tokens and the text has 122" in caplog.text
    caplog.clear()
    assert long == pytest.approx(score(PICTURES, "a b " * 37 + "a"), abs=1e-4)
    assert not caplog.records


def test_a_pickle_of_tensors_will_do(score: ClipScorer, tiny_clip: Path, tmp_path: Path) -> None:
    """One of the two published sets of weights has no other form."""
    import torch
    from safetensors.torch import load_file

    folder = shutil.copytree(tiny_clip, tmp_path / "pickle")
    weights = load_file(folder / "model.safetensors")
    weights["text_model.embeddings.position_ids"] = torch.arange(77)[None]  # as older files have
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    scores = ClipScorer(folder, device="cpu")(PICTURES, TEXT)
    assert scores == pytest.approx(score(PICTURES, TEXT), abs=1e-3)


@pytest.mark.parametrize("name", ["clip-vit-l-14", "openai/clip-vit-large-patch14"])
def test_the_catalogue_by_either_name(
    score: ClipScorer,
    tiny_clip: Path,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="cartoonedit models fetch clip-vit-l-14"):
        ClipScorer(name)(PICTURES, TEXT)
    entry = hub.CATALOGUE["clip-vit-l-14"]
    top = tmp_path / "models--openai--clip-vit-large-patch14"
    shutil.copytree(tiny_clip, top / "snapshots/abc")
    (top / "refs").mkdir()
    (top / "refs/main").write_text("abc")
    published(top / "snapshots/abc")
    assert {file.name for file in (top / "snapshots/abc").iterdir()} >= entry.files.keys()
    scores = ClipScorer(name, device="cpu")(PICTURES, TEXT)
    assert scores == pytest.approx(score(PICTURES, TEXT), abs=1e-3)


def published(folder: Path) -> None:
    """Give a folder of today's transformers the files of the published models."""
    settings = json.loads((folder / "processor_config.json").read_text())["image_processor"]
    (folder / "processor_config.json").unlink()
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def test_another_repository_that_was_fetched(
    tiny_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    top = tmp_path / "models--some--clip"
    shutil.copytree(tiny_clip, top / "snapshots/abc")
    (top / "refs").mkdir()
    (top / "refs/main").write_text("abc")
    assert ClipScorer("some/clip").folder() == top / "snapshots/abc"


def without(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def of_type(kind: str) -> Any:
    return lambda folder: (folder / "config.json").write_text(json.dumps({"model_type": kind}))


def damage(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def cut(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x10")


def weights(change: Any) -> Any:
    def spoil(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        state = load_file(folder / "model.safetensors")
        change(state)
        save_file(state, folder / "model.safetensors")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (without("config.json"), ModelNotFound, "no model of transformers"),
        (without("model.safetensors"), ModelNotFound, r"lacks its weights, model\.safetensors"),
        (without("processor_config.json"), ModelNotFound, "not complete"),
        (damage, InvalidInput, "is damaged"),
        (of_type("siglip"), InvalidInput, "a model of type 'siglip'"),
        (cut, InvalidInput, r"no whole \.safetensors"),
        (weights(lambda state: state.pop("visual_projection.weight")), InvalidInput,
         "1 tensors are missing, such as 'visual_projection.weight'"),
        (weights(lambda state: state.update(logit_scale=state["logit_scale"].repeat(3))),
         InvalidInput, "not of this CLIP"),
    ],
    ids=["no config", "no weights", "no processor", "damaged config", "another kind",
         "damaged weights", "a part of them", "another shape"],
)  # fmt: skip
def test_folders_that_hold_no_clip(
    tiny_clip: Path, tmp_path: Path, spoil: Any, error: type[Exception], message: str
) -> None:
    folder = shutil.copytree(tiny_clip, tmp_path / "clip")
    spoil(folder)
    with pytest.raises(error, match=message):
        ClipScorer(folder, device="cpu")(PICTURES, TEXT)


@pytest.mark.usefixtures("full_device")
def test_lack_of_memory(tiny_clip: Path) -> None:
    clip._load.cache_clear()
    with pytest.raises(CartooneditError, match="ran out of memory"):
        ClipScorer(tiny_clip, device="cpu")(PICTURES, TEXT)


@pytest.mark.parametrize("name", ["nowhere", "some/where", "clip-vit-b-32"])
def test_missing_models_are_told_with_the_command(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match=r"cartoonedit\s+models fetch clip-vit-"):
        ClipScorer(name)(PICTURES, TEXT)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_wrong_images(score: ClipScorer, image: Any) -> None:
    with pytest.raises(InvalidInput, match=r"RGB uint8 \(H, W, 3\)"):
        score([image], TEXT)


def test_wrong_options() -> None:
    with pytest.raises(InvalidInput, match="batch_size"):
        ClipScorer(batch_size=0)
