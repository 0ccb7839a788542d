"""What the files of Animated Drawings would say, for skeletons whose joints are known."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from apps.puppet.classic.config import (
    DrawGroup,
    MotionConfig,
    ProjectionGroup,
    RetargetConfig,
    RootOffset,
)
from apps.puppet.classic.retarget import retarget
from apps.puppet.motion.bvh import Bvh
from apps.puppet.motion.names import Roles, recognise, upright
from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from cartoonedit.errors import InvalidInput

__all__ = ["motion_config", "poses_in_picture", "retarget_config", "roles_of"]

_ARM, _LEG = ("shoulder", "elbow", "hand"), ("hip", "knee", "foot")
_SIDES = ("left", "right")


def motion_config(bvh: Bvh, name: str) -> MotionConfig:
    """How the actor of a motion stands.

    Raises:
        InvalidInput: Its skeleton is not known.
    """
    roles = recognise(bvh.names, bvh.parents, name)
    pairs = [("left_shoulder", "right_shoulder"), ("left_hip", "right_hip")]
    known = [pair for pair in pairs if {*pair} <= {*roles}]
    foot = next((role for role in ("left_foot", "left_hip", "hips") if role in roles), "hips")
    return MotionConfig(
        filepath=Path(name),
        groundplane_joint=bvh.names[roles[foot]],
        forward_perp_joint_vectors=tuple(
            (bvh.names[roles[left]], bvh.names[roles[right]]) for left, right in known
        ),
        up="+z" if _is_z_up(bvh, roles) else "+y",
    )


def _is_z_up(bvh: Bvh, roles: Roles) -> bool:
    places = bvh.positions()
    turned = upright(places, roles)
    return not np.allclose(places, turned)


def retarget_config(bvh: Bvh, name: str) -> RetargetConfig:
    """What follows what, as in the retarget files that come with Animated Drawings.

    Raises:
        InvalidInput: The skeleton is not known, or lacks arms or legs.
    """
    roles = recognise(bvh.names, bvh.parents, name)
    wanted = {"hips", "chest", "neck"} | {
        f"{side}_{role}" for side in _SIDES for role in (*_ARM, *_LEG)
    }
    missing = sorted(wanted - {*roles})
    if missing:
        raise InvalidInput(
            f"the classic way needs a whole skeleton, but {name} has no {', '.join(missing)}. Use"
            " the natural one, or give a retarget file."
        )

    def joint(role: str) -> str:
        return bvh.names[roles[role]]

    def limbs(chain: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(joint(f"{side}_{role}") for side in _SIDES for role in chain)

    trunk = tuple(joint(role) for role in ("hips", "chest", "neck"))
    mapping = {"torso": (joint("hips"), joint("chest")), "neck": (joint("hips"), joint("neck"))}
    for side in _SIDES:
        for chain in (_ARM, _LEG):
            for above, below in pairwise(chain):
                mapping[f"{side}_{below}"] = (joint(f"{side}_{above}"), joint(f"{side}_{below}"))
    body = ("right_shoulder", "left_shoulder", "right_hip", "left_hip", "hip", "torso", "neck")
    return RetargetConfig(
        char_starting_location=(0.0, 0.0, 0.0),
        projection_groups=(
            ProjectionGroup("Upper Limbs", "pca", limbs(_ARM)),
            ProjectionGroup("Lower Limbs", "pca", limbs(_LEG)),
            ProjectionGroup("Trunk", "frontal", trunk),
        ),
        draw_groups=(
            DrawGroup(body, (joint("hips"),)),
            *(
                DrawGroup((f"{side}_{near}", f"{side}_{far}"), (joint(f"{side}_{far}"),))
                for near, far in (("elbow", "hand"), ("knee", "foot"))
                for side in _SIDES
            ),
        ),
        root_offset=RootOffset(
            "Lower Limbs",
            tuple(tuple(joint(f"{side}_{role}") for role in _LEG[::-1]) for side in _SIDES),
            tuple(tuple(f"{side}_{role}" for role in _LEG[::-1]) for side in _SIDES),
        ),
        mapping=mapping,
        runtime_checks=(("above", "neck", "right_shoulder", "left_shoulder"),),
    )


def roles_of(config: RetargetConfig, bvh: Bvh) -> Roles:
    """Which joint of a motion is what, by a retarget file.

    Raises:
        InvalidInput: The file names a joint that the motion does not have.
    """
    index = {name: number for number, name in reversed([*enumerate(bvh.names)])}

    def place(name: str) -> int:
        if name not in index:
            raise InvalidInput(
                f"the retarget file names the joint {name!r}, but the motion has"
                f" {', '.join(dict.fromkeys(bvh.names))}."
            )
        return index[name]

    roles: Roles = {}
    for side in _SIDES:
        for chain in (_ARM, _LEG):
            for above, below in pairwise(chain):
                bone = config.mapping.get(f"{side}_{below}")
                if bone is not None:
                    roles.setdefault(f"{side}_{above}", place(bone[0]))
                    roles[f"{side}_{below}"] = place(bone[1])
    if "torso" in config.mapping:
        hips, chest = config.mapping["torso"]
        roles |= {"hips": place(hips), "chest": place(chest)}
    if "neck" in config.mapping:
        roles["neck"] = place(config.mapping["neck"][1])
    roles.setdefault("hips", bvh.parents.index(-1))
    if not {"left_hip", "right_hip"} <= {*roles} and not {
        "left_shoulder",
        "right_shoulder",
    } <= {*roles}:
        raise InvalidInput("the retarget file names neither two arms nor two legs.")
    return roles


def poses_in_picture(
    bvh: Bvh,
    actor: MotionConfig,
    config: RetargetConfig,
    skeleton: Skeleton,
    bounds_xyxy: tuple[float, float, float, float],
) -> Poses:
    """The classic poses of a character of a picture, in its pixels.

    Args:
        bvh: The motion.
        actor: How its actor stands.
        config: What follows what.
        skeleton: In rest, in pixels of the picture.
        bounds_xyxy: The tight box of the character: the drawing that it would be.
    """
    left, top, right, bottom = bounds_xyxy
    corner = np.array([left, top])
    size_wh = (max(1, round(right - left)), max(1, round(bottom - top)))
    classic = retarget(bvh, actor, config, skeleton.moved(skeleton.points_xy - corner), size_wh)
    order = [classic.names.index(name) for name in skeleton.names]
    start = np.array(config.char_starting_location[:2])
    side = max(size_wh)
    away = (classic.joint_xy - classic.root[:, None, :2])[:, order]
    travel = (classic.root[:, None, :2] - start) * side
    flip = np.array([1.0, -1.0])
    joints = skeleton.points_xy[skeleton.root] + (away * side + travel) * flip
    depth = np.zeros(joints.shape[:2])
    for group, names in enumerate(classic.group_joints):
        for name in names:
            if name in skeleton:
                depth[:, skeleton.index[name]] = classic.group_depth[:, group]
    return Poses(joints, depth, 1 / classic.frame_time)
