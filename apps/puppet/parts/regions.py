"""Which pixels of a character belong to which sheet and bone: by bones, colours and outlines.

A silhouette does not show where an arm before the body ends. So what bones claim spreads over the
regions of the picture, coarsely; then the limbs' edges snap to the outlines that lie near, limbs
take the lines around them, and scraps go back to what is around them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.ownership import bone_map, bone_radii
from apps.puppet.parts.claims import HAND, spread_claims
from apps.puppet.parts.limbs import TRUNK, Limb, sheets_of_joints
from apps.puppet.skeleton import Skeleton
from cartoonedit.matte import nearest_places

__all__ = ["Regions", "find_regions"]

_SLIMMEST, _THICKEST = 0.02, 0.4
"""Half of a bone's width: at least this share of the character's size, at most of its length."""

_HORN = 0.35
"""Half of the width of what is no part of a limb, but an outline beside it, by the same measure."""

_ALONG = 0.35
"""And the share of its edge that such a piece has in common with what it is beside."""

_LINE = 0.25
"""How wide an outline is at most, as a share of half of a limb's width."""

_DARK = 24
"""How much darker it is than both of its sides, of 255."""

_SCRAP = 0.2
"""A piece that is smaller than this share of the largest one of its sheet is no part of it."""

_SNAP = 0.3
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
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
) -> Regions:
    """Find the owner of each pixel.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``.
        inside: ``bool`` ``(H, W)``, not empty.
        skeleton: Its joints.
        limbs: Of the skeleton.
    """
    of_joint = sheets_of_joints(skeleton, limbs)
    half_widths = _half_widths(inside, skeleton, of_joint)
    bones = _nearest_filled(bone_map(inside, skeleton, radii=half_widths), inside)
    sheets = of_joint[bones]
    if limbs:
        sheets = spread_claims(colours, inside, skeleton, limbs, half_widths, bones)
        width = max(2.0, float(np.median(half_widths[of_joint != TRUNK])))
        sheets = _snapped(colours, inside, sheets, _SNAP * width)
        sheets = _smooth(sheets, inside, len(limbs) + 1)
        reach = max(2, round(_LINE * width))
        line = _lines(colours, inside, reach)
        for number, limb in enumerate(limbs, 1):
            for centre, radius in _ends(skeleton, limb):
                sheets = _with_tips(line, inside, sheets, number, centre, radius)
        sheets = _with_outlines(line, inside, sheets, reach)
        for number in [*range(1, len(limbs) + 1), TRUNK]:
            sheets = _without_horns(sheets, inside, number, _HORN * width)
        sheets = _without_scraps(sheets, inside, len(limbs) + 1)
        sheets = _nearest_filled(sheets, inside)
    return Regions(sheets, _bones_within(sheets, bones, inside, of_joint), half_widths)


def _half_widths(
    inside: NDArray[np.bool_], skeleton: Skeleton, of_joint: NDArray[np.int32]
) -> NDArray[np.float64]:
    """How thick bones are, where limbs are no thicker than their bones' lengths allow."""
    widths = bone_radii(inside, skeleton)
    size = math.sqrt(int(inside.sum()))
    points, parents = skeleton.points_xy, np.array(skeleton.parents)
    lengths = np.linalg.norm(points - points[np.maximum(parents, 0)], axis=1)
    for sheet in np.unique(of_joint[of_joint != TRUNK]):
        own = of_joint == sheet
        most = max(_SLIMMEST * size, _THICKEST * float(lengths[own].mean()))
        widths[own] = np.minimum(widths[own], min(most, 1.3 * float(np.median(widths[own]))))
    return np.maximum(widths, min(1.0, _SLIMMEST * size))


# ---------------------------------------------------------------- outlines


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


def _lines(colours: NDArray[np.uint8], inside: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The dark lines, up to twice as wide as ``reach``."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    light = cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)
    light[~inside] = 255
    return np.asarray(cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, disc) > _DARK)


def _ends(skeleton: Skeleton, limb: Limb) -> list[tuple[NDArray[np.float64], float]]:
    """Where the hands or feet of a limb are, and how far they go from there, in pixels."""
    points = skeleton.points_xy
    last = [joint for joint in limb.joints if not skeleton.children[joint]]
    lengths = [np.linalg.norm(points[joint] - points[skeleton.parents[joint]]) for joint in last]
    return [(points[one], HAND * float(length)) for one, length in zip(last, lengths, strict=True)]


