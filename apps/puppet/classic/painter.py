"""The frames of Animated Drawings, without OpenGL.

A character is a mesh in AD's units (the longer side of its picture is 1, y up) with its picture as
texture, seen by AD's camera. There are two ways to paint it. *Aliased* is AD's, texel for texel:
nearest texels where the texture is shrunk, hard edges, alpha copied and not blended. *Anti-aliased*
takes the texture at the scale of the frame, cuts it by the mask, and blends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.camera import WINDOW_WH, pixels_per_unit, plane_points, project
from apps.puppet.mesh.mesh import Mesh
from apps.puppet.render.colours import Box, premultiplied, unpremultiply
from apps.puppet.render.layers import Layer, LayerPainter
from apps.puppet.render.raster import fragments
from apps.puppet.render.sample import TexturedTriangles, bilinear, nearest
from cartoonedit.errors import InvalidInput

__all__ = ["CLEAR_COLOR", "CharacterPainter", "ClassicStage", "draw_order"]

CLEAR_COLOR = (1.0, 1.0, 1.0, 0.0)

FAINTEST = 26
"""Texels of less alpha, a tenth of 255, are not painted."""

SHARPNESS = 1.25
"""Texels per pixel of an anti-aliased texture: with just one, interpolation blurs it again."""


def draw_order(
    by_joint: Mapping[str, NDArray[np.integer]], joints: Sequence[str]
) -> NDArray[np.intp]:
    """The triangles of a frame in the order in which they are painted.

    Args:
        by_joint: Indices of the triangles that belong to each joint, in order.
        joints: The joints of this frame from the back to the front. Triangles of others are not
            painted.
    """
    parts = [by_joint[joint] for joint in joints if joint in by_joint]
    return np.concatenate(parts).astype(np.intp) if parts else np.zeros(0, np.intp)


class CharacterPainter:
    """Paints a character, frame after frame.

    Args:
        mesh: In AD's units, y up; where it lies in the texture.
        by_joint: See :func:`draw_order`.
        texture: RGBA ``uint8`` ``(h, w, 4)``, upright, not premultiplied.
        matrix: The camera's homography, ``(3, 3)``; see :func:`~.camera.homography`.
        window_wh: Size of the frames.
        antialias: False paints as AD does.
        mask: ``uint8`` ``(h, w)``: what of the texture is the character. AD has no use for it.

    Raises:
        InvalidInput: The mask is not as large as the texture.
    """

    def __init__(
        self,
        mesh: Mesh,
        by_joint: Mapping[str, NDArray[np.integer]],
        texture: NDArray[np.uint8],
        matrix: NDArray[np.float64],
        window_wh: tuple[int, int] = WINDOW_WH,
        *,
        antialias: bool = True,
        mask: NDArray[np.uint8] | None = None,
    ) -> None:
        if mask is not None and mask.shape != texture.shape[:2]:
            raise InvalidInput(
                f"the mask of a character must be as large as its texture; got {mask.shape[1]} x"
                f" {mask.shape[0]} pixels and {texture.shape[1]} x {texture.shape[0]}."
            )
        self._matrix, self._window_wh = matrix, window_wh
        self._by_joint = {joint: np.asarray(mine, np.intp) for joint, mine in by_joint.items()}
        self._joints = {joint: index for index, joint in enumerate(self._by_joint)}
        self._triangles = np.asarray(mesh.triangles, np.intp)
        # The triangles in each order that was seen.
        self._orders: dict[tuple[str, ...], tuple[NDArray[np.intp], TexturedTriangles]] = {}
        self._layers: LayerPainter | None = None
        if antialias:
            self._layers = self._as_layers(mesh, texture, mask)
            return
        self._texture = _squared(texture)
        self._faint = bool((self._texture[..., 3] < FAINTEST).any())
        side = len(self._texture)
        vertices = np.asarray(mesh.vertices_xy, np.float64)
        self._texels = np.stack([vertices[:, 0], 1 - vertices[:, 1]], axis=1) * side - 0.5
        grid = plane_points(matrix, window_wh).astype(np.float32)
        self._x, self._y = np.ascontiguousarray(grid[..., 0]), np.ascontiguousarray(grid[..., 1])

    def paint(
        self, canvas: NDArray[np.uint8], vertices_xy: NDArray[np.floating], joints: Sequence[str]
    ) -> Box:
        """Paint the character over a canvas, in place.

        Args:
            canvas: RGBA ``uint8``, as large as the window; anti-aliased, it is premultiplied, or
                RGB.
            vertices_xy: ``(V, 2)``: where the vertices are in the world; further columns are
                ignored.
            joints: See :func:`draw_order`.

        Returns:
            The box ``(left, top, right, bottom)`` out of which nothing was changed.
        """
        plane = np.asarray(vertices_xy, np.float64)[:, :2]
        points = project(self._matrix, plane)
        if self._layers is not None:
            order = [self._joints[joint] for joint in joints if joint in self._joints]
            return self._layers.paint(canvas, points, order)
        key = tuple(joints)
        if key not in self._orders:
            triangles = self._triangles[draw_order(self._by_joint, key)]
            self._orders[key] = triangles, TexturedTriangles(triangles, self._texels)
        self._paint_aliased(canvas, plane, points, *self._orders[key])
        return (0, 0, *self._window_wh)

    def _paint_aliased(
        self,
        canvas: NDArray[np.uint8],
        plane: NDArray[np.float64],
        points: NDArray[np.float64],
        triangles: NDArray[np.intp],
        textured: TexturedTriangles,
    ) -> None:
        place, triangle = fragments(points, triangles, self._window_wh)
        if not place.size:
            return
        # Perspective is in the grid: from there to the texture, everything is affine.
        maps = textured.maps(plane)
        places = maps.at(triangle, self._x.take(place), self._y.take(place))
        colours = nearest(self._texture, places, cv2.BORDER_WRAP)
        enlarged = textured.enlarged(points)
        if enlarged.any():
            some = np.flatnonzero(enlarged.take(triangle))
            colours[some] = bilinear(self._texture, places[some], cv2.BORDER_WRAP)
        texels = colours.view(np.uint32).ravel()
        if self._faint:
            seen = colours[:, 3] >= FAINTEST
            if not seen.all():
                place, texels = place[seen], texels[seen]
        canvas.view(np.uint32).reshape(-1)[place] = texels

    def _as_layers(
        self, mesh: Mesh, texture: NDArray[np.uint8], mask: NDArray[np.uint8] | None
    ) -> LayerPainter | None:
        height, width = texture.shape[:2]
        side = max(height, width)
        alpha = texture[..., 3]
        if mask is not None:
            alpha = ((alpha * mask.astype(np.uint16) + 127) // 255).astype(np.uint8)
        cut = premultiplied(np.dstack([texture[..., :3], alpha]))
        vertices = np.asarray(mesh.vertices_xy, np.float64)
        middle = vertices.mean(axis=0) if len(vertices) else np.zeros(2)
        scale = SHARPNESS * pixels_per_unit(self._matrix, middle) / side
        size = (width, height)
        if 0 < scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            cut = cv2.resize(cut, size, interpolation=cv2.INTER_AREA)
        # The mesh goes by the centres of pixels, the first one's at 0 from the left and from below.
        places = np.stack([vertices[:, 0] * side, height - 1 - vertices[:, 1] * side], axis=1) + 0.5
        places *= np.array(size) / (width, height)
        layers = [Layer(self._triangles[mine], places, cut) for mine in self._by_joint.values()]
        return LayerPainter(layers) if layers else None


def _squared(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A texture made square, as AD does: with nothing on the right, or above."""
    height, width = texture.shape[:2]
    side = max(height, width)
    return cv2.copyMakeBorder(
        texture, side - height, 0, 0, side - width, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0)
    )


