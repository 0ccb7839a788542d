"""Several looks at one picture: at other scales and mirrored, their findings fused.

A small network is unsure where a large one is not; averaged over a few looks it errs less. Boxes
are fused as in "Weighted boxes fusion" (Solovyev, Wang and Gabruseva, 2021): those that agree are
averaged by score, and a finding that only one look made keeps only that look's share of its score.
Masks are averaged likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from cartoonedit.errors import InvalidInput
from segmentation.assign import pairwise_iou
from segmentation.detect import (
    NMS_IOU,
    Candidates,
    Detections,
    Network,
    gather_candidates,
    quantised,
    run_network,
    suppress,
)
from segmentation.preprocess import Letterbox
from segmentation.rtmdet import STRIDES, dynamic_mask_logits

SAME_IOU = 0.55
"""Boxes of different looks that overlap more show the same character."""

FAINTEST = 0.02
"""Lowest score that a single look contributes."""

PER_VIEW = 60
MASK_SIDE = 512
"""Masks are averaged at this size; the second stage refines them anyway."""


@dataclass(frozen=True)
class View:
    """One look: the side of the network's input, and whether the picture is mirrored."""

    side: int
    mirrored: bool = False


def parse_views(text: str) -> tuple[View, ...]:
    """Read ``"256 320 320m"``: sides in pixels, ``m`` for mirrored.

    Raises:
        InvalidInput: A side is no multiple of 32.
    """
    views = []
    for word in text.split():
        digits = word.removesuffix("m")
        if not digits.isdigit() or int(digits) < 32 or int(digits) % 32:
            raise InvalidInput(
                f"a view is a multiple of 32, with m behind it if mirrored, as 320m; got {word!r}"
            )
        views.append(View(int(digits), word.endswith("m")))
    if not views:
        raise InvalidInput("there must be at least one view, such as 320")
    return tuple(views)


@dataclass
class _Look:
    """What one view found in one picture."""

    found: Candidates
    prototypes: Tensor
    geometry: Letterbox
    mirrored: bool

    def boxes(self) -> Tensor:
        """``(n, 4)`` in the picture as it is."""
        if not self.mirrored:
            return self.found.boxes_xyxy
        x0, y0, x1, y1 = self.found.boxes_xyxy.unbind(1)
        width = self.geometry.picture_wh[0]
        return torch.stack((width - x1, y0, width - x0, y1), dim=1)

    def masks(self, chosen: Tensor, size_wh: tuple[int, int]) -> Tensor:
        """Probabilities ``(k, h, w)`` of chosen candidates at another size of the picture."""
        logits = dynamic_mask_logits(
            self.prototypes, self.found.kernels[chosen], self.found.priors[chosen]
        )[None]
        logits = F.interpolate(
            logits, scale_factor=STRIDES[0], mode="bilinear", align_corners=False
        )
        width, height = self.geometry.scaled_wh
        logits = logits[..., :height, :width]
        if self.mirrored:
            logits = logits.flip(-1)
        logits = F.interpolate(logits, size=size_wh[::-1], mode="bilinear", align_corners=False)
        return logits[0].sigmoid()


@torch.inference_mode()
def detect_views(
    net: Network,
    pictures: Sequence[npt.NDArray[np.uint8]],
    views: Sequence[View],
    *,
    score_power: float = 1.0,
    score_threshold: float = 0.05,
    max_instances: int = 100,
    device: torch.device | str = "cpu",
) -> list[Detections]:
    """Find the characters of some pictures, each looked at several times.

    Args:
        net: RTMDet-Ins in evaluation mode.
        pictures: RGB uint8 ``(H, W, 3)``.
        views: the looks.
        score_power: fused scores are raised to it. Averaging changes what a score means; this puts
            the usual threshold of 0.3 where misses and false alarms balance.
        score_threshold: fused scores must be higher, after that.
        max_instances: at most so many per picture, best first.
        device: where the network is.
    """
    looks: list[list[_Look]] = [[] for _ in pictures]
    for view in views:
        seen = [np.ascontiguousarray(p[:, ::-1]) if view.mirrored else p for p in pictures]
        raw, geometries = run_network(net, seen, view.side, device, averaging=True)
        for i, geometry in enumerate(geometries):
            found = gather_candidates(raw, i, geometry, FAINTEST)
            found = found[suppress(found, NMS_IOU, PER_VIEW)]
            looks[i].append(_Look(found, raw.prototypes[i].float(), geometry, view.mirrored))
    return [_fuse(found, score_power, score_threshold, max_instances) for found in looks]


def _fuse(
    looks: list[_Look], score_power: float, score_threshold: float, max_instances: int
) -> Detections:
    boxes = torch.cat([look.boxes() for look in looks])
    scores = torch.cat([look.found.scores for look in looks])
    origin = torch.cat([torch.full((len(look.found),), i) for i, look in enumerate(looks)])
    number = torch.cat([torch.arange(len(look.found)) for look in looks])
    groups = _agreeing(boxes, scores, origin.to(boxes.device))
    means = [scores[group].sum() / len(looks) for group in groups]
    fused = torch.stack(means) ** score_power if groups else scores
    order = fused.argsort(descending=True)[:max_instances].tolist()
    order = [g for g in order if fused[g] > score_threshold]

    width, height = looks[0].geometry.picture_wh
    scale = min(1.0, MASK_SIDE / max(width, height))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    probabilities = np.zeros((len(order), height, width), np.uint8)
    fused_boxes, priors = [], []
    for row, g in enumerate(order):
        group, weights = groups[g], scores[groups[g]]
        share = weights / weights.sum()
        fused_boxes.append((boxes[group] * share[:, None]).sum(0))
        best = group[0]
        priors.append(looks[int(origin[best])].found.priors[number[best]])
        mean = sum(
            weight * looks[int(origin[k])].masks(number[k : k + 1], small)
            for k, weight in zip(group.tolist(), share, strict=True)
        )
        mask = F.interpolate(mean[None], (height, width), mode="bilinear", align_corners=False)
        probabilities[row] = quantised(mask[0, 0])
    return Detections(
        _stack(fused_boxes, 4),
        fused[order].cpu().numpy().astype(np.float32),
        probabilities,
        _stack(priors, 3),
    )


def _agreeing(boxes: Tensor, scores: Tensor, origin: Tensor) -> list[Tensor]:
    """Groups of boxes that show the same character, best first, at most one box of each look."""
    ious = pairwise_iou(boxes, boxes)
    free = torch.ones_like(scores, dtype=torch.bool)
    groups = []
    for lead in scores.argsort(descending=True).tolist():
        if not free[lead]:
            continue
        near = ((ious[lead] > SAME_IOU) & free).nonzero().squeeze(1)
        near = near[scores[near].argsort(descending=True)]
        free[near] = False
        free[lead] = False  # a box without area overlaps nothing, not even itself
        first: dict[int, int] = {int(origin[lead]): lead}
        for k in near.tolist():
            first.setdefault(int(origin[k]), k)
        groups.append(torch.tensor(list(first.values()), device=boxes.device))
    return groups


def _stack(rows: list[Tensor], width: int) -> npt.NDArray[np.float32]:
    if not rows:
        return np.zeros((0, width), np.float32)
    return torch.stack(rows).cpu().numpy().astype(np.float32)
