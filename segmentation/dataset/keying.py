"""Find the key colour of a chroma-key clip, and how it is lit (section 3.1, figure 2).

Frames are looked at in YCbCr, where a mixture of two colours lies on the line between them and
light and shade leave the hue alone. A key is a saturated hue that fills the border of the frames
and is smooth there; the sky of an ordinary film is one, too, until one looks at all corners, at how
its colour varies, and at how its hue goes on inside the picture.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput

__all__ = ["Key", "Tolerance", "find_key", "key_field", "parse_key", "to_ycc", "tolerance"]

Frame = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

LOOK_SIDE = 256
"""Longer side in pixels at which keys are looked for and their lighting is measured."""

MIN_CHROMA, MIN_SATURATION = 62.0, 0.7
"""Of a key: its distance from grey in the CbCr plane, where pure colours have about 130, and its
saturation as of HSV. Most skies, waters and walls are paler."""

MIN_SCREEN_CHROMA = 46.0
SCREENS = {"green": (110, 165, 0.5), "blue": (215, 235, 0.7)}
"""What real screens in weak light may be: from and to which of HSV's hues in degrees, and the least
saturation. Little else is of such a green."""

SKY_HUES, MIN_SKY_SATURATION = (186, 213), 0.92
"""Hues of skies, which no screen has, and how saturated a key of such a hue must be."""

HUE_BINS, MAX_CANDIDATES, HUE_REACH = 72, 4, 16.0
MIN_CORNERS, MIN_BORDER, MIN_AREA, MAX_AREA = 3, 0.6, 0.08, 0.998
MAX_UNLIKE = 0.12
"""Most of the pixels of the key's hue may be so far from its colour, as grass and clouds are."""

MAX_FADE = 1.7
"""A key in weak light keeps its saturation; a sky that pales towards the horizon does not."""

MIN_CLEAR_FRAMES = 0.5

MAX_STRAY = 10.0
"""Levels by which a key may stray from its smooth colour; painted walls and stones stray more."""

SMOOTH_STEP = 14.0
"""Levels by which the light on a key may change over two cells of the grid of its lighting."""


