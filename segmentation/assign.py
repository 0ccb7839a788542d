"""Dynamic soft label assignment: which priors answer for which character (section 4.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

TOPK = 13
"""The IoUs of this many best candidates say how many priors a character gets."""

IOU_WEIGHT = 3.0
SOFT_CENTRE_RADIUS = 3.0


class Assignment(NamedTuple):
    """The priors that a picture's characters are learnt from.

    Attributes:
        priors: ``(P,)`` indices of the positive priors, ascending.
        targets: ``(P,)`` index of the character that each answers for.
        ious: ``(P,)`` IoU of each one's predicted box with that character's.
    """

    priors: Tensor
    targets: Tensor
    ious: Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU ``(n, m)`` of boxes ``(n, 4)`` and ``(m, 4)``, xyxy."""
    top_left = torch.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    overlap = (bottom_right - top_left).clamp(min=0).prod(dim=2)
    area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=1) for x in (a, b))
    union = area_a[:, None] + area_b[None] - overlap
    return overlap / union.clamp(min=1e-6)


def matching_cost(priors: Tensor, logits: Tensor, ious: Tensor, centres: Tensor) -> Tensor:
    """Cost ``(n, G)`` of letting each of n candidate priors answer for each of G characters.

    Args:
        priors: ``(n, 3)`` x, y, stride.
        logits: ``(n,)`` class logits.
        ious: ``(n, G)`` of the predicted boxes with the true ones.
        centres: ``(G, 2)`` centres of mass of the true masks, xy.
    """
    expanded = logits[:, None].expand_as(ious)
    classify = F.binary_cross_entropy_with_logits(expanded, ious, reduction="none")
    classify = classify * (ious - expanded.sigmoid()).abs().pow(2)
    localise = -torch.log(ious + 1e-7) * IOU_WEIGHT
    distance = (priors[:, None, :2] - centres[None]).pow(2).sum(-1).sqrt() / priors[:, None, 2]
    centre = torch.pow(10, distance - SOFT_CENTRE_RADIUS)
    return classify + localise + centre


def dynamic_k_matching(cost: Tensor, ious: Tensor) -> tuple[Tensor, Tensor]:
    """Give every character its k cheapest priors, and every prior at most one character.

    Args:
        cost: ``(n, G)``.
        ious: ``(n, G)``; k of a character is the sum of its 13 largest, at least 1.

    Returns:
        Indices ``(P,)`` of the matched candidates and of their characters.
    """
    n, characters = cost.shape
    ks = ious.topk(min(TOPK, n), dim=0).values.sum(0).int().clamp(min=1).tolist()
    matched = torch.zeros_like(cost, dtype=torch.bool)
    for g in range(characters):
        cheapest = cost[:, g].topk(min(ks[g], n), largest=False).indices
        matched[cheapest, g] = True
    contested = matched.sum(1) > 1
    # A prior wanted by several goes to the cheapest of all, not only of those that want it.
    winners = cost[contested].argmin(dim=1)
    matched[contested] = F.one_hot(winners, characters).bool()
    candidates, targets = matched.nonzero(as_tuple=True)
    return candidates, targets


@torch.no_grad()
def assign(
    priors: Tensor, logits: Tensor, boxes: Tensor, true_boxes: Tensor, centres: Tensor
) -> Assignment:
    """Choose the positive priors of one picture.

    Args:
        priors: ``(A, 3)`` x, y, stride, all levels.
        logits: ``(A,)`` class logits.
        boxes: ``(A, 4)`` decoded boxes, xyxy in input pixels.
        true_boxes: ``(G, 4)``.
        centres: ``(G, 2)`` centres of mass of the true masks, xy.
    """
    none = torch.zeros(0, dtype=torch.long, device=priors.device)
    if not len(true_boxes):
        return Assignment(none, none, boxes.new_zeros(0))
    to_sides = torch.cat(
        (
            priors[:, None, :2] - true_boxes[None, :, :2],
            true_boxes[None, :, 2:] - priors[:, None, :2],
        ),
        dim=2,
    )
    inside = (to_sides.amin(dim=2) > 0).any(dim=1).nonzero().squeeze(1)
    if not len(inside):
        return Assignment(none, none, boxes.new_zeros(0))
    ious = pairwise_iou(boxes[inside], true_boxes)
    cost = matching_cost(priors[inside], logits[inside], ious, centres)
    candidates, targets = dynamic_k_matching(cost, ious)
    return Assignment(inside[candidates], targets, ious[candidates, targets])
