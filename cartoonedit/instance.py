"""One character of a picture: its mask and what is known about it, and how instances are named."""

from __future__ import annotations

import hashlib
import logging
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

__all__ = ["Instance", "Tag", "arrange", "check_name", "digest", "form"]

logger = logging.getLogger(__name__)

_MAX_NAME = 80
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}


@dataclass(frozen=True, slots=True)
class Tag:
    """A word that describes an instance.

    Attributes:
        name: The tag, such as ``blue_hair``.
        score: How sure the tagger is, 0..1.
        category: ``general``, ``character``, ``rating`` or what else the tagger tells apart.
    """

    name: str
    score: float
    category: str = "general"


@dataclass(frozen=True, eq=False)
class Instance:
    """One character of a picture; everything is checked here, once, and nowhere downstream.

    Attributes:
        mask: Alpha over the whole picture, ``uint8`` ``(H, W)``, 0 = outside, 255 = inside.
            ``bool`` and float 0..1 are accepted and converted. The array is used, not copied, and
            seen read-only.
        score: How sure the detector is, 0..1.
        name: Unique in its scene and usable as a file name; a :class:`~cartoonedit.scene.Scene`
            names the unnamed ones ``character-1``, ``character-2``, ... from left to right.
        box_xyxy: The detector's box in pixels; None stands for the tight box of the mask.
        tags: What a tagger said about it.
        depth: 0 (nearest) to 1 (farthest), set by hand; None means pooled from the depth map.
        joints: Points of its skeleton in pixels ``(x, y)``, by name.

    Raises:
        InvalidInput: A field has another shape, type or range.
    """

    mask: NDArray[np.uint8]
    score: float = 1.0
    name: str = ""
    box_xyxy: tuple[float, float, float, float] | None = None
    tags: tuple[Tag, ...] = ()
    depth: float | None = None
    joints: Mapping[str, tuple[float, float]] | None = None

    def __post_init__(self) -> None:
        label = f"instance {self.name!r}" if self.name else "an instance"
        _set(self, "mask", _check_mask(self.mask, label))
        _set(self, "score", _unit(self.score, f"{label}: score"))
        if self.name:
            check_name(self.name)
        if self.box_xyxy is not None:
            _set(self, "box_xyxy", _check_box(self.box_xyxy, label))
        _set(self, "tags", _check_tags(self.tags, label))
        if self.depth is not None:
            _set(self, "depth", _unit(self.depth, f"{label}: depth"))
        if self.joints is not None:
            _set(self, "joints", _check_joints(self.joints, label))

    @cached_property
    def bounds_xyxy(self) -> tuple[int, int, int, int]:
        """The tight box around every pixel with any alpha; right and bottom are exclusive.

        ``mask[y1:y2, x1:x2]`` holds the whole instance. All zeros if the mask is empty.
        """
        x, y, width, height = cv2.boundingRect(self.mask)
        return x, y, x + width, y + height

    @cached_property
    def area(self) -> int:
        """Pixels that are more inside than outside (alpha of at least 128)."""
        return int(np.count_nonzero(self.mask >= 128))

    @cached_property
    def centre_xy(self) -> tuple[float, float]:
        """The centre of mass of the alpha, in pixels; that of the first pixel is (0.5, 0.5)."""
        x1, y1, x2, y2 = self.bounds_xyxy
        crop = self.mask[y1:y2, x1:x2]
        columns, rows = crop.sum(axis=0, dtype=np.int64), crop.sum(axis=1, dtype=np.int64)
        total = int(columns.sum()) or 1
        x = float(columns @ (np.arange(x1, x2) + 0.5)) / total
        y = float(rows @ (np.arange(y1, y2) + 0.5)) / total
        return x, y

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the mask's pixels; tells an edited mask from the same one saved anew."""
        return digest(self.mask)

    def __repr__(self) -> str:
        name = self.name or "unnamed"
        return f"Instance({name!r}, score={self.score:.2f}, bounds_xyxy={self.bounds_xyxy})"


def digest(*parts: NDArray[np.generic] | str) -> str:
    """SHA-256 over arrays (their shape, dtype and values) and strings."""
    state = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            state.update(f"str {len(part)} {part}".encode(errors="surrogatepass"))
        else:
            state.update(f"{part.dtype} {part.shape} ".encode())
            state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()


def form(value: object) -> str:
    """What a value is, for messages: dtype and shape of an array, else the type."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def check_name(name: str) -> str:
    """Return ``name`` if it can be a file name on every system and cannot leave its folder.

    Raises:
        InvalidInput: It is empty, too long, reserved, starts with a dot, or holds a separator, a
            control character or one of ``<>:"|?*``.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"an instance name must be a string; got {type(name).__name__}.")
    if (
        not name
        or len(name) > _MAX_NAME
        or _FORBIDDEN.search(name)
        or name != name.strip()
        or name.startswith(".")
        or name.endswith(".")
        or name.split(".")[0].lower() in _RESERVED
        or any(unicodedata.category(letter) in ("Cs", "Cf", "Zl", "Zp") for letter in name)
    ):
        raise InvalidInput(
            f"the instance name {name[:100]!r} cannot be a file name. Use letters, digits, spaces,"
            f" '-', '_' and '.', up to {_MAX_NAME} characters, not starting or ending with a dot"
            " or a space."
        )
    return name


