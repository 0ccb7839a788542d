"""One field of noise over a picture, from which every part takes what lies under it.

The paper gives all instances the same noise (section 6.2). Parts overlap, and small ones are worked
on enlarged; so the noise is white at every scale, and that of one scale is the sum of that of the
next finer one. Where two parts overlap they start from the same noise, whatever their scales.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["NoiseField"]

_BLOCK = 32  # parent cells on a side whose details are drawn together


class NoiseField:
    """White noise over a plane, at scales that are powers of two.

    Level 0 has a cell for each cell of the latent grid of the picture itself, and is what
    ``torch.randn`` draws for that grid. Level k has 2^k times as many on each axis. A cell is the
    sum of its four children over two, which has variance 1 again; children are made from their
    parent and three more draws by the Haar transform, so the field is the same in whatever order
    and pieces it is asked for.

    Args:
        size_hw: Rows and columns of level 0.
        seed: Same seed, same field.
        channels: Of the latent space.
    """

    def __init__(self, size_hw: tuple[int, int], seed: int, channels: int = 4) -> None:
        import torch

        self._seed = seed
        generator = torch.Generator("cpu").manual_seed(seed)
        self._base = torch.randn((1, channels, *size_hw), generator=generator)

    def crop(self, level: int, top: int, left: int, rows: int, columns: int) -> torch.Tensor:
        """A rectangle of one level, in cells of that level; float32 ``(1, C, rows, columns)``.

        Outside of the plane the field is not defined.
        """
        if level <= 0:
            return self._coarse(2**-level, top, left, rows, columns)
        # Whole parents, of which the part that was asked for is cut out at the end.
        first, low = top // 2, left // 2
        parents = -(-(top + rows) // 2) - first, -(-(left + columns) // 2) - low
        parent = self.crop(level - 1, first, low, *parents)
        fine = _children(parent, self._details(level, first, low, *parents))
        y, x = top - 2 * first, left - 2 * low
        return fine[..., y : y + rows, x : x + columns]

    def _coarse(self, times: int, top: int, left: int, rows: int, columns: int) -> torch.Tensor:
        import torch.nn.functional as F

        fine = self._base[
            ..., times * top : times * (top + rows), times * left : times * (left + columns)
        ]
        # The mean of n x n cells has a standard deviation of 1/n.
        return fine if times == 1 else F.avg_pool2d(fine, times) * times

    def _details(self, level: int, top: int, left: int, rows: int, columns: int) -> torch.Tensor:
        """Three draws for each parent cell, ``(3, C, rows, columns)``."""
        import torch

        down = range(top // _BLOCK, -(-(top + rows) // _BLOCK))
        across = range(left // _BLOCK, -(-(left + columns) // _BLOCK))
        blocks = [torch.cat([self._block(level, y, x) for x in across], dim=3) for y in down]
        y, x = top - down[0] * _BLOCK, left - across[0] * _BLOCK
        return torch.cat(blocks, dim=2)[..., y : y + rows, x : x + columns]

    def _block(self, level: int, row: int, column: int) -> torch.Tensor:
        import torch

        state = np.random.SeedSequence([self._seed, level, row, column]).generate_state(
            1, np.uint64
        )
        generator = torch.Generator("cpu").manual_seed(int(state[0] >> np.uint64(1)))
        return torch.randn((3, self._base.shape[1], _BLOCK, _BLOCK), generator=generator)


def _children(parent: torch.Tensor, details: torch.Tensor) -> torch.Tensor:
    """The inverse Haar transform: each cell becomes four."""
    across, down, both = details
    quarters = (
        parent + across + down + both,
        parent - across + down - both,
        parent + across - down - both,
        parent - across - down + both,
    )
    _, channels, rows, columns = parent.shape
    fine = parent.new_empty((1, channels, 2 * rows, 2 * columns))
    for index, quarter in enumerate(quarters):
        fine[..., index // 2 :: 2, index % 2 :: 2] = quarter / 2
    return fine
