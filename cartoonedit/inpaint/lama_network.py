"""The generator of LaMa: fast Fourier convolutions, which see the whole picture in every layer.

From the papers: "Resolution-robust Large Mask Inpainting with Fourier Convolutions" (Suvorov et
al. 2022) and "Fast Fourier Convolution" (Chi et al. 2020). The names in its state dict are those of
the public checkpoints. Features come in two parts: local ones, for plain convolutions, and global
ones, which also pass through the spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["LamaGenerator", "LamaShape", "shape_of"]

Pair = tuple[Tensor, Tensor | None]
"""Local and global features ``(N, C, H, W)``; None where there are no global ones."""


@dataclass(frozen=True)
class LamaShape:
    """The size of a generator; the defaults are those of "big" LaMa.

    Attributes:
        width: Channels of the first layer; each halving of the picture doubles them.
        blocks: Residual blocks at an eighth of the picture's size.
        global_share: Which share of their channels is global, 0..1.
    """

    width: int = 64
    blocks: int = 18
    global_share: float = 0.75

    @property
    def deep(self) -> int:
        """Channels of the residual blocks."""
        return self.width * 8

    @property
    def global_channels(self) -> int:
        """Those of them that are global."""
        return int(self.deep * self.global_share)


def shape_of(weights: Mapping[str, Tensor]) -> LamaShape:
    """The size of the generator that a state dict belongs to.

    Raises:
        KeyError: It belongs to none.
    """
    width = weights["model.1.ffc.convl2l.weight"].shape[0]
    local = weights["model.5.conv1.ffc.convl2l.weight"].shape[0]
    blocks = sum(name.endswith(".conv1.ffc.convl2l.weight") for name in weights)
    return LamaShape(width, blocks, 1 - local / (8 * width))


class LamaGenerator(nn.Module):
    """From a picture with a hole to the whole picture.

    Three halvings, residual blocks of fast Fourier convolutions, three doublings.
    """

    def __init__(self, shape: LamaShape | None = None) -> None:
        super().__init__()
        shape = shape or LamaShape()
        width, deep, far = shape.width, shape.deep, shape.global_channels
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            _Layer((4, 0), (width, 0), kernel=7, padding=0),
            _Layer((width, 0), (2 * width, 0), stride=2),
            _Layer((2 * width, 0), (4 * width, 0), stride=2),
            _Layer((4 * width, 0), (deep - far, far), stride=2),
            *(_Block((deep - far, far)) for _ in range(shape.blocks)),
            _Join(),
        ]
        for channels in (deep, deep // 2, deep // 4):
            layers += [
                nn.ConvTranspose2d(channels, channels // 2, 3, 2, padding=1, output_padding=1),
                nn.BatchNorm2d(channels // 2),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        """Paint a picture.

        Args:
            image: RGB 0..1 ``(N, 3, H, W)``, both sides multiples of 8 and at least 16; what is in
                the hole is not seen.
            hole: ``(N, 1, H, W)``, 1 inside and 0 outside.

        Returns:
            RGB 0..1 ``(N, 3, H, W)``, outside the hole about what was there.
        """
        return self.model(torch.cat([image * (1 - hole), hole], dim=1))


class _Layer(nn.Module):
    """A fast Fourier convolution with normalisation and activation.

    Args:
        inputs: Channels of the local and of the global features.
        outputs: Likewise.
        kernel: Side of the plain convolutions.
        stride: 2 halves the picture.
        padding: Mirrored pixels on each side.
    """

    def __init__(
        self,
        inputs: tuple[int, int],
        outputs: tuple[int, int],
        *,
        kernel: int = 3,
        stride: int = 1,
        padding: int = 1,
    ) -> None:
        super().__init__()
        self.ffc = _FourierConvolution(inputs, outputs, kernel, stride, padding)
        self.bn_l = nn.BatchNorm2d(outputs[0])
        self.bn_g = nn.BatchNorm2d(outputs[1]) if outputs[1] else None

    def forward(self, features: Tensor | Pair) -> Pair:
        near, far = self.ffc(features if isinstance(features, tuple) else (features, None))
        far = torch.relu_(self.bn_g(far)) if self.bn_g is not None else None
        return torch.relu_(self.bn_l(near)), far


class _FourierConvolution(nn.Module):
    """Local and global features, mixed; only global to global goes through the spectrum."""

    def __init__(
        self,
        inputs: tuple[int, int],
        outputs: tuple[int, int],
        kernel: int,
        stride: int,
        padding: int,
    ) -> None:
        super().__init__()

        def plain(source: int, target: int) -> nn.Conv2d | None:
            if not source or not target:
                return None
            return nn.Conv2d(
                source, target, kernel, stride, padding, bias=False, padding_mode="reflect"
            )

        self.convl2l = plain(inputs[0], outputs[0])
        self.convl2g = plain(inputs[0], outputs[1])
        self.convg2l = plain(inputs[1], outputs[0])
        self.convg2g = _Spectral(inputs[1], outputs[1]) if inputs[1] and outputs[1] else None

    def forward(self, features: Pair) -> Pair:
        near, far = features
        return (
            _sum(_apply(self.convl2l, near), _apply(self.convg2l, far)),
            _sum(_apply(self.convl2g, near), _apply(self.convg2g, far)),
        )


def _apply(layer: nn.Module | None, features: Tensor | None) -> Tensor | None:
    return None if layer is None or features is None else layer(features)


def _sum(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


class _Spectral(nn.Module):
    """A bottleneck around a convolution of the spectrum."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.conv1 = nn.Sequential(
            nn.Conv2d(inputs, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.fu = _FourierUnit(half)
        self.conv2 = nn.Conv2d(half, outputs, 1, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        features = self.conv1(features)
        return self.conv2(features + self.fu(features))


class _FourierUnit(nn.Module):
    """A 1x1 convolution of the spectrum: every output pixel depends on the whole input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[-2:]
        spectrum = torch.fft.rfft2(features, norm="ortho")
        # Real and imaginary part of a channel lie next to each other in the checkpoints.
        parts = torch.view_as_real(spectrum).movedim(-1, 2).flatten(1, 2)
        parts = torch.relu_(self.bn(self.conv_layer(parts)))
        parts = parts.unflatten(1, (-1, 2)).movedim(2, -1).contiguous()
        # Half a spectrum does not tell an odd width from an even one.
        return torch.fft.irfft2(torch.view_as_complex(parts), s=(height, width), norm="ortho")


class _Block(nn.Module):
    """Two layers whose result is added to their input."""

    def __init__(self, channels: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = _Layer(channels, channels)
        self.conv2 = _Layer(channels, channels)

    def forward(self, features: Pair) -> Pair:
        near, far = self.conv2(self.conv1(features))
        return features[0] + near, _sum(features[1], far)


class _Join(nn.Module):
    """Local and global features as channels of one tensor."""

    def forward(self, features: Pair) -> Tensor:
        return torch.cat([part for part in features if part is not None], dim=1)
