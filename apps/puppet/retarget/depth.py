"""What of a puppet is in front of what: steady, although an actor's hands go back and forth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.puppet.retarget.cycle import Cycle, sample, schmitt
from apps.puppet.retarget.limbs import LIMBS, puppet_roles
from apps.puppet.retarget.view import Actor, seen
from apps.puppet.skeleton import Skeleton

__all__ = ["depths"]

_BEHIND, _FRONT = -0.09, -0.05
"""Body heights from the hips towards the viewer: what is deeper than the first is behind the trunk,
what is nearer than the second in front; between them it stays where it was. Hands that hang beside
the body are in front."""
_STEADY = 0.015
"""Body heights: what moves back and forth by less does not change its depth."""
_BODY = 2.0
"""Body height in leg lengths; the same for all, so that any skeleton has it."""


def depths(skeleton: Skeleton, actor: Actor, cycle: Cycle) -> NDArray[np.float64]:
    """How near each joint of a puppet is to the viewer, in body heights.

    An arm or a leg has the depth of its hand or foot, as a whole. The trunk has 0, and so have
    shoulders and hips; all that hangs from a joint and has no role has its depth.

    Returns:
        ``(T, J)``; see :class:`apps.puppet.poses.Poses`.
    """
    limbs: dict[str, NDArray[np.float64]] = {}
    for group, parts in LIMBS.items():
        for side in ("left", "right"):
            end = f"{side}_{parts[-1]}"
            if end in actor.own:
                track = seen(actor.own[end], actor.turns[group])[2] / (_BODY * actor.size)
                made = _steady(track, actor.loops)
                made = sample(made, cycle.frames, actor.loops, nearest=True)
                limbs |= {f"{side}_{part}": made for part in parts[1:]}
    roles = puppet_roles(skeleton)
    depth = np.zeros((len(cycle.frames), len(skeleton)))
    for joint in skeleton.depth_first[1:]:
        if joint not in roles:
            depth[:, joint] = depth[:, skeleton.parents[joint]]
        elif roles[joint] in limbs:
            depth[:, joint] = limbs[roles[joint]]
    return depth


def _steady(track: NDArray[np.float64], loops: bool) -> NDArray[np.float64]:
    """A depth without flicker: it follows what leaves a band about it, and its sign is slow."""
    values = (track.tolist() * 2) if loops else track.tolist()
    at, followed = values[0], []
    for value in values:
        at = min(max(at, value - _STEADY), value + _STEADY)
        followed.append(at)
    steady = np.array(followed[-len(track) :])
    front = schmitt(track > _FRONT, track < _BEHIND, loops, start=True)
    least = _STEADY / 2
    # Both sides keep their order, and lie on their side of the trunk.
    near = least + np.logaddexp(0, (steady - _FRONT) / least) * least
    return np.where(front, near, np.minimum(steady, -least))
