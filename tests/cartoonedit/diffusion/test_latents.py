"""Pictures to latents and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cartoonedit.diffusion import IMG2IMG, latents, load_pipeline
from cartoonedit.diffusion.latents import decode, encode

Build = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("no_network", "forgotten")


@pytest.fixture(params=["sd15", "sdxl"])
def pipeline(request: Any, tiny_diffusion: Build) -> Any:
    return load_pipeline(tiny_diffusion(request.param, 4), IMG2IMG, device="cpu")


def pictures(count: int, size_wh: tuple[int, int] = (128, 64)) -> list[Any]:
    rng = np.random.default_rng(2)
    return [rng.integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8) for _ in range(count)]


def test_encode_and_decode(pipeline: Any) -> None:
    """As diffusers does it; one by one as all together."""
    shown = pictures(2)
    found = encode(pipeline, shown)
    assert found.shape == (2, 4, 8, 16)
    for picture, latent in zip(shown, found, strict=True):
        torch.testing.assert_close(encode(pipeline, [picture])[0], latent)
    values = pipeline.image_processor.preprocess(shown[0].astype(np.float32)[None] / 255)
    scaled = pipeline.vae.encode(values).latent_dist.mode() * pipeline.vae.config.scaling_factor
    torch.testing.assert_close(found[:1], scaled.detach(), atol=1e-5, rtol=0)
    back = decode(pipeline, found)
    assert [(each.shape, each.dtype) for each in back] == [((64, 128, 3), np.uint8)] * 2
    own = pipeline.vae.decode(found / pipeline.vae.config.scaling_factor).sample.detach()
    wanted = pipeline.image_processor.postprocess(own, output_type="np")
    np.testing.assert_allclose(np.stack(back), 255 * wanted, atol=0.51)


def test_a_vae_whose_latents_have_statistics(pipeline: Any) -> None:
    """They are taken out of what it says, and put back."""
    (shown,) = pictures(1)
    plain, back = encode(pipeline, [shown]), decode(pipeline, encode(pipeline, [shown]))[0]
    mean, deviation = torch.tensor([1.0, -2.0, 0.5, 3.0]), torch.tensor([2.0, 0.5, 4.0, 1.0])
    pipeline.vae.register_to_config(latents_mean=mean.tolist(), latents_std=deviation.tolist())
    found = encode(pipeline, [shown])
    by_channel = (1, 4, 1, 1)
    factor = pipeline.vae.config.scaling_factor
    wanted = (plain - factor * mean.view(by_channel)) / deviation.view(by_channel)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    assert np.abs(decode(pipeline, found)[0].astype(int) - back).max() <= 1


@pytest.mark.parametrize("upcast", [False, True])
def test_half_precision_that_would_overflow(
    tiny_diffusion: Build, tmp_path: Path, upcast: bool
) -> None:
    """SDXL's VAE says of itself that it needs float32, and then it is read so."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_diffusion("sdxl", 4), folder)
    config = folder / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"force_upcast": upcast}))
    half = load_pipeline(folder, IMG2IMG, device="cpu", dtype="float16")
    assert half.vae.dtype == (torch.float32 if upcast else torch.float16)
    found = encode(half, pictures(1))
    assert found.dtype == half.unet.dtype == torch.float16
    (shown,) = decode(half, found)
    assert shown.std() > 1
    if upcast:
        wide = load_pipeline(folder, IMG2IMG, device="cpu", dtype="float32")
        torch.testing.assert_close(encode(wide, pictures(1)), found.float(), atol=0.01, rtol=0.01)


def test_a_device_with_little_memory_gets_tiles(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiled: list[bool] = []
    own = pipeline.vae.decode
    monkeypatch.setattr(
        pipeline.vae,
        "decode",
        lambda values: tiled.append(pipeline.vae.use_tiling) or own(values),  # type: ignore[func-returns-value]
    )
    found = encode(pipeline, pictures(1))
    decode(pipeline, found)
    monkeypatch.setattr(latents, "free_bytes", lambda device: 20e6)  # 128 x 64 in float32 want 36
    decode(pipeline, found)
    assert tiled == [False, True]
    assert not pipeline.vae.use_tiling


def test_half_precision_comes_back_after_an_error(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.vae.to(torch.float16)
    pipeline.vae.register_to_config(force_upcast=True)
    with pytest.raises(RuntimeError):
        decode(pipeline, torch.zeros(1, 5, 8, 8))
    assert pipeline.vae.dtype == torch.float16


@pytest.mark.parametrize(
    ("least", "before", "during"), [(128 * 64, False, False), (0, False, True), (0, True, True)]
)
def test_large_pictures_go_through_the_vae_in_tiles(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch, least: int, before: bool, during: bool
) -> None:
    vae = pipeline.vae
    whole = encode(pipeline, pictures(1))
    monkeypatch.setattr(latents, "_LARGE", least)
    vae.use_tiling = before
    tiled: list[str] = []
    for name in ("_tiled_encode", "tiled_decode"):
        own = getattr(vae, name)
        monkeypatch.setattr(
            vae, name, lambda *a, own=own, name=name, **o: tiled.append(name) or own(*a, **o)
        )
    found = encode(pipeline, pictures(1))
    (back,) = decode(pipeline, found)
    assert bool(tiled) == during and len(tiled) == 2 * during
    assert vae.use_tiling == before
    assert found.shape == whole.shape and back.shape == (64, 128, 3)
    assert torch.equal(found, whole) != during
