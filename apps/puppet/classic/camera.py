"""The camera of Animated Drawings, through which its characters are seen.

A character lies in a plane of constant z, so the camera is a homography: no 3D is left. Points of
the plane are in AD's units, y up; pixels are y down, the first pixel's centre at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = [
    "CAMERA_FWD",
    "CAMERA_POS",
    "WINDOW_WH",
    "homography",
    "pixels_per_unit",
    "plane_points",
    "project",
    "projection",
    "view",
]

CAMERA_POS, CAMERA_FWD = (0.0, 0.7, 2.0), (0.0, 0.5, 2.0)
"""Where the camera is, and the opposite of where it looks."""

WINDOW_WH = (500, 500)

FIELD_OF_VIEW = 35.0
"""Of the camera, up and down, in degrees."""

NEAR, FAR = 0.1, 10000.0


def view(
    camera_pos: Sequence[float] = CAMERA_POS, camera_fwd: Sequence[float] = CAMERA_FWD
) -> NDArray[np.float64]:
    """The matrix ``(4, 4)`` from the world to the camera's own space.

    Raises:
        InvalidInput: The camera looks straight up or down, or nowhere.
    """
    position, forward = np.asarray(camera_pos, float), np.asarray(camera_fwd, float)
    right = np.cross([0.0, 1.0, 0.0], forward)
    if not (np.isfinite(position).all() and np.linalg.norm(right) > 1e-9):
        raise InvalidInput(
            f"the camera at {list(map(float, position))} cannot look against"
            f" {list(map(float, forward))}: CAMERA_FWD must be three finite numbers that do not"
            " point straight up or down, such as [0, 0.5, 2]."
        )
    axes = np.stack([right, np.cross(forward, right), forward])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ position
    return matrix


def projection(window_wh: tuple[int, int] = WINDOW_WH) -> NDArray[np.float64]:
    """The matrix ``(4, 4)`` from the camera's space to clip space, as OpenGL has it."""
    width, height = window_wh
    focal = 1 / np.tan(np.radians(FIELD_OF_VIEW) / 2)
    depth = NEAR - FAR
    return np.array(
        [
            [focal * height / width, 0, 0, 0],
            [0, focal, 0, 0],
            [0, 0, (FAR + NEAR) / depth, 2 * FAR * NEAR / depth],
            [0, 0, -1, 0],
        ]
    )


def homography(
    camera_pos: Sequence[float] = CAMERA_POS,
    camera_fwd: Sequence[float] = CAMERA_FWD,
    window_wh: tuple[int, int] = WINDOW_WH,
    z: float = 0.0,
) -> NDArray[np.float64]:
    """The matrix ``(3, 3)`` from a plane of the world to pixels.

    Args:
        camera_pos: Where the camera is.
        camera_fwd: The opposite of where it looks.
        window_wh: Size of the frames.
        z: Of the plane; ``(x, y)`` in it, y up.

    Returns:
        Scaled so that the third coordinate of what is before the camera is positive.

    Raises:
        InvalidInput: See :func:`view`.
    """
    width, height = window_wh
    clip = projection(window_wh) @ view(camera_pos, camera_fwd)
    plane = clip @ np.array([[1, 0, 0], [0, 1, 0], [0, 0, z], [0, 0, 1.0]])
    window = np.array([[width / 2, 0, width / 2], [0, -height / 2, height / 2], [0, 0, 1]])
    return window @ plane[[0, 1, 3]]


def project(
    matrix: NDArray[np.float64], points_xy: NDArray[np.floating], nearest: float = NEAR
) -> NDArray[np.float64]:
    """Map points ``(..., 2)`` by a homography; what is not before the camera becomes NaN.

    Args:
        matrix: ``(3, 3)``.
        points_xy: Points.
        nearest: The smallest third coordinate that counts as before the camera.
    """
    points = np.asarray(points_xy, np.float64)
    mapped = np.tensordot(matrix[:, :2], points, (1, -1))
    mapped += matrix[:, 2].reshape(3, *[1] * (points.ndim - 1))
    weight = np.where(mapped[2] >= nearest, mapped[2], np.nan)
    return np.moveaxis(mapped[:2] / weight, 0, -1)


def plane_points(matrix: NDArray[np.float64], window_wh: tuple[int, int]) -> NDArray[np.float64]:
    """The points of the plane that the centres of all pixels show, row by row.

    Args:
        matrix: The homography ``(3, 3)``.
        window_wh: Size of the frame.

    Returns:
        ``(W * H, 2)``; 0 where a pixel shows nothing of the plane.

    Raises:
        InvalidInput: The plane is seen from its edge.
    """
    width, height = window_wh
    try:
        back = np.linalg.inv(matrix)
    except np.linalg.LinAlgError as error:
        raise InvalidInput(
            "the camera looks along the plane of the characters, so nothing of them can be seen;"
            " move it to another z, or turn it."
        ) from error
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    in_column, in_row = back[:, :1] * x, back[:, 1:2] * y + back[:, 2:]
    mapped = in_row[:, :, None] + in_column[:, None]
    weight = mapped[2]
    unseen = ~(weight > 1e-9)  # one over what project() divides by
    weight[unseen] = 1
    points = mapped[:2] / weight
    points[:, unseen] = 0
    return points.reshape(2, -1).T


def pixels_per_unit(matrix: NDArray[np.float64], point_xy: NDArray[np.floating]) -> float:
    """How many pixels one unit of the plane has near a point, on average over all directions.

    Returns:
        0 if the point is not before the camera.
    """
    x, y, weight = matrix @ [*point_xy, 1.0]
    if weight < NEAR:
        return 0.0
    change = (matrix[:2, :2] - np.outer([x / weight, y / weight], matrix[2, :2])) / weight
    return float(np.sqrt(np.abs(np.linalg.det(change))))
