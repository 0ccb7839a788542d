"""Drawings as scenes: one character on paper, with its joints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.puppet.classic.character import INSIDE, Drawing
from apps.puppet.paper import find_drawings
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import check_name
from cartoonedit.scene import Instance, Scene

__all__ = ["is_on_paper", "on_paper", "scene_of", "skeleton_of", "with_skeletons"]

_PAPER, _TREES = "paper", "joint_parents"


def scene_of(drawing: Drawing) -> Scene:
    """A drawing of Animated Drawings as a scene."""
    alpha = drawing.texture[..., 3:] / np.float32(255)
    picture = np.rint(drawing.texture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)
    inside = np.where(drawing.mask > INSIDE, drawing.texture[..., 3], 0).astype(np.uint8)
    try:
        name = check_name(drawing.name)
    except InvalidInput:  # a folder can have a name that a file of every system cannot
        name = "character-1"
    instance = Instance(inside, name=name)
    scene = _blank_behind(Scene(picture, [instance]))
    skeleton = drawing.skeleton
    return with_skeletons(scene, {name: skeleton.moved(skeleton.points_xy + 0.5)})


def on_paper(scene: Scene) -> Scene:
    """Find the drawings on a picture of paper, without a network.

    Raises:
        InvalidInput: There is none.
    """
    return _blank_behind(
        scene.with_instances([Instance(mask) for mask in find_drawings(scene.picture)])
    )


def is_on_paper(scene: Scene) -> bool:
    """Whether what is behind the characters is nothing but paper."""
    return scene.meta.get(_PAPER) is True


def _blank_behind(scene: Scene) -> Scene:
    blank: NDArray[np.uint8] = np.full_like(scene.picture, 255)
    return scene.replace(plate=blank, meta={**scene.meta, _PAPER: True})


def with_skeletons(scene: Scene, skeletons: Mapping[str, Skeleton]) -> Scene:
    """The scene with the joints of some characters; the trees are kept where they are unusual."""
    instances = [
        replace(one, joints=_points(skeletons[one.name])) if one.name in skeletons else one
        for one in scene
    ]
    trees: dict[str, Any] = dict(scene.meta.get(_TREES) or {})
    for name, skeleton in skeletons.items():
        trees.pop(name, None)
        if not _is_standard(skeleton):
            trees[name] = skeleton.tree
    return scene.replace(instances=instances, meta={**scene.meta, _TREES: trees})


def skeleton_of(scene: Scene, name: str) -> Skeleton | None:
    """The skeleton of a character by the joints in its scene; None if it has none.

    Raises:
        InvalidInput: The joints form no tree.
    """
    joints = scene[name].joints
    if not joints:
        return None
    tree = (scene.meta.get(_TREES) or {}).get(name, STANDARD)
    if not isinstance(tree, Mapping) or not {*joints} & {*tree}:
        raise InvalidInput(
            f"the joints of {name} have names that no skeleton is known for: {', '.join(joints)}."
            f" The usual ones are {', '.join(STANDARD)}."
        )
    return Skeleton.build(joints, tree)


def _is_standard(skeleton: Skeleton) -> bool:
    if not {*skeleton.names} <= {*STANDARD} or "root" not in skeleton:
        return False
    return Skeleton.build(_points(skeleton)).tree == skeleton.tree


def _points(skeleton: Skeleton) -> dict[str, tuple[float, float]]:
    return {
        name: (float(x), float(y))
        for name, (x, y) in zip(skeleton.names, skeleton.points_xy, strict=True)
    }
