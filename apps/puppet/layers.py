"""Taking a scene apart for puppets: what moves, what stands still, and what is behind it all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.parts import build_rig
from apps.puppet.render.colours import premultiplied
from apps.puppet.rig import Rig, Sheet
from apps.puppet.skeleton import Skeleton
from cartoonedit.layered import back_to_front
from cartoonedit.matte import nearest_places, unmix
from cartoonedit.outline import snap_outline
from cartoonedit.runtime import Progress, silent
from cartoonedit.scene import Instance, Scene

__all__ = ["Layers", "take_apart"]

BEYOND = 0.1
"""How far a character that the picture cuts off goes on outside, as a share of its height."""


@dataclass(frozen=True, eq=False)
class Layers:
    """A scene as puppets need it.

    Attributes:
        backdrop: RGB ``uint8`` ``(H, W, 3)``: the plate, and round those who stand still what the
            picture shows there.
        rigs: Of all characters, from the back to the front.
    """

    backdrop: NDArray[np.uint8]
    rigs: tuple[Rig, ...]


def take_apart(
    scene: Scene,
    skeletons: Mapping[str, Skeleton],
    *,
    cut: bool = True,
    snap: bool = True,
    seed: int = 0,
    progress: Progress = silent,
) -> Layers:
    """Make the layers.

    Args:
        scene: With its plate.
        skeletons: Of those who move, by name; the others stand still.
        cut: Whether limbs that lie over the body come off it.
        snap: Whether the edges of their masks follow the drawing first.
        seed: For what is painted in beneath limbs.
        progress: Called for each character.
    """
    order = back_to_front(scene)
    if snap:
        order = [
            replace(one, mask=snap_outline(scene.picture, one.mask))
            if one.name in skeletons
            else one
            for one in order
        ]
    masks = [instance.mask for instance in order]
    plate = scene.plate
    colours, rest = unmix(scene.picture, plate, masks) if order else ([], None)
    rigs = []
    for number, (instance, colour) in enumerate(zip(order, colours, strict=True)):
        progress(number, len(order), f"taking {instance.name} apart")
        skeleton = skeletons.get(instance.name)
        if skeleton is None:
            rigs.append(_still(instance, colour))
        else:
            rigs.append(_jointed(instance, colour, skeleton, scene.size_wh, cut=cut, seed=seed))
    backdrop = plate
    if rest is not None and len(skeletons) < len(order):
        backdrop = _with_surroundings(plate, rest, order, skeletons)
    return Layers(backdrop, tuple(rigs))


def _with_surroundings(
    plate: NDArray[np.uint8],
    rest: NDArray[np.uint8],
    order: Collection[Instance],
    moving: Collection[str],
) -> NDArray[np.uint8]:
    """The plate, where it is nearer to one who stands still as the picture has it.

    Plates are painted in for some pixels around the masks. Round one who moves that is needed: the
    picture shows its outline there.
    """
    height, width = plate.shape[:2]
    near = np.zeros((height, width), np.uint8)
    for instance in order:
        here = instance.mask > 0
        near[here] = 2 if instance.name in moving else np.maximum(near[here], 1)
    places, _ = nearest_places(near > 0, np.ones((height, width), np.bool_))
    stands = (near.reshape(-1)[places] == 1).reshape(height, width)
    shows = stands & (rest[..., 3] > 0)
    return np.where(shows[..., None], rest[..., :3], plate)


def _jointed(
    instance: Instance,
    colours: NDArray[np.uint8],
    skeleton: Skeleton,
    canvas_wh: tuple[int, int],
    *,
    cut: bool,
    seed: int,
) -> Rig:
    """The rig of a character; one that the picture cuts off goes on outside of it."""
    x1, y1, x2, y2 = instance.bounds_xyxy
    reach = max(2, round(BEYOND * (y2 - y1)))
    cuts = (y1 <= 0, y2 >= canvas_wh[1], x1 <= 0, x2 >= canvas_wh[0])
    top, bottom, left, right = (reach if is_cut else 0 for is_cut in cuts)

    def widened(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        made = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_REPLICATE)
        return np.ascontiguousarray(made)

    mask, colours = widened(instance.mask[y1:y2, x1:x2]), widened(colours)
    shift = np.array([x1 - left, y1 - top], np.float64)
    moved = skeleton.moved(skeleton.points_xy - shift)
    rig = build_rig(instance.name, colours, mask, moved, cut=cut, seed=seed)
    return rig.shifted(x1 - left, y1 - top)


def _still(instance: Instance, colours: NDArray[np.uint8]) -> Rig:
    """A character that does not move: one sheet on two triangles."""
    x1, y1, x2, y2 = instance.bounds_xyxy
    alpha = instance.mask[y1:y2, x1:x2]
    texture = premultiplied(np.dstack([colours, alpha]))
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float64)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    sheet = Sheet("whole", texture, (x1, y1), triangles)
    centre = np.array([instance.centre_xy])
    skeleton = Skeleton(("root",), (-1,), centre)
    return Rig(instance.name, skeleton, Mesh(corners, triangles), np.zeros(4, np.int32), (sheet,))
