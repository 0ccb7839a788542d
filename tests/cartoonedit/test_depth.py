from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cartoonedit.depth import (
    ESTIMATORS,
    POOLS,
    estimate_depth,
    instance_layout,
    plate_depth,
    pool_depth,
    read_depth,
)
from cartoonedit.errors import InvalidInput, ModelNotFound

SIZE = (160, 90)


def blank() -> np.ndarray:
    return np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


class TestLayered:
    def test_the_floor_comes_nearer_towards_the_bottom_and_the_wall_is_far(self) -> None:
        depth = plate_depth(SIZE, 0.45)
        assert depth.shape == (90, 160)
        assert depth.dtype == np.float32
        assert (np.diff(depth[:, 0]) <= 0).all()
        assert depth[0, 0] > 0.99
        assert 0.4 < depth[-1, 0] < 0.5
        assert (depth == depth[:, :1]).all()

    def test_who_stands_lower_is_nearer(self) -> None:
        masks = [box(10, 20, 40, 60), box(60, 20, 90, 70), box(110, 20, 140, 80)]
        _, near = instance_layout(masks, SIZE)
        assert near[0] < near[1] < near[2]

    def test_feet_have_the_depth_of_the_floor_they_touch(self) -> None:
        mask = box(60, 20, 90, 70)
        depth = estimate_depth(blank(), [mask])
        assert depth[40, 75] == pytest.approx(depth[70, 75], abs=0.03)

    def test_cut_by_the_lower_border_is_nearer_than_any_floor(self) -> None:
        masks = [box(10, 30, 50, 90), box(80, 10, 150, 90), box(55, 30, 70, 80)]
        depth = estimate_depth(blank(), masks)
        standing, small, large = depth[60, 60], depth[60, 20], depth[60, 100]
        assert large < small < standing
        outside = np.max(masks, axis=0) == 0
        assert small < depth[outside].min()

    @pytest.mark.parametrize("flipped", [False, True])
    def test_who_covers_the_other_is_nearer(self, flipped: bool) -> None:
        front = box(60, 20, 90, 90)
        rear = box(30, 15, 130, 90)
        rear[front > 0] = 0
        masks = [front, rear][:: -1 if flipped else 1]
        _, near = instance_layout(masks, SIZE)
        near = near[:: -1 if flipped else 1]
        assert near[0] > near[1]

    def test_a_chain_of_covers_is_ordered_throughout(self) -> None:
        masks, hidden = [], np.zeros((90, 160), bool)
        for left, top in ((70, 35), (50, 30), (30, 25), (10, 20)):  # front to back
            mask = box(left, top, left + 60, 90)
            mask[hidden] = 0
            hidden |= mask > 0
            masks.append(mask)
        _, near = instance_layout(masks, SIZE)
        assert near == sorted(near, reverse=True)
        assert all(0 <= value <= 1 for value in near)

    @pytest.mark.parametrize("mask", [box(0, 0, 160, 90), box(5, 5, 6, 6), box(0, 0, 160, 10)])
    def test_odd_instances_stay_in_range(self, mask: np.ndarray) -> None:
        depth = estimate_depth(blank(), [mask])
        assert np.isfinite(depth).all()
        assert 0 <= depth.min() <= depth.max() <= 1
        assert len(np.unique(depth[mask > 0])) == 1

    @pytest.mark.parametrize("size", [(1, 1), (16, 3), (3, 16)])
    def test_tiny(self, size: tuple[int, int]) -> None:
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        whole = np.full((size[1], size[0]), 255, np.uint8)
        for masks in ([], [whole], [whole, np.zeros_like(whole)]):
            assert estimate_depth(picture, masks).shape == whole.shape


