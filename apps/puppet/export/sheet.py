"""Sprite sheets: all frames on one picture, and where each is, as TexturePacker writes it.

    {"frames": {"dance-0000.png": {"frame": {"x": 2, "y": 2, "w": 310, "h": 480},
       "rotated": false, "trimmed": true, "spriteSourceSize": {"x": 95, "y": 8, "w": 310, "h": 480},
       "sourceSize": {"w": 500, "h": 500}, "duration": 33}, ...},
     "meta": {"image": "dance.png", "format": "RGBA8888", "size": {...}, "scale": "1", "fps": 30,
       "frameTags": [{"name": "dance", "from": 0, "to": 89, "direction": "forward"}]}}

Game engines and Aseprite read this "hash" form.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.files import write_json
from cartoonedit.images import save_image

__all__ = ["LAYOUTS", "LONGEST_SIDE", "write_sprite_sheet"]

LONGEST_SIDE = 16384
"""Pixels; graphics cards load no larger textures."""

Layout = Literal["trimmed", "grid"]
LAYOUTS: tuple[Layout, ...] = ("trimmed", "grid")


@dataclass(frozen=True)
class _Frame:
    """A frame without its transparent edges, compressed; all of a clip are held at once."""

    x: int
    y: int
    width: int
    height: int
    packed: bytes

    def pixels(self) -> NDArray[np.uint8]:
        flat = np.frombuffer(zlib.decompress(self.packed), np.uint8)
        return flat.reshape(self.height, self.width, 4)


def write_sprite_sheet(
    frames: Iterable[NDArray[np.uint8]],
    path: str | Path,
    fps: float,
    *,
    layout: Layout = "trimmed",
    padding: int = 2,
    scale: float = 1.0,
    name: str | None = None,
) -> Path:
    """Write a sprite sheet and, beside it, the JSON file that says where the frames are.

    Frames are compressed as they come. Those that are alike share a place.

    Args:
        frames: RGBA ``uint8`` ``(H, W, 4)``, not premultiplied, all of one size.
        path: The picture, ``.png``; the other file is ``.json``.
        fps: Frames a second.
        layout: ``trimmed`` packs frames without their transparent edges; ``grid`` gives each a cell
            as large as a frame, row by row.
        padding: Transparent pixels around each frame, so that none shows its neighbours.
        scale: What the frames were scaled by, to be written down.
        name: Of the clip; None takes that of the file.

    Returns:
        The JSON file.

    Raises:
        InvalidInput: There is no frame, sizes differ, or the sheet would be larger than
            :data:`LONGEST_SIDE` pixels on a side.
    """
    path = Path(path)
    _check(path, fps, layout, padding)
    kept, size_wh = _trimmed(frames, layout, padding)
    different = list(dict.fromkeys(kept))
    if layout == "grid":
        cells, sheet_wh = _grid([size_wh] * len(different), padding)
        corners = [(x + each.x, y + each.y) for (x, y), each in zip(cells, different, strict=True)]
    else:
        cells, sheet_wh = _shelves([(each.width, each.height) for each in different], padding)
        corners = cells
    if max(sheet_wh) > LONGEST_SIDE:
        raise _too_large(len(different), size_wh)
    sheet = np.zeros((sheet_wh[1], sheet_wh[0], 4), np.uint8)
    for (x, y), each in zip(corners, different, strict=True):
        sheet[y : y + each.height, x : x + each.width] = each.pixels()
    cell_of = dict(zip(different, cells, strict=True))
    places = [_entry(each, cell_of[each], size_wh, layout) for each in kept]
    data = _described(places, name or path.stem, path.name, fps, sheet_wh, scale)
    save_image(path, sheet)
    description = path.with_suffix(".json")
    write_json(description, data, indent=1)
    return description


def _check(path: Path, fps: float, layout: str, padding: int) -> None:
    if path.suffix.lower() != ".png":
        raise InvalidInput(f"a sprite sheet is a .png file; got {path.name!r}.")
    if layout not in LAYOUTS:
        raise InvalidInput(f"layout must be one of {', '.join(LAYOUTS)}; got {layout!r}.")
    if not 0 < fps < math.inf:
        raise InvalidInput(f"a sprite sheet needs more than 0 frames a second; got {fps:g}.")
    if not 0 <= padding <= 64:
        raise InvalidInput(f"padding must be from 0 to 64 pixels; got {padding}.")


def _too_large(count: int, size_wh: tuple[int, int]) -> InvalidInput:
    return InvalidInput(
        f"a sprite sheet of {count} frames of up to {size_wh[0]}x{size_wh[1]} pixels would have a"
        f" side of more than {LONGEST_SIDE}. Take fewer frames (a shorter clip or fewer frames a"
        " second) or smaller ones."
    )


def _trimmed(
    frames: Iterable[NDArray[np.uint8]], layout: Layout, padding: int
) -> tuple[list[_Frame], tuple[int, int]]:
    """All frames without their edges, and the size that they had; stops when there are too many."""
    kept: list[_Frame] = []
    seen: set[_Frame] = set()
    area, size_wh = 0, (0, 0)
    for number, frame in enumerate(frames):
        if frame.ndim != 3 or frame.shape[2] != 4 or frame.dtype != np.uint8:
            raise InvalidInput(
                f"frame {number} must be RGBA uint8 (H, W, 4); got {frame.dtype} {frame.shape}."
            )
        if kept and frame.shape[1::-1] != size_wh:
            raise InvalidInput(
                f"frame {number} is {frame.shape[1]}x{frame.shape[0]} pixels, but the first one is"
                f" {size_wh[0]}x{size_wh[1]}; all must be alike."
            )
        size_wh = (frame.shape[1], frame.shape[0])
        kept.append(_trim(frame))
        if kept[-1] not in seen:
            seen.add(kept[-1])
            side_wh = size_wh if layout == "grid" else (kept[-1].width, kept[-1].height)
            area += (side_wh[0] + padding) * (side_wh[1] + padding)
        if area > LONGEST_SIDE**2 or max(size_wh) > LONGEST_SIDE:
            raise _too_large(len(seen), size_wh)
    if not kept:
        raise InvalidInput("a sprite sheet needs at least one frame; there is none.")
    return kept, size_wh


def _trim(frame: NDArray[np.uint8]) -> _Frame:
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(frame[..., 3]))
    if not width:  # nothing to be seen; engines want a pixel all the same
        x, y, width, height = 0, 0, 1, 1
    crop = np.ascontiguousarray(frame[y : y + height, x : x + width])
    return _Frame(x, y, width, height, zlib.compress(crop.tobytes(), 1))


# ---------------------------------------------------------------- where frames go


def _grid(
    sizes_wh: list[tuple[int, int]], padding: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Cells of one size, in rows, about as wide as high all together."""
    width, height = sizes_wh[0][0] + padding, sizes_wh[0][1] + padding
    count = len(sizes_wh)
    columns = min(count, max(1, round(math.sqrt(count * height / width))))
    columns = max(1, min(columns, (LONGEST_SIDE - padding) // width))
    if padding + height * math.ceil(count / columns) > LONGEST_SIDE:
        columns = max(1, min(count, (LONGEST_SIDE - padding) // width))
    cells = [
        (padding + index % columns * width, padding + index // columns * height)
        for index in range(count)
    ]
    return cells, (padding + columns * width, padding + math.ceil(count / columns) * height)


def _shelves(
    sizes_wh: list[tuple[int, int]], padding: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Pack rectangles onto shelves, the highest first, on a sheet about as wide as high."""
    order = sorted(range(len(sizes_wh)), key=lambda index: (-sizes_wh[index][1], index))
    area = sum((width + padding) * (height + padding) for width, height in sizes_wh)
    widest = max(width for width, _ in sizes_wh) + 2 * padding
    tries = (max(widest, math.ceil(math.sqrt(area) * stretch)) for stretch in _STRETCHES)
    packed = (_packed(sizes_wh, order, padding, min(each, LONGEST_SIDE)) for each in tries)
    return min(packed, key=lambda found: (max(found[1]), found[1][0] * found[1][1]))


_STRETCHES = (0.9, 1.0, 1.05, 1.1, 1.2, 1.35)
"""Widths of the sheet that are tried, as multiples of the side of a square with no gaps."""


def _packed(
    sizes_wh: list[tuple[int, int]], order: list[int], padding: int, limit: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    corners = [(0, 0)] * len(sizes_wh)
    x = y = padding
    shelf = right = 0
    for index in order:
        width, height = sizes_wh[index]
        if x > padding and x + width + padding > limit:
            x, y, shelf = padding, y + shelf + padding, 0
        corners[index] = (x, y)
        x, shelf = x + width + padding, max(shelf, height)
        right = max(right, x)
    return corners, (right, y + shelf + padding)


# ---------------------------------------------------------------- JSON


def _entry(
    frame: _Frame, cell: tuple[int, int], size_wh: tuple[int, int], layout: Layout
) -> dict[str, Any]:
    source = _rectangle(frame.x, frame.y, frame.width, frame.height)
    whole = _rectangle(0, 0, *size_wh)
    if layout == "grid":
        source = whole
    return {
        "frame": _rectangle(*cell, source["w"], source["h"]),
        "rotated": False,
        "trimmed": source != whole,
        "spriteSourceSize": source,
        "sourceSize": {"w": size_wh[0], "h": size_wh[1]},
    }


def _rectangle(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _described(
    places: list[dict[str, Any]],
    name: str,
    image: str,
    fps: float,
    sheet_wh: tuple[int, int],
    scale: float,
) -> dict[str, Any]:
    digits = max(4, len(str(len(places) - 1)))
    entries = {}
    for index, place in enumerate(places):
        # Whole milliseconds, so rounded that the clip is as long as it should be.
        duration = round((index + 1) * 1000 / fps) - round(index * 1000 / fps)
        entries[f"{name}-{index:0{digits}d}.png"] = {**place, "duration": duration}
    return {
        "frames": entries,
        "meta": {
            "app": "cartoonedit",
            "version": "1.0",
            "image": image,
            "format": "RGBA8888",
            "size": {"w": sheet_wh[0], "h": sheet_wh[1]},
            "scale": f"{scale:g}",
            "fps": fps,
            "frameTags": [{"name": name, "from": 0, "to": len(places) - 1, "direction": "forward"}],
        },
    }
