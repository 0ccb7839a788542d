"""Pictures on one sheet, with what is there in green and what was found in red."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cartoonedit.errors import InvalidInput
from cartoonedit.images import open_image
from cartoonedit.overlay import outline
from segmentation.evaluate import coco_masks
from segmentation.evaluate.coco_files import Json, Source, has_masks, read_results, read_truth
from segmentation.evaluate.worst import PictureScore

__all__ = ["contact_sheet"]

Rgb = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]
TRUE, FOUND, IGNORED = (70, 220, 90), (255, 75, 75), (170, 170, 170)
_PAPER, _INK, _FAINT = (250, 249, 246), (35, 35, 40), (120, 120, 125)
_CELL, _GAP, _CAPTION, _HEAD = 400, 24, 54, 72  # pixels
_LINE = 2


def contact_sheet(
    scores: Sequence[PictureScore],
    pictures: str | Path,
    predictions: Source,
    annotations: Source,
    *,
    threshold: float = 0.3,
    title: str = "",
    render: Callable[[Rgb], Rgb] | None = None,
) -> Rgb:
    """Draw pictures with outlines of the truth and of the findings, and their scores below.

    Args:
        scores: Of the pictures to be shown, in order (`worst.picture_scores`).
        pictures: The folder that `file_name` is relative to.
        predictions: As for `segmentation.evaluate.evaluate`.
        annotations: As for `segmentation.evaluate.evaluate`. Where it has no masks, boxes are
            drawn.
        threshold: Findings with a lower score are not shown.
        title: Stands above.
        render: Draws each picture anew, as it was segmented.

    Returns:
        RGB `uint8` `(H, W, 3)`.

    Raises:
        InvalidInput: A picture cannot be read, or there is none to be shown.
    """
    if not scores:
        raise InvalidInput("a contact sheet needs at least one picture.")
    truth = read_truth(annotations)
    findings = [r for r in read_results(predictions, truth) if r["score"] >= threshold]
    masks = has_masks(truth)
    cells = []
    for score in scores:
        picture = open_image(Path(pictures) / score.file_name)
        cell = _drawn(
            picture if render is None else render(picture),
            [a for a in truth["annotations"] if a["image_id"] == score.image_id],
            [r for r in findings if r["image_id"] == score.image_id],
            masks,
        )
        cells.append((cell, score))
    return _laid_out(cells, title or "The worst pictures", threshold)


def _drawn(picture: Rgb, true: list[Json], findings: list[Json], masks: bool) -> Rgb:
    """A picture of at most `_CELL` pixels with its outlines."""
    height, width = picture.shape[:2]
    scale = _CELL / max(height, width)
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    canvas = cv2.resize(picture, size_wh, interpolation=way)

    def small(annotation: Json) -> npt.NDArray[np.bool_]:
        rle = annotation["segmentation"] if masks else None
        whole = coco_masks.decode(rle or coco_masks.of_box(annotation["bbox"], (width, height)))
        return cv2.resize(whole.astype(np.float32), size_wh, interpolation=way) >= 0.5

    for annotation in sorted(true, key=lambda a: -a["iscrowd"]):
        outline(canvas, small(annotation), IGNORED if annotation["iscrowd"] else TRUE, _LINE)
    found = sorted(findings, key=lambda finding: finding["score"])
    inside = [small(finding) for finding in found]
    for mask in inside:
        outline(canvas, mask, FOUND, _LINE)
    return _with_scores(canvas, inside, [finding["score"] for finding in found])


def _with_scores(
    canvas: Rgb, inside: Sequence[npt.NDArray[np.bool_]], scores: Sequence[float]
) -> Rgb:
    image = Image.fromarray(canvas)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(14)
    for mask, score in zip(inside, scores, strict=True):
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            continue
        columns = np.flatnonzero(mask[rows[0]])
        text = f"{score:.2f}"
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        wide, high = right - left + 10, bottom - top + 8
        x = min(max(float(columns.mean()) - wide / 2, 0), max(image.width - wide - 1, 0))
        y = min(max(float(rows[0]) - high / 2, 0), max(image.height - high - 1, 0))
        draw.rounded_rectangle((x, y, x + wide, y + high), 4, fill=FOUND, outline=(20, 20, 20))
        draw.text((x + 5 - left, y + 4 - top), text, font=font, fill=(255, 255, 255))
    return np.array(image)


def _laid_out(cells: Sequence[tuple[Rgb, PictureScore]], title: str, threshold: float) -> Rgb:
    across = min(len(cells), max(2, math.ceil(math.sqrt(len(cells)))))
    rows = [cells[start : start + across] for start in range(0, len(cells), across)]
    heights = [max(cell.shape[0] for cell, _ in row) for row in rows]
    width = max(_GAP + across * (_CELL + _GAP), 2 * (_CELL + _GAP))
    sheet = Image.new("RGB", (width, _HEAD + sum(h + _CAPTION + _GAP for h in heights)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _head(draw, title, threshold)
    y = _HEAD
    for row, height in zip(rows, heights, strict=True):
        for column, (cell, score) in enumerate(row):
            x = _GAP + column * (_CELL + _GAP)
            # On the line of its caption, and in the middle of its column.
            left = x + (_CELL - cell.shape[1]) // 2
            sheet.paste(Image.fromarray(cell), (left, y + height - cell.shape[0]))
            _caption(draw, (x, y + height + 8), score)
        y += height + _CAPTION + _GAP
    return np.array(sheet)


def _head(draw: ImageDraw.ImageDraw, title: str, threshold: float) -> None:
    draw.text((_GAP, 12), _latin(title, 60), font=ImageFont.load_default(22), fill=_INK)
    font, x = ImageFont.load_default(14), float(_GAP)
    named = ((TRUE, "truth"), (FOUND, f"found, score {threshold:.2f} or more"),
             (IGNORED, "ignored"))  # fmt: skip
    for colour, name in named:
        draw.line((x, 54, x + 22, 54), fill=(20, 20, 20), width=6)
        draw.line((x, 54, x + 22, 54), fill=colour, width=3)
        draw.text((x + 30, 46), name, font=font, fill=_FAINT)
        x += 54 + draw.textlength(name, font=font)


def _caption(draw: ImageDraw.ImageDraw, xy: tuple[int, int], score: PictureScore) -> None:
    numbers = (
        f"IoU {score.score:.2f}    {score.found} of {score.characters} found    {score.wrong} wrong"
    )
    draw.text(xy, _latin(score.file_name, 44), font=ImageFont.load_default(16), fill=_INK)
    draw.text((xy[0], xy[1] + 23), numbers, font=ImageFont.load_default(15), fill=_FAINT)


def _latin(text: str, longest: int) -> str:
    """Text that the font can show, its end kept where it is too long."""
    text = text.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= longest else f"...{text[3 - longest :]}"
