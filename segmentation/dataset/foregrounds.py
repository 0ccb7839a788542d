"""Cut-outs from chroma-key videos (section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.files import atomic_folder
from cartoonedit.images import save_image
from cartoonedit.matte import nearest_places
from cartoonedit.runtime import Progress, silent
from cartoonedit.video_reader import VideoReader
from segmentation.dataset.borders import kind_by, touched_borders
from segmentation.dataset.captions import has_caption
from segmentation.dataset.clips import differing_frames, survey
from segmentation.dataset.key_matte import cut_out
from segmentation.dataset.keying import Key, check_frame, find_key, parse_key
from segmentation.dataset.manifest import Manifest
from segmentation.dataset.material_options import KeyOptions

__all__ = ["CutOut", "KeyOptions", "Keyed", "key_video", "record", "split_subjects"]

Picture = npt.NDArray[np.uint8]

LOOKS = 12
"""Frames, spread over the clip, that the key is looked for in."""


@dataclass(frozen=True)
class CutOut:
    """One cut-out, as its row in the manifest.

    Attributes:
        path: relative to the folder of all cut-outs.
        source: its sub-folder.
        origin: the clip.
        kind: ``character-half`` where the lower border of the frame cuts it, else empty.
        frame: number of the frame in the clip.
        key: the clip's key colour.
        width: in pixels.
        height: in pixels.
        cut: which borders of the frame cut it, of ``left top right bottom``.
    """

    path: str
    source: str
    origin: str
    kind: str
    frame: int
    key: str
    width: int
    height: int
    cut: str


@dataclass(frozen=True)
class Keyed:
    """What came of a clip.

    Attributes:
        key: its key colour.
        cutouts: what was cut out; empty if no frame holds a large enough subject.
        refused: why frames that look different from those could not be used, by number.
    """

    key: Key
    cutouts: list[CutOut]
    refused: Mapping[int, str]


def key_video(
    video: Path,
    out: Path,
    options: KeyOptions | None = None,
    progress: Progress | None = None,
    *,
    source: str | None = None,
) -> Keyed:
    """Cut the subjects out of a clip, into a sub-folder, in place of what that held.

    Args:
        video: any file that ffmpeg reads. Of a damaged one, what can be read is used.
        out: folder of all cut-outs.
        options: how.
        progress: called after each frame, in two passes over the clip.
        source: the sub-folder; by default it has the clip's name.

    Raises:
        InvalidInput: It is no video, or shows no clear key colour; the text gives the reason.
    """
    options, shown = options or KeyOptions(), progress or silent
    source = source or video.stem
    total, looks = survey(video, LOOKS)
    key = parse_key(options.key) if options.key else find_key(looks)
    chosen, refused = differing_frames(
        video,
        options.frames,
        lambda frame: check_frame(frame, key),
        lambda number: shown(number, 2 * total, "choosing frames"),
    )
    made: list[CutOut] = []
    with atomic_folder(out / source, stale=["*.png"]) as folder:
        for number, frame in enumerate(VideoReader(video)):
            shown(total + number, 2 * total, "cutting out")
            if number not in chosen:
                continue
            rgba = cut_out(frame, key)
            if has_caption(rgba):
                refused[number] = "text lies over it"
                continue
            for part, (piece, cut) in enumerate(split_subjects(rgba, options)):
                name = f"{number:06d}-{part}.png"
                save_image(folder / name, piece)
                made.append(_row(f"{source}/{name}", video, key, number, piece, cut))
    shown(2 * total, 2 * total, "")
    return Keyed(key, made, refused)


def _row(
    path: str, video: Path, key: Key, number: int, piece: Picture, cut: tuple[str, ...]
) -> CutOut:
    height, width = piece.shape[:2]
    source = path.split("/")[0]
    return CutOut(
        path, source, str(video), kind_by(cut), number, key.hex, width, height, " ".join(cut)
    )


def record(manifest: Manifest, video: Path, keyed: Keyed) -> None:
    """Note in a manifest what came of a clip, in place of what it said before, and save it."""
    manifest.forget(str(video))
    for cutout in keyed.cutouts:
        manifest.keep(asdict(cutout))
    for number, reason in keyed.refused.items():
        manifest.refuse(f"{video}#{number}", reason)
    if not keyed.cutouts:
        manifest.refuse(str(video), "no frame holds a large enough subject")
    manifest.save()


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
        if max(wide, high) < options.min_size:
            continue
        piece = np.dstack((rgba[..., :3], own))[top : top + high, left : left + wide]
        cut = touched_borders((left, top), (high, wide), alpha.shape)
        found.append((np.ascontiguousarray(piece), cut))
    return found


def _nearest_large(
    labels: npt.NDArray[np.int32], count: int, large: list[int]
) -> npt.NDArray[np.int32]:
    """For each label, the large part it belongs to: itself, or the one nearest to its pixels."""
    owner = np.zeros(count, np.int32)
    owner[large] = large
    is_large = np.isin(labels, large)
    is_small = (labels > 0) & ~is_large
    places, _ = nearest_places(is_large, is_small)
    nearest, parts = labels.ravel()[places], labels[is_small]
    for part in np.unique(parts).tolist():
        owner[part] = np.bincount(nearest[parts == part]).argmax()
    return owner
