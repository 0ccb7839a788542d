"""Joints in files: our own, which people edit, and those of other programs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from apps.puppet.joints.annotations import annotated, is_annotated
from apps.puppet.joints.coco import completed
from apps.puppet.joints.drawings import drawing_skeleton, is_drawing, placed
from apps.puppet.joints.matching import check_fit, match
from apps.puppet.joints.numbers import point
from apps.puppet.skeleton import STANDARD, Skeleton
from cartoonedit.errors import InvalidInput, shown
from cartoonedit.files import atomic_path
from cartoonedit.instance import Instance
from cartoonedit.yaml_file import MOST_BYTES, read_yaml

__all__ = ["JOINTS_FILE", "joints_text", "named_skeleton", "read_joints", "write_joints"]

JOINTS_FILE = "joints.yaml"
"""The usual name of our own file."""

_MOST_JSON = 64_000_000  # bytes
_IN_FOLDER = (JOINTS_FILE, "char_cfg.yaml", "scene.json")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null"}  # which YAML takes for other things
_HEADER = """\
# Joints of the characters of a picture: [x, y] in its pixels, from its upper left corner.
#
# To move a joint, change its numbers. "left" is the character's own left: to the right in the
# picture of one that faces the viewer. hip lies on root, between the legs; torso between the
# shoulders; neck in the face; hands and feet in the middle of hands and feet, not at their ends.
# A joint may be left out by deleting its line, such as those of arms that cannot be seen; only
# root has to stay. A character that is not in this file gets its joints as without the file.
# Joints of other names are allowed where "parents" says what each of them hangs from:
#   parents: {tail: root}
"""


def write_joints(path: str | Path, skeletons: Mapping[str, Skeleton]) -> None:
    """Write the joints of several characters into a YAML file, with an explanation at its top.

    Args:
        path: Such as ``joints.yaml``.
        skeletons: By name of the character, in pixels of the picture.

    Raises:
        InvalidInput: ``path`` is a folder.
    """
    with atomic_path(path) as partial:
        partial.write_text(joints_text(skeletons), encoding="utf-8")


def joints_text(skeletons: Mapping[str, Skeleton]) -> str:
    """What :func:`write_joints` writes. Points are kept to a hundredth of a pixel."""
    lines = [_HEADER]
    for name, skeleton in skeletons.items():
        lines += [f"{_quoted(name)}:", "  joints:"]
        for joint, (x, y) in zip(skeleton.names, skeleton.points_xy, strict=True):
            lines.append(f"    {_quoted(joint)}: [{_rounded(x)}, {_rounded(y)}]")
        standard = all(joint in STANDARD for joint in skeleton.names)
        implied = _tree(skeleton.names, {}) if standard else {}
        others = {
            joint: parent
            for joint, parent in skeleton.tree.items()
            if joint not in implied
            or implied[joint] != parent
            or (parent is None and joint != "root")
        }
        if others:
            lines.append("  parents:")
            lines += [
                f"    {_quoted(joint)}: {_quoted(parent)}" for joint, parent in others.items()
            ]
    return "\n".join(lines) + "\n"


def read_joints(
    path: str | Path,
    instances: Sequence[Instance] = (),
    size_wh: tuple[int, int] | None = None,
    source: str | None = None,
) -> dict[str, Skeleton]:
    """Read the joints of characters from a file of any kind that is known.

    Known are our own ``joints.yaml``; ``char_cfg.yaml`` of Animated Drawings, whose crop
    ``bounding_box.yaml`` beside it places; ``scene.json`` of a saved scene; and COCO key points, as
    an annotation, a list of them or a whole data set. A folder stands for the file in it.

    Args:
        path: The file or folder.
        instances: The characters of the picture. Names in a file are theirs; joints without names
            go to the character that they lie in. Without any, nothing is compared.
        size_wh: Of the picture.
        source: The picture's file name, to find it in a COCO data set of several.

    Returns:
        A skeleton by name of the instance, for those that the file has joints of.

    Raises:
        InvalidInput: The file cannot be read, is of no known kind, is damaged, or holds the joints
            of other characters; the text says which and what to do.
    """
    file = _file(Path(path).expanduser())
    data = _load(file)
    if is_drawing(data):
        skeleton = drawing_skeleton(data, str(file))
        return _matched([placed(skeleton, data, file.parent, instances, size_wh)], instances, file)
    if is_annotated(data):
        return _matched(annotated(data, str(file), size_wh, source), instances, file)
    if isinstance(data, Mapping) and isinstance(data.get("instances"), list):
        return _named(_of_scene(data["instances"], file), instances, file)
    if isinstance(data, Mapping) and data:
        read = {name: _own(value, f"{file}, {name!r}") for name, value in data.items()}
        return _named(read, instances, file)
    raise InvalidInput(
        f"{file} holds no joints: it must be a joints.yaml, a char_cfg.yaml, a scene.json or key"
        f" points of COCO; got {shown(data)}."
    )


def named_skeleton(
    points: Mapping[str, tuple[float, float]],
    where: str,
    parents: Mapping[str, str | None] | None = None,
) -> Skeleton:
    """A skeleton of named points, completed where points of the trunk follow from others.

    Args:
        points: By joint, in pixels.
        where: They are from, for messages.
        parents: What joints hang from that are no standard ones, or hang from another.

    Raises:
        InvalidInput: A joint is unknown, or there is no root.
    """
    parents = parents or {}
    made = dict(points) if None in parents.values() else completed(points)
    unknown = sorted(made.keys() - STANDARD.keys() - parents.keys())
    if unknown:
        raise InvalidInput(
            f"{where}: {shown(unknown[0])} is no standard joint, and nothing says what it hangs"
            f" from. Standard joints are {', '.join(STANDARD)}; for others add"
            f" parents: {{{unknown[0]:.40}: root}}."
        )
    tree = _tree(made.keys(), parents)
    for name, parent in tree.items():
        if parent is not None and parent not in made:
            raise InvalidInput(
                f"{where}: the joint {name!r} hangs from {shown(parent)}, which is not there."
            )
    names = list(made)
    if "root" not in made and None not in parents.values():
        raise InvalidInput(
            f"{where} has no root, and none follows from hips or from shoulders and face. Add"
            " root: [x, y], between the legs."
        )
    indices = [-1 if parent is None else names.index(parent) for parent in tree.values()]
    try:
        return Skeleton(tuple(names), tuple(indices), np.array([made[name] for name in names]))
    except InvalidInput as error:  # such as two joints that hang from each other
        raise InvalidInput(f"{where}: {error}") from error


def _tree(names: Collection[str], parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """The parent of each joint: what is said of it, or else the nearest standard one there is."""

    def parent_of(name: str) -> str | None:
        if name in parents:
            return parents[name]
        above = STANDARD[name]
        while above is not None and above not in names:
            above = STANDARD[above]
        return above

    return {name: parent_of(name) for name in names}


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    there = [path / name for name in _IN_FOLDER if (path / name).is_file()]
    if not there:
        raise InvalidInput(
            f"the folder {path} holds none of {', '.join(_IN_FOLDER)}. Name a file with joints."
        )
    return there[0]


def _load(file: Path) -> Any:
    is_json = file.suffix.lower() == ".json"
    return read_yaml(file, "file of joints", most_bytes=_MOST_JSON if is_json else MOST_BYTES)


def _own(value: Any, where: str) -> Skeleton:
    """One character of our own file: ``joints`` and ``parents``, or the joints alone."""
    if not isinstance(value, Mapping) or not value:
        raise InvalidInput(f"{where} must map joints to [x, y]; got {shown(value)}.")
    joints: Mapping[str, Any] = value
    parents: Any = {}
    if isinstance(value.get("joints"), Mapping):
        joints, parents = value["joints"], value.get("parents") or {}
        others = sorted(value.keys() - {"joints", "parents"})
        if others:
            raise InvalidInput(f"{where} may have joints and parents; got {shown(others[0])}, too.")
    wrong = not isinstance(parents, Mapping) or not all(
        parent is None or isinstance(parent, str) for parent in parents.values()
    )
    if wrong:
        raise InvalidInput(f"{where}: parents must map joints to joints; got {shown(parents)}.")
    points = {name: point(each, f"{where}, {shown(name)}") for name, each in joints.items()}
    return named_skeleton(points, where, {k: v for k, v in parents.items() if k in points})


def _of_scene(entries: list[Any], file: Path) -> dict[str, Skeleton]:
    found = {}
    for entry in entries:
        if isinstance(entry, Mapping) and entry.get("joints"):
            name = str(entry.get("name", ""))
            found[name] = _own(entry["joints"], f"{file}, {name!r}")
    if not found:
        raise InvalidInput(
            f"no character of {file} has joints yet. Give another file, or none: then they are"
            " estimated."
        )
    return found


def _named(
    read: dict[str, Skeleton], instances: Sequence[Instance], file: Path
) -> dict[str, Skeleton]:
    """Joints of the instances of the same names."""
    if not instances:
        return read
    if len(read) == len(instances) == 1:  # one character, whatever it is called
        read = {instances[0].name: next(iter(read.values()))}
    by_name = {instance.name: instance for instance in instances}
    unknown = sorted(read.keys() - by_name.keys())
    if unknown:
        raise InvalidInput(
            f"{file} has joints of {shown(unknown[0])}, but the characters of this picture are"
            f" {', '.join(map(repr, by_name))}. Rename or delete that part of the file."
        )
    for name, skeleton in read.items():
        check_fit(skeleton, by_name[name], str(file))
    return read


def _matched(
    read: list[Skeleton], instances: Sequence[Instance], file: Path
) -> dict[str, Skeleton]:
    """Joints without names, each of the instance that it lies in."""
    if not instances:
        return {str(number): skeleton for number, skeleton in enumerate(read, 1)}
    found = match(read, instances)
    if not found:
        if len(read) == len(instances) == 1:
            check_fit(read[0], instances[0], str(file))  # says it with numbers
        raise InvalidInput(
            f"none of the {len(read)} skeletons in {file} fits a character of this picture: at"
            " least half of the joints must lie in it. Give the file that belongs to this picture."
        )
    return {instances[column].name: read[row] for column, (row, _) in sorted(found.items())}


def _quoted(name: str | None) -> str:
    """A name as YAML takes it, whatever it holds."""
    if name is None:
        return "null"
    if re.fullmatch(r"[A-Za-z][\w -]*\w", name, re.ASCII) and name.lower() not in _WORDS:
        return name
    return str(yaml.dump(name, default_style='"', width=10**6)).strip()


def _rounded(value: float) -> str:
    return f"{round(float(value), 2):.15g}"
