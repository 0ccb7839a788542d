"""The folder of a character as Animated Drawings has it: joints, texture and mask.

``char_cfg.yaml`` holds the size and the joints, ``texture.png`` the colours, ``mask.png`` which
pixels are the character.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.fields import entries, mapping, numbers, required, text, whole
from cartoonedit.files import atomic_folder
from cartoonedit.images import open_mask, open_rgba, save_image
from cartoonedit.yaml_file import read_yaml

__all__ = ["INSIDE", "Drawing", "read_drawing", "write_drawing"]

logger = logging.getLogger(__name__)

INSIDE = 128
"""Pixels with more than that in the mask are the character."""

_CONFIG, _TEXTURE, _MASK = "char_cfg.yaml", "texture.png", "mask.png"
_MOST_PIXELS = 100_000  # on a side


@dataclass(frozen=True, eq=False)
class Drawing:
    """A character of Animated Drawings.

    Attributes:
        name: To call it by.
        skeleton: Its points are as in ``char_cfg.yaml``: pixels, y down, where the *centre* of the
            first pixel is (0, 0). That is half a pixel less than in the rest of puppets; see
            :meth:`of_picture`.
        texture: RGBA ``uint8`` ``(H, W, 4)``, not premultiplied.
        mask: ``uint8`` ``(H, W)``; more than :data:`INSIDE` is the character.

    Raises:
        InvalidInput: The sizes differ, or the mask holds nothing.
    """

    name: str
    skeleton: Skeleton
    texture: NDArray[np.uint8]
    mask: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shape = self.texture.shape
        if len(shape) != 3 or shape[2] != 4 or self.mask.shape != shape[:2]:
            raise InvalidInput(
                f"the drawing {self.name!r} needs a texture (H, W, 4) and a mask (H, W); got"
                f" {shape} and {self.mask.shape}."
            )
        if not (self.mask > INSIDE).any():
            raise InvalidInput(
                f"the mask of the drawing {self.name!r} is empty: no pixel of it is brighter than"
                f" {INSIDE}. Paint the character white in it."
            )

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height."""
        return self.texture.shape[1], self.texture.shape[0]

    @classmethod
    def of_picture(
        cls, name: str, skeleton: Skeleton, texture: NDArray[np.uint8], mask: NDArray[np.uint8]
    ) -> Drawing:
        """Make a drawing of a skeleton whose first pixel has its centre at (0.5, 0.5)."""
        return cls(name, skeleton.moved(skeleton.points_xy - 0.5), texture, mask)


# ---------------------------------------------------------------- reading


def read_drawing(folder: str | Path) -> Drawing:
    """Read the folder of a character.

    What a person may have changed is made to fit, with a note in the log: a mask or texture in
    another size but the same proportions, no mask where the texture has transparency, joints
    outside of the picture, joints that do not hang from the root, a root of another name.

    Raises:
        InvalidInput: A file is missing or cannot be read, or says something that makes no sense.
    """
    folder = Path(folder).expanduser()
    file = folder / _CONFIG
    if folder.is_file():
        raise InvalidInput(
            f"{folder} is a file; give the folder of a character, which holds {_CONFIG},"
            f" {_TEXTURE} and {_MASK}."
        )
    data = mapping(read_yaml(file, "character", tuples=True), f"the character {file}")
    texture = open_rgba(folder / _TEXTURE)
    size_wh = (texture.shape[1], texture.shape[0])
    mask = _read_mask(folder / _MASK, texture)
    skeleton = _read_skeleton(data, str(file))
    points = (skeleton.points_xy + 0.5) * _scale(data, size_wh, file) - 0.5
    points = _inside(skeleton, points, size_wh, file)
    return Drawing(folder.absolute().name, skeleton.moved(points), texture, mask)


