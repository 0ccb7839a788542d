from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cartoonedit.depth import estimate_depth, networks
from cartoonedit.errors import InvalidInput, ModelNotFound

PICTURE = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8), (70, 45))


def backbone(**changes: Any) -> Any:
    from transformers import Dinov2Config

    return Dinov2Config(
        **{
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 8,
            "image_size": 28,
            "patch_size": 14,
            "out_features": ["stage1", "stage2"],
            "reshape_hidden_states": False,
        }
        | changes
    )


def depth_anything(**changes: Any) -> Any:
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    config = DepthAnythingConfig(
        backbone_config=backbone(),
        patch_size=14,
        reassemble_hidden_size=8,
        reassemble_factors=[2, 1],
        neck_hidden_sizes=[4, 4],
        fusion_hidden_size=4,
        head_hidden_size=4,
        **changes,
    )
    return DepthAnythingForDepthEstimation(config)


def zoe() -> Any:
    from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation

    beit = BeitConfig(
        hidden_size=8,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=32,
        patch_size=16,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = ZoeDepthConfig(
        backbone_config=beit,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        bottleneck_features=8,
        num_relative_features=4,
        bin_embedding_dim=8,
        num_attractors=[4, 2, 1, 1],
        bin_configurations=[{"n_bins": 4, "min_depth": 0.001, "max_depth": 10.0}],
    )
    return ZoeDepthForDepthEstimation(config)


def dpt(**changes: Any) -> Any:
    from transformers import DPTConfig, DPTForDepthEstimation

    config = DPTConfig(
        **{
            "hidden_size": 8,
            "num_hidden_layers": 4,
            "num_attention_heads": 2,
            "intermediate_size": 8,
            "image_size": 32,
            "patch_size": 16,
            "backbone_out_indices": [0, 1, 2, 3],
            "neck_hidden_sizes": [8, 8, 8, 8],
            "fusion_hidden_size": 8,
        }
        | changes
    )
    return DPTForDepthEstimation(config)


def dpt_of_metres() -> Any:
    stages = [f"stage{i}" for i in range(1, 5)]
    return dpt(backbone_config=backbone(num_hidden_layers=4, out_features=stages), patch_size=14)


def depth_pro() -> Any:
    from transformers import DepthProConfig, DepthProForDepthEstimation

    def vit() -> dict[str, Any]:
        return {
            "model_type": "dinov2",
            "hidden_size": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 8,
            "image_size": 16,
            "patch_size": 4,
        }

    config = DepthProConfig(
        patch_size=16,
        fusion_hidden_size=8,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_feature_dims=[8, 8, 8],
        image_model_config=vit(),
        patch_model_config=vit(),
        fov_model_config=vit(),
    )
    return DepthProForDepthEstimation(config)


def processor(kind: str) -> Any:
    from transformers import DepthProImageProcessor, DPTImageProcessor, ZoeDepthImageProcessor

    if kind == "zoe":
        return ZoeDepthImageProcessor(size={"height": 32, "width": 32}, ensure_multiple_of=16)
    if kind == "depth_pro":
        return DepthProImageProcessor(size={"height": 64, "width": 64})
    size = {"height": 56, "width": 56}
    return DPTImageProcessor(size=size, ensure_multiple_of=14 if "any" in kind else 16)


MODELS: dict[str, tuple[Callable[[], Any], bool]] = {
    "depth_anything": (depth_anything, False),
    "depth_anything_of_metres": (
        lambda: depth_anything(depth_estimation_type="metric", max_depth=20),
        True,
    ),
    "zoe": (zoe, True),
    "dpt": (dpt, False),
    "dpt_of_metres": (dpt_of_metres, True),
    "depth_pro": (depth_pro, True),
}


@pytest.fixture(scope="module", params=MODELS)
def model(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, bool, str]:
    """A network of random weights, small enough for a test, and whether it predicts distance."""
    import torch

    torch.manual_seed(0)
    build, metric = MODELS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    network = build()
    with torch.no_grad():  # random networks of a relative kind end in nothing but zeros
        for parameter in network.parameters():
            parameter.normal_(0.05, 0.2)
    network.save_pretrained(folder)
    processor(request.param).save_pretrained(folder)
    return folder, metric, request.param


def predicted(folder: Path) -> np.ndarray:
    """What the model says, run as the documentation of transformers does."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    prepare = AutoImageProcessor.from_pretrained(folder)
    network = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    with torch.no_grad():
        outputs = network(**prepare(images=PICTURE, return_tensors="pt"))
    sizes = [PICTURE.shape[:2]]
    name = "source_sizes" if network.config.model_type == "zoedepth" else "target_sizes"
    result = prepare.post_process_depth_estimation(outputs, **{name: sizes})
    return result[0]["predicted_depth"].double().numpy()


@pytest.mark.usefixtures("no_network")
def test_each_model_by_its_own_convention(model: tuple[Path, bool, str]) -> None:
    folder, metric, _ = model
    depth = estimate_depth(PICTURE, [], str(folder), device="cpu")
    assert depth.shape == (45, 70) and depth.dtype == np.float32
    assert 0 <= depth.min() < depth.max() <= 1
    values = predicted(folder)
    assert values.shape == (45, 70)
    disparity = 1 / values if metric else values
    low, high = np.percentile(disparity, (1, 99))
    expected = 1 - np.clip((disparity - low) / (high - low), 0, 1)
    np.testing.assert_allclose(depth, expected, atol=2e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("model")
    depth_anything().save_pretrained(target)
    processor("depth_anything").save_pretrained(target)
    return target


@pytest.mark.usefixtures("no_network")
def test_a_folder_of_pictures_loads_the_model_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers

    calls = []
    real = transformers.AutoModelForDepthEstimation.from_pretrained

    def count(*args: Any, **options: Any) -> Any:
        calls.append(args)
        return real(*args, **options)

    monkeypatch.setattr(transformers.AutoModelForDepthEstimation, "from_pretrained", count)
    monkeypatch.setattr(networks, "_held", {})
    first, second = (estimate_depth(PICTURE, [], folder, device="cpu") for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(calls) == 1


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "repo"),
    [
        ("depth-anything-v2-small", "depth-anything/Depth-Anything-V2-Small-hf"),
        ("someone/their-depth-v1.5", "someone/their-depth-v1.5"),
    ],
)
def test_a_fetched_repository(
    folder: Path, put: Callable[[str, str, Path], Path], name: str, repo: str
) -> None:
    for file in folder.iterdir():
        put(repo, file.name, file)
    by_name = estimate_depth(PICTURE, [], name, device="cpu")
    np.testing.assert_array_equal(by_name, estimate_depth(PICTURE, [], folder, device="cpu"))


@pytest.mark.usefixtures("no_network")
def test_a_pickle_is_refused(folder: Path, tmp_path: Path, malicious: tuple[Path, Path]) -> None:
    weights, trace = malicious
    copy = tmp_path / "model"
    copy.mkdir()
    for file in folder.glob("*.json"):
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "pytorch_model.bin").write_bytes(weights.read_bytes())
    with pytest.raises(ModelNotFound, match=r"model\.safetensors"):
        estimate_depth(PICTURE, [], copy, device="cpu")
    assert not trace.exists()


@pytest.mark.usefixtures("no_network")
def test_code_of_the_model_is_refused(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "was-run"
    copy = tmp_path / "model"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    config = json.loads((copy / "config.json").read_text())
    config["model_type"] = "unheard-of"
    config["auto_map"] = {
        "AutoConfig": "code.Config",
        "AutoModelForDepthEstimation": "code.Network",
    }
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "code.py").write_text(f"open({str(trace)!r}, 'w')")
    with pytest.raises(InvalidInput, match="code of the model's own"):
        estimate_depth(PICTURE, [], copy, device="cpu")
    assert not trace.exists()


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("files", [(), ("config.json",), ("config.json", "model.safetensors")])
def test_an_incomplete_folder(folder: Path, tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises((ModelNotFound, InvalidInput), match="depth model"):
        estimate_depth(PICTURE, [], tmp_path, device="cpu")
