"""glTF 2.0: cards in space for Blender, Unreal, Unity and other 3D programs.

The plate is a mesh bent by its depth, or two where its depth has edges: the deeper one goes on
behind the other. Each character is a flat card at its distance, or bent as well if it was not
pooled. Space and units are those of :mod:`apps.kenburns.export.mesh`: the camera of the picture is
at the origin and sees the picture.

Of a camera's move the file keeps the path as it is; the zoom of the lens as an animation of the
field of view, in the extension ``KHR_animation_pointer``, because core glTF cannot move a lens (a
program that does not know it keeps the zoom of the first frame); and the shift of the lens as a
turn of the camera, which is exact in the middle of the frame only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from apps.kenburns.canvas import STEP
from apps.kenburns.export.gltf_file import GltfFile
from apps.kenburns.export.mesh import CELLS, Mesh, curved, tear, torn
from apps.kenburns.export.parts import Card, Parts
from cartoonedit.inpaint import grow

__all__ = ["save_gltf"]

BEHIND = 1e-3
"""How much farther, as a share, a surface lies that must be hidden by one at the same distance."""

APART = 1e-4
"""How much nearer, as a share, of two cards at one distance the front one is put."""

_QUAD = Mesh(
    positions=np.array([[-0.5, 0.5, 0], [0.5, 0.5, 0], [-0.5, -0.5, 0], [0.5, -0.5, 0]], "f4"),
    uv=np.array([[0, 0], [1, 0], [0, 1], [1, 1]], "f4"),
    triangles=np.array([[0, 2, 1], [1, 2, 3]], np.uint32),
)


def save_gltf(parts: Parts, path: Path) -> Path:
    """Write ``.glb``, one binary file, or ``.gltf``, one text file that holds the pictures, too.

    Raises:
        InvalidInput: The picture is too large for the format.
    """
    file = GltfFile()
    nodes = [*_add_plate(file, parts), *_add_cards(file, parts), _add_camera(file, parts)]
    file.add("scenes", name=parts.title, nodes=nodes)
    if parts.poses:
        _add_move(file, parts, node=nodes[-1])
    return file.save(path)


# ---------------------------------------------------------------- what is seen


def _add_plate(file: GltfFile, parts: Parts) -> list[int]:
    """The plate, and behind it, where it is torn, the deeper surface."""
    most, size_wh = _most(parts), parts.size_wh
    *deeper, front = parts.surfaces
    if not deeper:
        mesh = curved(front.q, size_wh, most=most)
        return [_add_surface(file, "plate", mesh, front.texture, "OPAQUE")]
    (behind,), share = deeper, np.float32(1 - BEHIND)
    pixels = tear(front.texture, front.q)
    beside = np.where(_beside(pixels, front.q)[..., None], front.texture, behind.texture)
    back = curved(behind.q * share, size_wh, most=most * share)
    return [
        _add_surface(file, "plate behind", back, beside, "OPAQUE"),
        _add_surface(file, "plate", torn(front.q, size_wh, most=most), pixels, "MASK"),
    ]


def _beside(torn_pixels: NDArray[np.uint8], q: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the far side shows through the tears of the surface before it.

    With two pixels around, for interpolation, but nothing of the near side: that shall not appear a
    second time behind itself.
    """
    hidden = torn_pixels[..., 3] == 0
    far = q - cv2.erode(q, np.ones((5, 5), np.uint8)) <= STEP
    return hidden | (grow(hidden, 2) & far)


def _add_surface(
    file: GltfFile, name: str, mesh: Mesh, pixels: NDArray[np.uint8], alpha_mode: str
) -> int:
    return file.add("nodes", name=name, mesh=_add_mesh(file, name, mesh, pixels, alpha_mode))


def _most(parts: Parts) -> NDArray[np.float32]:
    """The largest disparity of the plate at each pixel: behind the characters it must stay behind.

    A pooled character leans on one plane; where it stands, the floor may be nearer than that. The
    renderer draws it over the floor all the same, but a 3D program goes by distance.
    """
    shape = parts.plate_q.shape
    most = np.full(shape, np.inf, np.float32)
    # Every triangle under a card must lie behind it whole, and reaches a cell beyond.
    reach = math.ceil(1.5 * max(shape) / CELLS) + 1
    for card in parts.cards:
        height, width = card.pixels.shape[:2]
        mask = np.zeros(shape, np.bool_)
        mask[card.top : card.top + height, card.left : card.left + width] = card.pixels[..., 3] > 0
        limit = np.float32((1 - BEHIND) * np.min(card.q))
        np.minimum(most, np.where(grow(mask, reach), limit, np.inf), out=most)
    return most


def _add_cards(file: GltfFile, parts: Parts) -> list[int]:
    nodes, before = [], 0.0
    for card in parts.cards:
        card = _with_rim(card, parts.size_wh)
        if isinstance(card.q, float):
            q = before = max(card.q, before * (1 + APART))
            mesh = _add_mesh(file, card.name, _QUAD, card.pixels, "BLEND")
            nodes.append(file.add("nodes", name=card.name, mesh=mesh, **_place(card, q, parts)))
        else:
            bent = curved(card.q, parts.size_wh, origin_xy=(card.left, card.top))
            nodes.append(_add_surface(file, card.name, bent, card.pixels, "BLEND"))
    return nodes


