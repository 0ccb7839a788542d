"""Which pixels of a character belong to which sheet and bone: by shape first, then by colour.

The half-way line between two bones is seldom where a limb ends: the body is thicker than an arm.
So bones get the thickness that the silhouette shows, the character is flooded from these capsules,
and the limbs' edges snap to outlines in the picture that lie near.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.parts.limbs import TRUNK, Limb, sheets_of_joints
from apps.puppet.skeleton import Skeleton
from cartoonedit.matte import nearest_places

__all__ = ["Regions", "find_regions"]

_WORKING_SIDE = 420
"""Pixels of the longer side at which the shape is looked at; colours are at full size."""

_SLIMMEST, _THICKEST = 0.02, 0.4
"""Half of a bone's width: at least this share of the character's size, at most of its length."""

_SHOULDERS = 0.65
"""Half of the trunk's width, at least, as a share of how far its limbs are from its middle."""

_SNAP = 0.6
"""How far an edge moves to an outline, as a share of half of the limb's width."""


@dataclass(frozen=True, eq=False)
class Regions:
    """Who owns each pixel.

    Attributes:
        sheets: ``int32`` ``(H, W)``: 0 for the trunk, 1 for the first limb...; also outside of the
            mask, where it is that of the nearest pixel inside.
        bones: ``int32`` ``(H, W)``: the joint at the far end of the bone, one of that sheet.
        half_widths: ``float64`` ``(J,)``, of each bone, in pixels.
    """

    sheets: NDArray[np.int32]
    bones: NDArray[np.int32]
    half_widths: NDArray[np.float64]


def find_regions(
    colours: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    bones: NDArray[np.int32],
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
) -> Regions:
    """Find the owner of each pixel.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``.
        inside: ``bool`` ``(H, W)``, not empty.
        bones: ``int32`` ``(H, W)``, the bone that is nearest inside of the mask, as
            :func:`apps.puppet.mesh.ownership.bone_map` gives it.
        skeleton: Its joints.
        limbs: Of the skeleton.
    """
    of_joint = sheets_of_joints(skeleton, limbs)
    scale = min(1.0, _WORKING_SIDE / max(inside.shape))
    small = _reduced(inside, scale)
    points = skeleton.points_xy * (np.array(small.shape[::-1]) / inside.shape[::-1])
    capsules = _Capsules(small, points, skeleton, of_joint)
    shape = _flood(capsules.owners, small)
    sheets = cv2.resize(
        _nearest_filled(of_joint[np.maximum(shape, 0)], shape >= 0).astype(np.uint8),
        inside.shape[::-1],
        interpolation=cv2.INTER_NEAREST,
    ).astype(np.int32)
    half_widths = capsules.half_widths / scale
    if limbs:
        band = _SNAP * max(2.0, float(np.median(half_widths[of_joint != TRUNK])))
        sheets = _smooth(_snapped(colours, inside, sheets, band), inside, len(limbs) + 1)
    sheets = _nearest_filled(sheets, inside)
    return Regions(sheets, _bones_within(sheets, bones, inside, of_joint), half_widths)


