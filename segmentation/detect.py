"""Decide which characters the raw outputs of the first stage stand for (section 4.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import nms

from segmentation.preprocess import Letterbox, letterbox, normalise
from segmentation.rtmdet import (
    STRIDES,
    RawOutputs,
    decode_boxes,
    dynamic_mask_logits,
    level_priors,
)

SCORE_THRESHOLD = 0.05
NMS_IOU = 0.6
CANDIDATES_PER_LEVEL = 1000

Canvas = Literal["exact", "reference"]
Network = Callable[[Tensor], RawOutputs]


@dataclass
class Candidates:
    """Everything above the score threshold, before overlapping boxes are thinned out.

    Attributes:
        boxes_xyxy: ``(n, 4)`` in picture pixels; may reach outside the picture.
        scores: ``(n,)``.
        priors: ``(n, 3)`` x, y, stride in input pixels.
        kernels: ``(n, 169)``.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    priors: Tensor
    kernels: Tensor

    def __getitem__(self, index: Tensor) -> Candidates:
        return Candidates(
            self.boxes_xyxy[index], self.scores[index], self.priors[index], self.kernels[index]
        )

    def __len__(self) -> int:
        return len(self.scores)


@dataclass
class Detections:
    """The characters of one picture, best first.

    Attributes:
        boxes_xyxy: float32 ``(N, 4)`` in picture pixels; may reach a little outside the picture.
        scores: float32 ``(N,)``.
        probabilities: uint8 ``(N, H, W)``, how likely each pixel is the character's, coarse; 128
            and more is inside.
        priors: float32 ``(N, 3)`` x, y, stride of the cells they were found in, in input pixels.
    """

    boxes_xyxy: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    probabilities: npt.NDArray[np.uint8]
    priors: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def masks(self) -> npt.NDArray[np.bool_]:
        """Bool ``(N, H, W)``, coarse."""
        return self.probabilities > 127


def quantised(probabilities: Tensor) -> npt.NDArray[np.uint8]:
    """Probabilities as uint8, of which those above one half are 128 and more, to the last bit."""
    return (probabilities * 256 - 1).ceil().clamp(0, 255).to(torch.uint8).cpu().numpy()


def gather_candidates(
    raw: RawOutputs, index: int, geometry: Letterbox, score_threshold: float = SCORE_THRESHOLD
) -> Candidates:
    """Read the cells of picture ``index`` that score high enough, at most 1000 per level."""
    parts = []
    for logits, distances, kernels, stride in zip(
        raw.logits, raw.distances, raw.kernels, STRIDES, strict=True
    ):
        height, width = logits.shape[2:]
        scores = logits[index, 0].flatten().float().sigmoid()
        above = (scores > score_threshold).nonzero().squeeze(1)
        order = scores[above].sort(descending=True).indices[:CANDIDATES_PER_LEVEL]
        chosen = above[order]
        priors = level_priors(height, width, stride, scores.device)[chosen]
        boxes = decode_boxes(priors, distances[index].flatten(1).t()[chosen].float())
        # The reference clamps to the padded input, not to the picture.
        limits = torch.tensor(geometry.input_wh * 2, device=boxes.device)
        boxes = boxes.clamp(min=0).minimum(limits)
        parts.append((boxes, scores[chosen], priors, kernels[index].flatten(1).t()[chosen].float()))
    boxes, scores, priors, kernels = (torch.cat(x) for x in zip(*parts, strict=True))
    # Multiplied by float32 reciprocals, as the reference does.
    inverse = 1 / torch.tensor(geometry.scale_wh, dtype=torch.float64)
    boxes = boxes * inverse.float().repeat(2).to(boxes.device)
    found = Candidates(boxes, scores, priors, kernels)
    sizes = boxes[:, 2:] - boxes[:, :2]
    return found[(sizes > 0).all(dim=1)]


def suppress(found: Candidates, iou: float = NMS_IOU, limit: int = 100) -> Tensor:
    """Indices of the best candidates that overlap none better by more than ``iou``."""
    return nms(found.boxes_xyxy, found.scores, iou)[:limit]


