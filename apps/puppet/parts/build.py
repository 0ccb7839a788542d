"""From a character and its skeleton to a rig."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.mesh.ownership import segment_distance
from apps.puppet.mesh.triangulate import triangulate
from apps.puppet.parts.cut import Pieces, cut_mesh, extend
from apps.puppet.parts.limbs import TRUNK, Limb, find_limbs, sheets_of_joints
from apps.puppet.parts.places import Places, without_specks
from apps.puppet.parts.regions import find_regions
from apps.puppet.parts.seams import Seams
from apps.puppet.parts.textures import Reach, peel, reach_of
from apps.puppet.parts.underlay import complete_colours, hidden_trunk
from apps.puppet.rig import Rig, Sheet
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["build_rig"]

_MARGIN = 4
"""Empty pixels around the character while it is taken apart."""

_EXTENSION = 0.015
"""How far joined sheets go beneath each other, as a share of the character's size."""

_RIM = 2
"""Pixels from what is seen at which the mesh ends: textures are sampled between pixels."""


def build_rig(
    name: str,
    colours: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    skeleton: Skeleton,
    *,
    spacing: float | None = None,
    cut: bool = True,
    seed: int = 0,
) -> Rig:
    """Take a character apart into sheets on a mesh.

    Args:
        name: Of the instance.
        colours: RGB ``uint8`` ``(H, W, 3)``, of the character alone, not premultiplied.
        mask: Its alpha ``uint8`` ``(H, W)``.
        skeleton: Its joints, in pixels of the picture; any of them may lie outside.
        spacing: Between vertices, in pixels; None takes one that suits its size.
        cut: Whether to cut limbs free that lie over the body or each other, and to complete the
            body beneath. Without, the mesh is as the silhouette is.
        seed: Of the completion.

    Returns:
        Its sheets drawn over each other in rest give the premultiplied character back to within
        one level. The trunk lies at the back, limbs before it, the highest at the front.

    Raises:
        InvalidInput: The mask is empty, or the sizes differ.
    """
    _check(name, colours, mask)
    x, y, width, height = cv2.boundingRect(mask)
    corner = (x - _MARGIN, y - _MARGIN)
    box = np.s_[y : y + height, x : x + width]
    margin = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN))
    alpha = np.pad(mask[box], margin)
    image = np.pad(colours[box], (*margin, (0, 0)), mode="edge")
    inside = alpha >= min(128, int(alpha.max()))
    moved = skeleton.moved(skeleton.points_xy - corner)
    limbs = find_limbs(moved)
    regions = find_regions(image, inside, moved, limbs)
    owners = np.where(alpha > 0, regions.sheets, -1).astype(np.int32)
    seams = Seams(moved, limbs, owners, regions.half_widths, cut=cut)
    legs = _legs(moved, limbs)
    reaches = _reaches(image, owners, regions.bones, seams, legs, seed if cut else None)
    textures = peel(image, alpha, [reach for _, reach in reaches])
    mesh = triangulate(alpha, spacing)
    places = Places(mesh, alpha.shape)
    of_joint = sheets_of_joints(moved, limbs)
    of_triangle = without_specks(mesh, places.owners(regions.bones), of_joint)
    pieces = cut_mesh(mesh, of_triangle, seams)
    inner = _distances(mesh, of_triangle, moved)
    sheets = []
    for (number, reach), texture in zip(reaches, textures, strict=True):
        alpha_of = texture[..., 3]
        triangles, cover = _triangles_of(
            number, reach, alpha_of > 0, places, of_triangle, of_joint, pieces
        )
        solid = places.votes((alpha_of >= 128).astype(np.int32), alpha_of >= 0, 2)[cover]
        order = _folding_order(solid[:, 1] / solid.sum(axis=1), inner[cover])
        triangles = triangles[order]
        sheets.append(_sheet(number, limbs, texture, corner, triangles))
    whole = Mesh(pieces.vertices_xy + corner, pieces.triangles)
    return Rig(name, skeleton, whole, pieces.bones, tuple(filter(None, sheets)))


