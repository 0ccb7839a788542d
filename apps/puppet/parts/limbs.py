"""Which joints are a limb, which may be drawn before or behind the body, and which the trunk."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.puppet.skeleton import Skeleton

__all__ = ["TRUNK", "Limb", "find_limbs", "sheets_of_joints"]

TRUNK = 0
"""Index of the sheet of the trunk; those of the limbs follow."""

_OF_TRUNK = re.compile(
    r"root|hip|pelvis|waist|torso|spine|chest|body|neck|head|nose|face|eye|ear$|jaw|hair"
    r"|shoulder|clavicle|collar",
    re.IGNORECASE,
)
_OF_LIMB = re.compile(
    r"elbow|hand|wrist|finger|thumb|arm|knee|foot|feet|toe|ankle|leg|paw|wing|tail|fin",
    re.IGNORECASE,
)
_DRIVER = re.compile(r"hand|foot|paw", re.IGNORECASE)


@dataclass(frozen=True)
class Limb:
    """A branch of the skeleton that leaves the trunk.

    Attributes:
        name: That of the joint that says its depth, such as ``left_hand``.
        joints: Of all its bones, the one next to the trunk first.
        hangs_from: The joint of the trunk that it turns about.
        driver: The joint that says its depth.
    """

    name: str
    joints: tuple[int, ...]
    hangs_from: int
    driver: int


def find_limbs(skeleton: Skeleton) -> tuple[Limb, ...]:
    """The limbs of any skeleton, from the lowest in the picture to the highest.

    Names that say what they are decide, such as those of Animated Drawings. Of others, what
    branches is trunk, and the first of three bones in a row, as a shoulder is.
    """
    trunk = {skeleton.root}
    limbs = []
    for joint in skeleton.depth_first[1:]:
        parent = skeleton.parents[joint]
        if parent not in trunk:
            continue
        if _is_trunk(skeleton, joint):
            trunk.add(joint)
        else:
            limbs.append(_limb(skeleton, joint))
    return tuple(sorted(limbs, key=lambda limb: -skeleton.points_xy[limb.hangs_from, 1]))


def sheets_of_joints(skeleton: Skeleton, limbs: tuple[Limb, ...]) -> NDArray[np.int32]:
    """For each joint the sheet that its bone is on: 0 for the trunk, 1 for the first limb...

    Returns:
        ``int32`` ``(J,)``.
    """
    sheets = np.full(len(skeleton), TRUNK, np.int32)
    for number, limb in enumerate(limbs, 1):
        sheets[list(limb.joints)] = number
    return sheets


def _is_trunk(skeleton: Skeleton, joint: int) -> bool:
    name = skeleton.names[joint]
    if _OF_LIMB.search(name) or _OF_TRUNK.search(name):
        return not _OF_LIMB.search(name)
    below = _branch(skeleton, joint)
    return len(below) >= 3 or any(len(skeleton.children[each]) > 1 for each in below)


def _branch(skeleton: Skeleton, joint: int) -> list[int]:
    found = [joint]
    for each in found:  # grows as it goes
        found += skeleton.children[each]
    return found


def _limb(skeleton: Skeleton, joint: int) -> Limb:
    joints = _branch(skeleton, joint)
    named = [each for each in joints if _DRIVER.search(skeleton.names[each])]
    driver = named[0] if named else joints[-1]
    return Limb(skeleton.names[driver], tuple(joints), skeleton.parents[joint], driver)
