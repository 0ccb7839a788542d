from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cartoonedit import hub
from cartoonedit.depth import estimate_depth
from cartoonedit.errors import InvalidInput, ModelNotFound

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8), (70, 45))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Marigold of random weights, small enough for a test."""
    import torch
    from diffusers import (
        AutoencoderKL,
        DDIMScheduler,
        MarigoldDepthPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    target = tmp_path_factory.mktemp("marigold")
    words = tmp_path_factory.mktemp("words")
    (words / "vocab.json").write_text(
        json.dumps({"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2})
    )
    (words / "merges.txt").write_text("#version: 0.2\n")
    blocks = {"block_out_channels": (8, 8), "norm_num_groups": 4}
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=8,
        out_channels=4,
        layers_per_block=1,
        cross_attention_dim=8,
        attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        **blocks,
    )
    vae = AutoencoderKL(
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        **blocks,
    )
    text = CLIPTextConfig(
        hidden_size=8,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        vocab_size=3,
        bos_token_id=0,
        eos_token_id=1,
        max_position_embeddings=8,
    )
    MarigoldDepthPipeline(
        unet=unet,
        vae=vae,
        scheduler=DDIMScheduler(prediction_type="v_prediction"),
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer(
            str(words / "vocab.json"), str(words / "merges.txt"), model_max_length=8
        ),
        prediction_type="depth",
        default_denoising_steps=2,
        default_processing_resolution=64,
    ).save_pretrained(target, variant="fp16")
    return target


def copied(folder: Path, target: Path, **config: object) -> Path:
    for file in folder.rglob("*"):
        if file.is_file():
            place = target / file.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    index = json.loads((target / "model_index.json").read_text())
    (target / "model_index.json").write_text(json.dumps(index | config))
    return target


@pytest.mark.usefixtures("no_network")
def test_a_local_pipeline(folder: Path) -> None:
    depth = estimate_depth(PICTURE, [], folder, device="cpu")
    assert depth.shape == (45, 70) and depth.dtype == np.float32
    assert 0 <= depth.min() < depth.max() <= 1
    np.testing.assert_array_equal(depth, estimate_depth(PICTURE, [], str(folder), device="cpu"))


@pytest.mark.usefixtures("no_network")
def test_what_it_predicts_decides(folder: Path, tmp_path: Path) -> None:
    """Far is high in depth and low in disparity: the two orders are opposite."""
    depth = estimate_depth(PICTURE, [], folder, device="cpu")
    other = copied(folder, tmp_path / "disparity", prediction_type="disparity")
    opposite = estimate_depth(PICTURE, [], other, device="cpu")
    order = np.corrcoef(depth.ravel(), opposite.ravel())[0, 1]
    assert order < -0.8


@pytest.mark.usefixtures("no_network")
def test_by_its_name_in_the_catalogue(folder: Path, put: Callable[[str, str, Path], Path]) -> None:
    weights = hub.CATALOGUE["marigold"]
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    for file in weights.files.values():
        # Newer tokenizers save fewer files than the repository holds.
        source = folder / (file.file if file.file in there else "model_index.json")
        put(weights.repo, file.file, source)
    if "tokenizer/tokenizer.json" in there:
        put(weights.repo, "tokenizer/tokenizer.json", folder / "tokenizer/tokenizer.json")
    expected = {file.file for file in weights.files.values() if "tokenizer/" not in file.file}
    assert expected <= there, "the names in the catalogue are those that diffusers saves"
    by_name = estimate_depth(PICTURE, [], "marigold", device="cpu")
    np.testing.assert_array_equal(by_name, estimate_depth(PICTURE, [], folder, device="cpu"))


@pytest.mark.usefixtures("no_network")
def test_a_pickle_is_refused(folder: Path, tmp_path: Path, malicious: tuple[Path, Path]) -> None:
    weights, trace = malicious
    copy = copied(folder, tmp_path / "copy")
    for file in (copy / "unet").glob("*.safetensors"):
        file.unlink()
    (copy / "unet/diffusion_pytorch_model.bin").write_bytes(weights.read_bytes())
    with pytest.raises(ModelNotFound, match="safetensors"):
        estimate_depth(PICTURE, [], copy, device="cpu")
    assert not trace.exists()


@pytest.mark.usefixtures("no_network")
def test_another_pipeline(folder: Path, tmp_path: Path) -> None:
    copy = copied(folder, tmp_path / "copy", _class_name="StableDiffusionPipeline")
    with pytest.raises(InvalidInput, match="needs a MarigoldDepthPipeline"):
        estimate_depth(PICTURE, [], copy, device="cpu")
