"""The poses of a puppet over time: what every motion becomes, whatever it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Poses"]


@dataclass(frozen=True, eq=False)
class Poses:
    """Where the joints are, frame by frame.

    Attributes:
        joints_xy: ``float64`` ``(F, J, 2)``, in pixels of the picture, y down, in the order of the
            skeleton's joints. They may lie outside of the picture.
        depth: ``float64`` ``(F, J)``: a joint with a larger number is nearer to the viewer; 0 is
            the depth of the root. Only the order matters.
        fps: Frames a second.
        loops: Whether the first frame may follow the last.
    """

    joints_xy: NDArray[np.float64]
    depth: NDArray[np.float64]
    fps: float
    loops: bool = False

    def __len__(self) -> int:
        return len(self.joints_xy)
