"""Which sheet each pixel belongs to, as far as bones and the regions of the picture tell.

Bones claim what lies around them: strongly along their middle, hardly at all beyond their
surface. The claims then spread over the picture, freely within a region of one colour and not over
outlines. So a region goes, as a whole, to whom most of it belongs: trousers next to an arm are not
nibbled at, and a hand before the body goes with its arm. A region that has strong claims of
several, as in a plain drawing where arms and body are one, is parted halfway between them.

It is the random walker with priors (Grady, "Multilabel random walker image segmentation using
prior models", CVPR 2005).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from apps.puppet.mesh.ownership import segment_distance
from apps.puppet.parts.limbs import TRUNK, Limb, sheets_of_joints
from apps.puppet.skeleton import Skeleton

__all__ = ["HAND", "spread_claims"]

_WORKING_SIDE = 256

_STRONG, _WEAK, _TRUNK = 4.0, 0.05, 0.15
"""Claims: along the middle of a bone, of the nearest bone elsewhere, and the same of the trunk away
from limbs. For a region as wide as a limb, claims of 1 weigh as much as its surroundings do where
there is no outline."""

_OF_LENGTH, _OF_SIZE = 0.12, 0.025
"""Half of a limb's width is at least this share of its bones' lengths, and of the character's size.
Joints that lie beside their limb let it seem slimmer."""

_FAR, _FAR_OF_LENGTH = 3.0, 0.2
"""Halves of a limb's width, or this share of its length, from its bones beyond which it claims
nothing: there begin capes, hair and skirts."""

_SHARP = 2.0
"""How soon strong claims set in, from a bone's surface inwards."""

_BEGINNING = 2.5
"""Halves of its width from where it hangs at which a limb has begun."""

HAND = 0.6
"""How far hands and feet may go beyond their joint, as a share of a bone's length..."""

_SPLAY = 0.6
"""...and how much wider than the bone they are there, by the same measure as the bone's."""

_FAINT = 12.0
"""Steps of colour, of 255, that are no edge yet."""

_LEAK = 3e-4
"""How much of a claim gets over an outline."""


def spread_claims(
    colours: NDArray[np.uint8],
    inside: NDArray[np.bool_],
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
    half_widths: NDArray[np.float64],
    bones: NDArray[np.int32],
) -> NDArray[np.int32]:
    """Find the sheet of each pixel.

    Args:
        colours: RGB ``uint8`` ``(H, W, 3)``.
        inside: ``bool`` ``(H, W)``.
        skeleton: Its joints.
        limbs: Of the skeleton.
        half_widths: ``(J,)`` of the bones, in pixels.
        bones: ``int32`` ``(H, W)``: the bone that is nearest to each pixel.

    Returns:
        ``int32`` ``(H, W)``: 0 for the trunk, 1 for the first limb... It is coarse: steps of a
        pixel at a resolution of 256 pixels.
    """
    half_widths = _no_slimmer(half_widths, inside, skeleton, limbs)
    height, width = inside.shape
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    cells = cv2.resize(inside.astype(np.float32), wh, interpolation=cv2.INTER_AREA) >= 0.3
    of_joint = sheets_of_joints(skeleton, limbs)
    near = of_joint[cv2.resize(bones, wh, interpolation=cv2.INTER_NEAREST)]
    if not cells.any():
        return of_joint[bones]
    step = np.array([width / wh[0], height / wh[1]])
    rows, columns = np.nonzero(cells)
    points = np.column_stack([columns + 0.5, rows + 0.5]) * step
    calm = np.exp(-_steps_of_colour(colours, inside, wh))
    claims = _claims(points, near[cells], calm[cells], skeleton, limbs, half_widths)
    typical = float(np.median(half_widths[of_joint != TRUNK])) / float(step.mean())
    links = _links(calm, cells)
    shares = _spread(claims / max(typical, 1.0) ** 2, links)
    coarse = near.astype(np.int32)
    coarse[cells] = shares.argmax(axis=1)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)


# ---------------------------------------------------------------- what bones claim


