"""Make a puppet follow a motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.puppet.motion.motion import Motion
from apps.puppet.motion.names import Roles, recognise
from apps.puppet.poses import Poses
from apps.puppet.retarget.cycle import timetable
from apps.puppet.retarget.depth import depths
from apps.puppet.retarget.limbs import Directions, directions, limb_bones
from apps.puppet.retarget.options import RetargetOptions
from apps.puppet.retarget.plant import plant
from apps.puppet.retarget.pose import build, swing
from apps.puppet.retarget.room import Body
from apps.puppet.retarget.travel import bounded
from apps.puppet.retarget.view import stage
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["projected_directions", "retarget"]


def retarget(
    motion: Motion,
    skeleton: Skeleton,
    options: RetargetOptions | None = None,
    roles: Roles | None = None,
    body: Body | None = None,
) -> Poses:
    """Make a puppet follow a motion.

    Arms and legs have, to a degree, the directions of the actor's as he is seen from the front or
    the side; torso and head are turned by as much as his; bones keep their lengths, but legs that
    bend towards the viewer get shorter; feet that stand stay where they are.

    Args:
        motion: Y up, of any known skeleton.
        skeleton: Of the puppet, as drawn.
        options: How.
        roles: Which joint of the motion is what; by default told from their names.
        body: The drawing, by which the character stays in the room of the options in all its poses.

    Raises:
        InvalidInput: The skeleton of the motion is not known, the roles are too few, or the result
            would be too long.
    """
    options = options or RetargetOptions()
    roles = _roles(motion, roles)
    cycle = timetable(motion, options)
    actor = stage(motion, roles, options)
    given = directions(actor, limb_bones(skeleton, actor), cycle)
    trunk = swing(skeleton, actor, cycle)
    shorten = {"arms": options.foreshorten, "legs": options.foreshorten_legs}
    joints = build(skeleton, given, trunk, shorten)
    planted = plant(joints, skeleton, actor, cycle, options.fps, options.give)
    root, returns = bounded(planted, skeleton, options, cycle.loops, body)
    posed = planted.joints
    if options.blend_in > 0:
        blend = _blend(len(cycle.frames), options)
        mended = (posed - joints) * blend[:, None, None]
        posed = build(skeleton, given, trunk, shorten, blend) + mended
        root = root * blend[:, None]
    placed = posed + (skeleton.points_xy[skeleton.root] + root)[:, None]
    return Poses(placed, depths(skeleton, actor, cycle), options.fps, cycle.loops and returns)


def projected_directions(
    motion: Motion,
    skeleton: Skeleton,
    options: RetargetOptions | None = None,
    roles: Roles | None = None,
) -> Directions:
    """The directions that :func:`retarget` gives to the bones of arms and legs.

    They are those of the actor's bones, projected into the picture, at the same moments.

    Args:
        motion: See :func:`retarget`.
        skeleton: See :func:`retarget`.
        options: See :func:`retarget`.
        roles: See :func:`retarget`.
    """
    options = options or RetargetOptions()
    roles = _roles(motion, roles)
    actor = stage(motion, roles, options)
    return directions(actor, limb_bones(skeleton, actor), timetable(motion, options))


def _roles(motion: Motion, given: Roles | None) -> Roles:
    """The roles that are given, if they tell enough; else what the names tell."""
    if given is None:
        return recognise(motion.names, motion.parents, motion.name)
    limbs = {"arm": ("shoulder", "elbow", "hand"), "leg": ("hip", "knee", "foot")}
    whole = {
        limb: [f"{side}_{part}" for side in ("left", "right") for part in parts]
        for limb, parts in limbs.items()
    }
    found = [limb for limb, roles in whole.items() if all(role in given for role in roles)]
    if "hips" not in given or not found or max(given.values()) >= len(motion.names):
        raise InvalidInput(
            f"the roles for {motion.name} are {', '.join(given) or 'none'}; they must have hips,"
            " and both arms (left and right shoulder, elbow, hand) or both legs (hip, knee, foot)."
        )
    other = {role for limb in whole if limb not in found for role in whole[limb]}
    return {role: joint for role, joint in given.items() if role not in other}


def _blend(count: int, options: RetargetOptions) -> NDArray[np.float64]:
    """How far the drawn pose has turned into the motion, frame by frame."""
    share = np.clip(np.arange(count) / (options.blend_in * options.fps), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
