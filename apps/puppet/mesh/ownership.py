"""Which bone each pixel of a character belongs to."""

from __future__ import annotations

import itertools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput, shown

__all__ = ["bone_map", "bone_radii", "segment_distance"]

SOLID = 0.3
"""The share of a coarse pixel that must be mask: more would tear limbs, less bridge gaps."""


def bone_map(
    mask: NDArray[Any],
    skeleton: Skeleton,
    max_side: int = 256,
    radii: NDArray[np.floating] | None = None,
) -> NDArray[np.int32]:
    """Say which bone each pixel belongs to.

    Each bone is a capsule; a pixel belongs to the one whose surface is the nearest on a way inside
    the mask. So an arm that hangs at the side does not own half of the body, and a hand before the
    hip does not own the hip behind the gap. What no way reaches, such as an island without a bone,
    goes to the nearest bone as the crow flies.

    Args:
        mask: ``(H, W)``, what is not 0 is the character.
        skeleton: Its joints; they may lie outside of the mask.
        max_side: Ways are looked for at a resolution of at most this many pixels.
        radii: ``(J,)``, how thick each bone is, in pixels; None to measure it.

    Returns:
        ``int32`` ``(H, W)``: index of the joint at the far end of the bone, -1 outside of the mask.
        The root has no bone and owns nothing unless it is the only joint.

    Raises:
        InvalidInput: The mask is no picture or ``max_side`` too small.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2:
        raise InvalidInput(f"a mask must have the shape (H, W); got {mask.shape}.")
    if max_side < 8:
        raise InvalidInput(f"max_side must be at least 8 pixels; got {shown(max_side)}.")
    solid = (mask != 0).astype(np.uint8)
    owners = np.full(mask.shape, -1, np.int32)
    if not solid.any():
        return owners
    x, y, width, height = cv2.boundingRect(solid)
    box = np.s_[y : y + height, x : x + width]
    solid = solid[box]
    bones = [joint for joint, parent in enumerate(skeleton.parents) if parent >= 0]
    if not bones:
        owners[box][solid > 0] = skeleton.root
        return owners
    factor = max(1.0, max(width, height) / max_side)
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    coarse = cv2.resize(solid.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= SOLID
    if not coarse.any():
        coarse[:] = True
    scale = np.array(size) / (width, height)
    local = skeleton.moved((skeleton.points_xy - (x, y)) * scale)
    thickness = (
        bone_radii(coarse, local) if radii is None else np.asarray(radii) * float(scale.mean())
    )
    labels = _flood(coarse, local, np.array(bones), thickness)
    fine = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    owners[box] = np.where(solid > 0, _spread(fine, solid > 0), -1)
    return owners


def _flood(
    mask: NDArray[np.bool_],
    skeleton: Skeleton,
    bones: NDArray[np.int64],
    radii: NDArray[np.float64],
) -> NDArray[np.int32]:
    """The bone with the nearest surface for each pixel of the mask, -1 outside."""
    index, graph = _grid_graph(mask)
    count = graph.shape[0]
    nodes, owners = _seeds(mask, index, skeleton, bones)
    # One node more per bone, which reaches the pixels of its bone the sooner the thicker it is.
    start = (radii[bones].max() - radii[bones] + 1e-3)[owners]
    reach = sparse.csr_array((start, (count + owners, nodes)), (count + len(bones),) * 2)
    graph.resize(reach.shape)
    _, _, source = dijkstra(
        graph + reach,
        indices=count + np.arange(len(bones)),
        min_only=True,
        return_predecessors=True,
    )
    found = source[:count]
    labels = np.full(mask.shape, -1, np.int32)
    labels[mask] = np.where(found >= 0, bones[np.maximum(found - count, 0)], -1)
    lost = mask & (labels < 0)
    if lost.any():
        labels[lost] = _nearest(np.argwhere(lost)[:, ::-1] + 0.5, skeleton, bones, radii)
    return labels


def _grid_graph(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], sparse.csr_array]:
    """The number of each pixel of the mask, -1 outside, and its distances to its neighbours."""
    index = np.full((mask.shape[0] + 2, mask.shape[1] + 2), -1, np.int32)
    inner = index[1:-1, 1:-1]
    inner[mask] = np.arange(np.count_nonzero(mask), dtype=np.int32)
    rows, columns, lengths = [], [], []
    for dy, dx in itertools.product((-1, 0, 1), repeat=2):
        if not (dx or dy):
            continue
        other = index[1 + dy : index.shape[0] - 1 + dy, 1 + dx : index.shape[1] - 1 + dx]
        joined = (inner >= 0) & (other >= 0)
        rows.append(inner[joined])
        columns.append(other[joined])
        lengths.append(np.full(len(rows[-1]), np.hypot(dx, dy)))
    count = int(inner.max()) + 1
    place = (np.concatenate(rows), np.concatenate(columns))
    return inner, sparse.csr_array((np.concatenate(lengths), place), (count, count))


def _seeds(
    mask: NDArray[np.bool_],
    index: NDArray[np.int32],
    skeleton: Skeleton,
    bones: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The nodes that lie on each bone, and the place in ``bones`` of each."""
    nodes, owners = [], []
    for place, joint in enumerate(bones):
        column, row = np.floor(_along(skeleton, joint)).astype(np.int64).T
        inside = (column >= 0) & (row >= 0) & (column < mask.shape[1]) & (row < mask.shape[0])
        found = np.unique(index[row[inside], column[inside]])
        found = found[found >= 0]
        nodes.append(found)
        owners.append(np.full(len(found), place))
    return np.concatenate(nodes), np.concatenate(owners)


