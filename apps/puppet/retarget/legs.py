"""The legs of a puppet, and how they give so that both feet can stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.contact import SIDES
from apps.puppet.retarget.limbs import puppet_roles
from apps.puppet.skeleton import Skeleton

__all__ = ["Leg", "find_legs", "mend", "spots", "yielding"]

_MOST_TURN = np.radians(0.9)
"""By so much a leg may be turned for a foot that stands; the directions are exact to 1 degree."""
_STIFF = 0.06
"""Share of a leg: what its bones reach by less than that is not asked of their lengths."""

_SWEEPS = 30
"""How often what one bone must not give more is asked of the others."""

_HEAVY = 0.05
"""How much the root minds to give way, against legs that change."""


@dataclass(frozen=True)
class Leg:
    """A leg of a puppet.

    Attributes:
        chain: Its joints from the hip down to the foot.
        side: 0 for a left one, 1 for a right one.
        length: As drawn, in pixels.
        riding: Other joints that hang from it, each with the joint of the chain that it follows.
    """

    chain: tuple[int, ...]
    side: int
    length: float
    riding: tuple[tuple[int, int], ...]

    @property
    def foot(self) -> int:
        """Index of the foot."""
        return self.chain[-1]


def find_legs(skeleton: Skeleton) -> list[Leg]:
    """All legs with a hip and a foot, however many."""
    roles = puppet_roles(skeleton)
    legs = []
    for joint, role in roles.items():
        side, _, part = role.partition("_")
        chain = [joint]
        while skeleton.parents[chain[-1]] >= 0 and roles.get(chain[-1]) != f"{side}_hip":
            chain.append(skeleton.parents[chain[-1]])
        if part != "foot" or roles.get(chain[-1]) != f"{side}_hip":
            continue
        points = skeleton.points_xy[chain]
        length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
        if length > 0:
            down = tuple(chain[::-1])
            legs.append(Leg(down, SIDES.index(side), length, _riding(skeleton, down)))
    return legs


def _riding(skeleton: Skeleton, chain: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    holder = {joint: joint for joint in chain[1:]}
    for joint in skeleton.depth_first:
        if joint not in holder and skeleton.parents[joint] in holder:
            holder[joint] = holder[skeleton.parents[joint]]
    return tuple((joint, held) for joint, held in holder.items() if joint != held)


def spots(
    x: NDArray[np.float64], on: NDArray[np.bool_], loops: bool, gain: float
) -> NDArray[np.float64]:
    """Where a foot stands: during each stand on one spot, where it is on average without help.

    Args:
        x: ``(T,)`` where it is without help.
        on: Where it stands.
        loops: Whether a stand may go on from the last frame to the first.
        gain: How far the root comes from the first frame round to it.

    Returns:
        ``(T,)``; while the foot does not stand, any number.
    """
    shift = int(np.argmin(on)) if loops and not on.all() else 0  # start where it does not stand
    on = np.roll(on, -shift)
    x = np.concatenate([x[shift:], x[:shift] + gain])
    number = np.cumsum(np.diff(on.astype(int), prepend=0) == 1) * on
    sums = np.bincount(number, x)
    spot = (sums / np.maximum(np.bincount(number), 1))[number]
    back = len(x) - shift
    return np.concatenate([spot[back:] - gain, spot[:back]])


def mend(
    joints: NDArray[np.float64], leg: Leg, missing: NDArray[np.float64], give: float
) -> NDArray[np.float64]:
    """Bring a foot nearer to its spot.

    The leg is turned about the hip, by less than a degree; what is still missing then, its bones
    reach by their lengths, each in its own direction.

    Args:
        joints: ``(T, J, 2)``.
        leg: Which.
        missing: ``(T, 2)``: how far its foot is from where it should be.
        give: How much longer or shorter each bone may get, as a share.

    Returns:
        The joints with the leg changed.
    """
    chain = list(leg.chain)
    bones = np.diff(joints[:, chain], axis=1)  # (T, n, 2)
    way = bones.sum(axis=1)
    have, want = _complex(way), _complex(way + missing)
    turnable = (np.abs(have) > 0.2 * leg.length) & (np.abs(want) > 0.2 * leg.length)
    turn = np.angle(np.where(turnable, want, 1) / np.where(turnable, have, 1))
    factor = np.exp(1j * np.clip(turn, -_MOST_TURN, _MOST_TURN))[:, None] * _complex(bones)
    bones = np.stack([factor.real, factor.imag], axis=-1)
    missing = missing + way - bones.sum(axis=1)
    change = _changes(bones, missing, give, _STIFF * leg.length)
    bones = bones * (1 + change)[..., None]
    mended = joints.copy()
    mended[:, chain[1:]] = joints[:, chain[:1]] + np.cumsum(bones, axis=1)
    for joint, held in leg.riding:
        mended[:, joint] += mended[:, held] - joints[:, held]
    return mended


def _changes(
    bones: NDArray[np.float64], missing: NDArray[np.float64], give: float, damping: float
) -> NDArray[np.float64]:
    """The smallest changes of the lengths of bones that reach a way: damped least squares.

    Args:
        bones: ``(T, n, 2)``.
        missing: ``(T, 2)``.
        give: No bone changes by more than that share.
        damping: Ways as short as that are rather not reached than asked of the bones.

    Returns:
        ``(T, n)``: shares of the lengths.
    """
    count = bones.shape[1]
    square = np.einsum("tni,tmi->tnm", bones, bones) + np.eye(count) * damping**2
    pull = np.einsum("tni,ti->tn", bones, missing)
    change = np.clip(np.linalg.solve(square, pull[..., None])[..., 0], -give, give)
    # Where one bone must not give more, the others do: to the least of a convex function in a box,
    # along one axis after the other.
    over = np.flatnonzero((np.abs(change) >= give).any(axis=1))
    square, pull, some = square[over], pull[over], change[over]
    for _ in range(_SWEEPS):
        for bone in range(count):
            rest = pull[:, bone] - np.einsum("tm,tm->t", square[:, bone], some)
            some[:, bone] = np.clip(some[:, bone] + rest / square[:, bone, bone], -give, give)
    change[over] = some
    return change


def yielding(
    joints: NDArray[np.float64],
    legs: list[Leg],
    missing: NDArray[np.float64],
    on: NDArray[np.bool_],
    most: float,
) -> NDArray[np.float64]:
    """How the root should give way, so that legs need to change least.

    Two straight legs apart that must come nearer to each other can do so if both get shorter, and
    the root lower.

    Args:
        joints: ``(T, J, 2)``.
        legs: All.
        missing: ``(T, n, 2)``: how far each foot is from where it should be.
        on: ``(T, n)``: whether it stands.
        most: How far the root may go, in pixels.

    Returns:
        ``(T, 2)``; zero while fewer than two feet stand.
    """
    unit = float(np.mean([leg.length for leg in legs]))
    square = np.broadcast_to(np.eye(2) * _HEAVY / unit**2, (len(joints), 2, 2)).copy()
    pull = np.zeros((len(joints), 2))
    for column, leg in enumerate(legs):
        cost = np.linalg.inv(_reach(np.diff(joints[:, list(leg.chain)], axis=1), leg))
        cost *= on[:, column, None, None]
        square += cost
        pull += np.einsum("tij,tj->ti", cost, missing[:, column])
    way = np.linalg.solve(square, pull[..., None])[..., 0] * (on.sum(axis=1) > 1)[:, None]
    length = np.linalg.norm(way, axis=1, keepdims=True)
    return np.asarray(way * np.minimum(1, most / np.maximum(length, 1e-9)))


def _reach(bones: NDArray[np.float64], leg: Leg) -> NDArray[np.float64]:
    """Where changes of the lengths of bones bring a foot, as a damped covariance ``(T, 2, 2)``."""
    damped = np.eye(2) * (_STIFF * leg.length) ** 2
    return np.asarray(np.einsum("tni,tnj->tij", bones, bones) + damped)


def _complex(xy: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(xy[..., 0] + 1j * xy[..., 1])