def _reduced(inside: NDArray[np.bool_], scale: float) -> NDArray[np.bool_]:
    height, width = (max(1, round(side * scale)) for side in inside.shape)
    share = cv2.resize(inside.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    return share >= min(0.5, float(share.max()))


class _Capsules:
    """Bones with the thickness that the silhouette shows.

    Attributes:
        half_widths: ``(J,)``, in pixels of the mask.
        owners: ``int32`` ``(H, W)``: the joint in whose capsule a pixel lies deepest, -1 for none.
    """

    def __init__(
        self,
        inside: NDArray[np.bool_],
        points: NDArray[np.float64],
        skeleton: Skeleton,
        of_joint: NDArray[np.int32],
    ) -> None:
        self._inside, self._points, self._parents = inside, points, skeleton.parents
        self.half_widths = np.zeros(len(points))
        self.owners = np.full(inside.shape, -1, np.int32)
        self._depth = np.ones(inside.shape, np.float32)
        limbs, trunk = np.flatnonzero(of_joint != TRUNK), np.flatnonzero(of_joint == TRUNK)
        self._add(limbs, inside, of_joint)
        # What is left without the limbs shows how thick the trunk is.
        self._add(trunk, inside & (self.owners < 0), of_joint)

    def _add(
        self, joints: NDArray[np.intp], free: NDArray[np.bool_], of_joint: NDArray[np.int32]
    ) -> None:
        room = cv2.distanceTransform(free.astype(np.uint8), cv2.DIST_L2, 5)
        slimmest = max(1.0, _SLIMMEST * np.sqrt(max(1, int(self._inside.sum()))))
        for joint in joints:
            start, end = self._bone(int(joint))
            seen = _along(room, start, end)
            least, most = slimmest, np.inf
            if of_joint[joint] == TRUNK:
                least = max(least, self._shoulders(int(joint), of_joint))
            else:
                most = max(least, _THICKEST * self._length(joint, of_joint))
            self.half_widths[joint] = np.clip(np.median(seen) if len(seen) else 0, least, most)
        for sheet in np.unique(of_joint[joints]):  # a limb is about as wide all along
            own = joints[of_joint[joints] == sheet]
            if sheet != TRUNK:
                widest = 1.3 * np.median(self.half_widths[own])
                self.half_widths[own] = np.minimum(self.half_widths[own], widest)
        for joint in joints:
            self._paint(int(joint))

    def _shoulders(self, joint: int, of_joint: NDArray[np.int32]) -> float:
        """How thick limbs say that a bone of the trunk is, by how far they are from its ends."""
        start, end = self._bone(joint)
        length = max(float(np.linalg.norm(end - start)), 1e-9)
        across = np.array([start[1] - end[1], end[0] - start[0]]) / length
        farthest = 0.0
        for limb in np.flatnonzero(of_joint != TRUNK):
            hung = self._parents[limb]
            if of_joint[hung] == TRUNK and self._parents[hung] == joint:
                farthest = max(farthest, abs(float(across @ (self._points[hung] - end))))
        return _SHOULDERS * farthest

    def _bone(self, joint: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        parent = self._parents[joint]
        return self._points[parent if parent >= 0 else joint], self._points[joint]

    def _length(self, joint: int, of_joint: NDArray[np.int32]) -> float:
        """The mean length of the bones of a joint's sheet."""
        own = [j for j in np.flatnonzero(of_joint == of_joint[joint]) if self._parents[j] >= 0]
        ends = np.array([(self._points[j], self._points[self._parents[j]]) for j in own])
        return float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean()) if own else 0.0

    def _paint(self, joint: int) -> None:
        start, end = self._bone(joint)
        reach = self.half_widths[joint]
        low = np.floor(np.minimum(start, end) - reach).astype(int)
        high = np.ceil(np.maximum(start, end) + reach).astype(int) + 1
        height, width = self._inside.shape
        x0, y0 = np.clip(low, 0, (width, height))
        x1, y1 = np.clip(high, 0, (width, height))
        if x0 >= x1 or y0 >= y1:
            return
        box = np.s_[y0:y1, x0:x1]
        rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float64) + 0.5
        way = end - start
        along = (columns - start[0]) * way[0] + (rows - start[1]) * way[1]
        along = np.clip(along / max(float(way @ way), 1e-9), 0, 1)
        away = np.hypot(columns - start[0] - along * way[0], rows - start[1] - along * way[1])
        depth = (away / reach).astype(np.float32)
        won = (depth < self._depth[box]) & self._inside[box]
        self._depth[box][won] = depth[won]
        self.owners[box][won] = joint


