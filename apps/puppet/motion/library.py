"""The motions that are there without any file of the user's, and how any motion is named."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from cartoonedit.errors import InvalidInput, shown

__all__ = ["MOTIONS", "find_motion", "motion_file", "motion_names"]

MOTIONS: Mapping[str, str] = {
    "idle": "stands and breathes, the weight on one leg and then on the other",
    "wave": "notices somebody, and waves an arm",
    "walk": "walks four steps, turns round, walks back, turns round",
    "run": "runs on the spot, knees high",
    "jump": "hops twice, then jumps with arms and legs spread",
    "dance": "eight beats: taps to both sides, then hands up and hips out",
    "nod": "nods with the whole body",
    "bow": "bows as a player does, one arm over the belly",
    "sway": "sways from side to side like grass in the wind",
    "cheer": "draws the fists in, bursts up, and hops for joy",
}
"""Our own motions, each with what the character does. All of them loop."""

_FOLDER = Path(__file__).parent.parent / "motions"
_SUFFIXES = (".bvh", ".yaml", ".yml")


def motion_names() -> list[str]:
    """The names of our own motions."""
    return list(MOTIONS)


def find_motion(name_or_path: str | Path) -> Path:
    """The file of a motion.

    Args:
        name_or_path: A name in :data:`MOTIONS`, in upper or lower case; or the path of a BVH file,
            or of a motion file of Animated Drawings, which ends with ``.yaml`` and is returned as
            it is. A file called like a motion of ours, without ending, must be written as a path.

    Raises:
        InvalidInput: There is neither such a motion nor such a file.
    """
    name = str(name_or_path).strip()
    if name.lower() in MOTIONS:
        return _FOLDER / f"{name.lower()}.bvh"
    try:
        path = Path(name_or_path).expanduser()
        exists, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # such as a null byte, or ~nobody
        raise InvalidInput(
            f"there is no motion {shown(name)}: {error}. {_choices(name)}"
        ) from error
    if is_folder and name:
        raise InvalidInput(
            f"the motion {shown(name)} is a folder. Name a .bvh file in it, or a motion of ours."
        )
    if exists and name and path.suffix.lower() in _SUFFIXES:
        return path
    if exists and name:
        raise InvalidInput(
            f"the motion {shown(name)} must be a .bvh file, a motion of Animated Drawings or key"
            f" frames as .yaml, or keypoints as .json; got {path.suffix or 'no ending'}."
            f" {_choices(name)}"
        )
    kind = "file" if path.suffix.lower() in _SUFFIXES or len(path.parts) > 1 else "motion"
    raise InvalidInput(f"there is no {kind} {shown(name)}. {_choices(name)}")


def _choices(name: str) -> str:
    """What there is, and what may have been meant."""
    stem = Path(name.replace("\0", "")).stem.lower()
    near = difflib.get_close_matches(stem, MOTIONS, n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{meant}There are {', '.join(MOTIONS)}, and any .bvh file."


def motion_file(word: str) -> Path:
    """The file of whatever can move a character: a motion, key frames, or keypoints.

    A motion of ours goes before a folder of that name, such as the frames of a clip of it.

    Raises:
        InvalidInput: There is neither such a motion nor such a file.
    """
    # An empty path would be the folder one is in.
    if not word.strip() or word.strip().lower() in MOTIONS:
        return find_motion(word)
    try:
        path = Path(word).expanduser()
        is_file = path.suffix.lower() in (".json", *_SUFFIXES) and path.is_file()
        is_sequence = path.is_dir() and any(path.glob("*.json"))
    except (OSError, ValueError, RuntimeError):  # such as ~nobody: told there
        return find_motion(word)
    return path if is_file or is_sequence else find_motion(word)
