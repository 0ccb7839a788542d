"""The network that draws the structural lines of manga and leaves out its screentones.

Deep Extraction of Manga Structural Lines (Li, Liu and Wong, 2017): a residual encoder of five
levels, a decoder of four, and sums across. Names are those of the published weights, ``erika.pth``.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

__all__ = ["MangaLineNetwork"]

_WIDTHS = (24, 48, 96, 192, 384)
_DEPTHS = (2, 3, 5, 7, 12)


class MangaLineNetwork(nn.Module):
    """Grey 0..255 ``(N, 1, H, W)`` in, dark lines on white of the same form and range out.

    Sides must be multiples of 16.

    Args:
        widths: Channels of each level, from the finest to the coarsest.
        depths: Residual blocks of each level.
    """

    def __init__(
        self, widths: tuple[int, ...] = _WIDTHS, depths: tuple[int, ...] = _DEPTHS
    ) -> None:
        super().__init__()
        self.levels = len(widths)
        ways = itertools.pairwise((1, *widths))
        stages = [
            _stage(*way, depth, halve=level > 0)
            for level, (way, depth) in enumerate(zip(ways, depths, strict=True))
        ]
        coarse_to_fine = list(zip(widths, depths, strict=True))[::-1]
        stages += [
            _stage(wider, narrower, depth, double=True)
            for (wider, _), (narrower, depth) in itertools.pairwise(coarse_to_fine)
        ]
        stages.append(_stage(widths[0], 16, 2))
        for number, stage in enumerate(stages):
            self.add_module(f"block{number}", stage)
        self.conv15 = _Layer(16, 1, size=1)

    def forward(self, grey: Tensor) -> Tensor:
        """Draw the lines."""
        *stages, last = (getattr(self, f"block{number}") for number in range(2 * self.levels))
        values, passed = grey, []
        for encode in stages[: self.levels]:
            values = encode(values)
            passed.append(values)
        passed.pop()  # the coarsest goes straight on
        for decode in stages[self.levels :]:
            values = decode(values) + passed.pop()
        return self.conv15(last(values))


def _stage(
    wide: int, out: int, depth: int, *, halve: bool = False, double: bool = False
) -> nn.Module:
    """Residual blocks, of which the first doubles the size, or the last halves it."""
    blocks = [
        _Block(
            wide if number == 0 else out,
            out,
            stride=2 if halve and number == depth - 1 else 1,
            double=double and number == 0,
        )
        for number in range(depth)
    ]
    return _Inside(*blocks)


class _Inside(nn.Module):
    """Layers one after the other, whose names begin with ``model``."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, values: Tensor) -> Tensor:
        return self.model(values)


class _Layer(_Inside):
    """Normalise, bend, convolve, and perhaps double the size."""

    def __init__(
        self, wide: int, out: int, size: int = 3, stride: int = 1, double: bool = False
    ) -> None:
        super().__init__(
            nn.BatchNorm2d(wide, eps=1e-3),
            nn.LeakyReLU(0.2),
            nn.Conv2d(wide, out, size, stride, padding=size // 2),
            *_doubling(double),
        )


class _Block(nn.Module):
    """Two layers, and the input beside them, convolved where its form differs."""

    def __init__(self, wide: int, out: int, stride: int, double: bool) -> None:
        super().__init__()
        self.conv1 = _Layer(wide, out, stride=stride, double=double)
        self.residual = _Layer(out, out)
        same = wide == out and stride == 1 and not double
        fit = [] if same else [nn.Conv2d(wide, out, 1, stride), *_doubling(double)]
        self.shortcut = _Inside(*fit)

    def forward(self, values: Tensor) -> Tensor:
        return self.shortcut(values) + self.residual(self.conv1(values))


def _doubling(double: bool) -> list[nn.Module]:
    return [nn.Upsample(scale_factor=2, mode="nearest")] if double else []
