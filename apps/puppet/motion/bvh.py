"""BVH files: a skeleton and its motion, as recorded by most motion capture programs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput, shown
from cartoonedit.files import atomic_path

__all__ = ["END_SITE", "Bvh", "read_bvh", "write_bvh"]

END_SITE = "End Site"
MOST_BYTES = 200_000_000
MOST_JOINTS = 2000
_MOST_HIERARCHY = 4_000_000  # characters
_MOST_NAME = 200
_FARTHEST = 1e12
_BLOCK = 2_000_000  # numbers that are worked on at a time
_MOTION = re.compile(r"(?<![^\r\n])[ \t]*MOTION[ \t]*(?![^\r\n])", re.IGNORECASE)
_LABELLED = re.compile(r"\s*([^\r\n:]*):([^\r\n]*)")
_ROW = re.compile(r"\s*([^\r\n]*)")
_SPACE = re.compile(r"[\s,]")
_AXES = {"X": 0, "Y": 1, "Z": 2}


@dataclass(frozen=True, eq=False)
class Bvh:
    """What a BVH file holds.

    Attributes:
        names: Of the joints, parents before children; ends of chains are called ``End Site``.
        parents: For each joint the index of its parent, -1 for the root.
        offsets: ``float64`` ``(B, 3)``: from the parent, in rest.
        channels: For each joint its channels in order, such as ``("Xposition", "Zrotation")``.
        values: ``float64`` ``(F, C)``: all channels of all joints in order; angles in degrees.
        frame_time: Seconds from one frame to the next.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: NDArray[np.float64]
    channels: tuple[tuple[str, ...], ...]
    values: NDArray[np.float64]
    frame_time: float

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _starts(self) -> list[int]:
        """For each joint the column of its first channel."""
        return [0, *np.cumsum([len(each) for each in self.channels])[:-1].tolist()]

    def local_rotations(self, frames: slice = slice(None)) -> NDArray[np.float64]:
        """Rotation of each joint against its parent.

        The product of its channels in the order of the file: ``Zrotation Yrotation Xrotation`` is
        ``Rz Ry Rx``.

        Returns:
            Matrices ``(F, B, 3, 3)``.
        """
        return self._rotations(self.values[frames])

    def _rotations(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        made = np.broadcast_to(np.eye(3), (len(values), len(self.names), 3, 3)).copy()
        for joint, (start, channels) in enumerate(zip(self._starts, self.channels, strict=True)):
            for column, channel in enumerate(channels, start):
                if channel.endswith("rotation"):
                    turn = _turn(_AXES[channel[0]], np.radians(values[:, column]))
                    made[:, joint] = made[:, joint] @ turn
        return made

    def positions(
        self, frames: slice = slice(None), *, joints_move: bool = True
    ) -> NDArray[np.float64]:
        """Where every joint is, in the space of the file.

        Args:
            frames: Which frames.
            joints_move: Whether position channels of other joints than the root count. Those of the
                root always do; they replace its offset.

        Returns:
            ``float64`` ``(F, B, 3)``.
        """
        values = self.values[frames]
        places = np.empty((len(values), len(self.names), 3))
        block = max(1, _BLOCK // (9 * len(self.names)))  # the matrices of all frames fill gigabytes
        for start in range(0, len(values), block):
            part = slice(start, start + block)
            places[part] = self._block_positions(values[part], joints_move)
        return places

    def _block_positions(
        self, values: NDArray[np.float64], joints_move: bool
    ) -> NDArray[np.float64]:
        turned = self._rotations(values)
        places = np.empty((len(values), len(self.names), 3))
        for joint, parent in enumerate(self.parents):
            shift = np.broadcast_to(self.offsets[joint], (len(values), 3))
            moves = [c for c in self.channels[joint] if c.endswith("position")]
            if moves and (parent < 0 or joints_move):
                shift = shift.copy()
                for column, channel in enumerate(self.channels[joint], self._starts[joint]):
                    if channel.endswith("position"):
                        shift[:, _AXES[channel[0]]] = values[:, column]
            if parent < 0:
                places[:, joint] = shift
            else:
                places[:, joint] = places[:, parent] + np.einsum(
                    "fij,fj->fi", turned[:, parent], shift
                )
                turned[:, joint] = turned[:, parent] @ turned[:, joint]
        return places


def _turn(axis: int, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotations about an axis of space, ``(F, 3, 3)``."""
    one, other = (axis + 1) % 3, (axis + 2) % 3
    made = np.zeros((len(angles), 3, 3))
    made[:, axis, axis] = 1
    made[:, one, one] = made[:, other, other] = np.cos(angles)
    made[:, other, one] = np.sin(angles)
    made[:, one, other] = -made[:, other, one]
    return made


def read_bvh(path: str | Path) -> Bvh:
    """Read a BVH file, with any white space, any order of channels and any upper and lower case.

    Raises:
        InvalidInput: It cannot be read or is no BVH file; the text says where. A file with fewer
            frames than it announces is named as truncated.
    """
    file = Path(path).expanduser()
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1_000_000} MB")
        text = file.read_bytes().decode("utf-8-sig", errors="replace")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"the motion {file} cannot be read: {reason}.") from error
    return _Parser(text, str(file)).parse()


class _Parser:
    """Reads the words of a BVH file one after the other."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        found = _MOTION.search(text)
        head = text[: found.start()] if found else text
        self._motion = text[found.end() :] if found else None
        if len(head) > _MOST_HIERARCHY:
            raise self._bad("its hierarchy is too long, or there is no line MOTION")
        self._words: Iterator[str] = iter(head.replace("{", " { ").replace("}", " } ").split())
        self._names: list[str] = []
        self._parents: list[int] = []
        self._offsets: list[list[float]] = []
        self._channels: list[tuple[str, ...]] = []

    def parse(self) -> Bvh:
        if self._next("the word HIERARCHY").upper() != "HIERARCHY":
            raise self._bad("it does not start with HIERARCHY")
        self._expect("ROOT")
        self._hierarchy()
        more = next(self._words, None)
        if more is not None:
            raise self._bad(
                f"after its skeleton there is {shown(more)}: it may hold only one skeleton"
            )
        frame_time, values = self._read_motion(sum(map(len, self._channels)))
        return Bvh(
            tuple(self._names),
            tuple(self._parents),
            np.array(self._offsets, np.float64),
            tuple(self._channels),
            values,
            frame_time,
        )

    def _hierarchy(self) -> None:
        """The root and all that hangs from it; without recursion, whatever the depth."""
        open_joints = [self._joint(-1, self._next("the name of the root"))]
        while open_joints:
            word = self._next("a joint or }")
            kind = word.upper()
            here = open_joints[-1]
            if kind == "}":
                open_joints.pop()
            elif kind == "OFFSET":
                self._offsets[here] = [self._number("an offset", _FARTHEST) for _ in range(3)]
            elif kind == "CHANNELS":
                self._channels[here] = self._read_channels(self._names[here])
            elif kind == "JOINT":
                open_joints.append(self._joint(here, self._next("the name of a joint")))
            elif kind == "END":
                self._expect("SITE")
                open_joints.append(self._joint(here, END_SITE))
            else:
                raise self._bad(f"{shown(word)} is not expected in the joint {self._names[here]}")

    def _joint(self, parent: int, name: str) -> int:
        if name == "{" or len(self._names) >= MOST_JOINTS:
            raise self._bad("a joint has no name, or there are more than 2000 of them")
        while (word := self._next(f"{{ of the joint {name}")) != "{":
            if name == END_SITE:  # some programs name the ends
                continue
            name = f"{name} {word}"
            if len(name) > _MOST_NAME:
                raise self._bad(f"after the joint {shown(name)} there is no {{")
        self._names.append(name)
        self._parents.append(parent)
        self._offsets.append([0.0, 0.0, 0.0])
        self._channels.append(())
        return len(self._names) - 1

    def _read_channels(self, joint: str) -> tuple[str, ...]:
        count = self._number(f"the number of channels of {joint}")
        if not 0 <= count <= 9 or count != int(count):
            raise self._bad(f"the joint {joint} has {count:g} channels")
        found = []
        for _ in range(int(count)):
            word = self._next(f"a channel of {joint}")
            channel = word[:1].upper() + word[1:].lower()
            if channel[1:] not in ("position", "rotation") or channel[0] not in _AXES:
                raise self._bad(f"the joint {joint} has a channel {shown(word)}")
            found.append(channel)
        return tuple(found)

    def _read_motion(self, columns: int) -> tuple[float, NDArray[np.float64]]:
        if self._motion is None:
            raise self._bad("it ends before MOTION: it is truncated")
        frames, start = self._labelled("Frames", 0)
        frame_time, start = self._labelled("Frame Time", start)
        if not (1 <= frames <= 10_000_000) or frames != int(frames):
            raise self._bad(f"it says that it has {frames:g} frames")
        if not 1e-6 <= frame_time <= 60:
            raise self._bad(f"its frame time is {frame_time:g} s")
        if columns == 0:
            raise self._bad("no joint has a channel")
        values = self._values(start, int(frames) * columns)
        whole = len(values) // columns
        if whole < frames:
            mend = f", or write 'Frames: {whole}' into it to use those" if whole else ""
            raise self._bad(
                f"it is truncated: it announces {int(frames)} frames and holds {whole} whole ones."
                f" Fetch it again{mend}"
            )
        first = _ROW.match(self._motion, start)
        row = first[1].replace(",", " ").split() if first else []
        if len(row) > columns:
            raise self._bad(f"a frame has {len(row)} values, but the joints have {columns}")
        return frame_time, values.reshape(-1, columns)

    def _values(self, start: int, wanted: int) -> NDArray[np.float64]:
        """The numbers of all frames, at most so many; piece by piece, as words take much memory."""
        text = self._motion or ""
        found, parts = 0, [np.zeros(0)]
        while start < len(text) and found < wanted:
            end = _SPACE.search(text, start + _BLOCK)
            stop = end.start() if end else len(text)
            words = text[start:stop].replace(",", " ").split()[: wanted - found]
            start = stop
            try:
                values = np.array(words, dtype=np.float64)
            except ValueError:
                values = np.array([self._as_number(word, "a value of a frame") for word in words])
            if not (np.abs(values) <= _FARTHEST).all():
                raise self._bad("a frame holds a number that is too large or not finite")
            parts.append(values)
            found += len(words)
        return np.concatenate(parts)

    def _labelled(self, label: str, start: int) -> tuple[float, int]:
        """The number on the line with a label, and where that line ends."""
        found = _LABELLED.match(self._motion or "", start)
        if not found or " ".join(found[1].split()).lower() != label.lower():
            raise self._bad(f"after MOTION there is no line '{label}:'")
        return self._as_number(found[2].strip(), f"{label}:"), found.end()

    def _number(self, what: str, most: float = math.inf) -> float:
        return self._as_number(self._next(what), what, most)

    def _as_number(self, word: str, what: str, most: float = math.inf) -> float:
        try:
            number = float(word)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or abs(number) > most:
            raise self._bad(f"{what} must be a number; got {shown(word)}")
        return number

    def _expect(self, word: str) -> None:
        got = self._next(f"the word {word}")
        if got.upper() != word:
            raise self._bad(f"there should be {word}; got {shown(got)}")

    def _next(self, what: str) -> str:
        word = next(self._words, None)
        if word is None:
            raise self._bad(f"it ends before {what}: it is truncated or no BVH file")
        return word

    def _bad(self, reason: str) -> InvalidInput:
        return InvalidInput(f"the motion {self._source} cannot be used: {reason}.")


# ---------------------------------------------------------------- writing


def write_bvh(bvh: Bvh, path: str | Path) -> None:
    """Write a BVH file that :func:`read_bvh` reads back as it was.

    Numbers are written with as many digits as they need: round them for a small file. Joints come
    depth first, as the format wants it, whatever their order is.

    Raises:
        InvalidInput: A name cannot be written, the joints form no tree with one root, or there is
            not one finite value for each channel of each frame.
    """
    _check_writable(bvh)
    order = _depth_first(bvh.parents)
    lines = _hierarchy_lines(bvh, order)
    columns = [
        column
        for joint in order
        for column in range(bvh._starts[joint], bvh._starts[joint] + len(bvh.channels[joint]))
    ]
    rows = bvh.values[:, columns].tolist()
    lines += ["MOTION", f"Frames: {len(rows)}", f"Frame Time: {float(bvh.frame_time)!r}"]
    lines += [" ".join(map(repr, row)) for row in rows]
    with atomic_path(path) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _hierarchy_lines(bvh: Bvh, order: list[int]) -> list[str]:
    lines = ["HIERARCHY"]
    open_joints: list[int] = []

    def close_until(parent: int) -> None:
        while open_joints and open_joints[-1] != parent:
            open_joints.pop()
            lines.append("\t" * len(open_joints) + "}")

    leaves = set(order) - set(bvh.parents)
    for joint in order:
        close_until(bvh.parents[joint])
        name, channels = bvh.names[joint], bvh.channels[joint]
        is_end = name == END_SITE and joint in leaves and not channels and open_joints
        kind = "" if is_end else "JOINT " if open_joints else "ROOT "
        indent = "\t" * len(open_joints)
        x, y, z = (float(value) for value in bvh.offsets[joint])
        lines += [f"{indent}{kind}{name}", f"{indent}{{", f"{indent}\tOFFSET {x!r} {y!r} {z!r}"]
        if channels:
            lines.append(f"{indent}\tCHANNELS {len(channels)} {' '.join(channels)}")
        open_joints.append(joint)
    close_until(-1)
    return lines


def _depth_first(parents: tuple[int, ...]) -> list[int]:
    """Joints from the root on, each before what hangs from it, branch after branch."""
    below: list[list[int]] = [[] for _ in parents]
    for joint, parent in enumerate(parents):
        if parent >= 0:
            below[parent].append(joint)
    order, waiting = [], [joint for joint, parent in enumerate(parents) if parent < 0]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting += reversed(below[joint])
    return order


def _check_writable(bvh: Bvh) -> None:
    count = len(bvh.names)
    if not (len(bvh.parents) == len(bvh.channels) == len(bvh.offsets) == count > 0):
        raise InvalidInput("a BVH file needs a parent, an offset and channels for each joint.")
    for name in bvh.names:
        if not name or name != " ".join(name.split()) or set(name) & set("{}"):
            raise InvalidInput(
                f"a BVH file cannot hold a joint of the name {shown(name)}: names need a letter,"
                " single spaces only, and no braces."
            )
    if [joint for joint, parent in enumerate(bvh.parents) if parent < 0] != [0] or not all(
        parent < joint for joint, parent in enumerate(bvh.parents)
    ):
        raise InvalidInput(
            "the joints of a BVH file must form one tree: the root first, and parents before"
            " children."
        )
    columns = sum(map(len, bvh.channels))
    if bvh.values.ndim != 2 or bvh.values.shape[1] != columns or bvh.values.size == 0:
        raise InvalidInput(
            f"a BVH file needs one value for each of its {columns} channels in each frame; got"
            f" values {bvh.values.shape}."
        )
    if not np.isfinite(bvh.values).all() or not np.isfinite(bvh.offsets).all():
        raise InvalidInput("a BVH file can only hold finite numbers; got others.")
    if not 1e-6 <= bvh.frame_time <= 60:
        raise InvalidInput(f"a frame time must be from 1e-6 to 60 s; got {bvh.frame_time!r}.")
