"""Losses of the first stage: equations 1-4 of section 4.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from segmentation.assign import Assignment, assign
from segmentation.rtmdet import (
    STRIDES,
    RawOutputs,
    decode_boxes,
    dynamic_mask_logits,
    level_priors,
)

BOX_WEIGHT = 2.0
CONFIDENCE_WEIGHT = 1.0
MASK_WEIGHT = 2.0
MASK_STRIDE = 4
"""Mask loss is taken at this stride; the paper says 320 squared, the reference code this."""


@dataclass
class Targets:
    """The characters of one picture.

    Attributes:
        boxes: ``(G, 4)`` xyxy in input pixels.
        masks: ``(G, H, W)`` 0 or 1, of the size of the network's input.
        ignore: ``(G,)`` True where the mask is not to be learnt from (box and class still are).
    """

    boxes: Tensor
    masks: Tensor
    ignore: Tensor | None = None

    def to(self, device: torch.device) -> Targets:
        """A copy on ``device``."""
        ignore = None if self.ignore is None else self.ignore.to(device)
        return Targets(self.boxes.to(device), self.masks.to(device), ignore)


@dataclass
class DetectorLoss:
    """The terms of equation 4, weights included; ``total`` is their sum."""

    confidence: Tensor
    box: Tensor
    mask: Tensor

    @property
    def total(self) -> Tensor:
        """Scalar to descend on."""
        return self.confidence.sum() + self.box.sum() + self.mask


def quality_focal_loss(logits: Tensor, quality: Tensor, beta: float = 2.0) -> Tensor:
    """Equation 2, elementwise: ``quality`` is the IoU of a positive, 0 of a negative."""
    scale = (quality - logits.sigmoid()).abs().pow(beta)
    return F.binary_cross_entropy_with_logits(logits, quality, reduction="none") * scale


def giou_loss(boxes: Tensor, true_boxes: Tensor, eps: float = 1e-7) -> Tensor:
    """Equation 1 as a loss, ``1 - GIoU``, of boxes ``(n, 4)`` with as many true ones."""
    overlap = _area(
        torch.maximum(boxes[:, :2], true_boxes[:, :2]),
        torch.minimum(boxes[:, 2:], true_boxes[:, 2:]),
    )
    union = _area(boxes[:, :2], boxes[:, 2:], clamp=False)
    union = union + _area(true_boxes[:, :2], true_boxes[:, 2:], clamp=False) - overlap
    union = union.clamp(min=eps)
    enclosing = _area(
        torch.minimum(boxes[:, :2], true_boxes[:, :2]),
        torch.maximum(boxes[:, 2:], true_boxes[:, 2:]),
    ).clamp(min=eps)
    return 1 - (overlap / union - (enclosing - union) / enclosing)


def _area(top_left: Tensor, bottom_right: Tensor, clamp: bool = True) -> Tensor:
    size = bottom_right - top_left
    return (size.clamp(min=0) if clamp else size).prod(dim=1)


def dice_loss(logits: Tensor, masks: Tensor, eps: float = 5e-6) -> Tensor:
    """Equation 3: dice ``(n,)`` with squares, of logits ``(n, h, w)`` with masks 0 or 1."""
    p, t = logits.sigmoid().flatten(1), masks.flatten(1).to(logits.dtype)
    a, b, c = (p * t).sum(1), p.square().sum(1) + eps, t.square().sum(1) + eps
    return 1 - 2 * a / (b + c)


def centres_of_mass(masks: Tensor) -> Tensor:
    """Mean pixel index ``(G, 2)``, xy, of masks ``(G, H, W)``."""
    masks = masks.float()
    ys = torch.arange(masks.shape[1], device=masks.device, dtype=torch.float32)
    xs = torch.arange(masks.shape[2], device=masks.device, dtype=torch.float32)
    total = masks.sum((1, 2)).clamp(min=torch.finfo(torch.float32).eps)
    return torch.stack(((masks.sum(1) * xs).sum(1) / total, (masks.sum(2) * ys).sum(1) / total), 1)


def _flatten_levels(levels: Sequence[Tensor]) -> Tensor:
    """``(N, c, h, w)`` per level to ``(N, all cells, c)``."""
    return torch.cat([x.flatten(2).transpose(1, 2) for x in levels], dim=1).float()


def detector_loss(raw: RawOutputs, targets: Sequence[Targets]) -> DetectorLoss:
    """Loss of one batch.

    Args:
        raw: the network's outputs for N pictures.
        targets: the N pictures' characters.

    Returns:
        Confidence and box terms per level ``(3,)`` as the reference logs them, and the mask term.
    """
    logits = _flatten_levels(raw.logits).squeeze(2)
    kernels = _flatten_levels(raw.kernels)
    device = logits.device
    cells = [x.shape[2] * x.shape[3] for x in raw.logits]
    priors = torch.cat(
        [
            level_priors(x.shape[2], x.shape[3], s, device)
            for x, s in zip(raw.logits, STRIDES, strict=True)
        ]
    )
    boxes = decode_boxes(priors, _flatten_levels(raw.distances))

    assignments = [
        assign(priors, logits[i].detach(), boxes[i].detach(), t.boxes, centres_of_mass(t.masks))
        for i, t in enumerate(targets)
    ]
    quality = torch.zeros_like(logits)
    box_losses = torch.zeros_like(logits)
    mask_losses = []
    for i, (found, target) in enumerate(zip(assignments, targets, strict=True)):
        quality[i, found.priors] = found.ious
        giou = giou_loss(boxes[i, found.priors], target.boxes[found.targets])
        box_losses = box_losses.index_put(
            (torch.full_like(found.priors, i), found.priors), giou * found.ious
        )
        mask_losses.append(
            _mask_losses(raw.prototypes[i].float(), kernels[i], priors, found, target)
        )

    normaliser = quality.sum().clamp(min=1.0)
    confidence = quality_focal_loss(logits, quality).sum(0).split(cells)
    box = box_losses.sum(0).split(cells)
    mask = torch.cat(mask_losses)
    # A batch without positives still has to reach every parameter (distributed training).
    mask_term = mask.sum() / len(mask) if len(mask) else 0 * raw.prototypes.float().sum()
    return DetectorLoss(
        torch.stack([x.sum() for x in confidence]) / normaliser * CONFIDENCE_WEIGHT,
        torch.stack([x.sum() for x in box]) / normaliser * BOX_WEIGHT,
        mask_term * MASK_WEIGHT,
    )


def _mask_losses(
    prototypes: Tensor, kernels: Tensor, priors: Tensor, found: Assignment, target: Targets
) -> Tensor:
    """Dice losses ``(P,)`` of one picture's positives, at stride 4."""
    at, owner = found.priors, found.targets
    if target.ignore is not None:
        learnt = ~target.ignore[owner]
        at, owner = at[learnt], owner[learnt]
    if not len(at):
        return prototypes.new_zeros(0)
    logits = dynamic_mask_logits(prototypes, kernels[at], priors[at])
    scale = STRIDES[0] // MASK_STRIDE
    logits = F.interpolate(logits[None], scale_factor=scale, mode="bilinear", align_corners=False)[
        0
    ]
    offset = MASK_STRIDE // 2
    masks = target.masks[:, offset::MASK_STRIDE, offset::MASK_STRIDE]
    return dice_loss(logits, masks[owner])
