"""The joints of a character, from what there is: its own, a network's, or its silhouette's."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps.puppet.joints.files import named_skeleton
from apps.puppet.joints.inside import inside
from apps.puppet.joints.pose import NetworkPose, PoseNetwork
from apps.puppet.joints.silhouette.estimate import Estimate, estimate
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput
from cartoonedit.instance import Instance
from cartoonedit.scene import Scene

__all__ = ["AUTO", "SILHOUETTE", "FoundJoints", "find_joints"]

AUTO, SILHOUETTE = "auto", "silhouette"
LEAST_SCORE = 0.3
"""A joint of which a network is less sure is taken from the silhouette."""


class FoundJoints(NamedTuple):
    """The joints of a character.

    Attributes:
        skeleton: In pixels of the picture; all of it inside of the character.
        confidence: 0..1; 1 for joints that a person gave.
        note: Where they are from, and what was guessed, for a person.
    """

    skeleton: Skeleton
    confidence: float
    note: str


def find_joints(
    scene: Scene | NDArray[np.uint8],
    instance: Instance,
    source: str | Path = AUTO,
    *,
    device: str = "auto",
    least_score: float = LEAST_SCORE,
) -> FoundJoints:
    """Find the joints of one character.

    Args:
        scene: The scene, or its picture: RGB ``uint8`` ``(H, W, 3)``.
        instance: The character.
        source: ``auto`` takes the instance's own joints, or else those of its silhouette;
            ``silhouette`` takes these in any case; anything else is a pose network, as
            :class:`~apps.puppet.joints.pose.PoseNetwork` takes it.
        device: Where a pose network runs.
        least_score: Joints with a lower score of the network come from the silhouette; what that
            leaves out, too, is left out.

    Raises:
        InvalidInput: The mask is empty or the instance's joints make no skeleton.
        ModelNotFound: The network is not on this machine.
    """
    if not 0 <= least_score <= 1:
        raise InvalidInput(f"the least score of a joint must be in 0..1; got {least_score}.")
    picture = scene.picture if isinstance(scene, Scene) else scene
    if str(source) == AUTO and instance.joints:
        skeleton = named_skeleton(instance.joints, f"instance {instance.name!r}: joints")
        found = FoundJoints(skeleton, 1.0, "its own joints")
    elif str(source) in (AUTO, SILHOUETTE):
        guess = estimate(instance.mask)
        note = "; ".join([f"from the silhouette, as a {guess.kind} figure", *guess.notes])
        found = FoundJoints(guess.skeleton, guess.confidence, note)
    else:
        pose = PoseNetwork(source, device)(picture, instance)
        found = _combined(pose, estimate(instance.mask), str(source), least_score)
    return found._replace(skeleton=inside(found.skeleton, instance.mask))


def _combined(pose: NetworkPose, guess: Estimate, name: str, least: float) -> FoundJoints:
    """The network's joints where it is sure, those of the silhouette elsewhere."""
    points: dict[str, NDArray[np.float64]] = {}
    taken, replaced, scores = [], [], []
    for joint, score in zip(pose.skeleton.names, pose.scores, strict=True):
        if score >= least:
            points[joint] = pose.skeleton[joint]
            taken.append(joint)
            scores.append(float(score))
        elif joint in guess.skeleton:
            points[joint] = guess.skeleton[joint]
            replaced.append(joint)
            scores.append(0.5 * guess.confidence)
    for joint in ("root", "hip"):  # a skeleton needs it, whoever is sure of it
        points.setdefault(joint, guess.skeleton[joint])
    skeleton = Skeleton.build({joint: tuple(point) for joint, point in points.items()}, STANDARD)
    missing = [joint for joint in pose.skeleton.names if joint not in points]
    note = f"{len(taken)} joints from {name}"
    if replaced:
        note += f"; from the silhouette: {', '.join(replaced)}"
    if missing:
        note += f"; left out: {', '.join(missing)}"
    return FoundJoints(skeleton, float(np.mean(scores)) if scores else 0.0, note)
