"""The files of Animated Drawings that say which motion to take and how to put it on a drawing.

A *motion* file names a BVH file and says how its actor stands in space; a *retarget* file says
which bone of the drawing follows which of the actor, and what is drawn over what. Both are read as
they are; keys that are not known are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from cartoonedit.errors import InvalidInput, shown
from cartoonedit.fields import (
    entries,
    mapping,
    names,
    number,
    numbers,
    required,
    text,
    whole,
)
from cartoonedit.yaml_file import read_yaml

__all__ = [
    "DrawGroup",
    "MotionConfig",
    "ProjectionGroup",
    "RetargetConfig",
    "RootOffset",
    "read_motion_config",
    "read_retarget_config",
]

Method = Literal["pca", "frontal", "sagittal"]

_METHODS = ("pca", "frontal", "sagittal")
_MOST_FRAMES = 10_000_000
_NEARBY = ("motions", "bvh")  # folders in which the BVH files of a motion file may lie


@dataclass(frozen=True)
class MotionConfig:
    """Which motion, and how its actor stands.

    Attributes:
        filepath: The BVH file.
        groundplane_joint: The joint of the actor that is on the ground in the first frame.
        forward_perp_joint_vectors: Pairs of joints; the mean of their directions, such as from the
            left shoulder to the right one, is perpendicular to where the actor looks.
        scale: From the units of the BVH file to those of the scene, > 0.
        up: The axis of the file that points up.
        start_frame_idx: The first frame that is kept.
        end_frame_idx: The first that is not; None or 0 keeps all.
        frame_time: Seconds a frame; None takes those of the file.
    """

    filepath: Path
    groundplane_joint: str
    forward_perp_joint_vectors: tuple[tuple[str, str], ...]
    scale: float = 1.0
    up: Literal["+y", "+z"] = "+y"
    start_frame_idx: int = 0
    end_frame_idx: int | None = None
    frame_time: float | None = None


@dataclass(frozen=True)
class ProjectionGroup:
    """Joints of the actor that are seen from the same side.

    Attributes:
        name: Of the group.
        method: From the front, from the side, or from where they move the most, ``pca``.
        bvh_joint_names: The joints.
    """

    name: str
    method: Method
    bvh_joint_names: tuple[str, ...]


@dataclass(frozen=True)
class DrawGroup:
    """Joints of the drawing whose parts are drawn together.

    Attributes:
        char_joints: The joints.
        bvh_depth_drivers: Joints of the actor whose mean depth is that of the group.
    """

    char_joints: tuple[str, ...]
    bvh_depth_drivers: tuple[str, ...]


@dataclass(frozen=True)
class RootOffset:
    """How far the drawing travels as the actor does.

    Attributes:
        group: Name of the projection group from whose side the travel is seen.
        bvh_joints: Chains of joints of the actor, such as its legs.
        char_joints: Chains of the drawing; the ratio of their lengths is that of the travels.
    """

    group: str
    bvh_joints: tuple[tuple[str, ...], ...]
    char_joints: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RetargetConfig:
    """How the motion of an actor is put on a drawing.

    Attributes:
        char_starting_location: (x, y, z) that is added to the root.
        projection_groups: The joints of the actor, by the side from which they are seen. A joint in
            several of them is seen as in the last.
        draw_groups: The joints of the drawing, by what is drawn together.
        root_offset: How far the drawing travels.
        mapping: Joint of the drawing to two joints of the actor: the bone that ends at the first
            takes the direction from one of them to the other.
        runtime_checks: ``("above", joint, one, other)``: the joint is left out of the mapping where
            it lies below the line from one to the other in the drawing.

    Raises:
        InvalidInput: Something is named that no projection group has.
    """

    char_starting_location: tuple[float, float, float]
    projection_groups: tuple[ProjectionGroup, ...]
    draw_groups: tuple[DrawGroup, ...]
    root_offset: RootOffset
    mapping: Mapping[str, tuple[str, str]]
    runtime_checks: tuple[tuple[str, str, str, str], ...] = ()

    def __post_init__(self) -> None:
        named = [group.name for group in self.projection_groups]
        twice = [name for name in named if named.count(name) > 1]
        if twice:
            raise InvalidInput(f"there are two projection groups with the name {twice[0]!r}.")
        if self.root_offset.group not in named:
            raise InvalidInput(
                f"the root's offset is seen from the group {self.root_offset.group!r}, but there is"
                f" {', '.join(named) or 'none'}."
            )
        seen = {joint for group in self.projection_groups for joint in group.bvh_joint_names}
        wanted = {to: f"the joint {joint!r} follows" for joint, (_, to) in self.mapping.items()}
        for group in self.draw_groups:
            wanted |= dict.fromkeys(group.bvh_depth_drivers, "a draw group has the depth of")
        for joint, why in wanted.items():
            if joint not in seen:
                raise InvalidInput(
                    f"{why} {joint!r}, which is in no group of bvh_projection_bodypart_groups. Add"
                    " it to the one that is seen from the same side."
                )


# ---------------------------------------------------------------- motion files


def read_motion_config(path: str | Path) -> MotionConfig:
    """Read a motion file.

    The BVH file that it names is searched as named, from the current folder, from the folder of the
    motion file and from those above; then by its name alone beside the motion file, and in folders
    ``motions`` and ``bvh`` there and one above.

    Raises:
        InvalidInput: It cannot be read, lacks something, a value makes no sense, or the BVH file is
            nowhere.
    """
    file = Path(path).expanduser()
    data = mapping(read_yaml(file, "motion file", tuples=True), f"the motion file {file}")
    where = str(file)
    up = required(data, "up", where)
    if up not in ("+y", "+z"):
        raise InvalidInput(f"{where}: up must be '+y' or '+z'; got {shown(up)}.")
    scale = number(required(data, "scale", where), f"{where}: scale", 0, 1e6)
    if scale == 0:
        raise InvalidInput(f"{where}: scale must be larger than 0.")
    pairs = f"{where}: forward_perp_joint_vectors"
    vectors = entries(required(data, "forward_perp_joint_vectors", where), pairs, least=1)
    start, end = _frames(data, where)
    frame_time = data.get("frame_time")
    if frame_time is not None:
        frame_time = number(frame_time, f"{where}: frame_time", 1e-4, 60)
    return MotionConfig(
        filepath=_find(text(required(data, "filepath", where), f"{where}: filepath"), file),
        groundplane_joint=text(
            required(data, "groundplane_joint", where), f"{where}: groundplane_joint"
        ),
        forward_perp_joint_vectors=tuple(_pair(each, pairs) for each in vectors),
        scale=scale,
        up=cast(Literal["+y", "+z"], up),
        start_frame_idx=start,
        end_frame_idx=end,
        frame_time=frame_time,
    )


def _frames(data: Mapping[str, Any], where: str) -> tuple[int, int | None]:
    """The first frame that is kept, and the first that is not."""
    start, end = data.get("start_frame_idx"), data.get("end_frame_idx")
    first = 0 if start is None else whole(start, f"{where}: start_frame_idx", 0, _MOST_FRAMES)
    last = 0 if end is None else whole(end, f"{where}: end_frame_idx", 0, _MOST_FRAMES)
    if last and last <= first:
        raise InvalidInput(
            f"{where}: end_frame_idx must be larger than start_frame_idx, {first}; got {last}."
        )
    return first, last or None


def _pair(value: Any, where: str) -> tuple[str, str]:
    one, other = names(value, f"{where}, each a pair of joints,", least=2, most=2)
    return one, other


def _find(name: str, file: Path) -> Path:
    """The BVH file that a motion file names."""
    named = Path(name.replace("\\", "/")).expanduser()
    folder = file.absolute().parent
    places = [named, *(above / named for above in (folder, *folder.parents))]
    places += [folder / named.name]
    places += [near / kind / named.name for near in (folder, folder.parent) for kind in _NEARBY]
    for place in places:
        try:
            if place.is_file():
                return place
        except (OSError, ValueError):  # a name that no file can have
            continue
    looked = ", ".join(dict.fromkeys(str(place.parent) for place in places))
    raise InvalidInput(
        f"{file}: there is no motion {name!r}. Looked in {looked}. Put the file into one of these"
        " folders, or write its full path for 'filepath'."
    )


# ---------------------------------------------------------------- retarget files


def read_retarget_config(path: str | Path) -> RetargetConfig:
    """Read a retarget file.

    Raises:
        InvalidInput: It cannot be read, lacks something, or a value makes no sense.
    """
    file = Path(path).expanduser()
    where = str(file)
    data = mapping(read_yaml(file, "retarget file", tuples=True), f"the retarget file {file}")

    def each(key: str, least: int = 0) -> list[tuple[Any, str]]:
        found = entries(required(data, key, where), f"{where}: {key}", least=least)
        return [(value, f"{where}: {key}, entry {i}") for i, value in enumerate(found, 1)]

    start = f"{where}: char_starting_location"
    x, y, z = numbers(required(data, "char_starting_location", where), start, 3)
    offset = f"{where}: char_bvh_root_offset"
    bones_at = f"{where}: char_joint_bvh_joints_mapping"
    bones = mapping(required(data, "char_joint_bvh_joints_mapping", where), bones_at)
    parts = {
        "projection_groups": tuple(
            _projection_group(*entry) for entry in each("bvh_projection_bodypart_groups", 1)
        ),
        "draw_groups": tuple(_draw_group(*entry) for entry in each("char_bodypart_groups", 1)),
        "root_offset": _root_offset(required(data, "char_bvh_root_offset", where), offset),
        "mapping": {joint: _pair(bone, f"{bones_at}: {joint}") for joint, bone in bones.items()},
        "runtime_checks": tuple(_check(*entry) for entry in each("char_runtime_checks")),
    }
    try:
        return RetargetConfig(char_starting_location=(x, y, z), **parts)  # type: ignore[arg-type]
    except InvalidInput as error:
        raise InvalidInput(f"{where}: {error}") from error


def _projection_group(value: Any, where: str) -> ProjectionGroup:
    data = mapping(value, where)
    method = required(data, "method", where)
    if method not in _METHODS:
        raise InvalidInput(
            f"{where}: method must be one of {', '.join(_METHODS)}; got {shown(method)}."
        )
    joints = f"{where}: bvh_joint_names"
    return ProjectionGroup(
        text(required(data, "name", where), f"{where}: name"),
        cast(Method, method),
        names(required(data, "bvh_joint_names", where), joints, least=1),
    )


def _draw_group(value: Any, where: str) -> DrawGroup:
    data = mapping(value, where)
    drivers = f"{where}: bvh_depth_drivers"
    return DrawGroup(
        names(required(data, "char_joints", where), f"{where}: char_joints"),
        names(required(data, "bvh_depth_drivers", where), drivers, least=1),
    )


def _root_offset(value: Any, where: str) -> RootOffset:
    data = mapping(value, where)

    def chains(key: str) -> tuple[tuple[str, ...], ...]:
        found = entries(required(data, key, where), f"{where}: {key}", least=1)
        return tuple(names(chain, f"{where}: {key}, each a list of joints,") for chain in found)

    key = "bvh_projection_bodypart_group_for_offset"
    group = text(required(data, key, where), f"{where}: {key}")
    return RootOffset(group, chains("bvh_joints"), chains("char_joints"))


def _check(value: Any, where: str) -> tuple[str, str, str, str]:
    what, joint, one, other = names(value, f"{where}, four words,", least=4, most=4)
    if what != "above":
        raise InvalidInput(f"{where}: a check can only be 'above'; got {shown(what)}.")
    return what, joint, one, other
