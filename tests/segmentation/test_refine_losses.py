"""The refinement losses against values and gradients of the reference code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from segmentation.refine_losses import (
    FEATURE_DISTANCES,
    feature_loss,
    gt_encoder_loss,
    refine_loss,
    structure_loss,
)

Recorded = dict[str, torch.Tensor]
NAMES = {"mse": "MSE", "kl": "KL", "mae": "MAE", "smooth-l1": "SmoothL1"}


@pytest.fixture
def recorded(shared: Path) -> Recorded:
    with np.load(shared / "fixtures/segmentation/losses_refine.npz") as stored:
        return {name: torch.as_tensor(stored[name]) for name in stored.files}


def levels(recorded: Recorded, kind: str) -> list[torch.Tensor]:
    return [recorded[f"{kind}{i}"].clone().requires_grad_() for i in range(6)]


def test_structure_loss(recorded: Recorded) -> None:
    target, finest = recorded["target"], recorded["pred0"]
    each = torch.stack([structure_loss(finest[i : i + 1], target[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(structure_loss(finest, target), recorded["structure_loss_p0"])
    torch.testing.assert_close(each, recorded["structure_loss_each_sample"])
    smaller = structure_loss(recorded["pred3"], target)
    torch.testing.assert_close(smaller, recorded["structure_loss_p3_resized_target"])


def test_gt_encoder_loss(recorded: Recorded) -> None:
    total = gt_encoder_loss(levels(recorded, "pred"), recorded["target"])
    torch.testing.assert_close(total, recorded["gt_encoder_loss"])


def test_refine_loss_without_features(recorded: Recorded) -> None:
    finest, total = refine_loss(levels(recorded, "pred"), recorded["target"])
    torch.testing.assert_close(finest, recorded["dis_loss0"])
    torch.testing.assert_close(total, recorded["dis_loss"])


def test_refine_loss_and_its_gradients(recorded: Recorded) -> None:
    sides, features = levels(recorded, "pred"), levels(recorded, "df")
    references = [recorded[f"fs{i}"] for i in range(6)]
    finest, total = refine_loss(sides, recorded["target"], features, references)
    torch.testing.assert_close(finest, recorded["dis_fs_loss0"])
    torch.testing.assert_close(total, recorded["dis_fs_loss"])
    total.backward()
    for i in range(6):
        torch.testing.assert_close(sides[i].grad, recorded[f"grad_pred{i}"])
        torch.testing.assert_close(features[i].grad, recorded[f"grad_df{i}"])


@pytest.mark.parametrize("distance", FEATURE_DISTANCES)
def test_feature_distances(recorded: Recorded, distance: str) -> None:
    references = [recorded[f"fs{i}"] for i in range(6)]
    sides, features = levels(recorded, "pred"), levels(recorded, "df")
    _, total = refine_loss(sides, recorded["target"], features, references, distance=distance)
    torch.testing.assert_close(total, recorded[f"dis_kl_{NAMES[distance]}"])


def test_feature_loss_refuses_different_numbers_of_levels(recorded: Recorded) -> None:
    features = levels(recorded, "df")
    with pytest.raises(ValueError, match="shorter"):
        feature_loss(features, features[:5])
