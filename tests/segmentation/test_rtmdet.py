"""The detector's networks against recorded outputs of the reference code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from segmentation.detect import run_network, select
from segmentation.preprocess import letterbox
from segmentation.rtmdet import SIZES, RawOutputs, RTMDetIns
from tests.segmentation.recipe import recipe_image, recipe_weights
from tests.segmentation.test_detect import assert_masks_agree, unpack_masks

RELATIVE = 3e-4


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "fixtures" / "segmentation"


def close(actual: torch.Tensor, expected: np.ndarray) -> None:
    scale = max(float(np.abs(expected).max()), 1e-6)
    np.testing.assert_allclose(actual.numpy(), expected, rtol=0, atol=RELATIVE * scale)


@pytest.mark.parametrize("size", ["nano", "tiny", "s", "l"])
def test_state_dict_has_the_released_names_and_shapes(folder: Path, size: str) -> None:
    with torch.device("meta"):
        state = RTMDetIns(size).state_dict()
    entries = json.loads((folder / "keys" / f"rtmdet_ins_{size}.json").read_text())
    assert {name: list(t.shape) for name, t in state.items()} == {
        e["name"]: e["shape"] for e in entries
    }


@pytest.mark.parametrize("size", ["m", "x"])
def test_other_sizes_run(size: str) -> None:
    with torch.device("meta"):
        out = RTMDetIns(size)(torch.zeros(1, 3, 64, 96))
    assert out.prototypes.shape == (1, 8, 8, 12)
    assert [x.shape[2:] for x in out.kernels] == [(8, 12), (4, 6), (2, 3)]


def test_an_unknown_size_is_named() -> None:
    with pytest.raises(ValueError, match=f"{', '.join(SIZES)}; got 'huge'"):
        RTMDetIns("huge")


def test_every_stage_of_the_small_network(folder: Path) -> None:
    net = RTMDetIns("nano").eval()
    net.load_state_dict(load_file(folder / "rtmdet_ins_nano_weights.safetensors"))
    with np.load(folder / "rtmdet_ins_nano.npz") as expected, torch.inference_mode():
        features = net.backbone(torch.from_numpy(expected["input"]))
        merged = net.neck(features)
        out = net.bbox_head(merged)
        for i in range(3):
            close(features[i], expected[f"backbone{i}"])
            close(merged[i], expected[f"neck{i}"])
            close(out.logits[i], expected[f"cls{i}"])
            close(out.distances[i], expected[f"bbox{i}"])
            close(out.kernels[i], expected[f"kernel{i}"])
        close(out.prototypes, expected["mask_feat"])


def test_every_module_of_the_small_network(folder: Path) -> None:
    net = RTMDetIns("nano").eval()
    net.load_state_dict(load_file(folder / "rtmdet_ins_nano_weights.safetensors"))
    seen: dict[str, torch.Tensor] = {}
    for name, module in net.named_modules():

        def keep(_m: object, _i: object, out: object, name: str = name) -> None:
            if isinstance(out, torch.Tensor):
                seen[name] = out.clone()

        module.register_forward_hook(keep)
    with np.load(folder / "rtmdet_ins_nano.npz") as arrays, torch.inference_mode():
        net(torch.from_numpy(arrays["input"][:1]))
    with np.load(folder / "rtmdet_ins_nano_acts.npz") as expected:
        names = [name for name in expected.files if name in seen]
        assert len(names) > 100
        for name in names:
            close(seen[name], expected[name])


def as_recorded(actual: torch.Tensor, expected: np.lib.npyio.NpzFile, name: str) -> None:
    """Compare whole, subsampled or summarised, whichever was recorded."""
    if name in expected.files:
        close(actual, expected[name])
    if f"{name}_sub" in expected.files:
        sub = expected[f"{name}_sub"]
        steps = [
            next(s for s in range(1, 65) if len(range(0, n, s)) == m)
            for n, m in zip(actual.shape, sub.shape, strict=True)
        ]
        options = [actual[:, :: steps[1], a :: steps[2], b :: steps[3]]
                   for a in range(steps[2]) for b in range(steps[3])]  # fmt: skip
        errors = [float(np.abs(o.numpy() - sub).max()) for o in options if o.shape == sub.shape]
        assert min(errors) <= RELATIVE * np.abs(sub).max()
    if f"{name}_stats" in expected.files:
        flat = actual.flatten(2)
        stats = torch.stack((flat.mean(2), flat.std(2), flat.amax(2)), dim=2)
        close(stats, expected[f"{name}_stats"])


@pytest.mark.parametrize(("size", "side"), [("tiny", 320), ("s", 320), ("l", 640)])
@pytest.mark.slow
def test_whole_pipeline_of_the_rebuilt_networks(folder: Path, size: str, side: int) -> None:
    net = RTMDetIns(size).eval()
    net.load_state_dict(
        recipe_weights(
            folder / "keys" / f"rtmdet_ins_{size}.json", folder / f"bnstats_rtmdet_ins_{size}.npz"
        )
    )
    with np.load(folder / f"rtmdet_ins_{size}.npz") as expected:
        name, height, width = expected["image_recipe"].tolist()
        picture = recipe_image(name, int(height), int(width))
        square, _ = letterbox(picture, side)
        if "input_u8" in expected.files:
            np.testing.assert_array_equal(square.transpose(2, 0, 1)[None], expected["input_u8"])
        # The recipe's picture is BGR as the reference reads it; ours enters as RGB.
        rgb = np.ascontiguousarray(picture[..., ::-1])
        with torch.inference_mode():
            raw, (geometry,) = run_network(net, [rgb], side)
        check_raw(raw, expected)
        found = select(raw, 0, geometry, canvas="reference")
        assert len(found) == len(expected["scores"])
        np.testing.assert_allclose(found.scores, expected["scores"], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(
            found.boxes_xyxy, expected["bboxes"], rtol=2e-4, atol=2e-4 * max(picture.shape)
        )
        assert_masks_agree(found.masks, unpack_masks(expected, "masks"))


def check_raw(raw: RawOutputs, expected: np.lib.npyio.NpzFile) -> None:
    for i in range(3):
        as_recorded(raw.logits[i], expected, f"cls{i}")
        as_recorded(raw.distances[i], expected, f"bbox{i}")
        as_recorded(raw.kernels[i], expected, f"kernel{i}")
    as_recorded(raw.prototypes, expected, "mask_feat")