def _with_rim(card: Card, size_wh: tuple[int, int]) -> Card:
    """Add a transparent pixel around, except at the picture's borders, for a soft edge."""
    height, width = card.pixels.shape[:2]
    sides = (
        (int(card.top > 0), int(card.top + height < size_wh[1])),
        (int(card.left > 0), int(card.left + width < size_wh[0])),
    )
    pixels = np.pad(card.pixels, (*sides, (0, 0)), mode="edge")
    pixels[..., 3] = np.pad(card.pixels[..., 3], sides)
    q = np.pad(card.q, sides, mode="edge") if isinstance(card.q, np.ndarray) else card.q
    return replace(
        card, pixels=pixels, q=q, left=card.left - sides[1][0], top=card.top - sides[0][0]
    )


def _place(card: Card, q: float, parts: Parts) -> dict[str, list[float]]:
    """Where a quad of one unit goes, and how large it becomes, to look like the card."""
    (width, height), (high, wide) = parts.size_wh, card.pixels.shape[:2]
    u = (card.left + wide / 2) / width - 0.5
    v = (card.top + high / 2 - height / 2) / width
    return {
        "translation": [u / q, -v / q, -1 / q],
        "scale": [wide / (width * q), high / (width * q), 1.0],
    }


def _add_mesh(
    file: GltfFile, name: str, mesh: Mesh, pixels: NDArray[np.uint8], alpha_mode: str
) -> int:
    primitive = {
        "attributes": {
            "POSITION": file.vertices(mesh.positions),
            "TEXCOORD_0": file.vertices(mesh.uv),
        },
        "indices": file.indices(mesh.triangles),
        "material": file.material(name, pixels, alpha_mode),
    }
    return file.add("meshes", name=name, primitives=[primitive])


# ---------------------------------------------------------------- the camera


def _add_camera(file: GltfFile, parts: Parts) -> int:
    """The camera as it is in the first frame; without a move it sees exactly the picture."""
    width, height = parts.size_wh
    pose = parts.poses[0] if parts.poses else Pose()
    camera = file.add(
        "cameras",
        name="camera",
        type="perspective",
        perspective={
            "aspectRatio": width / height,
            "yfov": _field_of_view(pose, parts),
            "znear": 0.01,
        },
    )
    x, y, z, w = _turn(pose)
    return file.add(
        "nodes",
        name="camera",
        camera=camera,
        translation=[pose.x, -pose.y, -pose.z],
        rotation=[x, y, z, w],
    )


def _add_move(file: GltfFile, parts: Parts, node: int) -> None:
    """Animate the camera with a key for each frame."""
    times = file.numbers(np.array(parts.times, np.float32))
    tracks: list[tuple[dict[str, Any], Sequence[Sequence[float]]]] = []
    path = [(pose.x, -pose.y, -pose.z) for pose in parts.poses]
    tracks.append(({"node": node, "path": "translation"}, path))
    if any(pose.shift_x or pose.shift_y for pose in parts.poses):
        turns = [_turn(pose) for pose in parts.poses]
        tracks.append(({"node": node, "path": "rotation"}, turns))
    if len({pose.zoom for pose in parts.poses}) > 1:
        file.use("KHR_animation_pointer")
        pointer = {"pointer": "/cameras/0/perspective/yfov"}
        views = [(_field_of_view(pose, parts),) for pose in parts.poses]
        target: dict[str, Any] = {
            "path": "pointer",
            "extensions": {"KHR_animation_pointer": pointer},
        }
        tracks.append((target, views))
    samplers = [
        {
            "input": times,
            "output": file.numbers(np.array(values, np.float32)),
            "interpolation": "LINEAR",
        }
        for _, values in tracks
    ]
    channels = [{"sampler": index, "target": target} for index, (target, _) in enumerate(tracks)]
    file.add("animations", name="camera", samplers=samplers, channels=channels)


def _field_of_view(pose: Pose, parts: Parts) -> float:
    """From the upper to the lower border of the frame, in radians."""
    width, height = parts.size_wh
    return 2 * math.atan(height / (2 * width * pose.zoom))


def _turn(pose: Pose) -> tuple[float, float, float, float]:
    """The rotation that looks where the lens shift puts the middle of the frame, as ``xyzw``.

    First around the vertical axis, then up or down: the camera never rolls.
    """
    aside, up = pose.shift_x / pose.zoom, pose.shift_y / pose.zoom
    yaw, pitch = math.atan(aside), math.atan2(up, math.hypot(1, aside))
    (cos_y, sin_y), (cos_p, sin_p) = (
        (math.cos(angle / 2), math.sin(angle / 2)) for angle in (yaw, pitch)
    )
    return cos_y * sin_p, sin_y * cos_p, -sin_y * sin_p, cos_y * cos_p
