"""The joints of all characters of a scene: from a file, from the scene, or found."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from apps.puppet.drawings import skeleton_of
from apps.puppet.joints import AUTO, FoundJoints, find_joints, inside, read_joints
from apps.puppet.options import PuppetOptions
from cartoonedit.scene import Scene

__all__ = ["UNSURE", "find_all_joints"]

logger = logging.getLogger(__name__)

UNSURE = 0.4
"""Joints of less confidence are worth a look; a person is told so."""


def find_all_joints(
    scene: Scene, options: PuppetOptions, names: Iterable[str] | None = None
) -> dict[str, FoundJoints]:
    """Find the joints of characters; they all lie inside of them.

    Args:
        scene: The scene.
        options: Where joints are from.
        names: Of the characters; None for all.

    Raises:
        InvalidInput: The file cannot be read, or belongs to other characters.
        ModelNotFound: The pose network is not on this machine.
    """
    given = (
        read_joints(options.joints, scene.instances, scene.size_wh, scene.source)
        if options.joints is not None
        else {}
    )
    found: dict[str, FoundJoints] = {}
    for name in names if names is not None else [one.name for one in scene]:
        instance = scene[name]
        own = skeleton_of(scene, name) if options.joints_by == AUTO else None
        skeleton = given.get(name, own)
        if skeleton is None:
            found[name] = find_joints(scene, instance, options.joints_by, device=options.device)
        else:
            note = f"from {options.joints}" if name in given else "its own joints"
            found[name] = FoundJoints(inside(skeleton, instance.mask), 1.0, note)
        if found[name].confidence < UNSURE:
            logger.warning(
                "%s: the joints are uncertain (%s). `cartoonedit puppet joints` shows them, and"
                " writes a file to correct",
                name,
                found[name].note,
            )
    return found
