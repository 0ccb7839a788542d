"""A character as the folder that Animated Drawings reads, with what its users look at beside."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from apps.puppet.classic.character import Drawing, write_drawing
from apps.puppet.joints.overlay import draw_joints
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_folder
from cartoonedit.images import save_image
from cartoonedit.matte import decontaminate

__all__ = ["export_drawing"]

_MARGIN = 0.03
"""Around the character, as a share of its longer side; at least a few pixels."""


def export_drawing(
    folder: str | Path,
    name: str,
    picture: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    skeleton: Skeleton,
    *,
    margin: int | None = None,
) -> Path:
    """Write ``char_cfg.yaml``, ``texture.png``, ``mask.png``, and three files to look at.

    These are ``image.png``, the whole picture, ``bounding_box.yaml``, which part of it the others
    show, and ``joint_overlay.png``.

    Args:
        folder: Where to; other files in it stay.
        name: Of the character.
        picture: RGB ``uint8`` ``(H, W, 3)``.
        mask: Alpha ``uint8`` ``(H, W)``.
        skeleton: In pixels of the picture. Joints are put at whole pixels inside the part of it.
        margin: Pixels of the picture around the character; outside of it there are none.

    Returns:
        ``folder``.

    Raises:
        InvalidInput: The mask is empty or of another size, or the skeleton cannot be written.
    """
    if mask.shape != picture.shape[:2]:
        raise InvalidInput(
            f"{name}: its mask must be (H, W) = {picture.shape[:2]}; got {mask.shape}."
        )
    solid = (mask >= 128).astype(np.uint8) * np.uint8(255)
    x, y, width, height = cv2.boundingRect(solid)
    if not width:
        raise InvalidInput(
            f"{name}: no pixel of its mask is at least half inside, so there is nothing to draw."
        )
    margin = max(4, round(_MARGIN * max(width, height))) if margin is None else margin
    left, top = max(0, x - margin), max(0, y - margin)
    right = min(picture.shape[1], x + width + margin)
    bottom = min(picture.shape[0], y + height + margin)
    box = np.s_[top:bottom, left:right]
    texture = np.dstack([decontaminate(picture, mask)[box], mask[box]])
    moved = skeleton.moved(skeleton.points_xy - (left, top))
    with atomic_folder(folder) as partial:
        write_drawing(Drawing.of_picture(name, moved, texture, solid[box]), partial)
        save_image(partial / "image.png", picture)
        save_image(partial / "joint_overlay.png", draw_joints(picture[box], {name: moved}))
        bounds = {"bottom": bottom, "left": left, "right": right, "top": top}
        (partial / "bounding_box.yaml").write_text(yaml.safe_dump(bounds), encoding="utf-8")
    return Path(folder)
