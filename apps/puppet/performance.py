"""Performances: what a word of the options, such as ``dance`` or a file, makes a character do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.puppet.motion.bvh import Bvh, read_bvh
from apps.puppet.motion.library import motion_file
from apps.puppet.options import PuppetOptions
from apps.puppet.poses import Poses
from apps.puppet.skeleton import Skeleton
from apps.puppet.timing import retimed
from cartoonedit.errors import InvalidInput
from cartoonedit.yaml_file import read_yaml

if TYPE_CHECKING:
    from apps.puppet.classic.config import MotionConfig
    from apps.puppet.motion.keypoints import Keypoints
    from apps.puppet.retarget import Body

__all__ = ["Box", "Part", "Performance", "find_performance"]

FINEST = 1000.0
"""Frames a second of a motion; the fastest cameras of motion capture take fewer."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels of the picture."""


@dataclass(frozen=True)
class Part:
    """What a performance must know of who gives it.

    Attributes:
        skeleton: In rest, in pixels of the picture.
        bounds_xyxy: The tight box of the drawing.
        seconds: How long it shall last.
        room: What the character should stay in; None for no bounds.
        body: The drawing, which is to stay in there in all poses.
        phase: Where in its motion it starts, 0 to 1.
        mirror: Whether left and right are exchanged.
    """

    skeleton: Skeleton
    bounds_xyxy: Box
    seconds: float
    room: Box | None = None
    body: Body | None = None
    phase: float = 0.0
    mirror: bool = False


@dataclass(frozen=True)
class Performance:
    """A motion that any character can do.

    Attributes:
        seconds: How long one round of it is.
        play: Gives the poses of a part, with the frames a second of the options.
    """

    seconds: float
    play: Callable[[Part], Poses]


def find_performance(word: str, options: PuppetOptions) -> Performance:
    """Read a motion.

    Args:
        word: A name of ours, or a file; see :attr:`apps.puppet.options.PuppetOptions.motion`.
        options: How it is to be done.

    Raises:
        InvalidInput: There is no such motion, its file is damaged, or its skeleton is unknown.
    """
    file = motion_file(word)
    suffix = file.suffix.lower()
    if file.is_dir():
        from apps.puppet.motion.keypoints import read_keypoints

        return _keypoints(read_keypoints(file), options)
    if suffix == ".json":
        from apps.puppet.motion.keypoints import MOST_BYTES, parse_keypoints

        data = read_yaml(file, "motion", most_bytes=MOST_BYTES)
        if _holds_keys(data):
            return _keys(file, options)
        return _keypoints(parse_keypoints(data, source=str(file)), options)
    if suffix in (".yaml", ".yml"):
        data = read_yaml(file, "motion", tuples=True)
        if not (isinstance(data, Mapping) and "filepath" in data):
            return _keys(file, options)
        from apps.puppet.classic.config import read_motion_config

        config = read_motion_config(file)
        bvh = _between(
            read_bvh(config.filepath), config.start_frame_idx, config.end_frame_idx, str(file)
        )
        if config.frame_time is not None:
            bvh = replace(bvh, frame_time=config.frame_time)
        actor = replace(config, start_frame_idx=0, end_frame_idx=None)  # of what is left
        return _motion(bvh, file.stem, options, actor)
    return _motion(read_bvh(file), file.stem, options)


def _motion(
    bvh: Bvh, name: str, options: PuppetOptions, actor: MotionConfig | None = None
) -> Performance:
    if options.retarget == "classic":
        return _classic(bvh, name, options, actor)
    from apps.puppet.motion.names import to_motion
    from apps.puppet.retarget import RetargetOptions, retarget

    roles = None
    if options.retarget_file is not None:
        from apps.puppet.classic.automatic import roles_of
        from apps.puppet.classic.config import read_retarget_config

        roles = roles_of(read_retarget_config(options.retarget_file), bvh)
    motion = to_motion(_not_too_fine(bvh), name, roles=roles)

    def play(part: Part) -> Poses:
        points = part.skeleton.points_xy
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        x1, y1, x2, y2 = part.bounds_xyxy
        reach = (left - x1, top - y1, x2 - right, y2 - bottom)
        chosen = RetargetOptions(
            fps=options.rate,
            speed=options.speed,
            phase=part.phase,
            duration=part.seconds,
            mirror=part.mirror,
            arms=options.view,
            legs=options.view,
            trunk=options.view,
            travel=options.travel,
            room=part.room,
            reach=tuple(max(0.0, float(side)) for side in reach),  # type: ignore[arg-type]
            blend_in=options.blend_in,
        )
        return retarget(motion, part.skeleton, chosen, roles, part.body)

    return Performance(motion.duration / options.speed, play)


