"""What a clip shall be like: one source of defaults and ranges for Python and the command line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    from apps.kenburns.keyframes import KeyFrame

__all__ = ["ASPECTS", "Easing", "Grade", "KenBurnsOptions", "Loop", "Move", "Pool", "Stereo"]

Move = Literal[
    "autozoom",
    "zoom-in",
    "zoom-out",
    "pan-left",
    "pan-right",
    "rise",
    "dolly",
    "dolly-zoom",
    "orbit",
    "circle",
    "sway",
    "focus-pull",
]
Pool = Literal["mean", "median", "base", "none"]
Easing = Literal["smooth", "smoother", "linear", "in", "out", "sine", "exponential"]
Loop = Literal["once", "pingpong", "seamless"]
Grade = Literal["none", "warm", "cool", "vivid", "faded", "dusk"]
Stereo = Literal["off", "side-by-side", "anaglyph"]

ASPECTS = ("1:1", "9:16", "16:9", "4:3", "3:4", "4:5", "21:9")
"""The usual shapes of a frame; any two numbers will do."""

DURATION = 4.0
"""Seconds of a clip where nothing else says how long it is."""

SECONDS = (1e-3, 600)
"""How short and how long a clip may be."""

Pixels = tuple[float, float, float, float]


@dataclass
class KenBurnsOptions:
    """What a clip shall be like.

    Attributes:
        move: How the camera moves. autozoom searches for the end with the most parallax in which
            nobody leaves the frame; zoom-in and zoom-out walk and zoom the lens, dolly only walks;
            dolly-zoom steps back while the lens closes in; pan-left, pan-right and rise slide over
            the picture; orbit goes round the characters; circle and sway return to where they
            start, for loops; focus-pull hardly moves, but its focus does.
        start_window: What of the picture the first frame shows: left, top, width and height in its
            pixels, such as 0,0,640,360. What is shown around it fills the shape of the frame.
        end_window: What the last frame shows, alike. Windows take the place of a named move; one
            that is not given is the whole picture, or its middle in a frame of another shape.
        keyframes: A YAML or JSON file with key frames, in place of a named move: a list of two or
            more, each with a time and, as far as wanted, position, target, zoom, easing and focus.
        duration: Seconds, 0.001 to 600; by default 4, or as long as the key frames are.
        fps: Frames per second, 1 to 120.
        size_wh: Width and height of the frames in pixels, or 720p, 1080p, 4k, square, portrait; the
            picture is cropped to their shape, round its characters. By default those of the
            picture, reduced to 3840 at most.
        aspect: Shape of the frames, such as 16:9, 1:1 or 9:16, in place of a size.
        strength: How far a named move goes, how much parallax windows get, and how lively accents
            are, 0 to 3; 1 is normal.
        easing: How the move starts and stops; key frames have easings of their own.
        loop: once; pingpong, there and back; or seamless, without stopping to turn. A loop shows no
            frame twice.
        pool: How a character gets its one depth: the mean of the depth map inside it (the paper's),
            its median, its base (the depth where it stands), or none to keep the depth at every
            pixel.
        snap_outlines: Let the edges of the masks follow the drawing before characters are cut out;
            without for masks that are exact to the pixel.
        aperture: Depth of field, 0 to 3; 0 has everything sharp, or is 1 where the focus travels.
        focus: What is in focus where there is an aperture: a character's name such as character-1,
            near, far, or a depth from 0 to 1. By default the nearest character.
        focus_to: To what the focus travels during the clip; named as for focus.
        accent: Life for the characters: float or sway for all of them, or for some by name, such as
            character-1=float,character-2=sway.
        linear_light: Mix colours as light does, for soft edges and blur without dark rims; slower.
        vignette: How much darker the corners get, 0 to 1.
        grade: A colour mood.
        stereo: Two views side by side, twice as wide, or an anaglyph for red and cyan glasses.
        transparent: Leave the background out; all kinds of clips but .mp4 can do that.
        render_device: Where frames are drawn: cpu, or cuda or mps with the same pixels, which pays
            for large frames in linear light; the encoder is slower than either.
        seed: Same seed, same frames.
    """

    move: Move = "autozoom"
    start_window: Pixels | None = None
    end_window: Pixels | None = None
    keyframes: Path | None = None
    duration: float | None = None
    fps: float = 30.0
    size_wh: tuple[int, int] | None = None
    aspect: str | None = None
    strength: float = 1.0
    easing: Easing = "smooth"
    loop: Loop = "once"
    pool: Pool = "mean"
    snap_outlines: bool = True
    aperture: float = 0.0
    focus: str | None = None
    focus_to: str | None = None
    accent: str | None = None
    linear_light: bool = False
    vignette: float = 0.0
    grade: Grade = "none"
    stereo: Stereo = "off"
    transparent: bool = False
    render_device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kinds in _CHOICES.items():
            _choice(name, getattr(self, name), get_args(kinds))
        for name, (low, high) in _RANGES.items():
            _in_range(name, getattr(self, name), low, high)
        if self.size_wh is not None:
            self.size_wh = _size(self.size_wh)
        self._check_forms()
        self._keys = self._read_keys()
        length = (
            "duration" if self.duration is not None else "keyframes: seconds from first to last"
        )
        _in_range(length, self.seconds, *SECONDS)

    def _check_forms(self) -> None:
        """Refuse what no scene could make sense of."""
        if self.ratio() is not None and self.size_wh is not None:
            raise InvalidInput("aspect is for where no size is given; give one of the two.")
        windows = {"start_window": self.start_window, "end_window": self.end_window}
        given = {name: window for name, window in windows.items() if window is not None}
        for name, window in given.items():
            _window(name, window)
        if self.keyframes is not None and given:
            raise InvalidInput(f"{next(iter(given))}: give windows or key frames, not both.")
        for name in ("focus", "focus_to"):
            if getattr(self, name) is not None:
                _focus(name, getattr(self, name))
        if self.accent:
            from apps.kenburns.accents import read_accents

            read_accents(str(self.accent))
        if self.seed != int(self.seed):
            raise InvalidInput(f"seed must be a whole number; got {self.seed}.")
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", str(self.render_device)):
            raise InvalidInput(
                f"render_device must be cpu, cuda, cuda:N, mps or auto; got {self.render_device!r}."
            )

    def _read_keys(self) -> list[KeyFrame]:
        if self.keyframes is None:
            return []
        from apps.kenburns.keyframes import read_keyframes

        keys = read_keyframes(self.keyframes)
        if (self.focus or self.focus_to) and any(key.focus is not None for key in keys):
            raise InvalidInput("focus is in the key frames already; give it there or as an option.")
        return keys

    @property
    def keys(self) -> list[KeyFrame]:
        """The key frames of the file; none without one."""
        return self._keys

    @property
    def seconds(self) -> float:
        """How long the clip is."""
        if self.duration is not None:
            return self.duration
        return self._keys[-1].time - self._keys[0].time if self._keys else DURATION

    @property
    def frame_count(self) -> int:
        """How many frames the clip has, at least 1."""
        return max(1, round(self.seconds * self.fps))

    def ratio(self) -> float | None:
        """Width by height of :attr:`aspect`.

        Raises:
            InvalidInput: It is not of the form 16:9, or too long to be a picture.
        """
        if self.aspect is None:
            return None
        form = r"(\d{1,4}(?:\.\d+)?)\s*[:/]\s*(\d{1,4}(?:\.\d+)?)"
        match = re.fullmatch(form, str(self.aspect))
        width, height = (float(side) for side in match.groups()) if match else (0.0, 0.0)
        if not (width and height and 1 / 20 <= width / height <= 20):
            raise InvalidInput(
                f"aspect must be like {', '.join(ASPECTS)}, up to 20:1; got {self.aspect!r}."
            )
        return width / height


_CHOICES = {
    "move": Move,
    "easing": Easing,
    "loop": Loop,
    "pool": Pool,
    "grade": Grade,
    "stereo": Stereo,
}
_RANGES = {
    "fps": (1, 120),
    "strength": (0, 3),
    "aperture": (0, 3),
    "vignette": (0, 1),
    "seed": (0, 2**32 - 1),
}


def _choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}; got {value!r}.")


def _in_range(name: str, value: object, low: float, high: float) -> None:
    number = float("nan")
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
    if not low <= number <= high:  # not a number fails the comparison
        raise InvalidInput(f"{name} must be a number from {low:g} to {high:.10g}; got {value!r}.")


def _size(size_wh: Any) -> tuple[int, int]:
    try:
        width, height = size_wh
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"size_wh must be width and height; got {size_wh!r}.") from error
    _in_range("the width in size_wh", width, 2, 8192)
    _in_range("the height in size_wh", height, 2, 8192)
    return int(width), int(height)


def _window(name: str, window: Any) -> None:
    try:
        x, y, width, height = (float(number) for number in window)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} must be x,y,width,height; got {window!r}.") from error
    if not (x >= 0 and y >= 0 and 1 <= width < 1e6 and 1 <= height < 1e6 and x + y < 1e6):
        raise InvalidInput(
            f"{name} must be x,y,width,height in pixels of the picture, at least one pixel wide and"
            f" high; got {window}."
        )


def _focus(name: str, what: object) -> None:
    try:
        known = 0 <= float(what) <= 1  # type: ignore[arg-type]
    except (TypeError, ValueError):
        known = isinstance(what, str) and bool(what.strip())
    if not known:
        raise InvalidInput(
            f"{name} must be a character's name, near, far, or a depth from 0 to 1; got {what!r}."
        )
