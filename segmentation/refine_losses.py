"""Losses of the refinement stage (paper section 4.2, equations 5-7).

Where the paper's words and the published code differ, these follow the code, because the released
weights do: the finest side map counts five times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 15
FINEST_WEIGHT = 5.0


def pixel_weight(target: Tensor, window: int = WINDOW) -> Tensor:
    """`W = 1 + 5 |AvgPool(M) - M|`, large where a pixel differs from its neighbourhood.

    Args:
        target: `(N, C, H, W)` 0..1.
        window: Side of the neighbourhood in pixels, odd. The zero padding counts in the average.
    """
    # Along rows, then along columns: the same mean for a fraction of the additions.
    rows = F.avg_pool2d(target, (1, window), stride=1, padding=(0, window // 2))
    neighbourhood = F.avg_pool2d(rows, (window, 1), stride=1, padding=(window // 2, 0))
    return 1 + 5 * (neighbourhood - target).abs()


def structure_loss(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Pixel-position-aware loss: BCE and IoU, weighted towards edges and fine parts (equation 6).

    Args:
        logits: `(N, C, H, W)`.
        target: 0..1; resized bilinearly (align_corners True) if its size differs from the logits'.
        weight: `pixel_weight` of the target, where it is known already.

    Returns:
        The mean over samples and channels of weighted BCE + weighted (1 - IoU).
    """
    if target.shape[-2:] != logits.shape[-2:]:
        target = F.interpolate(target, logits.shape[-2:], mode="bilinear", align_corners=True)
        weight = None
    if weight is None:
        weight = pixel_weight(target)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    weighted_bce = (weight * bce).sum((2, 3)) / weight.sum((2, 3))
    probability = logits.sigmoid()
    intersection = (probability * target * weight).sum((2, 3))
    total = ((probability + target) * weight).sum((2, 3))
    weighted_iou = 1 - (intersection + 1) / (total - intersection + 1)
    return (weighted_bce + weighted_iou).mean()


def gt_encoder_loss(side_logits: Sequence[Tensor], target: Tensor) -> Tensor:
    """Loss of the ground-truth encoder: the structure losses of its side maps, added."""
    weight = pixel_weight(target)
    return torch.stack([structure_loss(logits, target, weight) for logits in side_logits]).sum()


def _kl_divergence(feature: Tensor, reference: Tensor) -> Tensor:
    own, target = F.log_softmax(feature, dim=1), F.softmax(reference, dim=1)
    return F.kl_div(own, target, reduction="none").mean()


FEATURE_DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": F.mse_loss,
    "kl": _kl_divergence,
    "mae": F.l1_loss,
    "smooth-l1": F.smooth_l1_loss,
}


def feature_loss(
    features: Sequence[Tensor], references: Sequence[Tensor], distance: str = "mse"
) -> Tensor:
    """Distance between the network's features and the ground-truth encoder's (equation 5).

    Args:
        features: Of `ISNet`, one per level.
        references: Of `GTEncoder`, of the same shapes; usually detached.
        distance: A name in `FEATURE_DISTANCES`.
    """
    measure = FEATURE_DISTANCES[distance]
    pairs = zip(features, references, strict=True)
    return torch.stack([measure(feature, reference) for feature, reference in pairs]).sum()


def refine_loss(
    side_logits: Sequence[Tensor],
    target: Tensor,
    features: Sequence[Tensor] | None = None,
    references: Sequence[Tensor] | None = None,
    *,
    distance: str = "mse",
    ppa: bool = True,
) -> tuple[Tensor, Tensor]:
    """The refinement network's whole loss (equation 7).

    Args:
        side_logits: d1..d6, finest first.
        target: True masks `(N, 1, H, W)`, 0..1.
        features: Of the network.
        references: Of the ground-truth encoder. Both or neither.
        distance: A name in `FEATURE_DISTANCES`.
        ppa: Weigh pixels by their position; otherwise all count the same, as in the paper's
            ablation.

    Returns:
        The finest map's share (already counted five times) and the total.
    """
    weight = pixel_weight(target) if ppa else torch.ones_like(target)
    losses = [structure_loss(logits, target, weight) for logits in side_logits]
    finest = FINEST_WEIGHT * losses[0]
    total = finest + torch.stack(losses[1:]).sum()
    if features is not None and references is not None:
        total = total + feature_loss(features, references, distance)
    return finest, total
