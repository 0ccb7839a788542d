"""RTMDet-Ins: the first stage, which finds the characters and draws their coarse masks.

Plain PyTorch after "RTMDet: An Empirical Study of Designing Real-Time Object Detectors" (Lyu et
al., 2022) with one class; section 4.1 of the cartoon editing paper. Modules are named as in the
released files, so that their state dicts load as they are.

Data flow of one forward pass, for an input of ``(N, 3, H, W)``::

    CSPNeXt      strides 8, 16, 32
    CSPNeXtPAFPN the same strides, one common width
    InsHead      per level: class logit, box distances, 169 mask parameters;
                 once: 8 prototypes at stride 8
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (8, 16, 32)
NUM_PROTOTYPES = 8
DYNAMIC_CHANNELS = (NUM_PROTOTYPES + 2, 8, 8, 1)
"""Channels through the dynamic mask network: two coordinates and the prototypes in, a logit out."""

NUM_MASK_PARAMS = sum(c_in * c_out + c_out for c_in, c_out in pairwise(DYNAMIC_CHANNELS))


@dataclass(frozen=True)
class Size:
    """How deep and how wide a network is, relative to size ``l``."""

    deepen: float
    widen: float

    def width(self, channels: int) -> int:
        """Channels of a layer that has ``channels`` in size ``l``."""
        return int(channels * self.widen)

    def depth(self, blocks: int) -> int:
        """Blocks of a stage that has ``blocks`` in size ``l``."""
        return max(round(blocks * self.deepen), 1)


SIZES = {
    "nano": Size(0.167, 0.125),
    "tiny": Size(0.167, 0.375),
    "s": Size(0.33, 0.5),
    "m": Size(0.67, 0.75),
    "l": Size(1.0, 1.0),
    "x": Size(1.33, 1.25),
}


@dataclass
class RawOutputs:
    """What the head says before any decision is made.

    Attributes:
        logits: per level ``(N, 1, h, w)``, class logits.
        distances: per level ``(N, 4, h, w)``, distances from the cell's prior to the left, top,
            right and bottom side of the box, in input pixels, never negative.
        kernels: per level ``(N, 169, h, w)``, parameters of the dynamic mask network.
        prototypes: ``(N, 8, H/8, W/8)``, mask features.
    """

    logits: list[Tensor]
    distances: list[Tensor]
    kernels: list[Tensor]
    prototypes: Tensor


class ConvModule(nn.Module):
    """Convolution without bias, batch normalisation, SiLU."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c_in, h, w)`` to ``(N, c_out, h / stride, w / stride)``."""
        return F.silu(self.bn(self.conv(x)), inplace=True)


class DepthwiseSeparableConv(nn.Module):
    """Depthwise convolution, then a pointwise one, each with normalisation and SiLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvModule(c_in, c_in, kernel, groups=c_in)
        self.pointwise_conv = ConvModule(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c_in, h, w)`` to ``(N, c_out, h, w)``."""
        return self.pointwise_conv(self.depthwise_conv(x))


class CSPNeXtBlock(nn.Module):
    """A 3x3 convolution and a depthwise separable 5x5 one, with an optional residual."""

    def __init__(self, channels: int, residual: bool) -> None:
        super().__init__()
        self.conv1 = ConvModule(channels, channels, 3)
        self.conv2 = DepthwiseSeparableConv(channels, channels, 5)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c, h, w)`` to the same shape."""
        out = self.conv2(self.conv1(x))
        return out + x if self.residual else out


class ChannelAttention(nn.Module):
    """Weigh the channels by a linear function of their means (no reduction, hard sigmoid)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c, h, w)`` to the same shape."""
        return x * F.hardsigmoid(self.fc(x.mean((2, 3), keepdim=True)))


class CSPLayer(nn.Module):
    """Cross-stage-partial layer: half of the channels take the blocks, half the short way."""

    def __init__(
        self, c_in: int, c_out: int, blocks: int, *, residual: bool, attention: bool
    ) -> None:
        super().__init__()
        half = c_out // 2
        self.main_conv = ConvModule(c_in, half, 1)
        self.short_conv = ConvModule(c_in, half, 1)
        self.final_conv = ConvModule(2 * half, c_out, 1)
        self.blocks = nn.Sequential(*(CSPNeXtBlock(half, residual) for _ in range(blocks)))
        if attention:
            self.attention = ChannelAttention(2 * half)
        self.has_attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c_in, h, w)`` to ``(N, c_out, h, w)``."""
        out = torch.cat((self.blocks(self.main_conv(x)), self.short_conv(x)), dim=1)
        if self.has_attention:
            out = self.attention(out)
        return self.final_conv(out)


