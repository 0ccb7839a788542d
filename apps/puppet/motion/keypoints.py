"""Keypoints of people in a video, as pose estimators write them.

Read are COCO annotations (``images`` and ``annotations``), lists of COCO results (``image_id`` and
``keypoints``), lists with what was found in each frame, MMPose's ``instance_info``, and folders
with a file for each frame, as OpenPose writes them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput, shown

__all__ = ["COCO_COUNT", "Keypoints", "parse_keypoints", "read_keypoints"]

COCO_COUNT = 17
MOST_BYTES = 500_000_000
MOST_FRAMES = 200_000
MOST_FILLED = 4
"""A numbering may leave out frames, but it is none if it leaves out most."""

Floats = NDArray[np.float64]

# From the orders of OpenPose to that of COCO.
_BODY_18 = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
_BODY_25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
_ORDERS = {COCO_COUNT: tuple(range(COCO_COUNT)), 18: _BODY_18, 25: _BODY_25}


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The keypoints of one person over time, in the order of COCO.

    Attributes:
        points: ``float64`` ``(F, 17, 2)``, pixels of the video, y down.
        scores: ``float64`` ``(F, 17)``; 0 where a keypoint was not found.
        fps: Frames a second.
    """

    points: Floats
    scores: Floats
    fps: float


@dataclass(frozen=True, eq=False)
class _Person:
    """One person in one frame: ``(17, 3)`` of x, y and score, and who it is, if that is known."""

    rows: Floats
    track: str | None

    @property
    def size(self) -> float:
        """The longer side of the box around what was found; 0 for nothing."""
        seen = self.rows[self.rows[:, 2] > 0, :2]
        return float(np.ptp(seen, axis=0).max()) if len(seen) else 0.0

    @property
    def middle(self) -> Floats:
        """The mean of what was found."""
        seen = self.rows[self.rows[:, 2] > 0, :2]
        return np.asarray(seen.mean(axis=0)) if len(seen) else np.zeros(2)


# ---------------------------------------------------------------- files


def read_keypoints(path: str | Path, *, person: int = 0, fps: float | None = None) -> Keypoints:
    """Read the keypoints of one person from a file or a folder; see the module.

    Args:
        path: A ``.json`` file, or a folder with one for each frame, in the order of their names.
        person: Which one, if there are several: 0 is the one who is largest for longest.
        fps: Frames a second of the video; by default what the file says, else 30.

    Raises:
        InvalidInput: It cannot be read, is of none of these forms, or does not show that person.
    """
    file = Path(path).expanduser()
    if not file.is_dir():
        return parse_keypoints(_load(file), person=person, fps=fps, source=str(file))
    files = sorted(file.glob("*.json"), key=lambda each: _natural(each.name))
    if not files:
        raise InvalidInput(f"the folder {file} holds no .json files with keypoints.")
    if len(files) > MOST_FRAMES:
        raise InvalidInput(f"the folder {file} holds more than {MOST_FRAMES} .json files.")
    contents = [_load(each) for each in files]
    return parse_keypoints(contents, person=person, fps=fps, source=str(file))


def _load(file: Path) -> Any:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1_000_000} MB")
        return json.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"the keypoints {file} cannot be read: {reason}.") from error


