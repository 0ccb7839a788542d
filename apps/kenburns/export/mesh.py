"""Surfaces with a disparity at each pixel as meshes of triangles.

Space is that of glTF: the camera of the picture stands at the origin and looks along -Z, Y is up.
Its picture plane lies at distance 1 and is one unit wide, so the point ``(u, v)`` of the disparity
``q`` lies at ``(u, -v, -1) / q``. From a camera at ``(x, -y, -z)`` it is then seen at

    (u / q - x) / (1 / q - z) = (u - x q) / (1 - z q)

which is the projection of :mod:`apps.kenburns.camera`, and both count in one unit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.canvas import STEP
from cartoonedit.matte import nearest_places

__all__ = ["Mesh", "curved", "tear", "torn"]

CELLS = 256
"""Cells of a mesh along the longer side of the picture, where that has as many pixels."""


@dataclass(frozen=True)
class Mesh:
    """Triangles with a texture.

    Attributes:
        positions: ``float32`` ``(N, 3)``.
        uv: Place in the texture, from its upper left corner, ``float32`` ``(N, 2)``.
        triangles: Counter-clockwise from the front, ``uint32`` ``(M, 3)``.
    """

    positions: NDArray[np.float32]
    uv: NDArray[np.float32]
    triangles: NDArray[np.uint32]


def curved(
    q: NDArray[np.float32],
    size_wh: tuple[int, int],
    *,
    origin_xy: tuple[int, int] = (0, 0),
    most: NDArray[np.float32] | None = None,
) -> Mesh:
    """A surface without tears.

    Args:
        q: Disparity of its pixels, ``float32`` ``(h, w)``.
        size_wh: Size of the picture.
        origin_xy: Where its first pixel lies in the picture.
        most: The largest disparity that it may have at each pixel, of the same shape.
    """
    rows, columns = (_lines(side, max(size_wh)) for side in q.shape)
    values = _around(q, rows, columns).mean(axis=0)
    if most is not None:
        values = np.minimum(values, _around(most, rows, columns).min(axis=0))
    x, y = np.meshgrid(columns, rows)
    number = np.arange(x.size).reshape(x.shape)
    corners = [number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]]
    return _mesh((x, y), values, corners, q.shape, size_wh, origin_xy)


def torn(q: NDArray[np.float32], size_wh: tuple[int, int], *, most: NDArray[np.float32]) -> Mesh:
    """A surface that is torn at its edges of depth.

    No triangle joins the two sides of an edge. The cells on it belong to the near side, whose plane
    goes on in them; :func:`tear` says which of their pixels are not of it and must not show.
    """
    rows, columns = (_lines(side, max(size_wh)) for side in q.shape)
    middle, high = _sides(q, rows, columns)
    nodes = np.arange(len(rows) * len(columns)).reshape(len(rows), len(columns))
    around, limit = _around(q, rows, columns), _around(most, rows, columns).min(axis=0)
    values, places = [], []
    for down, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at = np.s_[down : down + len(rows) - 1, across : across + len(columns) - 1]
        own = q[np.ix_(rows[at[0]] - down, columns[at[1]] - across)]  # the cell's pixel there
        own = np.where(own < middle, high, own)
        # Of the pixels around the corner those count that are on the same side of any edge there;
        # so neighbours on one side agree on it, and the surface has no cracks.
        pixels = around[:, *at]
        same = np.abs(pixels - own) <= STEP / 2
        total = np.where(same, pixels, 0).sum(axis=0) / np.maximum(same.sum(axis=0), 1)
        values.append(np.minimum(np.where(same.any(axis=0), total, own), limit[at]))
        places.append(nodes[at])
    # Corners at one place and depth are one vertex.
    keys = np.stack([np.ravel(places), np.ravel(values)])
    vertices, inverse = np.unique(keys, axis=1, return_inverse=True)
    corners = list(inverse.reshape(4, *high.shape))
    row, column = np.divmod(vertices[0].astype(np.intp), len(columns))
    return _mesh((columns[column], rows[row]), vertices[1], corners, q.shape, size_wh, (0, 0))


def tear(texture: NDArray[np.uint8], q: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The texture of a torn surface: transparent where :func:`torn` covers what is not of it.

    Args:
        texture: RGB ``uint8`` ``(H, W, 3)``.
        q: Its disparity, ``float32`` ``(H, W)``.

    Returns:
        RGBA ``uint8`` ``(H, W, 4)``, opaque or transparent; the near side's colours go on across
        the tears. What is transparent must show on the surface behind.
    """
    rows, columns = (_lines(side, max(q.shape)) for side in q.shape)
    middle, _ = _sides(q, rows, columns)
    middle = np.repeat(np.repeat(middle, np.diff(rows), axis=0), np.diff(columns), axis=1)
    crossed = middle > 0
    hidden = q < middle
    colour = texture.copy()
    if hidden.any():  # the near side, then, has pixels in these cells, too
        places, _ = nearest_places(crossed & ~hidden, hidden)
        colour[hidden] = texture.reshape(-1, 3)[places]
    return np.dstack([colour, np.where(hidden, np.uint8(0), np.uint8(255))])


def _lines(side: int, longest: int) -> NDArray[np.intp]:
    """The pixels at which the cells along a side begin, and its end."""
    count = min(side, max(1, round(CELLS * side / longest)))
    return np.unique(np.rint(np.linspace(0, side, count + 1)).astype(np.intp))


def _around(
    values: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """The four pixels around each crossing of lines; at a border of the surface the nearest."""
    height, width = values.shape
    return np.stack(
        [
            values[np.ix_((rows + down).clip(0, height - 1), (columns + across).clip(0, width - 1))]
            for down in (-1, 0)
            for across in (-1, 0)
        ]
    )


def _sides(
    q: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What parts the near side from the far one in each cell on an edge, 0 in others; the nearest.

    An edge is a jump between neighbouring pixels: a steep floor has none.
    """

    def over(bound: np.ufunc, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return bound.reduceat(bound.reduceat(values, rows[:-1], axis=0), columns[:-1], axis=1)

    window = np.ones((3, 3), np.uint8)
    jump = over(np.maximum, cv2.dilate(q, window) - cv2.erode(q, window))
    low, high = over(np.minimum, q), over(np.maximum, q)
    on_edge = (jump > STEP) & (high - low > STEP)
    return np.where(on_edge, (low + high) / 2, np.float32(0)), high


def _mesh(
    place_xy: tuple[NDArray[np.intp], NDArray[np.intp]],
    q: NDArray[np.floating],
    corners: list[NDArray[np.intp]],
    shape: tuple[int, ...],
    size_wh: tuple[int, int],
    origin_xy: tuple[int, int],
) -> Mesh:
    """Vertices at pixel places of a texture, and two triangles for each cell.

    Args:
        place_xy: Places of the vertices.
        q: Their disparity.
        corners: Which vertices each cell has: upper left, upper right, lower left, lower right.
        shape: Of the texture.
        size_wh: Size of the picture.
        origin_xy: Where the texture begins in it.
    """
    (x, y), (width, height), q = place_xy, size_wh, q.astype(np.float64)
    u = (x + origin_xy[0]) / width - 0.5
    v = (y + origin_xy[1] - height / 2) / width
    positions = np.stack([u / q, -v / q, -1 / q], axis=-1).reshape(-1, 3)
    uv = np.stack([x / shape[1], y / shape[0]], axis=-1).reshape(-1, 2)
    a, b, c, d = (corner.reshape(-1) for corner in corners)
    triangles = np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
    return Mesh(positions.astype(np.float32), uv.astype(np.float32), triangles.astype(np.uint32))
