"""Sheets: the picture before and after, and what became of each part, to be looked at."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cartoonedit.errors import InvalidInput
from cartoonedit.images import resize

if TYPE_CHECKING:
    from apps.style import Styled
    from apps.style.compose import Patch
    from apps.style.parts import Part

__all__ = ["before_after", "strips"]

Rgb = NDArray[np.uint8]
Colour = tuple[int, int, int]

_GAP = 0.01  # between two pictures, of the longer side

_PAPER, _INK, _FAINT, _RULE = (250, 249, 246), (35, 35, 40), (120, 120, 125), (224, 222, 216)
_CELL, _SPACE, _TEXT, _HEAD = 280, 24, 400, 48  # pixels
_TITLES = ("original", "lines", "translated", "words and settings")
_AROUND = 0.08  # of a part's longer side is shown around it
_DIM = 0.35  # of the brightness that lines of others have
_CHECK = 10  # pixels of a square
_SHOWN_NEGATIVE = 3  # lines; it is much the same for all parts
_ENLARGED = 4  # times at most


def before_after(styled: Styled) -> Rgb:
    """The picture and its translation: side by side, or one above the other if it is wide.

    Returns:
        RGB ``uint8``, with a white gap between the two.
    """
    before, after = styled.scene.picture, styled.picture
    height, width = before.shape[:2]
    gap = max(2, round(_GAP * max(height, width)))
    if width > 1.5 * height:
        between = np.full((gap, width, 3), 255, np.uint8)
        return np.vstack([before, between, after])
    between = np.full((height, gap, 3), 255, np.uint8)
    return np.hstack([before, between, after])


def strips(styled: Styled) -> Rgb:
    """A row for each translated part, from the back to the front.

    It shows the part in the original, its line art, those of others dimmed, what became of it by
    itself, and its words and settings.

    Returns:
        RGB ``uint8``.

    Raises:
        InvalidInput: No part was translated.
    """
    parts = [part for part in styled.parts if part.name in styled.patches]
    if not parts:
        raise InvalidInput("no part was translated, so there is nothing to be shown in strips.")
    rows = [_Row(_pictures(styled, part), _words(part)) for part in parts]
    lefts = [_SPACE + column * (_CELL + _SPACE) for column in range(len(_TITLES))]
    height = _HEAD + sum(row.height + 2 * _SPACE for row in rows)
    sheet = Image.new("RGB", (lefts[-1] + _TEXT + _SPACE, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for title, left in zip(_TITLES, lefts, strict=True):
        draw.text((left, 18), title, font=ImageFont.load_default(15), fill=_FAINT)
    top = _HEAD
    for row in rows:
        draw.line((_SPACE, top, sheet.width - _SPACE, top), fill=_RULE, width=2)
        top += _SPACE
        for picture, left in zip(row.pictures, lefts, strict=False):
            sheet.paste(Image.fromarray(picture), (left, top))
        y = float(top)
        for line in row.lines:
            font = ImageFont.load_default(line.size)
            draw.text((lefts[-1], y + line.before), line.text, font=font, fill=line.colour)
            y += line.height
        top += row.height + _SPACE
    return np.array(sheet)


@dataclass(frozen=True)
class _Line:
    """A line of text, with some space before it."""

    text: str
    size: int
    colour: Colour
    before: float = 0

    @property
    def height(self) -> float:
        return 1.4 * self.size + self.before


@dataclass(frozen=True)
class _Row:
    pictures: Sequence[Rgb]
    lines: Sequence[_Line]

    @property
    def height(self) -> int:
        text = sum(line.height for line in self.lines)
        return max(*(picture.shape[0] for picture in self.pictures), round(text))


def _pictures(styled: Styled, part: Part) -> tuple[Rgb, Rgb, Rgb]:
    patch = styled.patches[part.name]
    rows, columns = place = _place(part, patch)
    shown = _DIM + (1 - _DIM) * part.visible[place]
    lines = np.rint(styled.lines[place] * shown).astype(np.uint8)
    inside = slice(rows.start - patch.top, rows.stop - patch.top)
    colours = patch.colours[inside, columns.start - patch.left : columns.stop - patch.left]
    original, drawn = _fitted(styled.scene.picture[place]), _fitted(np.dstack([lines] * 3))
    alpha = _fitted(np.dstack([part.mask[place]] * 3)) / np.float32(255)
    alone = alpha * _fitted(colours) + (1 - alpha) * _checkerboard(alpha.shape)
    return original, drawn, np.rint(alone).astype(np.uint8)


def _place(part: Part, patch: Patch) -> tuple[slice, slice]:
    """Rows and columns of a part with a little around it, no more than was translated."""
    x1, y1, x2, y2 = part.bounds_xyxy
    margin = round(_AROUND * max(x2 - x1, y2 - y1))
    rows, columns = patch.place
    return (
        slice(max(y1 - margin, rows.start), min(y2 + margin, rows.stop)),
        slice(max(x1 - margin, columns.start), min(x2 + margin, columns.stop)),
    )


def _fitted(image: Rgb) -> Rgb:
    """A picture at the size of a cell, on one side at least."""
    height, width = image.shape[:2]
    scale = min(_CELL / max(height, width), _ENLARGED)
    return resize(image, (max(1, round(width * scale)), max(1, round(height * scale))))


def _checkerboard(shape: tuple[int, ...]) -> NDArray[np.float32]:
    rows, columns = np.mgrid[: shape[0], : shape[1]] // _CHECK
    return np.where((rows + columns) % 2, 232, 250)[..., None].astype(np.float32)


def _words(part: Part) -> list[_Line]:
    settings = f"strength {part.strength:g} · guidance {part.guidance:g}"
    settings += f" · control {part.control:g} · seed {part.seed}"
    files = [f"LoRA {lora.weights} at {lora.weight:g}" for lora in part.loras]
    files += [f"reference {part.reference.name}"] if part.reference else []
    negative = list(_wrapped(f"not: {part.negative}", 13)) if part.negative else []
    if len(negative) > _SHOWN_NEGATIVE:
        negative = [*negative[: _SHOWN_NEGATIVE - 1], f"{negative[_SHOWN_NEGATIVE - 1]} …"]
    return [
        *_block(_wrapped(part.name, 20), 20, _INK, 0),
        *_block(_wrapped(part.prompt, 15), 15, _INK, 6),
        *_block(negative, 13, _FAINT, 8),
        *_block(_wrapped(settings, 13), 13, _FAINT, 8),
        *(line for file in files for line in _block(_wrapped(file, 13), 13, _FAINT, 0)),
    ]


def _block(
    lines: Iterator[str] | Sequence[str], size: int, colour: Colour, before: float
) -> Iterator[_Line]:
    for number, text in enumerate(lines):
        yield _Line(text, size, colour, 0 if number else before)


def _wrapped(text: str, size: int) -> Iterator[str]:
    """Text in lines of the column's width; letters that the font lacks as their escapes."""
    font = ImageFont.load_default(size)
    line = ""
    for word in _escaped(text).split():
        longer = f"{line} {word}".lstrip()
        if font.getlength(longer) <= _TEXT:
            line = longer
            continue
        if line:
            yield line
        while font.getlength(word) > _TEXT:  # a path, say
            lengths = range(1, len(word))
            fits = bisect_right(lengths, _TEXT, key=lambda n: math.ceil(font.getlength(word[:n])))
            yield word[:fits]
            word = word[fits:]
        line = word
    if line:
        yield line


def _escaped(text: str) -> str:
    return "·".join(piece.encode("ascii", "backslashreplace").decode() for piece in text.split("·"))
