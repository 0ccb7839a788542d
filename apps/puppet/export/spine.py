"""Spine skeletons: JSON of version 4.1, which Spine and the runtimes of game engines read.

Each joint but the root becomes a bone of its name, from its parent's place to its own; that of the
root is a point. Each sheet becomes a slot with a mesh, whose vertices follow up to four bones. In
Spine's space y points up, and the origin lies on the ground below the root.

What differs from a clip: Spine blends the bones' movements where puppets bend as rigidly as
possible, so joints look softer; and the hull of a mesh is its longest outline, of which Spine shows
the line only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.export.spine_bones import animated_bones, setup_bones, to_spine
from apps.puppet.export.spine_mesh import mesh_attachment, vertex_weights
from apps.puppet.poses import Poses
from apps.puppet.rig import Rig, Sheet
from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_folder, write_json
from cartoonedit.images import save_image

__all__ = ["VERSION", "spine_skeleton", "write_spine"]

VERSION = "4.1.24"


def write_spine(folder: str | Path, rig: Rig, animations: Mapping[str, Poses]) -> Path:
    """Write a folder for Spine: ``<name>.json``, and the sheets in ``images``.

    Args:
        folder: Where to; other files in it stay.
        rig: The character.
        animations: Its poses, by the name of the motion.

    Returns:
        The JSON file.

    Raises:
        InvalidInput: Poses are not of the rig's skeleton.
    """
    data = spine_skeleton(rig, animations)
    with atomic_folder(folder) as partial:
        for sheet in rig.sheets:
            save_image(partial / "images" / f"{sheet.name}.png", _straight(sheet.texture))
        write_json(partial / f"{rig.name}.json", data)
    return Path(folder) / f"{rig.name}.json"


def spine_skeleton(rig: Rig, animations: Mapping[str, Poses]) -> dict[str, Any]:
    """What the JSON file holds.

    Args:
        rig: The character.
        animations: Its poses, by the name of the motion.

    Raises:
        InvalidInput: Poses are not of the rig's skeleton.
    """
    for name, poses in animations.items():
        if poses.joints_xy.shape[1:] != (len(rig.skeleton), 2) or not len(poses):
            raise InvalidInput(
                f"the animation {name!r} must have points of the {len(rig.skeleton)} joints of"
                f" {rig.name!r} in one frame or more; got {poses.joints_xy.shape}."
            )
    places = rig.mesh.vertices_xy
    origin = np.array([rig.skeleton.points_xy[rig.skeleton.root, 0], places[:, 1].max()])
    rest = to_spine(rig.skeleton.points_xy, origin)
    vertices = to_spine(places, origin)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    weights = vertex_weights(rig.mesh, rig.bones, len(rig.skeleton))
    bones = setup_bones(rig.skeleton, rest)
    slots = [
        {"name": sheet.name, "bone": bones[0]["name"], "attachment": sheet.name}
        for sheet in rig.sheets
    ]
    attachments = {
        sheet.name: {
            sheet.name: mesh_attachment(sheet, rig.mesh, vertices, weights, rig.skeleton, rest)
        }
        for sheet in rig.sheets
    }
    return {
        "skeleton": {
            "spine": VERSION,
            "x": round(float(low[0]), 2),
            "y": round(float(low[1]), 2),
            "width": round(float(high[0] - low[0]), 2),
            "height": round(float(high[1] - low[1]), 2),
            "images": "./images/",
            "audio": "",
        },
        "bones": bones,
        "slots": slots,
        "skins": [{"name": "default", "attachments": attachments}],
        "animations": {
            name: _animation(rig, poses, rest, origin) for name, poses in animations.items()
        },
    }


def _animation(
    rig: Rig, poses: Poses, rest: NDArray[np.float64], origin: NDArray[np.float64]
) -> dict[str, Any]:
    bones = animated_bones(rig.skeleton, rest, to_spine(poses.joints_xy, origin), poses.fps)
    animation: dict[str, Any] = {"bones": bones}
    order = _draw_order(rig.sheets, poses)
    if order:
        animation["drawOrder"] = order
    return animation


def _draw_order(sheets: tuple[Sheet, ...], poses: Poses) -> list[dict[str, Any]]:
    """Keys where the order of the sheets changes."""
    depths = np.zeros((len(poses), len(sheets)))
    for index, sheet in enumerate(sheets):
        if sheet.joints:
            depths[:, index] = poses.depth[:, list(sheet.joints)].mean(axis=1)
    ranks = np.argsort(np.argsort(depths, axis=1, kind="stable"), axis=1, kind="stable")
    keys: list[dict[str, Any]] = []
    before = np.arange(len(sheets))
    for frame, rank in enumerate(ranks):
        if (rank == before).all():
            continue
        before = rank
        moved = [
            {"slot": sheet.name, "offset": int(place) - index}
            for index, (sheet, place) in enumerate(zip(sheets, rank, strict=True))
            if place != index
        ]
        key: dict[str, Any] = {"time": round(frame / poses.fps, 4)}
        keys.append({**key, "offsets": moved} if moved else key)
    return keys


def _straight(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A texture whose colours are not multiplied by its alpha."""
    alpha = np.maximum(texture[..., 3:], 1).astype(np.float32)
    colours = np.rint(np.minimum(texture[..., :3] * (255 / alpha), 255)).astype(np.uint8)
    return np.dstack([colours, texture[..., 3]])
