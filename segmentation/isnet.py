"""IS-Net: the network that turns a picture and a rough mask into a fine one (paper section 4.2).

The architecture is that of "Highly Accurate Dichotomous Image Segmentation" (Qin et al., ECCV
2022), with a fourth input channel for the rough mask. Module names are those of the released files,
so that their state dicts load as they are. All channel counts follow one number, `width`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SideMaps = list[Tensor]
Features = list[Tensor]

CHANNEL_STEP = 4


def scaled(channels: int, width: float) -> int:
    """`channels * width`, rounded to a multiple of four and at least four; unchanged at width 1."""
    return max(CHANNEL_STEP, round(channels * width / CHANNEL_STEP) * CHANNEL_STEP)


def resize_like(x: Tensor, target: Tensor) -> Tensor:
    """`x` bilinearly (align_corners False) at the height and width of `target`."""
    if x.shape[-2:] == target.shape[-2:]:
        return x
    return F.interpolate(x, size=target.shape[-2:], mode="bilinear", align_corners=False)


def halve(x: Tensor) -> Tensor:
    """2x2 max pooling; an odd row or column at the end is kept (ceil mode)."""
    return F.max_pool2d(x, kernel_size=2, stride=2, ceil_mode=True)


class ConvBlock(nn.Module):
    """3x3 convolution (with bias), batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv_s1 = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, in, H, W)` to `(N, out, H, W)`."""
        return F.relu(self.bn_s1(self.conv_s1(x)), inplace=not self.training)


class RSU(nn.Module):
    """Residual U-block: a small U-Net whose output is added to its own first convolution.

    Args:
        height: Number of encoder convolutions (7, 6, 5 or 4).
        in_channels, mid_channels, out_channels: Channels outside and inside the small U.
        flat: No pooling; the receptive field grows by dilation instead (the "RSU-4F" of the paper).
    """

    def __init__(
        self,
        height: int,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        *,
        flat: bool = False,
    ) -> None:
        super().__init__()
        self.height = height
        self.flat = flat
        self.rebnconvin = ConvBlock(in_channels, out_channels)
        for i in range(1, height + 1):
            channels = out_channels if i == 1 else mid_channels
            deepest = 2 if i == height else 1
            dilation = 2 ** (i - 1) if flat else deepest
            self.add_module(f"rebnconv{i}", ConvBlock(channels, mid_channels, dilation))
        for i in range(height - 1, 0, -1):
            channels = out_channels if i == 1 else mid_channels
            dilation = 2 ** (i - 1) if flat else 1
            self.add_module(f"rebnconv{i}d", ConvBlock(2 * mid_channels, channels, dilation))

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, in, H, W)` to `(N, out, H, W)`, for any height and width."""
        entry = self.rebnconvin(x)
        skips: list[Tensor] = []
        x = entry
        for i in range(1, self.height + 1):
            # The deepest convolution works at the resolution of the one before it.
            if not self.flat and 1 < i < self.height:
                x = halve(x)
            x = self.get_submodule(f"rebnconv{i}")(x)
            skips.append(x)
        x = skips.pop()
        for i in range(self.height - 1, 0, -1):
            skip = skips.pop()
            joined = torch.cat((resize_like(x, skip), skip), dim=1)
            x = self.get_submodule(f"rebnconv{i}d")(joined)
        return x + entry


# (height, flat) of the six encoder stages, both networks.
_STAGES = ((7, False), (6, False), (5, False), (4, False), (4, True), (4, True))
# (in, mid, out) channels at width 1.
_ISNET_ENCODER = (
    (64, 32, 64), (64, 32, 128), (128, 64, 256), (256, 128, 512), (512, 256, 512), (512, 256, 512),
)  # fmt: skip
_ISNET_DECODER = ((128, 16, 64), (256, 32, 64), (512, 64, 128), (1024, 128, 256), (1024, 256, 512))
_GT_ENCODER = (
    (16, 16, 64), (64, 16, 64), (64, 32, 128), (128, 32, 256), (256, 64, 512), (512, 64, 512),
)  # fmt: skip


def _rsu(stage: int, channels: Sequence[int], width: float, inputs: int = 1) -> RSU:
    """The block of one stage; `inputs` equally wide maps are concatenated at its entrance."""
    height, flat = _STAGES[stage]
    first, mid, last = channels
    in_channels = inputs * scaled(first // inputs, width)
    return RSU(height, in_channels, scaled(mid, width), scaled(last, width), flat=flat)


class _SideOutputs(nn.Module):
    """What both networks share: six stages going down and a one-channel map from each level."""

    def _add_encoder(self, channels: Sequence[Sequence[int]], width: float) -> None:
        for i, stage_channels in enumerate(channels):
            self.add_module(f"stage{i + 1}", _rsu(i, stage_channels, width))

    def _add_sides(self, channels: Sequence[int], width: float) -> None:
        for i, level_channels in enumerate(channels):
            side = nn.Conv2d(scaled(level_channels, width), 1, 3, padding=1)
            self.add_module(f"side{i + 1}", side)

    def _encode(self, x: Tensor) -> Features:
        features: Features = []
        for i in range(len(_STAGES)):
            x = self.get_submodule(f"stage{i + 1}")(x if i == 0 else halve(x))
            features.append(x)
        return features

    def _side(self, level: int, feature: Tensor, like: Tensor) -> Tensor:
        return resize_like(self.get_submodule(f"side{level + 1}")(feature), like)

    def _side_maps(self, features: Features, like: Tensor) -> SideMaps:
        return [self._side(i, feature, like) for i, feature in enumerate(features)]


class ISNet(_SideOutputs):
    """The refinement network.

    Args:
        in_channels: 4 for colours and a rough mask.
        width: Factor on every channel count. 1 is the released network (44 million parameters),
            0.25 a slim one with a sixteenth of the work.
    """

    STEM_CHANNELS = _ISNET_ENCODER[0][0]

    def __init__(self, in_channels: int = 4, width: float = 1.0) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.width = width
        stem = scaled(self.STEM_CHANNELS, width)
        self.conv_in = nn.Conv2d(in_channels, stem, 3, stride=2, padding=1)
        self._add_encoder(_ISNET_ENCODER, width)
        for i in range(len(_ISNET_DECODER) - 1, -1, -1):
            self.add_module(f"stage{i + 1}d", _rsu(i, _ISNET_DECODER[i], width, inputs=2))
        last_channels = [channels[2] for channels in _ISNET_DECODER] + [_ISNET_ENCODER[-1][2]]
        self._add_sides(last_channels, width)

    def features(self, x: Tensor) -> Features:
        """Decoder features of levels 1-5 and the deepest encoder feature, finest first.

        Args:
            x: `(N, in_channels, H, W)`, values 0..1; the colour order is the weights' (BGR for the
                released ones), the last channel is the rough mask.

        Returns:
            Six maps at 1/2, 1/4, ... 1/64 of the input's size (rounded up).
        """
        levels = self._encode(self.conv_in(x))
        deeper = levels[-1]
        features = [deeper]
        for i in range(len(_ISNET_DECODER) - 1, -1, -1):
            joined = torch.cat((resize_like(deeper, levels[i]), levels[i]), dim=1)
            deeper = self.get_submodule(f"stage{i + 1}d")(joined)
            features.append(deeper)
        return features[::-1]

    def forward(self, x: Tensor) -> tuple[SideMaps, Features]:
        """Logits d1..d6, each `(N, 1, H, W)`, finest first, and the six features behind them."""
        features = self.features(x)
        return self._side_maps(features, x), features

    def alpha(self, x: Tensor) -> Tensor:
        """The refined mask as probabilities `(N, 1, H, W)`: the finest map only."""
        return self._side(0, self.features(x)[0], x).sigmoid()


class _Stem(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(N, in, H, W)` to half the height and width, rounded up."""
        return F.relu(self.bn(self.conv(x)))


class GTEncoder(_SideOutputs):
    """Encodes a true mask; its features supervise those of an `ISNet` of the same width (eq. 5).

    Args:
        width: As in `ISNet`.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = width
        self.conv_in = _Stem(1, scaled(_GT_ENCODER[0][0], width))
        self._add_encoder(_GT_ENCODER, width)
        self._add_sides([channels[2] for channels in _GT_ENCODER], width)

    def forward(self, mask: Tensor) -> tuple[SideMaps, Features]:
        """Logits d1..d6 `(N, 1, H, W)` and six features, shaped like those of `ISNet`.

        Args:
            mask: True masks `(N, 1, H, W)`, 0..1.
        """
        features = self._encode(self.conv_in(mask))
        return self._side_maps(features, mask), features