def paste_masks(
    logits: Tensor, geometry: Letterbox, canvas: Canvas = "exact", chunk: int = 8
) -> npt.NDArray[np.uint8]:
    """Coarse masks at the size of the picture, as `Detections.probabilities`.

    Args:
        logits: ``(n, h, w)`` at stride 8.
        geometry: of the picture.
        canvas: ``reference`` repeats a slip of the reference, which swaps the axes' scales when it
            enlarges masks: elongated pictures get masks that are a little stretched or too short.
        chunk: masks enlarged at a time, which bounds the memory.

    Returns:
        uint8 ``(n, H, W)``; of another size with ``reference`` and an elongated picture.
    """
    width, height = geometry.picture_wh
    scale_w, scale_h = geometry.scale_wh
    if canvas == "reference":
        scale_w, scale_h = scale_h, scale_w
    input_w, input_h = geometry.input_wh
    # Times a reciprocal, as the reference does: a quotient can round the other way.
    size = (math.ceil(input_h * (1 / scale_h)), math.ceil(input_w * (1 / scale_w)))
    pasted = np.zeros((len(logits), min(height, size[0]), min(width, size[1])), np.uint8)
    for start in range(0, len(logits), chunk):
        part = logits[start : start + chunk][None]
        part = F.interpolate(part, scale_factor=STRIDES[0], mode="bilinear", align_corners=False)
        if canvas == "exact":
            # Leave the padding behind first: an elongated picture's canvas would be huge.
            part = part[..., : geometry.scaled_wh[1], : geometry.scaled_wh[0]]
            size = (height, width)
        part = F.interpolate(part, size=size, mode="bilinear", align_corners=False)
        pasted[start : start + chunk] = quantised(part[0, :, :height, :width].sigmoid())
    return pasted


def select(
    raw: RawOutputs,
    index: int,
    geometry: Letterbox,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    nms_iou: float = NMS_IOU,
    max_instances: int = 100,
    canvas: Canvas = "exact",
) -> Detections:
    """The characters of picture ``index`` of a batch of raw outputs."""
    found = gather_candidates(raw, index, geometry, score_threshold)
    kept = found[suppress(found, nms_iou, max_instances)]
    logits = dynamic_mask_logits(raw.prototypes[index].float(), kept.kernels, kept.priors)
    return Detections(
        kept.boxes_xyxy.cpu().numpy(),
        kept.scores.cpu().numpy(),
        paste_masks(logits, geometry, canvas),
        kept.priors.cpu().numpy(),
    )


@torch.inference_mode()
def run_network(
    net: Network,
    pictures: Sequence[npt.NDArray[np.uint8]],
    side: int,
    device: torch.device | str = "cpu",
    *,
    averaging: bool = False,
) -> tuple[RawOutputs, list[Letterbox]]:
    """Letterbox pictures and run the first stage on all of them at once.

    Args:
        net: the network, in evaluation mode.
        pictures: RGB uint8 ``(H, W, 3)`` of any sizes.
        side: of the square input, a multiple of 32.
        device: where the network is.
        averaging: as of `letterbox`.
    """
    boxed = [letterbox(picture, side, averaging=averaging) for picture in pictures]
    squares, geometries = zip(*boxed, strict=True)
    bgr = np.stack(squares)[..., ::-1].transpose(0, 3, 1, 2)
    batch = torch.from_numpy(np.ascontiguousarray(bgr)).to(device)
    return net(normalise(batch)), list(geometries)


@torch.inference_mode()
def detect(
    net: Network,
    picture: npt.NDArray[np.uint8],
    *,
    size: int = 640,
    score_threshold: float = SCORE_THRESHOLD,
    nms_iou: float = NMS_IOU,
    max_instances: int = 100,
    device: torch.device | str = "cpu",
    canvas: Canvas = "exact",
) -> Detections:
    """Find the characters of one picture.

    Args:
        net: RTMDet-Ins in evaluation mode.
        picture: RGB uint8 ``(H, W, 3)``.
        size: side of the square that the picture is scaled into, a multiple of 32.
        score_threshold: only higher scores count.
        nms_iou: of two boxes that overlap more, the better stays.
        max_instances: at most so many, best first.
        device: where the network is.
        canvas: see `paste_masks`.
    """
    raw, (geometry,) = run_network(net, [picture], size, device)
    return select(
        raw, 0, geometry, score_threshold=score_threshold, nms_iou=nms_iou,
        max_instances=max_instances, canvas=canvas,
    )  # fmt: skip
