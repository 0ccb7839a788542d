"""The detector's losses and its assignment against recorded values of the reference code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from segmentation.assign import assign, dynamic_k_matching, matching_cost, pairwise_iou
from segmentation.losses import (
    BOX_WEIGHT,
    MASK_WEIGHT,
    Targets,
    centres_of_mass,
    detector_loss,
    dice_loss,
    giou_loss,
    quality_focal_loss,
)
from segmentation.preprocess import normalise
from segmentation.rtmdet import STRIDES, RawOutputs, RTMDetIns, decode_boxes, level_priors

Arrays = np.lib.npyio.NpzFile


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "fixtures" / "segmentation"


@pytest.fixture
def recorded(folder: Path) -> Arrays:
    return np.load(folder / "train_loss.npz")


def raw_outputs(arrays: Arrays) -> RawOutputs:
    def levels(name: str) -> list[torch.Tensor]:
        return [torch.from_numpy(arrays[f"{name}{i}"]).requires_grad_() for i in range(3)]

    prototypes = torch.from_numpy(arrays["mask_feat"]).requires_grad_()
    return RawOutputs(levels("cls"), levels("bbox"), levels("kernel"), prototypes)


def targets(arrays: Arrays, ignore: dict[int, int] | None = None) -> list[Targets]:
    height, width = (8 * n for n in arrays["mask_feat"].shape[2:])
    result = []
    for i in range(3):
        boxes = torch.from_numpy(arrays[f"gt{i}_bboxes"])
        bits = np.unpackbits(arrays[f"gt{i}_masks"], axis=1)[:, : height * width]
        masks = torch.from_numpy(
            bits.reshape(len(boxes), *((height, width) if len(boxes) else (0, 0)))
        )
        ignored = torch.zeros(len(boxes), dtype=torch.bool)
        if ignore and i in ignore:
            ignored[ignore[i]] = True
        result.append(Targets(boxes, masks, ignored))
    return result


@pytest.mark.parametrize(("variant", "ignore"), [("official", None), ("custom", {1: 1})])
def test_losses_and_gradients(
    recorded: Arrays, variant: str, ignore: dict[int, int] | None
) -> None:
    raw = raw_outputs(recorded)
    loss = detector_loss(raw, targets(recorded, ignore))
    loss.total.backward()
    np.testing.assert_allclose(loss.confidence.detach(), recorded[f"{variant}_loss_cls"], rtol=1e-5)
    np.testing.assert_allclose(loss.box.detach(), recorded[f"{variant}_loss_bbox"], rtol=1e-5)
    np.testing.assert_allclose(loss.mask.detach(), recorded[f"{variant}_loss_mask"], rtol=1e-5)
    np.testing.assert_allclose(loss.total.detach(), recorded[f"{variant}_total"], rtol=1e-5)
    tensors = {f"cls{i}": x for i, x in enumerate(raw.logits)}
    tensors |= {f"bbox{i}": x for i, x in enumerate(raw.distances)}
    tensors |= {f"kernel{i}": x for i, x in enumerate(raw.kernels)}
    tensors["mask_feat"] = raw.prototypes
    for name, tensor in tensors.items():
        assert tensor.grad is not None
        expected = recorded[f"{variant}_grad_{name}"]
        np.testing.assert_allclose(
            tensor.grad, expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


@pytest.mark.parametrize("index", [0, 1])
def test_assignment(recorded: Arrays, index: int) -> None:
    raw, target = raw_outputs(recorded), targets(recorded)[index]
    priors = torch.cat(
        [level_priors(*x.shape[2:], s, torch.device("cpu"))
         for x, s in zip(raw.logits, STRIDES, strict=True)]
    )  # fmt: skip
    logits = torch.cat([x[index].detach().flatten() for x in raw.logits])
    boxes = decode_boxes(
        priors, torch.cat([x[index].detach().flatten(1).t() for x in raw.distances])
    )
    valid = torch.from_numpy(recorded[f"assign{index}_valid"])
    ious = pairwise_iou(boxes[valid], target.boxes)
    np.testing.assert_allclose(ious, recorded[f"assign{index}_ious"], rtol=1e-5, atol=1e-7)
    centres = centres_of_mass(target.masks)
    cost = matching_cost(priors[valid], logits[valid], ious, centres)
    np.testing.assert_allclose(cost, recorded[f"assign{index}_cost"], rtol=2e-5)
    found = assign(priors, logits, boxes, target.boxes, centres)
    foreground = valid.nonzero().squeeze(1)[torch.from_numpy(recorded[f"assign{index}_fg"])[valid]]
    np.testing.assert_array_equal(found.priors, foreground)
    np.testing.assert_array_equal(found.targets, recorded[f"assign{index}_matched"])
    np.testing.assert_allclose(found.ious, recorded[f"assign{index}_miou"], rtol=1e-5)


def test_a_contested_prior_goes_to_the_cheapest_of_all() -> None:
    ious = torch.tensor([[0.9, 0.8, 0.1], [0.2, 0.9, 0.1]])
    # Wanted by the first two, but the third, which did not ask for it, is cheapest.
    cost = torch.tensor([[1.0, 2.0, 0.5], [9.0, 9.0, 0.1]])
    candidates, owners = dynamic_k_matching(cost, ious)
    assert dict(zip(candidates.tolist(), owners.tolist(), strict=True))[0] == 2


def test_elementary_losses(folder: Path) -> None:
    with np.load(folder / "losses_mmdet.npz") as a:
        logit, score = torch.from_numpy(a["q_logit"])[:, 0], torch.from_numpy(a["q_score"])
        positive = torch.from_numpy(a["q_label"]) == 0
        quality = torch.where(positive, score, torch.zeros(()))
        np.testing.assert_allclose(
            quality_focal_loss(logit, quality), a["q_none"], rtol=1e-5, atol=1e-7
        )
        giou = giou_loss(torch.from_numpy(a["g_pred"]), torch.from_numpy(a["g_target"]))
        np.testing.assert_allclose(BOX_WEIGHT * giou, a["g_none"], rtol=1e-5, atol=1e-6)
        dice = dice_loss(torch.from_numpy(a["d_logit"]), torch.from_numpy(a["d_target"]))
        np.testing.assert_allclose(MASK_WEIGHT * dice, a["d_none"], rtol=1e-5)


def test_a_training_step_of_the_whole_network(folder: Path) -> None:
    net = RTMDetIns("nano").train()
    net.load_state_dict(load_file(folder / "rtmdet_ins_nano_weights.safetensors"))
    with (
        np.load(folder / "rtmdet_ins_nano.npz") as arrays,
        np.load(folder / "train_loss.npz") as gts,
    ):
        x = torch.from_numpy(arrays["input"])
        truth = targets(gts)[:2]
    with np.load(folder / "train_step_nano.npz") as expected:
        loss = detector_loss(net(x), truth)
        loss.total.backward()
        np.testing.assert_allclose(loss.total.detach(), expected["total"], rtol=1e-4)
        np.testing.assert_allclose(loss.mask.detach(), expected["loss_mask"], rtol=1e-4)
        gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        for name, norm in zip(expected["grad_names"], expected["grad_norms"], strict=True):
            if str(name) in gradients:
                np.testing.assert_allclose(
                    gradients[str(name)].double().norm(),
                    norm,
                    rtol=2e-3,
                    atol=1e-4,
                    err_msg=str(name),
                )
        state = net.state_dict()
        for key in expected.files:
            kind, _, name = key.partition(":")
            if kind == "grad":
                scale = np.abs(expected[key]).max()
                np.testing.assert_allclose(
                    gradients[name], expected[key], rtol=0, atol=2e-3 * scale
                )
            elif kind == "after":
                np.testing.assert_allclose(state[name], expected[key], rtol=1e-4, atol=1e-5)


def test_a_batch_without_characters_can_be_learnt_from() -> None:
    net = RTMDetIns("nano").train()
    empty = Targets(torch.zeros(0, 4), torch.zeros(0, 64, 64, dtype=torch.uint8))
    loss = detector_loss(net(normalise(torch.zeros(2, 3, 64, 64))), [empty, empty])
    loss.total.backward()
    assert loss.box.sum() == loss.mask == 0
    assert loss.confidence.sum() > 0
    assert all(p.grad is not None for p in net.bbox_head.mask_head.parameters())
