"""A folder of pictures for After Effects, with a script that puts them together in space.

``layers/``
    RGBA PNG files as large as the picture, not premultiplied, numbered from the back.
``depth/``, ``plate_depth.png``
    16-bit depth of each, 0 the nearest, 65535 the farthest and where a character is not.
``layers.json``
    Names, files, boxes, disparities and distances, and the camera for each frame.
``import.jsx``
    Builds the composition. The camera is kept in full: the path and the zoom as key frames of a
    camera, and the shift of the lens as a window that slides over a larger composition.

In After Effects the plate is one flat card behind all characters; its depth is in
``plate_depth.png`` for an effect that bends it.
"""

from __future__ import annotations

import glob
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import Pose
from apps.kenburns.export.parts import Card, Parts, depth_of
from cartoonedit.files import atomic_folder, write_json
from cartoonedit.images import save_image

__all__ = ["save_folder"]

MANIFEST = "layers.json"
SCRIPT = "import.jsx"
PLATE_DEPTH = "plate_depth.png"

BEHIND = 0.02
"""How much farther, as a share, than the farthest character the flat plate lies at least."""

_MOST_FPS = 99  # of After Effects
_LEAST_SIDE = 4  # of a composition, in pixels


def save_folder(parts: Parts, folder: Path) -> Path:
    """Write the folder. One written there before is replaced; other files in it stay.

    Raises:
        InvalidInput: ``folder`` is a file.
    """
    opaque = np.full(parts.plate_q.shape, 255, np.uint8)
    entries = [_entry("plate", "00_plate.png", PLATE_DEPTH, _flat(parts), parts.plate_q)]
    with atomic_folder(folder, stale=_earlier_files(folder)) as partial:
        save_image(partial / "layers" / "00_plate.png", np.dstack([parts.plate, opaque]))
        save_image(partial / PLATE_DEPTH, _deep(parts.plate_q))
        for number, card in enumerate(parts.cards, start=1):
            file = f"{number:02d}_{card.name}.png"
            pixels, depth = _full_size(card, parts.plate_q.shape)
            save_image(partial / "layers" / file, pixels)
            save_image(partial / "depth" / file, depth)
            q = np.asarray(card.q, np.float32)
            entry = _entry(card.name, file, f"depth/{file}", float(q.mean()), q)
            height, width = card.pixels.shape[:2]
            entry["box_xyxy"] = [card.left, card.top, card.left + width, card.top + height]
            entries.append(entry)
        write_json(partial / MANIFEST, _manifest(parts, entries), indent=2)
        (partial / SCRIPT).write_text(_script(parts, entries), encoding="ascii")
    return folder


def _flat(parts: Parts) -> float:
    """One disparity for the whole plate, behind every character."""
    nearest = min((float(np.mean(card.q)) for card in parts.cards), default=math.inf)
    return min(float(np.median(parts.plate_q)), (1 - BEHIND) * nearest)


def _full_size(card: Card, shape: tuple[int, ...]) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """The pixels and the depth of a character, as large as the picture."""
    height, width = card.pixels.shape[:2]
    box = np.s_[card.top : card.top + height, card.left : card.left + width]
    pixels = np.zeros((*shape, 4), np.uint8)
    pixels[box] = card.pixels
    depth = np.full(shape, 65535, np.uint16)
    inside = _deep(np.broadcast_to(np.float32(card.q), (height, width)))
    depth[box] = np.where(card.pixels[..., 3] > 0, inside, 65535)
    return pixels, depth


def _deep(q: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.rint(depth_of(q) * np.float32(65535)).astype(np.uint16)


# ---------------------------------------------------------------- the list of layers


def _entry(
    name: str, file: str, depth_file: str, q: float, values: NDArray[np.float32]
) -> dict[str, Any]:
    return {
        "name": name,
        "file": f"layers/{file}",
        "depth_file": depth_file,
        "disparity": q,
        "distance": 1 / q,
        "disparity_range": [float(values.min()), float(values.max())],
    }


def _manifest(parts: Parts, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "about": (
            "Layers from the back to the front. Distances are in picture widths, for a camera whose"
            " focal length is one picture width. It sees the point (u, v) of a layer, in picture"
            " widths from the middle, at zoom * (u - x * disparity) / (1 - z * disparity) + shift_x"
            " and alike; y and v count down, z forward."
        ),
        "title": parts.title,
        "size_wh": list(parts.size_wh),
        "fps": parts.fps,
        "duration": parts.duration,
        "layers": entries,
        "camera": [
            {"time": time, **_keys(pose)}
            for time, pose in zip(parts.times, parts.poses, strict=True)
        ],
    }


def _keys(pose: Pose) -> dict[str, float]:
    return {key: float(getattr(pose, key)) for key in ("x", "y", "z", "zoom", "shift_x", "shift_y")}


def _earlier_files(folder: Path) -> list[str]:
    """The pictures that were written there before."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = [Path(layer[key]) for layer in manifest["layers"] for key in ("file", "depth_file")]
    # None there, or not one of ours: then there is nothing to replace.
    except (OSError, ValueError, TypeError, KeyError):
        return []
    ours = [file for file in files if file.parent.name in ("layers", "depth")]
    return [f"{file.parent.name}/{glob.escape(file.name)}" for file in ours]


# ---------------------------------------------------------------- the script


def _script(parts: Parts, entries: list[dict[str, Any]]) -> str:
    """The script, with the scene as a literal.

    JSON in ASCII is a literal of every version of JavaScript, and nothing that stands in its
    strings can end one.
    """
    template = (resources.files(__package__) / SCRIPT).read_text(encoding="ascii")
    return template.replace("__SCENE__", json.dumps(_composition(parts, entries), allow_nan=False))


def _composition(parts: Parts, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The scene in pixels. The camera's focal length is the picture's width."""
    (width, height), poses = parts.size_wh, parts.poses or (Pose(),)
    shift = [[_pixels(pose.shift_x, width), _pixels(pose.shift_y, width)] for pose in poses]
    farthest = max(abs(value) for pair in shift for value in pair)
    return {
        "name": parts.title,
        "width": max(width, _LEAST_SIDE),
        "height": max(height, _LEAST_SIDE),
        "margin": math.ceil(farthest) + 1 if farthest else 0,
        "fps": min(parts.fps, _MOST_FPS),
        "duration": parts.duration,
        "layers": [
            {
                "name": entry["name"],
                "file": Path(entry["file"]).name,
                "z": _pixels(entry["distance"] - 1, width),
                "scale": round(100 * entry["distance"], 6),
            }
            for entry in entries
        ],
        "camera": {
            "times": [round(time, 6) for time in parts.times],
            "position": [
                [_pixels(pose.x, width), _pixels(pose.y, width), _pixels(pose.z - 1, width)]
                for pose in poses
            ],
            "zoom": [_pixels(pose.zoom, width) for pose in poses],
            "shift": shift,
        },
    }


def _pixels(length: float, width: int) -> float:
    return round(length * width, 6)
