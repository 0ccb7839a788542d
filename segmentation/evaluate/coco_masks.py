"""COCO's masks: polygons and run lengths, checked before native code reads them.

The readers of pycocotools and faster-coco-eval trust what they are given: run lengths that do not
add up give pixels out of nowhere, and some polygons end the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

__all__ = ["area_of", "box_around", "compressed", "decode", "of_box"]

Rle = dict[str, Any]
_FARTHEST = 100_000  # pixels from the corner that a polygon may reach; drawing costs its length
_LONGEST = 7  # characters of one number in compressed run lengths


def compressed(segmentation: Any, size_wh: tuple[int, int]) -> Rle:
    """Turn any of COCO's forms into compressed run lengths, as pycocotools' `annToRLE` does.

    Args:
        segmentation: A list of polygons (x, y, x, y, ... in pixels), or run lengths, compressed or
            not.
        size_wh: Of the picture.

    Raises:
        ValueError: It is none of these, or of another size.
        TypeError: It holds something else than numbers.
    """
    width, height = size_wh
    if not isinstance(segmentation, Mapping):
        polygons = [_polygon(points) for points in segmentation]
        if not polygons:
            raise ValueError("a mask of no polygon")
        return _text(coco_mask.merge(coco_mask.frPyObjects(polygons, height, width)))
    size, counts = [int(side) for side in segmentation["size"]], segmentation["counts"]
    if size != [height, width]:
        raise ValueError(f"a mask of {size[::-1]} pixels in a picture of {[width, height]}")
    if isinstance(counts, str | bytes):
        letters = counts.encode("ascii") if isinstance(counts, str) else counts
        runs = _runs(letters)
    else:
        runs = np.asarray(counts)
        letters = b""
        if runs.ndim != 1 or runs.dtype.kind not in "iu":
            raise TypeError(f"run lengths of {runs.dtype}")
    if (runs < 0).any() or int(runs.sum()) != width * height:
        raise ValueError(f"run lengths that do not add up to {width * height} pixels")
    if letters:
        return _text({"size": size, "counts": letters})
    return _text(coco_mask.frPyObjects({"size": size, "counts": runs.tolist()}, height, width))


def of_box(box_xywh: Sequence[float], size_wh: tuple[int, int]) -> Rle:
    """A mask that fills a box, as pycocotools gives to a result without a mask."""
    x, y, width, height = box_xywh
    # What lies far outside draws nothing, but would take its time.
    left, right = np.clip((x, x + width), -size_wh[0], 2 * size_wh[0])
    top, bottom = np.clip((y, y + height), -size_wh[1], 2 * size_wh[1])
    return compressed([[left, top, left, bottom, right, bottom, right, top]], size_wh)


def area_of(rle: Rle) -> int:
    """Pixels inside."""
    return int(coco_mask.area(rle))


def box_around(rle: Rle) -> list[float]:
    """Left, top, width and height of a mask."""
    return [float(value) for value in coco_mask.toBbox(rle)]


def decode(rle: Rle) -> npt.NDArray[np.bool_]:
    """The mask as `(H, W)`."""
    return coco_mask.decode(rle).astype(bool)


def _polygon(points: Any) -> list[float]:
    values = [float(value) for value in points]
    if len(values) < 6 or len(values) % 2:
        raise ValueError(f"a polygon of {len(values)} numbers; three points or more are needed")
    if not all(abs(value) <= _FARTHEST for value in values):
        raise ValueError("a polygon that reaches far beyond any picture")
    return values


def _text(rle: Mapping[str, Any]) -> Rle:
    counts = rle["counts"]
    return {"size": [int(side) for side in rle["size"]], "counts": counts.decode("ascii")}


def _runs(letters: bytes) -> npt.NDArray[np.int64]:
    """Run lengths of COCO's compressed form: five bits a letter, from the third on differences."""
    codes = np.frombuffer(letters, np.uint8).astype(np.int64) - 48
    goes_on = (codes & 32) > 0
    if not len(codes) or ((codes < 0) | (codes > 63)).any() or goes_on[-1]:
        raise ValueError("compressed run lengths that cannot be read")
    starts = np.flatnonzero(np.r_[True, ~goes_on[:-1]])
    lengths = np.diff(np.r_[starts, len(codes)])
    if lengths.max() > _LONGEST:
        raise ValueError("compressed run lengths that cannot be read")
    place = np.arange(len(codes)) - np.repeat(starts, lengths)
    values = np.add.reduceat((codes & 31) << (5 * place), starts)
    negative = (codes[starts + lengths - 1] & 16) > 0
    values -= np.where(negative, np.int64(1) << (5 * lengths), 0)
    for first in (1, 2):  # each differs from the last but one; the very first run stands alone
        values[first::2] = np.cumsum(values[first::2])
    return values
