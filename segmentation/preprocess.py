"""From a picture to the detector's input."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)


def normalise(pictures: Tensor) -> Tensor:
    """Subtract the mean and divide by the spread of each channel.

    Args:
        pictures: BGR ``(N, 3, H, W)``, 0..255, any dtype.
    """
    mean = torch.tensor(MEAN_BGR, device=pictures.device).view(1, 3, 1, 1)
    std = torch.tensor(STD_BGR, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() - mean) / std
