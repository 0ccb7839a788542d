"""The motion of an actor, made canonical: at the origin, upright, and facing +X in every frame.

Space as in Animated Drawings: y up, +X is where the actor looks, so that its left is -Z.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.config import MotionConfig
from apps.puppet.motion.bvh import Bvh
from cartoonedit.errors import InvalidInput

__all__ = ["CanonicalMotion", "canonical_motion", "forward_fill", "kept_frames"]

logger = logging.getLogger(__name__)

_UP_AXES = {"+y": np.eye(3), "+z": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])}
_FLAT = 1e-9  # share of its possible length below which a direction is no direction


@dataclass(frozen=True, eq=False)
class CanonicalMotion:
    """An actor, frame by frame.

    Attributes:
        names: Of the joints of the BVH file.
        positions: ``float64`` ``(F, B, 3)``: N, from the root, turned to face +X.
        facing: ``float64`` ``(F, 3)``: F, unit vectors on the ground: where the actor looked before
            it was turned.
        root_path: ``float64`` ``(F, 3)``: r, where the root was.
        frame_time: Seconds a frame.
    """

    names: tuple[str, ...]
    positions: NDArray[np.float64]
    facing: NDArray[np.float64]
    root_path: NDArray[np.float64]
    frame_time: float

    @cached_property
    def _index(self) -> dict[str, int]:
        return _first_of_each(self.names)

    def index(self, name: str) -> int:
        """Index of a joint; of several of one name, the first.

        Raises:
            InvalidInput: There is none.
        """
        return _find(name, self._index)

    def __len__(self) -> int:
        return len(self.positions)


def canonical_motion(bvh: Bvh, config: MotionConfig) -> CanonicalMotion:
    """Make a motion canonical.

    First the whole motion is scaled, stood upright, and moved and turned so that in the first frame
    it faces +X with the root above the origin and one joint on the ground. Of that the facings and
    the path of the root are; then every frame is turned by itself.

    Raises:
        InvalidInput: The motion lacks a joint that the file names, or all the frames.
    """
    frames = kept_frames(bvh, config)
    index = _first_of_each(bvh.names)
    pairs = [(_find(one, index), _find(to, index)) for one, to in config.forward_perp_joint_vectors]
    ground = _find(config.groundplane_joint, index)

    # Positions of other joints than the root are not read by Animated Drawings.
    places = bvh.positions(frames, joints_move=False) @ (config.scale * _UP_AXES[config.up].T)
    turned_away = _facing(places, pairs)
    facing = _turned_to_x(turned_away, turned_away[:1])
    root_path = _turned_to_x(places[:, 0] - places[0, 0], turned_away[:1])
    root_path[:, 1] -= places[0, ground, 1] - places[0, 0, 1]

    places -= places[:, :1].copy()
    frame_time = bvh.frame_time if config.frame_time is None else config.frame_time
    return CanonicalMotion(
        bvh.names, _turned_to_x(places, turned_away[:, None]), facing, root_path, frame_time
    )


def kept_frames(bvh: Bvh, config: MotionConfig) -> slice:
    """The frames of a motion that are kept.

    Raises:
        InvalidInput: There are none.
    """
    start, end = config.start_frame_idx, config.end_frame_idx or len(bvh)
    if start >= len(bvh):
        raise InvalidInput(
            f"start_frame_idx is {start}, but {config.filepath} has {len(bvh)} frames. Give less."
        )
    if end > len(bvh):
        logger.warning("%s has %d frames, not %d", config.filepath, len(bvh), end)
    return slice(start, min(end, len(bvh)))


def _facing(places: NDArray[np.float64], pairs: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """Where the actor looks in every frame: up x the mean direction of the pairs, ``(F, 3)``."""
    across = np.zeros((len(places), 3))
    for one, to in pairs:
        way = places[:, to] - places[:, one]
        length = np.linalg.norm(way, axis=-1, keepdims=True)
        across += np.divide(way, length, out=np.zeros_like(way), where=length > 0)
    ahead = np.stack([across[:, 2], np.zeros(len(places)), -across[:, 0]], axis=-1)
    length = np.linalg.norm(ahead, axis=-1)
    known = length > _FLAT * len(pairs)
    ahead[known] /= length[known, None]
    return forward_fill(ahead, known, np.array([1.0, 0, 0]))


def _turned_to_x(vectors: NDArray[np.float64], facing: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors, turned about Y as far as brings a facing to +X."""
    angle = np.arctan2(facing[..., 2], facing[..., 0])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.empty_like(vectors)
    turned[..., 0] = cos * vectors[..., 0] + sin * vectors[..., 2]
    turned[..., 1] = vectors[..., 1]
    turned[..., 2] = cos * vectors[..., 2] - sin * vectors[..., 0]
    return turned


def forward_fill(
    values: NDArray[np.float64], known: NDArray[np.bool_], otherwise: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Give a frame in which a value is not known that of the last one in which it is.

    Args:
        values: ``(F, ...)``.
        known: ``(F,)``. Frames before the first known one take its value.
        otherwise: The value where no frame has one.
    """
    if known.all():
        return values
    if not known.any():
        return np.broadcast_to(np.asarray(otherwise, np.float64), values.shape).copy()
    last = np.maximum.accumulate(np.where(known, np.arange(len(known)), -1))
    return values[np.where(last < 0, np.argmax(known), last)]


def _first_of_each(names: Sequence[str]) -> dict[str, int]:
    index: dict[str, int] = {}
    for i, name in enumerate(names):
        index.setdefault(name, i)
    return index


def _find(name: str, index: dict[str, int]) -> int:
    """A joint of the actor, if need be with or without the ``mixamorig:`` of some programs."""
    if name in index:
        return index[name]
    bare = [i for each, i in index.items() if each.rpartition(":")[2] == name.rpartition(":")[2]]
    if len(bare) == 1:
        return bare[0]
    close = difflib.get_close_matches(name, index, n=3)
    hint = f" Perhaps {' or '.join(close)} is meant." if close else ""
    raise InvalidInput(
        f"the motion has no joint {name!r}.{hint} It has {', '.join(list(index)[:80])}. Name one of"
        " them in the motion or retarget file."
    )
