"""A triangle mesh over a character."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mesh"]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Vertices and triangles in the plane.

    Attributes:
        vertices_xy: ``float64`` ``(V, 2)``.
        triangles: ``int32`` ``(T, 3)``, indices of vertices.
    """

    vertices_xy: NDArray[np.float64]
    triangles: NDArray[np.int32]
