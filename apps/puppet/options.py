"""What a puppet show shall be like: one source of defaults and ranges for Python and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Literal, TypeVar, get_args, get_type_hints

from cartoonedit.errors import InvalidInput, shown

__all__ = ["Method", "PuppetOptions", "Travel", "View"]

Method = Literal["natural", "classic"]
Travel = Literal["auto", "free", "in-place"]
View = Literal["auto", "front", "side"]
Frame = Literal["auto", "picture", "fit"]

FPS = 30.0
"""Frames a second where nothing else is said."""

Value = TypeVar("Value")


@dataclass
class PuppetOptions:
    """What a puppet show shall be like.

    Attributes:
        motion: What everybody does: idle, wave, walk, run, jump, dance, nod, bow, sway or cheer; a
            .bvh file of any skeleton whose joints have usual names; Animated Drawings' motion
            .yaml; key-framed joints (.yaml or .json); or the keypoints of a video as COCO .json.
        motion_for: Another motion for one character, such as character-2=wave; may be repeated.
        only: Only this character moves, the others stay as they are drawn; may be repeated.
        phase: Where in its motion everybody starts, 0 to 1, or one character, such as
            character-2=0.5; may be repeated.
        mirror: Exchange left and right in the motion of this character, or of all; may be repeated.
        speed: How fast the motions go, 0.05 to 20; 1 is as recorded.
        duration: Seconds, 0.01 to 3600; by default one round of the longest motion.
        fps: Frames per second, 1 to 120; by default 30, or those of the motion where the frames are
            Animated Drawings' own.
        size_wh: Width and height of the frames in pixels, or 720p, 1080p, 4k, square, portrait. By
            default those of what is shown, reduced to 3840 at most.
        retarget: How a motion becomes that of a puppet: natural, or classic, which is what Animated
            Drawings does, with its quirks.
        retarget_file: Animated Drawings' retarget .yaml, for skeletons of unusual names.
        view: Whether limbs move as seen from the front or from the side; auto chooses for arms and
            legs what shows more of the motion.
        travel: auto lets characters go as far as the frame allows, free as far as the motion goes,
            in-place keeps them where they are.
        stiff_head: How rigid heads are, 0 (rubber) to 1.
        cut: Let arms and legs that lie over the body come off it; what they uncover is painted in.
        blend_in: Seconds in which the characters leave their drawn pose.
        background: plate (the picture without the characters), or a colour such as white or
            #ffe0c0. By default plate; white for drawings on paper.
        transparent: Leave the background out; all kinds of clips but .mp4 can do that.
        frame: What is shown: the picture, or what it takes to fit in all that moves. By default the
            picture where its plate is behind, else fit.
        joints: A file with joints: from `cartoonedit puppet joints`, a char_cfg.yaml of Animated
            Drawings, or COCO keypoints. Characters that it lacks have theirs found.
        joints_by: What finds joints: auto takes those in the scene, or else the silhouette's, which
            need no weights; silhouette takes these in any case; or a pose network: a name from
            `cartoonedit models list`, or an .onnx file.
        device: Where a pose network runs: auto, cpu, cuda, cuda:N or mps.
        antialias: Smooth edges and sampling; without, frames are made faster and look pixelated.
        supersample: Draw at so many times the size and reduce, 1 to 3.
        seed: Same seed, same frames.
    """

    motion: str = "idle"
    motion_for: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    phase: list[str] = field(default_factory=list)
    mirror: list[str] = field(default_factory=list)
    speed: float = 1.0
    duration: float | None = None
    fps: float | None = None
    size_wh: tuple[int, int] | None = None
    retarget: Method = "natural"
    retarget_file: Path | None = None
    view: View = "auto"
    travel: Travel = "auto"
    stiff_head: float = 0.6
    cut: bool = True
    blend_in: float = 0.0
    background: str | None = None
    transparent: bool = False
    frame: Frame = "auto"
    joints: Path | None = None
    joints_by: str = "auto"
    device: str = "auto"
    antialias: bool = True
    supersample: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        self.motion = str(self.motion)  # a path is as good
        for name, example in _LISTS.items():
            setattr(self, name, _checked_list(name, getattr(self, name), example))
        for name, low, high in _RANGES:
            _check_number(name, getattr(self, name), low, high)
        self.supersample, self.seed = int(self.supersample), int(self.seed)
        for name in ("cut", "transparent", "antialias"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidInput(
                    f"{name} must be true or false; got {shown(getattr(self, name))}."
                )
        hints = get_type_hints(type(self))
        for name in ("retarget", "view", "travel", "frame"):
            if getattr(self, name) not in get_args(hints[name]):
                known = ", ".join(get_args(hints[name]))
                raise InvalidInput(
                    f"{name} must be one of {known}; got {shown(getattr(self, name))}."
                )
        if not isinstance(self.joints_by, str | Path) or not str(self.joints_by).strip():
            raise InvalidInput(
                "joints_by must be auto, silhouette, or a pose network by its name or file; got"
                f" {shown(self.joints_by)}."
            )
        for name in ("retarget_file", "joints"):
            value = getattr(self, name)
            if value is not None:
                setattr(self, name, _existing(name, value))
        if self.size_wh is not None:
            _check_size(self.size_wh)
        if self.transparent and self.background is not None:
            raise InvalidInput(
                "background has no place in a transparent clip; give one of the two."
            )
        self.phases, self.colour, self.motion_files  # noqa: B018 - each says what is wrong with it

    @property
    def rate(self) -> float:
        """Frames a second."""
        return FPS if self.fps is None else float(self.fps)

    @property
    def motions(self) -> dict[str, str]:
        """Motions of single characters, by name."""
        return _by_name("motion_for", self.motion_for, str, "MOTION")

    @property
    def phases(self) -> dict[str, float]:
        """Phases by name; that of everybody under the empty name."""
        phases = _by_name("phase", self.phase, float, "SHARE", nameless=True)
        for value in phases.values():
            _check_number("phase", value, 0, 1)
        return phases

    @property
    def colour(self) -> tuple[int, int, int] | None:
        """The colour behind the characters; None for the plate, or where nothing is said."""
        if self.background in (None, "plate"):
            return None
        from PIL import ImageColor

        try:
            red, green, blue = ImageColor.getrgb(str(self.background))[:3]
        except ValueError as error:
            raise InvalidInput(
                "background must be plate, or a colour such as white or #ffe0c0; got"
                f" {shown(self.background)}."
            ) from error
        return red, green, blue

    def motion_of(self, name: str) -> str:
        """What a character does."""
        return self.motions.get(name, self.motion)

    def phase_of(self, name: str) -> float:
        """Where in its motion a character starts."""
        return self.phases.get(name, self.phases.get("", 0.0))

    def mirrors(self, name: str) -> bool:
        """Whether the motion of a character is mirrored."""
        return name in self.mirror or "all" in self.mirror

    @property
    def motion_files(self) -> list[Path]:
        """The files of all motions, our own included.

        Raises:
            InvalidInput: There is no such motion.
        """
        from apps.puppet.motion.library import motion_file

        given = {"motion": [self.motion], "motion_for": [*self.motions.values()]}
        files: dict[Path, None] = {}
        for option, words in given.items():
            for word in words:
                try:
                    files[motion_file(str(word))] = None
                except InvalidInput as error:
                    raise InvalidInput(f"{option}: {error}") from error
        return [*files]

    @property
    def files(self) -> list[Path]:
        """All files that are named: motions, joints, and what they are retargeted by."""
        return [*self.motion_files, *filter(None, (self.joints, self.retarget_file))]

    def check_names(self, known: Iterable[str]) -> None:
        """Refuse a name that no character has.

        Raises:
            InvalidInput: There is one; the text lists the characters.
        """
        there = list(known)
        named = {
            "only": self.only,
            "motion_for": [*self.motions],
            "phase": [name for name in self.phases if name],
            "mirror": [name for name in self.mirror if name != "all"],
        }
        for option, names in named.items():
            for name in names:
                if name not in there:
                    raise InvalidInput(
                        f"{option}: there is no character {shown(name)}; there is"
                        f" {', '.join(there) or 'none'}."
                    )


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("speed", 0.05, 20),
    ("duration", 0.01, 3600),
    ("fps", 1, 120),
    ("stiff_head", 0, 1),
    ("blend_in", 0, 60),
    ("supersample", 1, 3),
    ("seed", 0, 2**32 - 1),
)


_LISTS = {
    "motion_for": "character-2=wave",
    "only": "character-2",
    "phase": "character-2=0.5",
    "mirror": "character-2",
}
"""Options of several entries, each with an example."""


def _checked_list(name: str, value: object, example: str) -> list[str]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInput(f"{name} must be a list, such as [{example!r}]; got {shown(value)}.")
    return [str(entry) for entry in value]


def _existing(name: str, value: object) -> Path:
    path = Path(value).expanduser() if isinstance(value, str | Path) else None
    if path is None or not path.exists():
        raise InvalidInput(f"{name}: there is no file {shown(str(value))}.")
    return path


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if value is None and name in ("duration", "fps"):
        return
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise InvalidInput(f"{name} must be from {low:g} to {high:g}; got {shown(value)}.")
    if name in ("supersample", "seed") and float(value) != round(float(value)):
        raise InvalidInput(f"{name} must be a whole number; got {shown(value)}.")


def _check_size(size_wh: object) -> None:
    sides = tuple(size_wh) if isinstance(size_wh, tuple | list) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= 16384 for side in sides):
        got = shown(sides or size_wh)
        raise InvalidInput(f"size_wh must be a width and a height of 1 to 16384 pixels; got {got}.")


def _by_name(
    option: str,
    entries: Iterable[str],
    kind: Callable[[str], Value],
    what: str,
    *,
    nameless: bool = False,
) -> dict[str, Value]:
    """Split ``NAME=VALUE`` entries.

    Raises:
        InvalidInput: One has another form, or a name is there twice.
    """
    found: dict[str, Value] = {}
    for entry in entries:
        name, sign, text = str(entry).rpartition("=") if nameless else str(entry).partition("=")
        try:
            value = kind(text)
        except ValueError:
            text = ""
        if not text or bool(sign) != bool(name) or not (name or nameless):
            form = f"{what} or NAME={what}" if nameless else f"NAME={what}"
            raise InvalidInput(f"{option} must be {form}; got {shown(entry)}.")
        if name in found:
            raise InvalidInput(f"{option}: {shown(name or entry)} is given twice.")
        found[name] = value
    return found