def _along(skeleton: Skeleton, joint: int, most: int = 1000) -> NDArray[np.float64]:
    """Points along a bone, one a pixel."""
    start, end = skeleton.points_xy[skeleton.parents[joint]], skeleton.points_xy[joint]
    count = int(min(most, np.ceil(np.abs(end - start).max() * 1.5))) + 1
    return start + (end - start) * np.linspace(0, 1, count + 1)[:, None]


def _nearest(
    points_xy: NDArray[np.floating],
    skeleton: Skeleton,
    bones: NDArray[np.int64],
    radii: NDArray[np.float64],
) -> NDArray[np.int64]:
    """The bone with the nearest surface as the crow flies."""
    best = np.full(len(points_xy), np.inf)
    owners = np.zeros(len(points_xy), np.int64)
    for joint in bones:
        start, end = skeleton.points_xy[skeleton.parents[joint]], skeleton.points_xy[joint]
        distance = segment_distance(points_xy, start, end) - radii[joint]
        nearer = distance < best
        best[nearer], owners[nearer] = distance[nearer], joint
    return owners


def segment_distance(
    points_xy: NDArray[np.floating], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far points ``(N, 2)`` lie from a segment."""
    along = end - start
    length = float(along @ along)
    place = np.clip((points_xy - start) @ along / length, 0, 1) if length > 0 else 0.0
    offset = points_xy - start - np.multiply.outer(place, along)
    return np.hypot(offset[:, 0], offset[:, 1])


def _spread(labels: NDArray[np.int32], mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Give pixels of the mask without a label the nearest one."""
    if not (mask & (labels < 0)).any():
        return labels
    unknown = (labels < 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        unknown, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_label = np.zeros(int(nearest.max()) + 1, np.int32)
    of_label[nearest[labels >= 0]] = labels[labels >= 0]
    return of_label[nearest]


# ---------------------------------------------------------------- how thick bones are


def bone_radii(mask: NDArray[np.bool_], skeleton: Skeleton) -> NDArray[np.float64]:
    """Measure how thick each bone is: how far it lies from the outline.

    A bone before the body lies farther from the outline than its own surface does. So no bone is
    thicker than the one of the same name on the other side of the character, and no thicker than
    the room that bones leave which do not touch it.

    Args:
        mask: ``(H, W)``.
        skeleton: In its pixels.

    Returns:
        ``(J,)``, in pixels; that of the root is 0.
    """
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    reach = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    height, width = mask.shape
    radii = np.zeros(len(skeleton))
    lines: dict[int, NDArray[np.float64]] = {}
    for joint, parent in enumerate(skeleton.parents):
        if parent < 0:
            continue
        lines[joint] = _along(skeleton, joint, 24)
        column, row = np.clip(lines[joint].astype(np.int64), 0, (width - 1, height - 1)).T
        radii[joint] = np.quantile(reach[row, column], 0.4)
    for name, joint in skeleton.index.items():
        radii[joint] = min(radii[joint], radii[skeleton.index.get(_other_side(name), joint)])
    for joint in sorted(lines, key=lambda joint: radii[joint]):
        for other in lines:
            if radii[other] < radii[joint] and not _touch(skeleton, joint, other):
                room = _gap(lines[joint], lines[other]) - radii[other]
                radii[joint] = min(radii[joint], max(room, radii[other]))
    return radii


def _other_side(name: str) -> str:
    if "left" in name:
        return name.replace("left", "right")
    return name.replace("right", "left")


def _touch(skeleton: Skeleton, one: int, two: int) -> bool:
    ends = skeleton.points_xy[[one, skeleton.parents[one]]]
    others = skeleton.points_xy[[two, skeleton.parents[two]]]
    return bool((np.abs(ends[:, None] - others[None]).max(axis=-1) < 1e-6).any())


def _gap(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    """How far one bone lies from another, along half of it."""
    return float(np.median(np.linalg.norm(one[:, None] - two[None], axis=-1).min(axis=1)))