@dataclass(frozen=True)
class Key:
    """The key colour of a clip.

    Attributes:
        rgb: typical colour, 0..255.
        border: mean share of the frames' borders that it covers.
        frames: share of the frames in which it is clear.
        is_given: whether a person named it.
    """

    rgb: tuple[int, int, int]
    border: float = 1.0
    frames: float = 1.0
    is_given: bool = False

    @property
    def hex(self) -> str:
        """As ``#00ff00``."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


@dataclass(frozen=True)
class Tolerance:
    """How far pixels of the key stray from its smooth colour, in levels.

    Attributes:
        luma: of brightness.
        chroma: of distance in the CbCr plane.
    """

    luma: float
    chroma: float


def to_ycc(rgb: npt.NDArray[np.generic]) -> Floats:
    """Y 0..255, Cb and Cr around 0 (BT.601, full range) of RGB ``(..., 3)`` in 0..255."""
    return np.asarray(rgb, np.float32) @ _TO_YCC.T


def to_rgb(ycc: Floats) -> Floats:
    """The inverse of `to_ycc`, not clipped."""
    return ycc @ _TO_RGB.T


_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_TO_RGB = np.linalg.inv(_TO_YCC.astype(np.float64)).astype(np.float32)


def find_key(frames: Sequence[Frame]) -> Key:
    """Find the key colour that a clip's frames share.

    Args:
        frames: RGB ``(H, W, 3)``, sampled over the clip; a dozen is enough.

    Raises:
        InvalidInput: There is none; the text gives the reason.
    """
    if not frames:
        raise InvalidInput("no frame to look for a key colour in")
    small = [to_ycc(shrink(frame)) for frame in frames]
    hues = _candidate_hues(small)
    if not hues:
        raise InvalidInput("no clear key: no saturated colour fills a part of the frames")
    found = [_judge(small, hue) for hue in hues]
    keys = [key for key in found if isinstance(key, Key)]
    if not keys:
        raise InvalidInput(f"no clear key: {found[0]}")
    return max(keys, key=lambda key: key.border * key.frames)


def check_frame(frame: Frame, key: Key) -> str:
    """Why a frame cannot be keyed, or an empty text."""
    small = to_ycc(shrink(frame))
    if not key.is_given:
        return _look(small, chroma_of(key)).reason
    area = float(hue_mask(small, chroma_of(key)).mean())  # a person knows better than the tests
    if area < MIN_AREA:
        return f"the colour fills {area:.0%} of the frame only"
    return "the frame is empty" if area > MAX_AREA else ""


def parse_key(text: str) -> Key:
    """A key that a person gives, such as ``#00ff00``.

    Raises:
        InvalidInput: It has another form, or is nearly grey.
    """
    try:
        red, green, blue = bytes.fromhex(text.strip().removeprefix("#"))
    except ValueError as error:
        raise InvalidInput(f"give a key colour such as #00ff00; got {text!r}.") from error
    key = Key((red, green, blue), is_given=True)
    if float(np.hypot(*chroma_of(key))) < MIN_SCREEN_CHROMA / 2:
        raise InvalidInput(
            f"a key colour must be a strong one such as #00ff00 or #0000ff; {text} is nearly grey."
        )
    return key


def shrink(frame: Frame) -> Frame:
    """The frame with at most `LOOK_SIDE` pixels a side."""
    scale = LOOK_SIDE / max(frame.shape[:2])
    if scale >= 1:
        return frame
    size_wh = [max(1, round(side * scale)) for side in frame.shape[1::-1]]
    return cv2.resize(frame, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8)


def chroma_of(key: Key) -> Floats:
    """Cb and Cr of a key."""
    return to_ycc(np.array(key.rgb))[1:]


def _candidate_hues(frames: Sequence[Floats]) -> list[Floats]:
    """Chroma ``(2,)`` of the peaks of the hue distribution, the border counting more."""
    histogram = np.zeros(HUE_BINS)
    samples = []
    for ycc in frames:
        chroma = ycc[..., 1:].reshape(-1, 2)
        weights = np.where(_border(ycc.shape[:2]).reshape(-1), 8.0, 1.0)
        saturated = np.hypot(*chroma.T) >= 0.7 * MIN_SCREEN_CHROMA
        samples.append((chroma[saturated], weights[saturated] / weights.sum()))
    for chroma, weights in samples:
        np.add.at(histogram, _hue_bin(chroma), weights / len(frames))
    smooth = np.roll(histogram, -1) + histogram + np.roll(histogram, 1)
    peaks = (smooth >= np.roll(smooth, 1)) & (smooth > np.roll(smooth, -1)) & (smooth > 0.1)
    best = sorted(np.flatnonzero(peaks), key=lambda i: -smooth[i])[:MAX_CANDIDATES]
    chroma = np.concatenate([chroma for chroma, _ in samples])
    bins = _hue_bin(chroma)
    return [
        np.median(chroma[np.isin(bins, [(i - 1) % HUE_BINS, i, (i + 1) % HUE_BINS])], axis=0)
        for i in best
    ]


def _hue_bin(chroma: Floats) -> npt.NDArray[np.intp]:
    turns = np.arctan2(chroma[..., 1], chroma[..., 0]) / (2 * np.pi)
    return (np.floor(turns * HUE_BINS).astype(np.intp)) % HUE_BINS


@dataclass(frozen=True)
class _Look:
    """What one frame says about a candidate."""

    reason: str
    border: float
    ycc: Floats
    is_blank: bool = False


def _judge(frames: Sequence[Floats], hue: Floats) -> Key | str:
    """The key of a hue, or why it is none."""
    looks = [_look(ycc, hue) for ycc in frames]
    clear = [look for look in looks if not look.reason or look.is_blank]
    if len(clear) < MIN_CLEAR_FRAMES * len(looks) or all(look.is_blank for look in clear):
        reasons = [look.reason for look in looks if look.reason]
        return max(set(reasons), key=reasons.count)
    rgb = to_rgb(np.median([look.ycc for look in clear], axis=0))
    red, green, blue = (int(v) for v in np.clip(np.rint(rgb), 0, 255))
    return Key(
        (red, green, blue),
        float(np.mean([look.border for look in clear])),
        len(clear) / len(looks),
    )


def _look(ycc: Floats, hue: Floats) -> _Look:
    """Hold one shrunken frame against what a key looks like."""
    loose = hue_mask(ycc, hue)
    border = float(loose[_border(loose.shape)].mean())
    area = float(loose.mean())
    none = np.zeros(3, np.float32)
    if area < MIN_AREA:
        return _Look(f"the colour fills {area:.0%} of the frame only", border, none)
    if border < MIN_BORDER or _corners(loose) < MIN_CORNERS:
        return _Look(
            f"the colour covers {border:.0%} of the frame's border and {_corners(loose)} of its"
            f" corners; at least {MIN_BORDER:.0%} and {MIN_CORNERS} are expected",
            border, none,
        )  # fmt: skip
    field = key_field(ycc, loose)
    typical = np.median(field[loose], axis=0)
    chroma = np.hypot(field[loose][:, 1], field[loose][:, 2])
    if not _is_strong(typical):
        return _Look("the colour that surrounds the subject is too pale", border, typical)
    saturation = chroma / np.maximum(field[loose][:, 0], 16)
    low, high = np.percentile(saturation, (3, 97))
    if high > MAX_FADE * low:
        return _Look("the surrounding colour fades as a sky does", border, typical)
    limits = tolerance(ycc, field, loose)
    strict = Tolerance(min(limits.luma, MAX_STRAY), min(limits.chroma, MAX_STRAY))
    near = is_key(ycc, field, strict)
    unlike = 1 - float(near[loose].mean())
    if unlike > MAX_UNLIKE:
        return _Look(f"{unlike:.0%} of the surrounding colour is uneven", border, typical)
    if area > MAX_AREA:
        return _Look("the frame is empty", border, typical, is_blank=True)
    return _Look("", border, typical)


def _is_strong(ycc: Floats) -> bool:
    """Whether a colour ``(3,)`` is far enough from grey to be a key."""
    red, green, blue = (float(v) for v in np.clip(to_rgb(ycc) / 255, 0, 1))
    turns, saturation, _ = colorsys.rgb_to_hsv(red, green, blue)
    hue, chroma = 360 * turns, float(np.hypot(*ycc[1:]))
    if SKY_HUES[0] < hue < SKY_HUES[1] and saturation < MIN_SKY_SATURATION:
        return False
    return (chroma >= MIN_CHROMA and saturation >= MIN_SATURATION) or any(
        first <= hue <= last and chroma >= MIN_SCREEN_CHROMA and saturation >= least
        for first, last, least in SCREENS.values()
    )


def hue_mask(ycc: Floats, hue: Floats) -> Mask:
    """Pixels whose hue is about that of ``hue`` and whose chroma is at least a part of its."""
    size = float(np.hypot(*hue))
    along = ycc[..., 1:] @ (hue / max(size, 1e-3))
    across = np.abs(ycc[..., 1] * hue[1] - ycc[..., 2] * hue[0]) / max(size, 1e-3)
    return (along > 0.3 * size) & (across < np.tan(np.radians(HUE_REACH)) * along)


def _border(shape_hw: tuple[int, ...]) -> Mask:
    """A frame of 3 % of the shorter side around the picture."""
    width = max(1, round(0.03 * min(shape_hw[:2])))
    mask = np.ones(shape_hw[:2], np.bool_)
    mask[width:-width, width:-width] = False
    return mask


def _corners(mask: Mask) -> int:
    height, width = (max(1, round(0.06 * side)) for side in mask.shape)
    parts = (
        mask[:height, :width], mask[:height, -width:], mask[-height:, :width],
        mask[-height:, -width:],
    )  # fmt: skip
    return sum(bool(part.mean() > 0.75) for part in parts)


def key_field(ycc: Floats, mask: Mask) -> Floats:
    """The colour of the key everywhere, also behind the subject.

    A quadratic surface through the pixels of the key, those that do not fit left out, plus what it
    misses of them, smoothed.

    Args:
        ycc: frame ``(H, W, 3)`` from `to_ycc`.
        mask: about where the key is seen, ``(H, W)``; not empty.

    Returns:
        YCbCr ``(H, W, 3)``.
    """
    height, width = mask.shape
    scale = min(1.0, LOOK_SIDE / 2 / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = cv2.resize(mask.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA)
    total = cv2.resize(ycc * mask[..., None], size_wh, interpolation=cv2.INTER_AREA)
    seen = weight > (0.9 if (weight > 0.9).mean() > 0.02 else 0.0)
    colour = total / np.maximum(weight, 1e-6)[..., None]
    x, y = np.meshgrid(np.linspace(-1, 1, size_wh[0]), np.linspace(-1, 1, size_wh[1]))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).astype(np.float32)
    surface, fits = _robust_surface(terms, colour, seen)
    fits = _grown(colour, seen, fits)
    spread = max(1.0, 0.03 * max(size_wh))
    trust = cv2.GaussianBlur(fits.astype(np.float32), (0, 0), spread)[..., None]
    field = surface
    for _ in range(2):  # what smoothing levels off is found the second time (Tukey's twicing)
        missed = cv2.GaussianBlur((colour - field) * fits[..., None], (0, 0), spread)
        field = field + missed / (trust + 0.01)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _grown(colour: Floats, seen: Mask, fits: Mask) -> Mask:
    """Add what hangs together with ``fits`` without an edge between, such as a dark corner."""
    low = cv2.erode(colour, np.ones((3, 3), np.uint8))
    high = cv2.dilate(colour, np.ones((3, 3), np.uint8))
    flat = seen & ((high - low).max(axis=2) < SMOOTH_STEP)
    count, labels = cv2.connectedComponents(flat.astype(np.uint8), connectivity=4)
    touched = np.bincount(labels[fits & flat], minlength=count) > 0
    touched[0] = False
    return fits | touched[labels]


def _robust_surface(terms: Floats, colour: Floats, seen: Mask) -> tuple[Floats, Mask]:
    """Least squares over ``seen``, three times, each time without what lies far off."""
    fits = seen
    surface = np.broadcast_to(np.median(colour[seen], axis=0), colour.shape)
    for step in range(4):
        off = np.abs(colour - surface).max(axis=2)
        reach = max(5.0, 3.5 * float(np.median(off[fits]))) if step else 90.0
        close = seen & (off < reach)
        if close.sum() < 4 * terms.shape[2]:
            break
        fits = close
        coefficients, *_ = np.linalg.lstsq(terms[fits], colour[fits], rcond=None)
        surface = terms @ coefficients
    return surface.astype(np.float32), fits


def tolerance(ycc: Floats, field: Floats, mask: Mask) -> Tolerance:
    """How noisy the key is where it is seen away from edges."""
    inner = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    inner = inner if inner.sum() > 100 else mask
    off = (ycc - field)[inner]
    luma = float(np.percentile(np.abs(off[:, 0]), 75))
    chroma = float(np.percentile(np.hypot(off[:, 1], off[:, 2]), 75))
    return Tolerance(float(np.clip(4 * luma, 8, 24)), float(np.clip(3.5 * chroma, 6, 16)))


def is_key(ycc: Floats, field: Floats, limits: Tolerance) -> Mask:
    """Pixels that show the key and nothing else."""
    off = ycc - field
    chroma = np.hypot(off[..., 1], off[..., 2])
    return (np.abs(off[..., 0]) < limits.luma) & (chroma < limits.chroma)