class ClassicStage:
    """Paints the frames of a clip with one or more characters.

    Args:
        characters: From the back to the front; all aliased, or all anti-aliased.
        window_wh: Size of the frames.
        clear_color: RGBA in 0..1, of an empty frame.
        background: RGBA ``uint8``, as large as a frame; None if there is none.
        antialias: What the characters are.
        opaque: Give RGB frames; otherwise they are RGBA.

    Raises:
        InvalidInput: The background has another size.
    """

    def __init__(
        self,
        characters: Sequence[CharacterPainter],
        window_wh: tuple[int, int] = WINDOW_WH,
        clear_color: Sequence[float] = CLEAR_COLOR,
        background: NDArray[np.uint8] | None = None,
        *,
        antialias: bool = True,
        opaque: bool = True,
    ) -> None:
        self._characters, self._antialias, self._opaque = characters, antialias, opaque
        clear = (np.clip(clear_color, 0, 1) * 255).round().astype(np.uint8)
        blank = np.empty((window_wh[1], window_wh[0], 4), np.uint8)
        if background is not None and background.shape != blank.shape:
            raise InvalidInput(
                f"the background must be RGBA of {window_wh[0]} x {window_wh[1]} pixels, as the"
                f" frames are; got an array of shape {background.shape}."
            )
        blank[:] = clear if background is None else background
        if antialias and opaque:
            blank = premultiplied(blank)
            rest = 255 - blank[..., 3:].astype(np.uint16)
            blank = blank[..., :3] + ((clear[:3] * rest + 127) // 255).astype(np.uint8)
        elif antialias:
            blank = premultiplied(blank)
        self._blank = blank

    def paint_frame(
        self, poses: Sequence[tuple[NDArray[np.floating], Sequence[str]]]
    ) -> NDArray[np.uint8]:
        """Paint one frame.

        Args:
            poses: For each character its vertices and the order of its joints; see
                :meth:`CharacterPainter.paint`.

        Returns:
            RGB, or RGBA that is not premultiplied: a new array.

        Raises:
            InvalidInput: There are not as many poses as characters.
        """
        if len(poses) != len(self._characters):
            raise InvalidInput(
                f"a frame of {len(self._characters)} characters needs as many poses; got"
                f" {len(poses)}."
            )
        frame = self._blank.copy()
        touched = [
            character.paint(frame, vertices, joints)
            for character, (vertices, joints) in zip(self._characters, poses, strict=True)
        ]
        if self._antialias:
            if not self._opaque:
                unpremultiply(frame, touched)
            return frame
        return cv2.cvtColor(frame, cv2.COLOR_RGBA2RGB) if self._opaque else frame