def _classic(bvh: Bvh, name: str, options: PuppetOptions, told: MotionConfig | None) -> Performance:
    from apps.puppet.classic.automatic import motion_config, poses_in_picture, retarget_config
    from apps.puppet.classic.config import read_retarget_config

    actor = told or motion_config(bvh, name)
    config = (
        read_retarget_config(options.retarget_file)
        if options.retarget_file is not None
        else retarget_config(bvh, name)
    )

    def play(part: Part) -> Poses:
        _refuse_mirror(part, "the classic way")
        poses = poses_in_picture(bvh, actor, config, part.skeleton, part.bounds_xyxy)
        return _retimed(poses, part, options)

    return Performance(len(bvh) * bvh.frame_time / options.speed, play)


def _keys(file: Path, options: PuppetOptions) -> Performance:
    from apps.puppet.motion.keyframes import MOST_FRAMES, play_keys, read_joint_keys

    keys = read_joint_keys(file)  # its bounds and tags are stricter than those of other motions

    def play(part: Part) -> Poses:
        _refuse_mirror(part, "key frames")
        height = part.bounds_xyxy[3] - part.bounds_xyxy[1]
        # Finer than the clip, so that little is lost between; of an hour, what memory holds.
        rate = min(max(options.rate, 60.0), MOST_FRAMES / 2 / max(keys.duration, 1.0))
        poses = play_keys(keys, part.skeleton, rate, height=height)
        return _retimed(poses, part, options)

    return Performance(keys.duration / options.speed, play)


def _keypoints(keypoints: Keypoints, options: PuppetOptions) -> Performance:
    from apps.puppet.motion.reference import follow_keypoints

    def play(part: Part) -> Poses:
        _refuse_mirror(part, "keypoints")
        travel = options.travel != "in-place"
        poses = follow_keypoints(keypoints, part.skeleton, travel=travel)
        return _retimed(poses, part, options)

    return Performance(len(keypoints.points) / keypoints.fps / options.speed, play)


def _retimed(poses: Poses, part: Part, options: PuppetOptions) -> Poses:
    return retimed(
        poses,
        part.skeleton,
        fps=options.rate,
        seconds=part.seconds,
        speed=options.speed,
        phase=part.phase,
        blend_in=options.blend_in,
    )


def _refuse_mirror(part: Part, what: str) -> None:
    if part.mirror:
        raise InvalidInput(f"mirror is for motions in space, not for {what}.")


def _between(bvh: Bvh, first: int, end: int | None, source: str) -> Bvh:
    """The frames from one to another; an end of 0 or beyond the last is the last."""
    values = bvh.values[first : end or None]
    if not len(values):
        raise InvalidInput(
            f"{source}: start_frame_idx is {first}, but the motion has {len(bvh)} frames."
        )
    return replace(bvh, values=values)


def _not_too_fine(bvh: Bvh) -> Bvh:
    """Without most frames of what no camera records: smoothing over seconds would take forever."""
    step = math.ceil(1 / (FINEST * bvh.frame_time))
    if step <= 1:
        return bvh
    return replace(bvh, values=bvh.values[::step], frame_time=bvh.frame_time * step)


def _holds_keys(data: Any) -> bool:
    """Whether that is meant to be key frames, whatever is wrong with them."""
    if isinstance(data, Mapping):
        return "keyframes" in data
    return isinstance(data, list) and any(
        isinstance(one, Mapping) and "time" in one for one in data
    )