def _no_slimmer(
    half_widths: NDArray[np.float64],
    inside: NDArray[np.bool_],
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
) -> NDArray[np.float64]:
    """Half of the widths of bones, where limbs are no slimmer than limbs are."""
    result = half_widths.copy()
    size = math.sqrt(np.count_nonzero(inside))
    for limb in limbs:
        least = max(_OF_SIZE * size, _OF_LENGTH * float(_lengths(skeleton, limb).mean()))
        own = list(limb.joints)
        result[own] = np.maximum(result[own], least)
    return result


def _lengths(skeleton: Skeleton, limb: Limb) -> NDArray[np.float64]:
    """Of the bones of a limb."""
    above = [skeleton.parents[joint] for joint in limb.joints]
    along = skeleton.points_xy[list(limb.joints)] - skeleton.points_xy[above]
    return np.asarray(np.linalg.norm(along, axis=1), np.float64)


def _claims(
    points_xy: NDArray[np.float64],
    nearest: NDArray[np.int32],
    calm: NDArray[np.float64],
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
    half_widths: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What each sheet claims of each pixel.

    Args:
        points_xy: ``(N, 2)``, the pixels.
        nearest: ``(N,)``: the sheet of the nearest bone.
        calm: ``(N,)``: 1 within a region, 0 on an outline.
        skeleton: Its joints.
        limbs: Of the skeleton.
        half_widths: ``(J,)``.

    Returns:
        ``(N, S)``.
    """
    away = _away(points_xy, skeleton, limbs, half_widths)
    left, begun = (
        np.column_stack(each)
        for each in zip(
            *(_left_and_begun(points_xy, skeleton, limb, half_widths) for limb in limbs),
            strict=True,
        )
    )
    hands = np.column_stack(
        [np.zeros(len(points_xy), np.bool_)]
        + [_is_hand(points_xy, skeleton, limb, half_widths) for limb in limbs]
    )
    hand = hands.any(axis=1)
    strong = _STRONG * np.clip(_SHARP * (1 - away), 0, 1)
    strong[:, 1:] *= begun
    # Limbs lie before the trunk: it claims nothing strongly that may be theirs.
    covered = (np.clip(3 - 2 * away[:, 1:], 0, 1) * left).max(axis=1)
    strong[:, TRUNK] *= np.where(hand, 0, 1 - covered)
    weak = _weak_claims(nearest, away, _far(skeleton, limbs, half_widths))
    weak[hand] = _WEAK * hands[hand]
    # Where a limb leaves the trunk, outlines decide, or else the middle of the way.
    leaving = (away[:, 1:] < 1) & (left > 0) & (begun < 1)
    between = leaving.any(axis=1)
    weak[between] = _WEAK * np.column_stack([between, leaving])[between]
    # An outline belongs to what it surrounds.
    return strong + weak * np.maximum(calm, _LEAK)[:, None]


def _away(
    points_xy: NDArray[np.float64],
    skeleton: Skeleton,
    limbs: tuple[Limb, ...],
    half_widths: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How far points are from the bones of each sheet, ``(N, S)``: 1 at a bone's surface."""
    of_joint = sheets_of_joints(skeleton, limbs)
    away = np.full((len(points_xy), len(limbs) + 1), np.inf)
    for joint, parent in enumerate(skeleton.parents):
        if parent >= 0:
            ends = skeleton.points_xy[[parent, joint]]
            distance = segment_distance(points_xy, *ends) / max(half_widths[joint], 1e-6)
            sheet = of_joint[joint]
            if sheet == TRUNK:
                distance *= 1 + _beyond(points_xy, *ends)
            away[:, sheet] = np.minimum(away[:, sheet], distance)
    return away


def _weak_claims(
    nearest: NDArray[np.int32], away: NDArray[np.float64], far: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What is claimed because nothing else is nearer, ``(N, S)``."""
    row = np.arange(len(nearest))
    owner = np.where(away[row, nearest] > far[nearest], TRUNK, nearest)
    alone = (nearest == TRUNK) & (away[:, 1:].min(axis=1) > 1) & (away[:, TRUNK] < 1.5)
    weak = np.zeros_like(away)
    weak[row, owner] = np.where(alone, _TRUNK, _WEAK)
    return weak


def _far(
    skeleton: Skeleton, limbs: tuple[Limb, ...], half_widths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far away each sheet claims anything, ``(S,)``, in halves of its width."""
    far = np.full(len(limbs) + 1, np.inf)
    for number, limb in enumerate(limbs, 1):
        width = max(float(half_widths[list(limb.joints)].mean()), 1e-6)
        far[number] = max(_FAR, _FAR_OF_LENGTH * float(_lengths(skeleton, limb).sum()) / width)
    return far


def _beyond(
    points_xy: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """1 for points beyond an end of a segment, where the trunk does not bulge, else 0."""
    along = end - start
    place = (points_xy - start) @ along
    return np.where((place < 0) | (place > along @ along), 1.0, 0.0)


def _left_and_begun(
    points_xy: NDArray[np.float64],
    skeleton: Skeleton,
    limb: Limb,
    half_widths: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far the trunk has ended and a limb has begun, from where it hangs, each 0..1."""
    away = np.linalg.norm(points_xy - skeleton.points_xy[limb.hangs_from], axis=1)
    width = max(float(half_widths[limb.joints[0]]), 1e-6)
    end = max(min(_BEGINNING * width, 0.9 * float(_lengths(skeleton, limb)[0])), 1e-6)
    left = np.clip(2 * away / min(width, end), 0, 1)
    return left, np.clip(4 * away / end - 3, 0, 1)


def _is_hand(
    points_xy: NDArray[np.float64],
    skeleton: Skeleton,
    limb: Limb,
    half_widths: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Where a limb may go on beyond its last joints: in their bones' directions, and wider."""
    found = np.zeros(len(points_xy), np.bool_)
    points = skeleton.points_xy
    lengths = _lengths(skeleton, limb)
    for joint, length in zip(limb.joints, lengths, strict=True):
        parent = skeleton.parents[joint]
        if skeleton.children[joint] or length <= 0:
            continue
        along = (points[joint] - points[parent]) / length
        reach = HAND * max(float(length), float(lengths.mean()))
        ahead = np.clip((points_xy - points[joint]) @ along, 0, reach)
        away = np.linalg.norm(points_xy - points[joint] - ahead[:, None] * along, axis=1)
        found |= away < half_widths[joint] * (1 + _SPLAY * ahead / reach)
    return found


# ---------------------------------------------------------------- how they spread


def _steps_of_colour(
    colours: NDArray[np.uint8], inside: NDArray[np.bool_], wh: tuple[int, int]
) -> NDArray[np.float64]:
    """The strongest step of colour in each cell, in units that are no edge yet."""
    calm = cv2.GaussianBlur(colours, (0, 0), 0.7)
    square = np.ones((3, 3), np.uint8)
    steps = (cv2.dilate(calm, square) - cv2.erode(calm, square)).max(axis=2)
    # A picture that is rough everywhere has other edges than a smooth one.
    faint = max(_FAINT, 1.5 * float(np.median(steps[inside])))
    side = math.ceil(inside.shape[1] / wh[0])
    pooled = cv2.dilate(steps, np.ones((side, side), np.uint8))
    return cv2.resize(pooled, wh, interpolation=cv2.INTER_NEAREST) / faint


def _links(calm: NDArray[np.float64], cells: NDArray[np.bool_]) -> sparse.csr_array:
    """How closely neighbouring cells hang together, ``(N, N)``, symmetric."""
    index = np.full(cells.shape, -1, np.int32)
    index[cells] = np.arange(np.count_nonzero(cells), dtype=np.int32)
    starts, ends, weights = [], [], []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
    ):
        both = cells[one] & cells[other]
        starts.append(index[one][both])
        ends.append(index[other][both])
        weights.append(np.minimum(calm[one], calm[other])[both] + _LEAK)
    start, end = np.concatenate(starts), np.concatenate(ends)
    weight = np.concatenate(weights)
    count = int(np.count_nonzero(cells))
    half = sparse.csr_array((weight, (start, end)), (count, count))
    return half + half.T


def _spread(claims: NDArray[np.float64], links: sparse.csr_array) -> NDArray[np.float64]:
    """The share that each sheet has in each cell once claims have spread, ``(N, S)``."""
    total = links.sum(axis=1) + claims.sum(axis=1)
    system = sparse.diags_array(total) - links
    return splu(system.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(
        claims
    )
