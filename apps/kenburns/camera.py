"""The virtual camera: where it stands and how it projects.

Lengths are measured in picture widths from the picture's centre, ``x`` to the right and ``y``
down. Distance enters as disparity ``q``, the inverse of the distance: 1 for the nearest plane,
:data:`FAR` for the farthest. A camera at ``(x, y, z)`` with lens ``zoom`` and
``shift`` sees the point ``(u, v)`` of the plane ``q`` at

    u' = zoom (u - x q) / (1 - z q) + shift_x        (v' alike)

The camera never turns, as lens shift does what turning would: so every plane moves by an exact
similarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["FAR", "Pose", "disparity"]

FAR = 0.25
"""Disparity of depth 1: the farthest plane is four times as far away as the nearest."""

Value = TypeVar("Value", float, NDArray[np.float32])


def disparity(depth: Value) -> Value:
    """Disparity ``q`` in :data:`FAR`..1 of a scene depth in 0..1 (larger = farther)."""
    return 1 - (1 - FAR) * depth


@dataclass(frozen=True)
class Pose:
    """One camera position. The default, the identity, shows the picture as it is.

    Attributes:
        x: To the right, in picture widths.
        y: Down, in picture widths.
        z: Forward, where 1 is the distance of the nearest plane; must be below 1.
        zoom: Magnification by the lens, which causes no parallax.
        shift_x: Shift of the whole image to the right, in picture widths.
        shift_y: Shift of the whole image down, in picture widths.
    """

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    zoom: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0

    def scale(self, q: float) -> float:
        """Magnification of the plane with disparity ``q``."""
        return self.zoom / (1 - self.z * q)

    def project(self, u: float, v: float, q: float) -> tuple[float, float]:
        """Where the point ``(u, v)`` of the plane ``q`` appears."""
        scale = self.scale(q)
        return scale * (u - self.x * q) + self.shift_x, scale * (v - self.y * q) + self.shift_y

    def mix(self, other: Pose, s: float) -> Pose:
        """The pose at ``s`` of the way to ``other``: straight, and with a steady rate of zoom."""

        def between(a: float, b: float) -> float:
            return a + (b - a) * s

        return Pose(
            between(self.x, other.x),
            between(self.y, other.y),
            between(self.z, other.z),
            self.zoom ** (1 - s) * other.zoom**s,
            between(self.shift_x, other.shift_x),
            between(self.shift_y, other.shift_y),
        )