def _with_tips(
    line: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    sheets: NDArray[np.int32],
    sheet: int,
    centre_xy: NDArray[np.float64],
    radius: float,
) -> NDArray[np.int32]:
    """Give a hand the tips of its fingers, if the trunk has them.

    They go over into the hand without a line, and lines cut them off from the rest of the trunk.

    Args:
        line: ``bool`` ``(H, W)``: where outlines are.
        inside: The same of the character.
        sheets: ``int32`` ``(H, W)``.
        sheet: The hand's.
        centre_xy: Where it is.
        radius: How far its fingers go.
    """
    around = np.zeros(sheets.shape, np.uint8)
    cv2.circle(around, tuple(round(each) for each in centre_xy), round(radius), 1, -1)
    free = inside & ~line
    trunk = free & (sheets == TRUNK)
    _, pieces = cv2.connectedComponents(trunk.astype(np.uint8), connectivity=4)
    hand = (free & (sheets == sheet)).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    touched = np.unique(pieces[(cv2.dilate(hand, cross) > 0) & trunk])
    within = np.setdiff1d(touched, np.unique(pieces[around == 0]))
    result = sheets.copy()
    result[np.isin(pieces, within[within > 0])] = sheet
    return result


def _with_outlines(
    line: NDArray[np.bool_], inside: NDArray[np.bool_], sheets: NDArray[np.int32], reach: int
) -> NDArray[np.int32]:
    """Give limbs the dark lines around them: what lies in front is what is outlined."""
    square = np.ones((3, 3), np.uint8)
    result = sheets.copy()
    for sheet in range(1, int(sheets.max()) + 1):
        free = line & inside & (result < sheet)
        own = ((result == sheet) & inside).astype(np.uint8)
        for _ in range(reach):
            own |= cv2.dilate(own, square) & free
        result[own > 0] = sheet
    return result


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    edges = np.zeros(labels.shape, np.bool_)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edges[1:] |= down
    edges[:-1] |= down
    edges[:, 1:] |= right
    edges[:, :-1] |= right
    return edges


def _smooth(sheets: NDArray[np.int32], inside: NDArray[np.bool_], count: int) -> NDArray[np.int32]:
    """Round the teeth off the edges between sheets, within the mask."""
    sigma = max(1.0, 0.004 * np.sqrt(inside.size))
    best = np.full(sheets.shape, -1.0, np.float32)
    result = sheets.copy()
    for sheet in range(count):
        share = cv2.GaussianBlur(((sheets == sheet) & inside).astype(np.float32), (0, 0), sigma)
        won = share > best
        best[won], result[won] = share[won], sheet
    return result


def _without_horns(
    sheets: NDArray[np.int32], inside: NDArray[np.bool_], sheet: int, radius: float
) -> NDArray[np.int32]:
    """Give thin pieces of a sheet that run along others to these; fingers and hair do not."""
    own = (sheets == sheet) & inside
    core = cv2.distanceTransform(own.astype(np.uint8), cv2.DIST_L2, 5) > radius
    if not core.any():
        return sheets
    away = cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5)
    thin = own & (away > 1.1 * radius + 1.5)  # distances are approximate
    others = inside & ~own
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    beside = thin & (cv2.dilate(others.astype(np.uint8), cross) > 0)
    outline = thin & (cv2.erode(own.astype(np.uint8), cross) == 0)
    count, parts = cv2.connectedComponents(thin.astype(np.uint8), connectivity=4)
    touching = np.bincount(parts[beside], minlength=count)
    along = touching >= _ALONG * np.maximum(np.bincount(parts[outline], minlength=count), 1)
    along[0] = False
    horns = along[parts]
    result = sheets.copy()
    if horns.any():
        result[horns] = sheets.reshape(-1)[nearest_places(others, horns)[0]]
    return result


def _without_scraps(
    sheets: NDArray[np.int32], inside: NDArray[np.bool_], count: int
) -> NDArray[np.int32]:
    """Give small pieces that lie apart from the rest of their sheet to the one around them.

    Such as what a hand holds, which is the trunk's as long as it touches nothing else of it.
    """
    result = sheets.copy()
    for sheet in range(count):
        own = ((result == sheet) & inside).astype(np.uint8)
        pieces, parts, stats, _ = cv2.connectedComponentsWithStats(own, connectivity=4)
        if pieces <= 2:
            continue
        sizes = stats[1:, cv2.CC_STAT_AREA]
        for piece in np.flatnonzero(sizes < _SCRAP * sizes.max()) + 1:
            x, y, width, height = stats[piece, :4]
            box = np.s_[max(0, y - 1) : y + height + 1, max(0, x - 1) : x + width + 1]
            here = parts[box] == piece
            rim = cv2.dilate(here.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            around = result[box][rim & ~here & inside[box]]
            if len(around):
                result[box][here] = np.bincount(around).argmax()
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
