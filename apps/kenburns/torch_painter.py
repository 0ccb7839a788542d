"""Painting frames with PyTorch, on a graphics card: the same pixels as on the CPU.

OpenCV rounds to whole levels after each step, so this does, too: the two differ by a level here and
there. (OpenCV 4 also rounds places to 1/32 of a pixel, which shows as some levels at sharp edges.)
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from apps.kenburns.colours import Colours, Layer
from apps.kenburns.painter import CpuPainter, covered
from apps.kenburns.surface import Maps

__all__ = ["TorchPainter"]


class TorchPainter:
    """Paints on a device; see :class:`apps.kenburns.painter.Painter`."""

    def __init__(self, frame_wh: tuple[int, int], colours: Colours, device: torch.device) -> None:
        """Paint frames of a size in colours of a kind, on a device."""
        self.colours = colours
        self._cpu = CpuPainter(frame_wh, colours)
        self._device = device
        self._shape = (4, frame_wh[1], frame_wh[0])
        self._top = float(np.iinfo(colours.dtype).max)
        self._rows = torch.arange(frame_wh[1], device=device, dtype=torch.float64)[:, None]
        self._columns = torch.arange(frame_wh[0], device=device, dtype=torch.float64)

    def texture(self, layer: Layer, *, sharp: bool = True) -> torch.Tensor:
        """Float ``(4, H, W)`` on the device."""
        return self.load(self._cpu.texture(layer, sharp=sharp))

    def load(self, dense: Layer) -> torch.Tensor:
        """Float ``(4, H, W)`` on the device."""
        return self._load(dense.transpose(2, 0, 1).astype(np.float32))

    def mix(self, one: torch.Tensor, share: float, other: torch.Tensor) -> torch.Tensor:
        """As the painter's protocol says."""
        return torch.round(one * share + other * (1 - share))

    def frame(self) -> torch.Tensor:
        """Float ``(4, h, w)``."""
        return torch.zeros(self._shape, device=self._device)

    def bend(self, frame: torch.Tensor, texture: torch.Tensor, maps: Maps) -> torch.Tensor:
        """As the painter's protocol says."""
        x, y = (self._load(way) for way in maps[:2])
        layer = _sample(texture, x, y, "border")
        if maps[2] is not None:
            share = torch.round(self._load(1 - maps[2]) * self._top) / self._top
            layer = torch.round(layer * share)
        return self._over(frame, layer)

    def move(
        self, frame: torch.Tensor, texture: torch.Tensor, matrix: NDArray[np.float64]
    ) -> torch.Tensor:
        """As the painter's protocol says; touches only the texture's box in the frame."""
        height, width = texture.shape[1:]
        rows, columns = covered(matrix, (height, width), self._shape[1:])
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return frame
        back = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
        across, down = self._columns[columns], self._rows[rows]
        x, y = (row[0] * across + row[1] * down + row[2] for row in back[:2])
        layer = _sample(texture, x.float(), y.float(), "zeros")
        frame[:, rows, columns] = self._over(frame[:, rows, columns], layer)
        return frame

    def rgb(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """As the painter's protocol says."""
        return self.colours.rgb(self._fetch(frame))

    def rgba(self, frame: torch.Tensor) -> NDArray[np.uint8]:
        """As the painter's protocol says."""
        return self.colours.rgba(self._fetch(frame))

    def _over(self, frame: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
        behind = torch.round(frame * (self._top - layer[3:]) / self._top)
        return torch.clamp(behind + layer, max=self._top)

    def _load(self, array: NDArray[np.float32]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device)

    def _fetch(self, frame: torch.Tensor) -> Layer:
        values = frame.permute(1, 2, 0).contiguous().cpu().numpy()
        return values.astype(self.colours.dtype)


def _sample(texture: torch.Tensor, x: torch.Tensor, y: torch.Tensor, outside: str) -> torch.Tensor:
    """Whole levels of a texture ``(4, H, W)`` at pixels ``x``, ``y``, between pixels linearly."""
    height, width = texture.shape[1:]
    grid = torch.stack([2 * x / max(width - 1, 1) - 1, 2 * y / max(height - 1, 1) - 1], dim=-1)
    found = F.grid_sample(
        texture[None], grid[None], mode="bilinear", padding_mode=outside, align_corners=True
    )
    return torch.round(found[0])