def parse_keypoints(
    data: Any, *, person: int = 0, fps: float | None = None, source: str = "the keypoints"
) -> Keypoints:
    """The keypoints of one person from what a file holds; see :func:`read_keypoints`.

    Args:
        data: What JSON gives.
        person: Which one.
        fps: Frames a second.
        source: Where it is from, for messages.

    Raises:
        InvalidInput: It is of none of the known forms, or does not show that person.
    """
    rate = _rate(data, source) if fps is None else fps
    if not (math.isfinite(rate) and 0 < rate <= 1000):
        raise InvalidInput(f"{source}: frames a second must be from 0 to 1000; got {rate:g}.")
    try:
        frames = _frames(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise InvalidInput(
            f"{source} must hold COCO keypoints: annotations or a list of results with image_id and"
            f" keypoints (17 times x, y, score), or people frame by frame; {_reason(error)}."
        ) from error
    tracks = _tracks(frames)
    if not tracks:
        raise InvalidInput(
            f"{source} shows nobody: no keypoint was found in any of its {len(frames)} frames. A"
            " keypoint that was found has a score above 0 and does not lie at (0, 0)."
        )
    if not 0 <= person < len(tracks):
        raise InvalidInput(
            f"{source} has no person {person}: it shows {len(tracks)}, counted from 0, the most"
            " prominent first."
        )
    rows = np.zeros((len(frames), COCO_COUNT, 3))
    for frame, found in tracks[person].items():
        rows[frame] = found.rows
    return Keypoints(rows[..., :2].copy(), rows[..., 2].copy(), float(rate))


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _rate(data: Any, source: str) -> float:
    """Frames a second as the file says it."""
    places: list[Any] = [data, *(data.get(key) for key in ("info", "meta_info"))] if isinstance(
        data, Mapping
    ) else []  # fmt: skip
    for place in places:
        said = place.get("fps") if isinstance(place, Mapping) else None
        if said is not None:
            try:
                return float(said)
            except (TypeError, ValueError, OverflowError) as error:
                raise InvalidInput(f"{source}: fps must be a number; got {shown(said)}.") from error
    return 30.0


# ---------------------------------------------------------------- forms


def _frames(data: Any) -> list[list[_Person]]:
    """Who was found in each frame, whatever form the data has."""
    if isinstance(data, Mapping):
        if "annotations" in data and "images" in data:
            return _coco(data["images"], data["annotations"])
        if "instance_info" in data:
            return _mmpose(data["instance_info"])
        if "frames" in data:
            return _frames(data["frames"]) if isinstance(data["frames"], list) else []
        raise ValueError(f"it has {shown(sorted(map(str, data)))}")
    if not isinstance(data, list) or not data:
        raise ValueError(f"it is {shown(data)}")
    if all(isinstance(each, Mapping) and "image_id" in each for each in data):
        return _placed((each["image_id"], each) for each in data)
    return [_people(each) for each in data]


def _coco(images: Sequence[Any], annotations: Sequence[Any]) -> list[list[_Person]]:
    names = {str(image["id"]): image.get("file_name", image["id"]) for image in images}
    found = ((names[str(each["image_id"])], each) for each in annotations if "keypoints" in each)
    return _placed(chain(((name, None) for name in names.values()), found))


def _mmpose(frames: Sequence[Any]) -> list[list[_Person]]:
    found: list[tuple[Any, Any]] = []
    for frame in frames:
        found.append((frame["frame_id"], None))
        for each in frame["instances"]:
            points, scores = each["keypoints"], each.get("keypoint_scores")
            rows = [
                [*point[:2], 1.0 if scores is None else scores[number]]
                for number, point in enumerate(points)
            ]
            found.append((frame["frame_id"], {"keypoints": rows, "id": each.get("track_id")}))
    return _placed(found)


def _placed(found: Iterable[tuple[Any, Any]]) -> list[list[_Person]]:
    """People by the picture they were found in, in the order of numbers, or of names."""
    by_frame: dict[Any, list[_Person]] = {}
    for key, person in found:
        people = by_frame.setdefault(key, [])
        if person is not None:
            people.append(_person(person))
    order = sorted(by_frame, key=lambda key: _natural(str(key)))
    places = _numbering([str(key) for key in order])
    frames: list[list[_Person]] = [[] for _ in range(max(places, default=-1) + 1)]
    for key, place in zip(order, places, strict=True):
        frames[place] += by_frame[key]
    return frames


def _numbering(names: Sequence[str]) -> list[int]:
    """Which frame each name stands for: a number that is left out is a frame without anybody."""
    order = list(range(len(names)))
    numbers = [re.findall(r"\d+", Path(name).stem)[-1:] for name in names]
    if not all(numbers) or len(names) < 3:
        return order
    values = [int(number[0][-15:]) for number in numbers]
    steps = [after - before for before, after in pairwise(values)]
    step = sorted(steps)[len(steps) // 2]
    if step <= 0 or any(each <= 0 or each % step for each in steps):
        return order
    places = [(value - values[0]) // step for value in values]
    return places if places[-1] < MOST_FILLED * len(names) else order


def _natural(name: str) -> list[tuple[int, int, str]]:
    """By which names are sorted so that 10 comes after 9."""
    parts = re.split(r"(\d+)", name)
    return [
        (0, int(part[-15:]), "") if part.isdecimal() else (1, 0, part) for part in parts if part
    ]


def _people(frame: Any) -> list[_Person]:
    """Who was found in one frame: by OpenPose, or as a person, or a list of them, or nobody."""
    if frame is None:
        return []
    if isinstance(frame, Mapping):
        for key in ("people", "instances", "annotations", "persons", "predictions"):
            if key in frame:
                return [_person(each) for each in frame[key]]
        return [_person(frame)]
    if not isinstance(frame, list):
        raise ValueError(f"a frame is {shown(frame)}")
    if frame and not isinstance(frame[0], Mapping):  # rows of one person, or of several
        is_one = isinstance(frame[0], int | float) or not isinstance(frame[0][0], list)
        rows = [frame] if is_one and _is_person(frame) else frame
        return [_person({"keypoints": each}) for each in rows]
    return [_person(each) for each in frame]


def _is_person(frame: Sequence[Any]) -> bool:
    return isinstance(frame[0], int | float) or len(frame[0]) in (2, 3)


def _person(found: Mapping[str, Any]) -> _Person:
    values = found["pose_keypoints_2d"] if "pose_keypoints_2d" in found else found["keypoints"]
    flat = np.array(values, np.float64).ravel()
    scores = found.get("keypoint_scores")
    width = 2 if scores is not None or len(flat) in (2 * COCO_COUNT,) else 3
    count, rest = divmod(len(flat), width)
    order = _ORDERS.get(count)
    if len(flat) and (rest or order is None):
        raise ValueError(f"a person has {len(flat)} numbers instead of {3 * COCO_COUNT}")
    rows = np.zeros((COCO_COUNT, 3))
    if order is not None and len(flat):
        table = flat.reshape(count, width)
        rows[:, :2] = table[order, :2]
        # COCO's annotations say 1 or 2 for hidden and seen: both are known well.
        said = np.array(scores, np.float64).ravel() if scores is not None else table[:, -1]
        rows[:, 2] = said[list(order)] if width == 3 or scores is not None else 1.0
    # What is not found lies at the origin in most files, whatever its score.
    broken = ~np.isfinite(rows).all(axis=1) | (rows[:, :2] == 0).all(axis=1)
    broken |= np.abs(np.nan_to_num(rows)).max(axis=1) > 1e9
    rows[broken] = 0
    rows[:, 2] = np.clip(rows[:, 2], 0, 1)
    track = next((found[key] for key in ("track_id", "idx") if found.get(key) is not None), None)
    return _Person(rows, None if track is None else str(track))


# ---------------------------------------------------------------- who is who


def _tracks(frames: Sequence[Sequence[_Person]]) -> list[dict[int, _Person]]:
    """Everybody from frame to frame, the largest for longest first: frame to person.

    A person is whoever is named the same; without names, whoever is nearest to where somebody was
    last seen, and no further away than that one is large.
    """
    tracks: list[dict[int, _Person]] = []
    named: dict[str, dict[int, _Person]] = {}
    for number, people in enumerate(frames):
        waiting = [person for person in people if person.size > 0]
        for person in [each for each in waiting if each.track is not None]:
            named.setdefault(str(person.track), {}).setdefault(number, person)
        waiting = [person for person in waiting if person.track is None]
        last = [(max(track), track[max(track)]) for track in tracks]
        pairs = sorted(
            (float(np.linalg.norm(person.middle - seen.middle)) / max(seen.size, person.size), i, j)
            for i, person in enumerate(waiting)
            for j, (_, seen) in enumerate(last)
        )
        taken: set[int] = set()
        for distance, i, j in pairs:
            if distance < 1 and i not in taken and number not in tracks[j]:
                tracks[j][number] = waiting[i]
                taken.add(i)
        tracks += [{number: each} for i, each in enumerate(waiting) if i not in taken]
    return sorted([*tracks, *named.values()], key=_prominence, reverse=True)


def _prominence(track: Mapping[int, _Person]) -> float:
    return sum(person.size * float(person.rows[:, 2].mean()) for person in track.values())
