"""Which joint of Animated Drawings owns each triangle: its very flood, ties and truncation and all.

The original takes one pixel at a time off a queue. Here all that leaves the queue within a
distance of one is worked on at once: it puts nothing before that distance back on the queue, so
only the order in which it reaches a pixel matters, and that is kept.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.puppet.mesh.mesh import Mesh

__all__ = ["UNREACHED", "classic_owners", "far_to_near"]

SEEDS = 20
"""From how many points of each bone the flood starts."""

UNREACHED = 4096
"""The distance of what the flood does not reach."""

STEPS = [
    (dx, dy, 1.414 if dx and dy else 1.0) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy
]

Seed = tuple[float, int, int, int]


def classic_owners(
    square: NDArray[np.uint8],
    joints01: NDArray[np.floating],
    parents: Sequence[int],
    mesh: Mesh,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Say which joint owns each triangle.

    Args:
        square: Mask ``(D, D)``, indexed ``[x, y]`` with y up; above 128 is inside.
        joints01: ``(J, 2)`` in the space of Animated Drawings, y up, in the order of the file. For
            parity their heights are ``1 - (y / D + (1 - height / D))``: halves are rounded.
        parents: For each joint the one that it hangs from, -1 for the root.
        mesh: In that space.

    Returns:
        For each triangle the joint, and the distance ``int32`` of its centre from the joint's bone.
        Triangles that are not reached go to the last joint.
    """
    inside = square > 128
    owners, distances = _flood(inside, np.asarray(joints01, np.float64), parents)
    corners = mesh.vertices_xy[mesh.triangles]
    size = len(square)
    centre = np.round(corners.mean(axis=1) * size).astype(np.int64)
    x, y = np.clip(centre, 0, size - 1).T
    last = len(parents) - 1
    owner = np.where(owners[x, y] < 0, last, owners[x, y])
    return owner.astype(np.int32), distances[x, y]


def far_to_near(
    owners: NDArray[np.integer], distances: NDArray[np.integer]
) -> dict[int, NDArray[np.int64]]:
    """The triangles of each joint, in the order in which they are drawn.

    Only joints that own some are there, in the order of their first triangles.
    """
    order = np.argsort(-distances.astype(np.int64), kind="stable")
    return {joint: order[owners[order] == joint] for joint in dict.fromkeys(owners.tolist())}


def _flood(
    inside: NDArray[np.bool_], joints01: NDArray[np.float64], parents: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Owner, -1 where nothing comes, and truncated distance of each pixel ``[x, y]``."""
    size = len(inside)
    # A rim outside of the mask, so that no step has to be checked.
    width = size + 2
    best = np.full(width * width, -1, np.int32)
    owners = np.full(width * width, -1, np.int32)
    arrived = np.empty(width * width, np.int64)
    best.reshape(width, width)[1:-1, 1:-1][inside] = UNREACHED
    queue = _start(best, owners, joints01, parents, size)
    offsets = np.array([dx * width + dy for dx, dy, _ in STEPS])
    costs = np.array([cost for *_, cost in STEPS])
    # In the order of the queue among equals, (joint, x, y) is one number.
    ahead = np.array([d for d, *_ in queue])
    codes = np.array([j * width * width + x * width + y for _, j, x, y in queue], np.int64)
    while len(codes):
        limit = np.floor(ahead.min()) + 1
        now = ahead < limit
        order = np.lexsort((codes[now], ahead[now]))
        distance, code = ahead[now][order], codes[now][order]
        taken = _reach(best, owners, distance, code, offsets, costs, arrived)
        ahead = np.concatenate([ahead[~now], taken[0]])
        codes = np.concatenate([codes[~now], taken[1]])
    shape = (width, width)
    found = best.reshape(shape)[1:-1, 1:-1].copy()
    found[~inside] = UNREACHED
    return owners.reshape(shape)[1:-1, 1:-1], found


def _start(
    best: NDArray[np.int32],
    owners: NDArray[np.int32],
    joints01: NDArray[np.float64],
    parents: Sequence[int],
    size: int,
) -> list[Seed]:
    """Work off all seeds, and return the queue after them, places being those with the rim.

    The seeds are no proper heap, so the order in which they leave it is that of the heap's own
    moves: here it must be a heap indeed.
    """
    queue: list[Seed] = []
    for joint, parent in enumerate(parents):
        if parent < 0:
            continue
        along = np.linspace(joints01[joint], joints01[parent], SEEDS, endpoint=False) * size
        # Farther outside than a step nothing is reached.
        places = np.clip(np.round(along), -2, size + 1).astype(np.int64) + 1
        queue += [(0.0, joint, int(x), int(y)) for x, y in places]
    width = size + 2
    while queue and queue[0][0] == 0:
        _, joint, x, y = heapq.heappop(queue)
        for dx, dy, cost in STEPS:
            to_x, to_y = x + dx, y + dy
            if not (0 < to_x <= size and 0 < to_y <= size):
                continue
            place = to_x * width + to_y
            if best[place] > cost:
                best[place], owners[place] = int(cost), joint
                heapq.heappush(queue, (cost, joint, to_x, to_y))
    return queue


def _reach(
    best: NDArray[np.int32],
    owners: NDArray[np.int32],
    distance: NDArray[np.float64],
    code: NDArray[np.int64],
    offsets: NDArray[np.int64],
    costs: NDArray[np.float64],
    arrived: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Let sorted items of the queue take their neighbours one after the other.

    ``arrived`` is room for a number for each pixel.
    """
    count = len(best)
    joint, place = np.divmod(code, count)
    to = (place[:, None] + offsets).ravel()
    new = (distance[:, None] + costs).ravel()
    joint = np.repeat(joint, len(costs))
    able = np.flatnonzero(best.take(to) > new)
    to, new, joint = to.take(able), new.take(able), joint.take(able)
    # In each round the first that comes to each pixel: of equal places the last one written stays.
    far, codes = [], []
    while len(to):
        number = np.arange(len(to))
        arrived[to[::-1]] = number[::-1]
        first = arrived.take(to) == number
        here, far_here, of = to[first], new[first], joint[first]
        best[here], owners[here] = far_here.astype(np.int32), of
        far.append(far_here)
        codes.append(of * count + here)
        later = np.flatnonzero(~first & (best.take(to) > new))
        to, new, joint = to.take(later), new.take(later), joint.take(later)
    if not far:
        return np.zeros(0), np.zeros(0, np.int64)
    return np.concatenate(far), np.concatenate(codes)
