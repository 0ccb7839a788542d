"""A sheet of a folder of material, to see at a glance what was collected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_rgba, resize, save_image
from segmentation.dataset.manifest import Manifest

__all__ = ["SHEET_NAME", "write_sheet"]

Picture = npt.NDArray[np.uint8]

SHEET_NAME = "sheet.jpg"
MOST = 48
CELL, GAP, CAPTION, CHECK = 200, 12, 34, 10  # pixels
PAPER, INK, MARK = (250, 249, 246), (60, 60, 66), (205, 60, 40)


def write_sheet(manifest: Manifest) -> Path | None:
    """Draw pictures of a folder, spread over it, into ``sheet.jpg``.

    Args:
        manifest: of the folder.

    Returns:
        The file, or None if there is nothing to show.
    """
    rows = [row for path, row in manifest.kept.items() if (manifest.folder / path).is_file()]
    if not rows:
        return None
    spread = np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(int)
    cells = []
    for row in (rows[number] for number in spread):
        try:
            cells.append((_thumbnail(open_rgba(manifest.folder / row["path"])), row))
        except InvalidInput:
            cells.append((np.full((CELL, CELL, 3), 220, np.uint8), row | {"cut": "damaged"}))
    path = manifest.folder / SHEET_NAME
    save_image(path, _laid_out(cells, len(rows)))
    return path


def _thumbnail(rgba: Picture) -> Picture:
    """The picture over a chequered ground, with at most `CELL` pixels a side."""
    height, width = rgba.shape[:2]
    scale = CELL / max(height, width)
    small = resize(rgba, (max(1, round(width * scale)), max(1, round(height * scale))))
    y, x = np.indices(small.shape[:2]) // CHECK
    ground = np.where((x + y) % 2, 205, 235)[..., None]
    alpha = small[..., 3:] / 255
    return (small[..., :3] * alpha + ground * (1 - alpha)).round().astype(np.uint8)


def _laid_out(cells: Sequence[tuple[Picture, Mapping[str, str]]], total: int) -> Picture:
    across = min(len(cells), max(2, math.ceil(math.sqrt(1.5 * len(cells)))))
    down = math.ceil(len(cells) / across)
    head = 40
    size_wh = max(GAP + across * (CELL + GAP), 460), head + down * (CELL + CAPTION + GAP)
    sheet = Image.new("RGB", size_wh, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    shown = f"{len(cells)} of {total} pictures" if total > len(cells) else f"{total} pictures"
    draw.text((GAP, 10), shown, font=ImageFont.load_default(18), fill=INK)
    for number, (cell, row) in enumerate(cells):
        x, y = (
            GAP + number % across * (CELL + GAP),
            head + number // across * (CELL + CAPTION + GAP),
        )
        high, wide = cell.shape[:2]
        sheet.paste(Image.fromarray(cell), (x + (CELL - wide) // 2, y + CELL - high))
        draw.text((x, y + CELL + 2), _latin(row["path"])[-30:], font=font, fill=INK)
        if row.get("cut"):
            draw.text((x, y + CELL + 16), f"cut: {row['cut']}", font=font, fill=MARK)
    return np.array(sheet)


def _latin(text: str) -> str:
    """The text with what the built-in font lacks replaced."""
    return text.encode("latin-1", "replace").decode("latin-1")
