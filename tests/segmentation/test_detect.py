"""Letterboxing, decoding, suppression and masks against the reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from segmentation.detect import (
    Candidates,
    detect,
    gather_candidates,
    paste_masks,
    quantised,
    select,
    suppress,
)
from segmentation.preprocess import Letterbox, letterbox, letterbox_geometry, normalise
from segmentation.rtmdet import RawOutputs, RTMDetIns, dynamic_mask_logits
from tests.segmentation.recipe import recipe_weights


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "fixtures" / "segmentation"


def unpack_masks(arrays: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    """Masks that were stored one packed row each."""
    _, height, width = arrays[f"{name}_shape"]
    rows = np.unpackbits(arrays[f"{name}_packed"], axis=1)[:, : height * width]
    return rows.reshape(-1, height, width).astype(bool)


def assert_masks_agree(actual: np.ndarray, expected: np.ndarray, share: float = 1e-4) -> None:
    assert actual.shape == expected.shape
    assert (actual != expected).mean() <= share


def recorded_raw(arrays: np.lib.npyio.NpzFile) -> RawOutputs:
    def levels(name: str) -> list[torch.Tensor]:
        return [torch.from_numpy(arrays[f"{name}{i}"]) for i in range(3)]

    return RawOutputs(
        levels("cls"), levels("bbox"), levels("kernel"), torch.from_numpy(arrays["mask_feat"])
    )


@pytest.mark.parametrize("index", [0, 1])
def test_decisions_from_recorded_raw_outputs(folder: Path, index: int) -> None:
    with np.load(folder / "rtmdet_ins_nano.npz") as arrays:
        raw = recorded_raw(arrays)
        height, width = arrays[f"r{index}_ori_shape"].tolist()
        scale_w, scale_h = arrays[f"r{index}_scale_factor_wh"].tolist()
        _, _, input_h, input_w = arrays["input"].shape
        scaled_wh = (round(width * scale_w), round(height * scale_h))
        geometry = Letterbox((width, height), scaled_wh, (input_w, input_h))
        found = gather_candidates(raw, index, geometry)
        kept = suppress(found)
        boxes, scores = arrays[f"r{index}_nms_in_boxes"], arrays[f"r{index}_nms_in_scores"]
        np.testing.assert_allclose(found.boxes_xyxy.numpy(), boxes, rtol=1e-6, atol=1e-4)
        np.testing.assert_array_equal(found.scores.numpy(), scores)
        recorded = arrays[f"r{index}_nms_keep"][:100]
        np.testing.assert_array_equal(kept.numpy(), recorded)
        final = found[kept]
        np.testing.assert_allclose(final.priors[:, :2].numpy(), arrays[f"r{index}_priors"][:, :2])
        logits = dynamic_mask_logits(raw.prototypes[index], final.kernels, final.priors)
        expected = arrays[f"r{index}_mask_logits_stride8"]
        np.testing.assert_allclose(
            logits[: len(expected)].numpy(), expected, atol=3e-4 * np.abs(expected).max()
        )


def test_suppression_of_recorded_candidates(folder: Path) -> None:
    with np.load(folder / "rtmdet_ins_tiny.npz") as arrays:
        boxes = torch.from_numpy(arrays["nms_in_boxes"])
        scores = torch.from_numpy(arrays["nms_in_scores"])
        found = Candidates(boxes, scores, boxes[:, :3], boxes[:, :0])
        np.testing.assert_array_equal(suppress(found, limit=1000).numpy(), arrays["nms_keep"])


@pytest.mark.parametrize("index", range(6))
def test_any_shape_from_picture_to_masks(folder: Path, index: int) -> None:
    net = RTMDetIns("nano").eval()
    net.load_state_dict(
        recipe_weights(folder / "keys/rtmdet_ins_nano.json", folder / "bnstats_rtmdet_ins_nano.npz")
    )
    with np.load(folder / "preprocess.npz") as arrays:
        bgr = arrays[f"image{index}"]
        square, geometry = letterbox(bgr, 160)
        np.testing.assert_array_equal(square.transpose(2, 0, 1), arrays[f"letterbox{index}"])
        np.testing.assert_allclose(geometry.scale_wh, arrays[f"scale_factor_wh{index}"], rtol=1e-12)
        found = detect(net, np.ascontiguousarray(bgr[..., ::-1]), size=160, canvas="reference")
        assert_same_boxes(found.boxes_xyxy, arrays[f"bboxes{index}"])
        shape = tuple(arrays[f"masks_shape{index}"])
        assert found.masks.shape == shape
        stored = arrays[f"masks_packed{index}"]
        pixels = shape[1] * shape[2]
        expected = np.unpackbits(stored, axis=1)[:, :pixels].reshape(-1, *shape[1:]).astype(bool)
        assert_masks_agree(found.masks[: len(expected)], expected)


def assert_same_boxes(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=2e-4 * np.abs(expected).max())


def test_letterbox_geometry_of_the_reference(folder: Path) -> None:
    for row in json.loads((folder / "letterbox640.json").read_text()):
        geometry = letterbox_geometry((row["w"], row["h"]), 640)
        assert geometry.scaled_wh == (row["new_w"], row["new_h"])
        assert geometry.scale_wh == pytest.approx((row["scale_w"], row["scale_h"]), rel=1e-12)
        masks = paste_masks(torch.zeros(1, 80, 80), geometry, "reference")
        assert masks.shape[1:] == tuple(row["mask_out_hw"])


def test_the_exact_canvas_agrees_with_the_reference_on_ordinary_pictures() -> None:
    logits = torch.randn(2, 8, 40, 40, generator=torch.Generator().manual_seed(0))[:, 0]
    geometry = letterbox_geometry((311, 233), 320)
    exact, reference = (paste_masks(logits, geometry, canvas) for canvas in ("exact", "reference"))
    assert exact.shape == reference.shape == (2, 233, 311)
    assert ((exact > 127) != (reference > 127)).mean() < 0.01


@given(st.floats(0, 1, width=32))
@example(0.5)
@example(float(np.nextafter(np.float32(0.5), np.float32(1))))
@example(float(np.nextafter(np.float32(0.5), np.float32(0))))
def test_bytes_tell_the_likelier_half_exactly(probability: float) -> None:
    (byte,) = quantised(torch.tensor([probability])).tolist()
    assert (byte > 127) == (probability > 0.5)
    assert abs(byte / 255 - probability) < 1 / 128


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([32, 160, 640]))
def test_letterboxed_pictures_fit_and_masks_have_their_size(
    width: int, height: int, side: int
) -> None:
    geometry = letterbox_geometry((width, height), side)
    assert max(geometry.scaled_wh) == side
    assert min(geometry.scaled_wh) >= 1
    if width * height < 400_000:
        masks = paste_masks(torch.ones(1, side // 8, side // 8), geometry)
        assert masks.shape == (1, height, width)
        assert masks.all()


def test_nothing_above_the_threshold_gives_no_masks() -> None:
    empty = [torch.full((1, 1, n, n), -20.0) for n in (4, 2, 1)]
    zeros = [torch.zeros(1, 4, n, n) for n in (4, 2, 1)]
    kernels = [torch.zeros(1, 169, n, n) for n in (4, 2, 1)]
    raw = RawOutputs(empty, zeros, kernels, torch.zeros(1, 8, 4, 4))
    found = select(raw, 0, letterbox_geometry((30, 20), 32))
    assert found.boxes_xyxy.shape == (0, 4)
    assert found.masks.shape == (0, 20, 30)


def test_normalisation_is_of_bgr() -> None:
    picture = torch.tensor([103.53, 116.28, 123.675]).view(1, 3, 1, 1)
    assert normalise(picture).abs().max() < 1e-6


def test_averaging_does_not_alias() -> None:
    """A fine chequered pattern becomes grey, not a coarse pattern."""
    y, x = np.indices((300, 300)) // 2
    pattern = np.repeat((255 * ((x + y) % 2))[..., None], 3, 2).astype(np.uint8)
    picked, _ = letterbox(pattern, 64)
    averaged, geometry = letterbox(pattern, 64, averaging=True)
    assert picked.std() > 60
    assert averaged.std() < 30
    assert geometry.scaled_wh == (64, 64)
    small = pattern[:40, :40]
    assert np.array_equal(letterbox(small, 64)[0], letterbox(small, 64, averaging=True)[0])