class SPPBottleneck(nn.Module):
    """Spatial pyramid pooling with windows 5, 9 and 13 on the same features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.conv1 = ConvModule(channels, half, 1)
        self.conv2 = ConvModule(half * 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(N, c, h, w)`` to the same shape."""
        x = self.conv1(x)
        pools = [F.max_pool2d(x, k, stride=1, padding=k // 2) for k in (5, 9, 13)]
        return self.conv2(torch.cat([x, *pools], dim=1))


class CSPNeXt(nn.Module):
    """The backbone: a stem at stride 2 and four stages, of which the last three are returned."""

    # in, out, blocks, residual, pooling pyramid: of size l.
    STAGES = (
        (64, 128, 3, True, False),
        (128, 256, 6, True, False),
        (256, 512, 6, True, False),
        (512, 1024, 3, False, True),
    )

    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width(64)
        self.stem = nn.Sequential(
            ConvModule(3, width // 2, 3, stride=2),
            ConvModule(width // 2, width // 2, 3),
            ConvModule(width // 2, width, 3),
        )
        for i, (c_in, c_out, blocks, residual, spp) in enumerate(self.STAGES, start=1):
            out = size.width(c_out)
            layers: list[nn.Module] = [ConvModule(size.width(c_in), out, 3, stride=2)]
            if spp:
                layers.append(SPPBottleneck(out))
            layers.append(CSPLayer(out, out, size.depth(blocks), residual=residual, attention=True))
            self.add_module(f"stage{i}", nn.Sequential(*layers))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map ``(N, 3, H, W)`` to features at strides 8, 16 and 32."""
        x = self.get_submodule("stage1")(self.stem(x))
        outs = []
        for name in ("stage2", "stage3", "stage4"):
            x = self.get_submodule(name)(x)
            outs.append(x)
        return outs


class CSPNeXtPAFPN(nn.Module):
    """The neck: features flow down from the coarse level and up again, then take one width."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        c3, c4, c5 = (size.width(c) for c in (256, 512, 1024))
        blocks = size.depth(3)

        def csp(c_in: int, c_out: int) -> CSPLayer:
            return CSPLayer(c_in, c_out, blocks, residual=False, attention=False)

        self.reduce_layers = nn.ModuleList([ConvModule(c5, c4, 1), ConvModule(c4, c3, 1)])
        self.top_down_blocks = nn.ModuleList([csp(2 * c4, c4), csp(2 * c3, c3)])
        self.downsamples = nn.ModuleList(
            [ConvModule(c3, c3, 3, stride=2), ConvModule(c4, c4, 3, stride=2)]
        )
        self.bottom_up_blocks = nn.ModuleList([csp(2 * c3, c4), csp(2 * c4, c5)])
        self.out_convs = nn.ModuleList([ConvModule(c, c3, 3) for c in (c3, c4, c5)])

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Merge the backbone's three features; all three come out with one width."""
        c3, c4, c5 = features
        reduced5 = self.reduce_layers[0](c5)
        p4 = self.top_down_blocks[0](torch.cat((_upsample_to(reduced5, c4), c4), dim=1))
        reduced4 = self.reduce_layers[1](p4)
        p3 = self.top_down_blocks[1](torch.cat((_upsample_to(reduced4, c3), c3), dim=1))
        # The way up joins the reduced features, not the blocks' outputs.
        n4 = self.bottom_up_blocks[0](torch.cat((self.downsamples[0](p3), reduced4), dim=1))
        n5 = self.bottom_up_blocks[1](torch.cat((self.downsamples[1](n4), reduced5), dim=1))
        return [conv(x) for conv, x in zip(self.out_convs, (p3, n4, n5), strict=True)]


def _upsample_to(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="nearest")


class MaskFeatureHead(nn.Module):
    """Eight mask prototypes at stride 8 from all levels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fusion_conv = nn.Conv2d(len(STRIDES) * channels, channels, 1)
        self.stacked_convs = nn.Sequential(*(ConvModule(channels, channels, 3) for _ in range(4)))
        self.projection = nn.Conv2d(channels, NUM_PROTOTYPES, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map the neck's features to prototypes ``(N, 8, H/8, W/8)``."""
        fine, *coarse = features
        upsampled = [
            F.interpolate(x, size=fine.shape[-2:], mode="bilinear", align_corners=False)
            for x in coarse
        ]
        fused = self.fusion_conv(torch.cat([fine, *upsampled], dim=1))
        return self.projection(self.stacked_convs(fused))


class InsHead(nn.Module):
    """Class, box and mask-kernel branches; convolutions shared by the levels, their norms not.

    In the reference the box branch is the class branch: ``reg_convs`` and ``cls_convs`` are the
    same modules, which its state dicts list under both names. It runs them twice per forward pass;
    here they run once, and the norms' momentum makes up for the second update of their statistics.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()

        def branch() -> nn.ModuleList:
            return nn.ModuleList(
                nn.Sequential(ConvModule(channels, channels, 3), ConvModule(channels, channels, 3))
                for _ in STRIDES
            )

        self.cls_convs = branch()
        self.reg_convs = self.cls_convs
        self.kernel_convs = branch()
        self.rtm_cls = nn.ModuleList(nn.Conv2d(channels, 1, 1) for _ in STRIDES)
        self.rtm_reg = nn.ModuleList(nn.Conv2d(channels, 4, 1) for _ in STRIDES)
        self.rtm_kernel = nn.ModuleList(nn.Conv2d(channels, NUM_MASK_PARAMS, 1) for _ in STRIDES)
        self.mask_head = MaskFeatureHead(channels)
        self._share_class_convolutions()
        self._initialise()

    def _share_class_convolutions(self) -> None:
        first = self.cls_convs[0]
        for level in self.cls_convs:
            for shared, module in zip(first, level, strict=True):  # type: ignore[arg-type]
                module.conv = shared.conv
                module.bn.momentum = 1 - (1 - module.bn.momentum) ** 2

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        prior = 0.01
        bias = -math.log((1 - prior) / prior)
        for classify, regress in zip(self.rtm_cls, self.rtm_reg, strict=True):
            nn.init.constant_(classify.bias, bias)  # type: ignore[arg-type]
            nn.init.constant_(regress.bias, 1.0)  # type: ignore[arg-type]

    def forward(self, features: Sequence[Tensor]) -> RawOutputs:
        """Map the neck's features to raw outputs."""
        logits, distances, kernels = [], [], []
        for i, (x, stride) in enumerate(zip(features, STRIDES, strict=True)):
            shared = self.cls_convs[i](x)
            logits.append(self.rtm_cls[i](shared))
            distances.append(F.relu(self.rtm_reg[i](shared)) * stride)
            kernels.append(self.rtm_kernel[i](self.kernel_convs[i](x)))
            if self.training:
                for module in self.cls_convs[i]:  # type: ignore[union-attr]
                    module.bn.num_batches_tracked += 1
        return RawOutputs(logits, distances, kernels, self.mask_head(features))


class RTMDetIns(nn.Module):
    """The whole first stage.

    Args:
        size: a name from `SIZES`, or the two numbers themselves.
    """

    def __init__(self, size: str | Size = "l") -> None:
        super().__init__()
        if isinstance(size, str):
            if size not in SIZES:
                raise ValueError(f"size must be one of {', '.join(SIZES)}; got {size!r}")
            size = SIZES[size]
        self.backbone = CSPNeXt(size)
        self.neck = CSPNeXtPAFPN(size)
        self.bbox_head = InsHead(size.width(256))

    def forward(self, x: Tensor) -> RawOutputs:
        """Run the network.

        Args:
            x: ``(N, 3, H, W)`` normalised BGR (`segmentation.detect.normalise`); H and W are
                multiples of 32.
        """
        out: RawOutputs = self.bbox_head(self.neck(self.backbone(x)))
        return out


def level_priors(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """Priors ``(h * w, 3)`` of one level: x, y (the cell's corner, not its centre) and stride."""
    ys, xs = torch.meshgrid(
        torch.arange(height, device=device, dtype=torch.float32) * stride,
        torch.arange(width, device=device, dtype=torch.float32) * stride,
        indexing="ij",
    )
    return torch.stack((xs.flatten(), ys.flatten(), torch.full_like(xs, stride).flatten()), dim=1)


def decode_boxes(priors: Tensor, distances: Tensor) -> Tensor:
    """Boxes ``(..., n, 4)`` xyxy from priors ``(n, 3)`` and left, top, right, bottom distances."""
    xy = priors[:, :2]
    return torch.cat((xy - distances[..., :2], xy + distances[..., 2:]), dim=-1)


def dynamic_mask_logits(prototypes: Tensor, kernels: Tensor, priors: Tensor) -> Tensor:
    """Masks of some instances of one picture, each by a network of its own (section 4.1).

    Args:
        prototypes: ``(8, h, w)`` at stride 8.
        kernels: ``(n, 169)``: the weights of the three layers, then their biases.
        priors: ``(n, 3)``: x, y, stride of the cell that each instance was found in.

    Returns:
        Logits ``(n, h, w)`` at stride 8.
    """
    n, (_, height, width) = len(kernels), prototypes.shape
    grid = level_priors(height, width, STRIDES[0], prototypes.device)[:, :2]
    relative = priors[:, None, :2] - grid[None]
    relative = relative / (priors[:, None, 2:] * 8)
    x = torch.cat(
        (relative.transpose(1, 2), prototypes.flatten(1).expand(n, -1, -1)), dim=1
    )  # (n, 10, h*w)
    shapes = list(pairwise(DYNAMIC_CHANNELS))
    sizes = [c_in * c_out for c_in, c_out in shapes] + [c_out for _, c_out in shapes]
    weights_and_biases = kernels.split(sizes, dim=1)
    for i, (c_in, c_out) in enumerate(shapes):
        weight = weights_and_biases[i].view(n, c_out, c_in)
        bias = weights_and_biases[i + len(shapes)].unsqueeze(2)
        x = torch.baddbmm(bias, weight, x)
        if i + 1 < len(shapes):
            x = F.relu(x)
    return x.view(n, height, width)