def _along(
    room: NDArray[np.float32], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The room at points of a bone, of those that lie in the mask."""
    places = start + np.linspace(0.15, 0.95, 9)[:, None] * (end - start)
    x, y = np.floor(places).astype(int).T
    height, width = room.shape
    valid = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    seen = room[y[valid], x[valid]]
    return seen[seen > 0]


# ---------------------------------------------------------------- floods


def _flood(seeds: NDArray[np.int32], inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Let seeds grow at the same speed within a mask.

    Returns:
        Seeds of all pixels inside; the nearest one where none comes, -1 outside.
    """
    flat = np.zeros((*inside.shape, 3), np.uint8)
    return np.where(inside, _watershed(flat, seeds, inside), -1)


def _watershed(
    image: NDArray[np.uint8], seeds: NDArray[np.int32], inside: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Grow seeds over an image of values up to 100, the flattest ways first."""
    if not (seeds[inside] >= 0).any():
        return np.zeros(inside.shape, np.int32)
    outside = int(seeds.max()) + 2
    # The brightest rim comes last, so what lies outside does not grow in.
    rimmed = cv2.copyMakeBorder(
        np.where(inside[..., None], image, np.uint8(255)), 1, 1, 1, 1, cv2.BORDER_CONSTANT
    )
    marks = np.where(inside, seeds + 1, outside)
    marks = cv2.copyMakeBorder(marks.astype(np.int32), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    marks[[0, -1]] = marks[:, [0, -1]] = outside
    grown = cv2.watershed(rimmed, marks)[1:-1, 1:-1]
    known = (grown > 0) & (grown < outside) & inside
    return _nearest_filled(grown - 1, known) if known.any() else np.zeros(inside.shape, np.int32)


def _snapped(
    colours: NDArray[np.uint8], inside: NDArray[np.bool_], sheets: NDArray[np.int32], band: float
) -> NDArray[np.int32]:
    """Move the edges between sheets to the strongest edges of the picture within a band."""
    edges = _edges(sheets) & inside
    if not edges.any():
        return sheets
    far = cv2.distanceTransform((~edges).astype(np.uint8), cv2.DIST_L2, 5) > band
    calm = cv2.GaussianBlur(colours, (0, 0), 1.0)
    image = (calm.astype(np.uint16) * 100 // 255).astype(np.uint8)
    seeds = np.where(far & inside, sheets, -1).astype(np.int32)
    # A limb that is thinner than the band keeps its middle.
    for sheet in np.setdiff1d(np.unique(sheets[inside]), np.unique(seeds[seeds >= 0])):
        own = (sheets == sheet) & inside
        room = cv2.distanceTransform(own.astype(np.uint8), cv2.DIST_L2, 5)
        seeds[own & (room >= 0.6 * room.max())] = sheet
    return np.where(inside, _watershed(image, seeds, inside), sheets)


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    edges = np.zeros(labels.shape, np.bool_)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= right
    edges[:, :-1] |= right
    return edges


def _smooth(
    sheets: NDArray[np.int32], inside: NDArray[np.bool_], count: int
) -> NDArray[np.int32]:
    """Round the teeth off the edges between sheets, within the mask."""
    sigma = max(1.0, 0.004 * np.sqrt(inside.size))
    best = np.full(sheets.shape, -1.0, np.float32)
    result = sheets.copy()
    for sheet in range(count):
        share = cv2.GaussianBlur(((sheets == sheet) & inside).astype(np.float32), (0, 0), sigma)
        won = share > best
        best[won], result[won] = share[won], sheet
    return result


def _nearest_filled(labels: NDArray[np.int32], known: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Labels with those that are not known taken from the nearest that are."""
    if known.all() or not known.any():
        return labels
    result = labels.copy()
    result[~known] = labels.reshape(-1)[nearest_places(known, ~known)[0]]
    return result


def _bones_within(
    sheets: NDArray[np.int32],
    bones: NDArray[np.int32],
    inside: NDArray[np.bool_],
    of_joint: NDArray[np.int32],
) -> NDArray[np.int32]:
    """The bones, where one is of another sheet the nearest one that is of the pixel's own."""
    result = _nearest_filled(bones, inside)
    for sheet in np.unique(sheets):
        own = sheets == sheet
        fits = own & inside & (of_joint[result] == sheet)
        wrong = own & (of_joint[result] != sheet)
        if fits.any() and wrong.any():
            result[wrong] = result.reshape(-1)[nearest_places(fits, wrong)[0]]
        elif wrong.any():
            result[wrong] = int(np.flatnonzero(of_joint == sheet)[0])
    return result