def arrange(instances: Iterable[Instance], size_wh: tuple[int, int]) -> tuple[Instance, ...]:
    """Check instances against the picture, order them left to right, and name the unnamed ones.

    Order is by the horizontal centre of mass. Names that are there are kept; an unnamed instance
    gets ``character-N`` with the smallest free N, so names stay stable when others come and go. An
    instance with an empty mask is left out with a warning, because there is nothing to cut out or
    to move.

    Args:
        instances: In any order.
        size_wh: Of the picture.

    Raises:
        InvalidInput: A mask has another size than the picture, or two names are the same (in any
            upper and lower case, since some systems do not tell such file names apart).
    """
    kept: list[Instance] = []
    for index, instance in enumerate(instances):
        if not isinstance(instance, Instance):
            raise InvalidInput(
                f"instances must be Instance objects; number {index} is {type(instance).__name__}."
            )
        if instance.mask.shape != (size_wh[1], size_wh[0]):
            raise InvalidInput(
                f"the mask of instance {index} ({instance.name or 'unnamed'}) must have the shape"
                f" of the picture, (H, W) = {(size_wh[1], size_wh[0])}; got {instance.mask.shape}."
            )
        if instance.bounds_xyxy[2] == 0:
            logger.warning("instance %s has an empty mask and is left out", instance.name or index)
            continue
        kept.append(instance)
    kept.sort(key=lambda instance: instance.centre_xy[0])
    taken: set[str] = set()
    for instance in kept:
        key = _fold(instance.name)
        if key and key in taken:
            raise InvalidInput(
                f"two instances are named {instance.name!r}. Give each its own name."
            )
        taken.add(key)
    numbers = (f"character-{number}" for number in range(1, len(kept) + len(taken) + 1))
    free = (name for name in numbers if name not in taken)
    return tuple(
        instance if instance.name else replace(instance, name=next(free)) for instance in kept
    )


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


# ---------------------------------------------------------------- checks of the single fields


def _set(instance: Instance, field: str, value: object) -> None:
    object.__setattr__(instance, field, value)  # the dataclass is frozen; this is its constructor


def _check_mask(mask: object, label: str) -> NDArray[np.uint8]:
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.size == 0:
        raise InvalidInput(
            f"{label}: mask must be an array (H, W); got {form(mask)}. open_mask() reads files."
        )
    if mask.dtype == np.bool_:
        mask = mask * np.uint8(255)
    elif mask.dtype.kind == "f" and float(mask.min()) >= 0 and float(mask.max()) <= 1:
        mask = np.rint(mask * 255).astype(np.uint8)
    elif mask.dtype != np.uint8:
        raise InvalidInput(
            f"{label}: mask must be uint8 alpha 0..255, bool, or float 0..1; got {mask.dtype}"
            f" from {mask.min()} to {mask.max()}."
        )
    view = np.ascontiguousarray(mask).view()
    view.flags.writeable = False
    return view


def _unit(value: object, label: str) -> float:
    number = _number(value, label)
    if not 0 <= number <= 1:
        raise InvalidInput(f"{label} must be in 0..1; got {number}.")
    return number


def _number(value: object, label: str) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, str | bool) or not math.isfinite(number):
        raise InvalidInput(f"{label} must be a finite number; got {value!r:.60}.")
    return number


def _numbers(values: object, count: int, label: str) -> tuple[float, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise InvalidInput(f"{label} must be {count} numbers; got {values!r}.")
    items = tuple(values)
    if len(items) != count:
        raise InvalidInput(f"{label} must be {count} numbers; got {len(items)}.")
    return tuple(_number(item, label) for item in items)


def _check_box(box: object, label: str) -> tuple[float, ...]:
    x1, y1, x2, y2 = _numbers(box, 4, f"{label}: box_xyxy")
    if x2 < x1 or y2 < y1:
        raise InvalidInput(
            f"{label}: box_xyxy is (left, top, right, bottom) with left <= right and top <= bottom;"
            f" got {(x1, y1, x2, y2)}. A box of (x, y, width, height) must be converted."
        )
    return x1, y1, x2, y2


def _check_tags(tags: object, label: str) -> tuple[Tag, ...]:
    items = tuple(tags) if isinstance(tags, Iterable) else (tags,)
    for item in items:
        if not isinstance(item, Tag):
            raise InvalidInput(f"{label}: tags must be Tag objects; got {type(item).__name__}.")
        _unit(item.score, f"{label}: score of tag {item.name!r}")
    return items


def _check_joints(joints: object, label: str) -> Mapping[str, tuple[float, ...]]:
    if not isinstance(joints, Mapping):
        raise InvalidInput(
            f"{label}: joints must map names to (x, y); got {type(joints).__name__}."
        )
    return {
        str(name): _numbers(point, 2, f"{label}: joint {name!r}") for name, point in joints.items()
    }