def _read_mask(file: Path, texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if file.exists():
        return open_mask(file, (texture.shape[1], texture.shape[0]))
    alpha = texture[..., 3].copy()
    if alpha.min() > INSIDE:
        raise InvalidInput(
            f"there is no {file}, and {_TEXTURE} has no transparency to tell the character from the"
            " paper. Save a mask there: white is the character, black the rest."
        )
    logger.warning("there is no %s: the transparency of %s is taken", file, _TEXTURE)
    return alpha


def _scale(data: Mapping[str, Any], size_wh: tuple[int, int], file: Path) -> NDArray[np.float64]:
    """From the pixels in which the joints are to those of the texture, on each axis."""
    if "width" not in data and "height" not in data:
        return np.ones(2)
    width, height = (
        whole(required(data, key, str(file)), f"{file}: {key}", 1, _MOST_PIXELS)
        for key in ("width", "height")
    )
    if (width, height) == size_wh:
        return np.ones(2)
    # As with masks: each side of a picture that was resized is rounded to whole pixels.
    if abs(width * size_wh[1] - height * size_wh[0]) > max(width, height, *size_wh):
        raise InvalidInput(
            f"{file} is for a picture of {width}x{height} pixels, but {_TEXTURE} has"
            f" {size_wh[0]}x{size_wh[1]}. Use the texture that belongs to it."
        )
    logger.warning("%s: joints are scaled from %dx%d to %dx%d", file, width, height, *size_wh)
    return np.array(size_wh) / (width, height)


def _read_skeleton(data: Mapping[str, Any], where: str) -> Skeleton:
    joints = entries(required(data, "skeleton", where), f"{where}: skeleton", least=1)
    points: dict[str, tuple[float, ...]] = {}
    parents: dict[str, str | None] = {}
    for number, joint in enumerate(joints, 1):
        here = f"{where}: skeleton, joint {number}"
        joint = mapping(joint, here)
        name = text(required(joint, "name", here), f"{here}: name")
        parent = joint.get("parent")
        if name in points:
            raise InvalidInput(f"{where}: the joint {name!r} is there twice. Name each one once.")
        points[name] = numbers(required(joint, "loc", here), f"{here}, {name}: loc", 2)
        parents[name] = None if parent is None else text(parent, f"{here}, {name}: parent")
    points = _hanging_together(points, parents, where)
    names = list(points)
    above = tuple(
        names.index(parent) if parent in points else -1 for parent in map(parents.get, names)
    )
    try:
        return Skeleton(tuple(names), above, np.array(list(points.values())))
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from error


def _hanging_together(
    points: dict[str, tuple[float, ...]], parents: Mapping[str, str | None], where: str
) -> dict[str, tuple[float, ...]]:
    """Without joints that do not hang from the root, which Animated Drawings never poses."""
    roots = [name for name, parent in parents.items() if parent is None]
    if len(roots) != 1 and "root" not in roots:
        raise InvalidInput(
            f"{where}: the joints must form one tree, in which only the root has no parent; without"
            f" a parent: {', '.join(roots) or 'none'}. Name the first of them 'root'."
        )
    kept = {"root" if "root" in roots else roots[0]}
    while True:
        more = {name for name, parent in parents.items() if parent in kept} - kept
        if not more:
            break
        kept |= more
    for name in parents.keys() - kept:
        logger.warning(
            "%s: the joint %s is left out: it hangs from %s, not from the root",
            where,
            name,
            parents[name] or "nothing",
        )
    return {name: point for name, point in points.items() if name in kept}


def _inside(
    skeleton: Skeleton, points: NDArray[np.float64], size_wh: tuple[int, int], file: Path
) -> NDArray[np.float64]:
    """Points of joints, brought into the picture."""
    last = np.array(size_wh) - 1.0
    inside = (points >= 0) & (points < size_wh)  # Animated Drawings takes those as they are
    kept = np.where(inside, points, np.clip(points, 0, last))
    away = np.abs(points - kept).max(axis=1)
    for joint in np.flatnonzero(away > 0):
        name, (x, y) = skeleton.names[joint], points[joint]
        if away[joint] > max(size_wh):
            raise InvalidInput(
                f"{file}: the joint {name!r} is at ({x:g}, {y:g}), far outside of the picture of"
                f" {size_wh[0]}x{size_wh[1]} pixels. Count in pixels from its upper left corner."
            )
        logger.warning("%s: the joint %s, at (%g, %g), is moved into the picture", file, name, x, y)
    return kept


# ---------------------------------------------------------------- writing


def write_drawing(drawing: Drawing, folder: str | Path) -> None:
    """Write the folder of a character that Animated Drawings itself reads.

    It takes joints at whole pixels inside the picture only, so that is where they are put, and
    the root is called ``root``.

    Raises:
        InvalidInput: Another joint than the root is called so, or a file is where the folder
            must be.
    """
    skeleton = drawing.skeleton
    if skeleton.index.get("root", skeleton.root) != skeleton.root:
        raise InvalidInput(
            "Animated Drawings wants the joint that has no parent to be called 'root', but another"
            " one is. Rename it."
        )
    names = list(skeleton.names)
    names[skeleton.root] = "root"
    last = np.array(drawing.size_wh) - 1
    points = np.clip(np.rint(skeleton.points_xy), 0, last).astype(int).tolist()
    joints = [
        {"loc": loc, "name": name, "parent": None if parent < 0 else names[parent]}
        for loc, name, parent in zip(points, names, skeleton.parents, strict=True)
    ]
    width, height = drawing.size_wh
    data = {"height": height, "skeleton": joints, "width": width}
    with atomic_folder(folder) as partial:
        (partial / _CONFIG).write_text(
            yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8"
        )
        save_image(partial / _TEXTURE, drawing.texture)
        save_image(partial / _MASK, drawing.mask)
