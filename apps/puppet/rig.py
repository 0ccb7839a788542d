"""A rig: a character taken apart into textured sheets on one mesh that follows a skeleton."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.skeleton import Skeleton

__all__ = ["Rig", "Sheet"]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A piece of a character that is drawn as one: the trunk, an arm, what an arm uncovers.

    Attributes:
        name: Such as ``trunk`` or ``left_hand``.
        texture: Premultiplied RGBA ``uint8`` ``(h, w, 4)``.
        origin_xy: Where its first pixel lies in the picture.
        triangles: ``int32`` ``(T, 3)``, indices into the vertices of the rig. In rest they cover
            all that is not transparent in the texture.
        joints: Indices of the joints whose mean depth says when the sheet is drawn; none stands
            for depth 0. Of equal depth, the order of the rig decides.
    """

    name: str
    texture: NDArray[np.uint8]
    origin_xy: tuple[int, int]
    triangles: NDArray[np.int32]
    joints: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Rig:
    """A character that can be posed.

    Attributes:
        name: Name of the instance.
        skeleton: In rest, in pixels of the picture.
        mesh: All vertices and triangles, in rest, in pixels of the picture. Sheets that lie over
            each other have vertices of their own.
        bones: ``int32`` ``(V,)``: the joint at the far end of the bone that each vertex belongs to.
        sheets: From the back to the front, as in rest. In rest, drawn over the plate, they give the
            picture back.
    """

    name: str
    skeleton: Skeleton
    mesh: Mesh
    bones: NDArray[np.int32]
    sheets: tuple[Sheet, ...]

    def shifted(self, x: int, y: int) -> Rig:
        """The same rig at another place of the picture, whole pixels away."""
        shift = np.array([x, y], np.float64)
        sheets = tuple(
            replace(sheet, origin_xy=(sheet.origin_xy[0] + x, sheet.origin_xy[1] + y))
            for sheet in self.sheets
        )
        return replace(
            self,
            skeleton=self.skeleton.moved(self.skeleton.points_xy + shift),
            mesh=replace(self.mesh, vertices_xy=self.mesh.vertices_xy + shift),
            sheets=sheets,
        )
