"""Layered pictures with depth: PSD for Photoshop and Clip Studio, OpenRaster for Krita and GIMP.

From the bottom a group for the plate and one for each character, farthest first. That of the plate
holds ``plate`` and ``plate edges``, what is left of the picture around the characters: hide it when
moving one. Each group has on top, hidden, its depth in grey, black for the nearest; all depth
layers shown together are the depth map of the scene. The rest shows the picture again to within one
level. Behind others the characters are complete.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.kenburns.export.parts import Card, Parts, depth_of
from cartoonedit.layered import Group, Sheet, write_ora, write_psd

__all__ = ["save_ora", "save_psd"]


def save_psd(parts: Parts, path: Path) -> Path:
    """Write a Photoshop file; the camera is left out.

    Raises:
        InvalidInput: A side is longer than the 30,000 pixels which the format allows.
    """
    return write_psd(_stack(parts), parts.picture, path)


def save_ora(parts: Parts, path: Path) -> Path:
    """Write an OpenRaster file; the camera is left out."""
    return write_ora(_stack(parts), parts.picture, path)


def _stack(parts: Parts) -> list[Sheet | Group]:
    opaque = np.full(parts.plate_q.shape, 255, np.uint8)
    sheets = [Sheet("plate", np.dstack([parts.plate, opaque]))]
    rows, columns = np.nonzero(parts.edges[..., 3])
    if rows.size:
        top, left = int(rows.min()), int(columns.min())
        crop = parts.edges[top : rows.max() + 1, left : columns.max() + 1]
        sheets.append(Sheet("plate edges", crop, left, top))
    sheets.append(Sheet("plate depth", _grey(parts.plate_q, opaque), visible=False))
    return [Group("plate", tuple(sheets)), *(_group(card) for card in parts.cards)]


def _group(card: Card) -> Group:
    alpha = card.still[..., 3]
    q = np.broadcast_to(np.float32(card.q), alpha.shape)
    depth = Sheet(f"{card.name} depth", _grey(q, alpha), card.left, card.top, visible=False)
    return Group(card.name, (Sheet(card.name, card.still, card.left, card.top), depth))


def _grey(q: NDArray[np.float32], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    level = np.rint(depth_of(q) * 255).astype(np.uint8)
    return np.dstack([level, level, level, alpha])