def _check(name: str, colours: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    fits = mask.ndim == 2 and colours.shape == (*mask.shape, 3)
    if not fits or colours.dtype != np.uint8 or mask.dtype != np.uint8:
        raise InvalidInput(
            f"{name}: colours must be RGB uint8 (H, W, 3) and the mask uint8 (H, W) of that size;"
            f" got {colours.dtype} {colours.shape} and {mask.dtype} {mask.shape}."
        )
    if not mask.any():
        raise InvalidInput(f"{name}: its mask is empty, so there is nothing to move. Leave it out.")


def _legs(skeleton: Skeleton, limbs: tuple[Limb, ...]) -> int:
    """How many of the limbs, which the lowest are the first of, hang from the lower half."""
    height = skeleton.points_xy[[limb.hangs_from for limb in limbs], 1]
    return int((height > (height.max() + height.min()) / 2).sum()) if len(limbs) else 0


def _reaches(
    image: NDArray[np.uint8],
    owners: NDArray[np.int32],
    bones: NDArray[np.int32],
    seams: Seams,
    legs: int,
    seed: int | None,
) -> list[tuple[int, Reach]]:
    """Where each sheet that owns anything goes, and what the trunk shows beneath limbs.

    Args:
        image: RGB ``uint8`` ``(H, W, 3)``.
        owners: ``int32`` ``(H, W)``: the sheet that owns each pixel, -1 for none.
        bones: ``int32`` ``(H, W)``: the same for bones.
        seams: Tell what is joined.
        legs: How many limbs, the first ones, may be behind others.
        seed: Of the completion; None completes nothing.
    """
    inside = owners >= 0
    extension = max(_EXTENSION * math.sqrt(int(inside.sum())), 2.0)
    found = {
        int(sheet): reach_of(int(sheet), owners, bones, image, seams, extension)
        for sheet in np.unique(owners[inside])
    }
    if seed is not None and TRUNK in found:
        hidden = hidden_trunk(owners, inside, legs)
        if hidden.any():
            found[TRUNK] = _completed(found[TRUNK], image, owners == TRUNK, hidden, seed)
    return list(found.items())


def _completed(
    reach: Reach,
    image: NDArray[np.uint8],
    trunk: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    seed: int,
) -> Reach:
    """The reach of a trunk that goes on beneath limbs."""
    filled = complete_colours(image, trunk, hidden, seed)
    # Where it is joined with the limb both show the picture, so that turning opens no gap.
    shown = hidden & ~(reach.joined & (reach.weight > 0))
    soft = cv2.GaussianBlur((hidden | trunk).astype(np.float32), (0, 0), 0.8)
    return replace(
        reach,
        weight=np.where(hidden, np.maximum(reach.weight, soft), reach.weight),
        colours=np.where(shown[..., None], filled, reach.colours),
        joined=reach.joined & ~shown,
    )


def _triangles_of(
    number: int,
    reach: Reach,
    seen: NDArray[np.bool_],
    places: Places,
    of_triangle: NDArray[np.int32],
    of_joint: NDArray[np.int32],
    pieces: Pieces,
) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """The triangles on which a sheet is drawn: where anything of it is seen, or next to that.

    Returns:
        They, and for each the one of the uncut mesh that lies there.
    """
    count = len(of_triangle)
    own = of_joint[of_triangle] == number
    near = cv2.dilate(seen.astype(np.uint8), np.ones((2 * _RIM + 1,) * 2, np.uint8)) > 0
    touched = places.votes(reach.bones, near, len(of_joint))
    joined = places.votes(reach.joined.astype(np.int32), near, 2)
    wanted = np.flatnonzero((touched.sum(axis=1) > 0) & ~own)
    shared = joined[wanted, 1] >= joined[wanted, 0]
    beside = extend(pieces, own, wanted, touched[wanted].argmax(axis=1), shared)
    return (
        np.concatenate([pieces.triangles[:count][own], beside]),
        np.concatenate([np.flatnonzero(own), wanted]),
    )


def _distances(
    mesh: Mesh, of_triangle: NDArray[np.int32], skeleton: Skeleton
) -> NDArray[np.float64]:
    """How far the middle of each triangle lies from its bone."""
    middle = mesh.vertices_xy[mesh.triangles].mean(axis=1)
    away = np.zeros(len(middle))
    for joint in np.unique(of_triangle):
        parent = skeleton.parents[joint]
        start, end = skeleton.points_xy[parent if parent >= 0 else joint], skeleton.points_xy[joint]
        own = of_triangle == joint
        away[own] = segment_distance(middle[own], start, end)
    return away


def _folding_order(solid: NDArray[np.float64], away: NDArray[np.float64]) -> NDArray[np.intp]:
    """In which order to draw the triangles of a sheet, which matters where it folds.

    Those that are partly transparent come first, so that they hide none; then those far from their
    bone, as in Animated Drawings.
    """
    return np.lexsort((-away, np.round(np.minimum(solid, 0.95), 1)))


def _sheet(
    number: int,
    limbs: tuple[Limb, ...],
    texture: NDArray[np.uint8],
    corner: tuple[int, int],
    triangles: NDArray[np.int32],
) -> Sheet | None:
    x, y, width, height = cv2.boundingRect(texture[..., 3])
    if not width or not len(triangles):
        return None
    limb = limbs[number - 1] if number != TRUNK else None
    # A transparent rim, for sampling between pixels.
    cropped = np.ascontiguousarray(texture[y - 1 : y + height + 1, x - 1 : x + width + 1])
    return Sheet(
        "trunk" if limb is None else limb.name,
        cropped,
        (corner[0] + x - 1, corner[1] + y - 1),
        triangles.astype(np.int32),
        () if limb is None else (limb.driver,),
    )
