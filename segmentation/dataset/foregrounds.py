"""Cut-outs from chroma-key videos (section 3.1)."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_folder, atomic_path
from cartoonedit.runtime import Progress, silent
from segmentation.dataset.key_matte import cut_out
from segmentation.dataset.keying import Key, check_frame, find_key
from segmentation.dataset.material_options import KeyOptions
from segmentation.dataset.sources import MANIFEST_NAME

__all__ = ["CutOut", "KeyOptions", "key_video", "split_subjects", "write_manifest"]

logger = logging.getLogger(__name__)

Picture = npt.NDArray[np.uint8]

LOOKS = 12
"""Frames, spread over the clip, that the key is looked for in."""
HASH_SIDE = 12
MIN_APART = 0.08
"""Two frames are alike if fewer of the bits of their hashes differ."""


@dataclass(frozen=True)
class CutOut:
    """One cut-out, as its row in the manifest.

    Attributes:
        path: relative to the folder of all cut-outs.
        source: the clip.
        kind: ``character-half`` where the lower border of the frame cuts it, else empty.
        frame: number of the frame in the clip.
        key: the clip's key colour.
        width: in pixels.
        height: in pixels.
        cut: which borders of the frame cut it, of ``left top right bottom``.
    """

    path: str
    source: str
    kind: str
    frame: int
    key: str
    width: int
    height: int
    cut: str


def key_video(
    video: Path, out: Path, options: KeyOptions | None = None, progress: Progress | None = None
) -> list[CutOut]:
    """Cut the subjects out of a clip, into the sub-folder of its name.

    Args:
        video: any file that OpenCV's ffmpeg reads. Of a damaged one, what can be read is used.
        out: folder of all cut-outs.
        options: how.
        progress: called after each frame.

    Returns:
        The cut-outs; none if no frame holds a large enough subject.

    Raises:
        InvalidInput: It is no video, or shows no clear key colour; the text gives the reason.
    """
    options, shown = options or KeyOptions(), progress or silent
    total = sum(1 for _ in _frames(video))
    if not total:
        raise InvalidInput(f"{video} is no video that can be read")
    looked = {round(n) for n in np.linspace(0, total - 1, min(LOOKS, total))}
    key = find_key([frame for number, frame in _frames(video) if number in looked])
    chosen = _differing(video, key, options.frames)
    made: list[CutOut] = []
    with atomic_folder(out / video.stem, stale=["*.png"]) as folder:
        for number, frame in _frames(video):
            shown(number, total, video.name)
            if number not in chosen:
                continue
            for part, (rgba, cut) in enumerate(split_subjects(cut_out(frame, key), options)):
                height, width = rgba.shape[:2]
                name = f"{number:06d}-{part}.png"
                Image.fromarray(rgba).save(folder / name)
                kind = "character-half" if "bottom" in cut else ""
                made.append(
                    CutOut(f"{video.stem}/{name}", video.stem, kind, number, key.hex, width,
                           height, " ".join(cut))
                )  # fmt: skip
    shown(total, total, "")
    return made


def _frames(video: Path) -> Iterator[tuple[int, Picture]]:
    """The frames of a clip that can be read, RGB, with their numbers."""
    capture = cv2.VideoCapture(str(video))
    try:
        number = 0
        while True:
            good, bgr = capture.read()
            if not good:
                return
            yield number, np.ascontiguousarray(bgr[..., ::-1])
            number += 1
    finally:
        capture.release()


def _differing(video: Path, key: Key, most: int) -> set[int]:
    """Numbers of frames that can be keyed and differ from each other, spread over the clip."""
    hashes: dict[int, npt.NDArray[np.bool_]] = {}
    for number, frame in _frames(video):
        seen = _difference_hash(frame)
        alike = any((seen != other).mean() < MIN_APART for other in hashes.values())
        if not alike and not check_frame(frame, key):
            hashes[number] = seen
    kept = sorted(hashes)
    return {kept[round(n)] for n in np.linspace(0, len(kept) - 1, min(most, len(kept)))}


def _difference_hash(frame: Picture) -> npt.NDArray[np.bool_]:
    """Where a small copy of the frame gets brighter to the right: alike for frames that are."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    return small[:, 1:] > small[:, :-1].astype(np.int16) + 1


def split_subjects(
    rgba: Picture, options: KeyOptions | None = None
) -> list[tuple[Picture, tuple[str, ...]]]:
    """Take apart the subjects of a keyed frame.

    Small parts, such as a thrown ball, go with the nearest subject.

    Args:
        rgba: the frame ``(H, W, 4)``.
        options: what counts as a subject.

    Returns:
        For each, left to right, RGBA cropped to its alpha, and the borders that cut it.
    """
    options = options or KeyOptions()
    alpha = rgba[..., 3]
    count, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8))
    least = options.min_share * alpha.size
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= least]
    if not large:
        return []
    owner = _nearest_large(labels, count, large)
    found = []
    for subject in sorted(large, key=lambda n: stats[n, cv2.CC_STAT_LEFT]):
        own = np.where(owner[labels] == subject, alpha, 0).astype(np.uint8)
        left, top, wide, high = cv2.boundingRect(own)
        right, bottom = left + wide, top + high
        if max(wide, high) < options.min_size:
            continue
        height, width = alpha.shape
        touched = {"left": left == 0, "top": top == 0, "right": right == width,
                   "bottom": bottom == height}  # fmt: skip
        piece = np.dstack((rgba[..., :3], own))[top:bottom, left:right]
        found.append(
            (np.ascontiguousarray(piece), tuple(b for b, is_cut in touched.items() if is_cut))
        )
    return found


def _nearest_large(
    labels: npt.NDArray[np.int32], count: int, large: list[int]
) -> npt.NDArray[np.int32]:
    """For each label, the large part it belongs to: itself, or the one nearest to its pixels."""
    owner = np.zeros(count, np.int32)
    owner[large] = large
    is_large = np.isin(labels, large)
    _, nearest = cv2.distanceTransformWithLabels(
        (~is_large).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    ys, xs = np.nonzero(is_large)
    at = np.zeros(int(nearest.max()) + 1, np.int32)
    at[nearest[ys, xs]] = labels[ys, xs]
    for part in set(range(1, count)) - set(large):
        inside = at[nearest[labels == part]]
        owner[part] = np.bincount(inside).argmax()
    return owner


def write_manifest(out: Path, cutouts: list[CutOut]) -> None:
    """Add rows to the manifest of a folder of cut-outs; rows of the same clips are replaced."""
    path = out / MANIFEST_NAME
    again = {cutout.source for cutout in cutouts}
    rows: list[dict[str, object]] = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as lines:
            rows += [row for row in csv.DictReader(lines) if row.get("source") not in again]
    rows += [asdict(cutout) for cutout in cutouts]
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(CutOut)], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