class TestPool:
    depth = np.linspace(0, 1, 90, dtype=np.float32)[:, None].repeat(160, axis=1)

    @pytest.mark.parametrize(
        ("how", "expected"), [("mean", 0.5), ("median", 0.5), ("base", 69 / 89)]
    )
    def test_of_a_box(self, how: str, expected: float) -> None:
        assert pool_depth(self.depth, box(10, 20, 30, 70), how) == pytest.approx(expected, abs=0.02)

    def test_mean_weighs_by_alpha(self) -> None:
        mask = np.zeros((90, 160), np.uint8)
        mask[0], mask[89] = 255, 51
        assert pool_depth(self.depth, mask, "mean") == pytest.approx(1 / 6)

    @pytest.mark.parametrize("how", POOLS)
    def test_constant_depth_stays(self, how: str) -> None:
        constant = np.full((90, 160), 0.3, np.float32)
        assert pool_depth(constant, box(3, 4, 9, 60) // 2, how) == pytest.approx(0.3)

    @pytest.mark.parametrize("how", POOLS)
    def test_empty(self, how: str) -> None:
        assert pool_depth(self.depth, box(0, 0, 0, 0), how) == 0.5

    def test_wrong_input(self) -> None:
        with pytest.raises(InvalidInput, match="mean, median, base"):
            pool_depth(self.depth, box(0, 0, 9, 9), "max")
        with pytest.raises(InvalidInput, match="one size"):
            pool_depth(self.depth[:5], box(0, 0, 9, 9))


class TestFiles:
    ramp = np.linspace(0, 1, 160, dtype=np.float32)[None].repeat(90, axis=0)

    def save(self, folder: Path, name: str) -> Path:
        path = folder / name
        if name.endswith(".npy"):
            np.save(path, self.ramp)
        elif "16" in name:
            Image.fromarray(np.rint(self.ramp * 65535).astype(np.uint16)).save(path)
        else:
            Image.fromarray(np.rint(self.ramp * 255).astype(np.uint8)).save(path)
        return path

    @pytest.mark.parametrize("name", ["d8.png", "d16.png", "d.npy"])
    def test_conventions(self, tmp_path: Path, name: str) -> None:
        path = self.save(tmp_path, name)
        tolerance = 1 / 255 if name == "d8.png" else 1e-4
        far = estimate_depth(blank(), [], path)
        near = estimate_depth(blank(), [], str(path), convention="near-white")
        np.testing.assert_allclose(far, self.ramp, atol=tolerance)
        np.testing.assert_allclose(near, 1 - self.ramp, atol=tolerance)
        assert far.dtype == near.dtype == np.float32

    def test_metric_becomes_disparity(self, tmp_path: Path) -> None:
        metres = np.linspace(1, 20, 160, dtype=np.float32)[None].repeat(90, axis=0)
        np.save(tmp_path / "d.npy", metres)
        depth = read_depth(tmp_path / "d.npy", convention="metric")
        assert (np.diff(depth[0]) >= 0).all()
        expected = 1 - (1 / metres - 1 / 20) / (1 - 1 / 20)
        np.testing.assert_allclose(depth, expected, atol=0.12)  # percentiles cut a little

    def test_another_size_is_resized_and_told(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        np.save(tmp_path / "d.npy", self.ramp)
        assert read_depth(tmp_path / "d.npy", (80, 45)).shape == (45, 80)
        assert "resized" in caplog.text

    @pytest.mark.parametrize("value", [0.0, 0.4, 1.0, 7.5, -3.0])
    @pytest.mark.parametrize("convention", ["far-white", "near-white", "metric"])
    def test_constant(self, tmp_path: Path, value: float, convention: str) -> None:
        np.save(tmp_path / "d.npy", np.full((90, 160), value))
        depth = read_depth(tmp_path / "d.npy", convention=convention)
        assert len(np.unique(depth)) == 1
        assert 0 <= depth[0, 0] <= 1

    @pytest.mark.parametrize(
        "array",
        [
            np.zeros((3, 4, 5)),
            np.zeros(0),
            np.full((4, 4), np.nan),
            np.full((4, 4), 1e300),
            np.full((4, 4), "a"),
        ],
    )
    def test_no_depth_map(self, tmp_path: Path, array: np.ndarray) -> None:
        np.save(tmp_path / "d.npy", array)
        with pytest.raises(InvalidInput, match=r"d\.npy"):
            read_depth(tmp_path / "d.npy")

    def test_a_pickle_is_not_run(self, tmp_path: Path) -> None:
        np.save(tmp_path / "d.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(InvalidInput, match="cannot be read"):
            read_depth(tmp_path / "d.npy")

    def test_unknown_names(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="layered, depth-anything-v2-small"):
            estimate_depth(blank(), [], "magic")
        with pytest.raises(InvalidInput, match="far-white, near-white, metric"):
            read_depth(self.save(tmp_path, "d.npy"), convention="inverse")
        with pytest.raises(InvalidInput, match="no picture"):
            estimate_depth(blank(), [], tmp_path / "missing.png")


def test_a_callable_is_an_estimator() -> None:
    expected = np.full((90, 160), 0.25, np.float32)
    depth = estimate_depth(blank(), [], lambda picture, masks, device: expected)
    assert depth is expected


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DepthAnything of random weights, small enough for a test."""
    import torch
    from transformers import (
        DepthAnythingConfig,
        DepthAnythingForDepthEstimation,
        Dinov2Config,
        DPTImageProcessor,
    )

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=8,
        image_size=28,
        patch_size=14,
        out_features=["stage1", "stage2"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        patch_size=14,
        reassemble_hidden_size=8,
        reassemble_factors=[2, 1],
        neck_hidden_sizes=[4, 4],
        fusion_hidden_size=4,
        head_hidden_size=4,
    )
    folder = tmp_path_factory.mktemp("model")
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    size = {"height": 56, "width": 56}
    DPTImageProcessor(size=size, ensure_multiple_of=14).save_pretrained(folder)
    return folder


class TestNetwork:
    def test_a_local_model(self, tiny_model: Path, no_network: None) -> None:
        picture = np.random.default_rng(0).integers(0, 256, (45, 70, 3), dtype=np.uint8)
        depth = estimate_depth(picture, [], str(tiny_model), device="cpu")
        assert depth.shape == (45, 70)
        assert depth.dtype == np.float32
        assert 0 <= depth.min() < depth.max() <= 1
        again = estimate_depth(picture, [], tiny_model, device="cpu")
        np.testing.assert_array_equal(depth, again)

    def test_missing_weights_are_one_clear_error(
        self, no_network: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(ModelNotFound, match="cartoonedit models fetch"):
            estimate_depth(blank(), [], "depth-anything-v2-small", device="cpu")
        assert "depth-anything-v2-small" in ESTIMATORS
