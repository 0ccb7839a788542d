"""Cut-outs from illustrations with a transparent background (section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.errors import InvalidInput
from segmentation.dataset.borders import touched_borders
from segmentation.dataset.material_options import CutoutOptions

__all__ = ["Quality", "take_subject"]

Picture = npt.NDArray[np.uint8]

FAINT = 8
"""Alpha below this is taken for nothing: the haze of an eraser with soft edges."""

MIN_SOLID = 0.6
"""Of what is seen of a subject, at least so much must be opaque; else it is a glow or a sketch."""

RIVAL = 0.2
"""A separate part with this share of the largest one's area is a second subject."""

MIN_CUT, STRAIGHT = 0.2, 0.9
"""A border cuts a subject that fills this share of its box's side there, and has this share of its
width 2 % farther in; feet and hair that touch a tight frame taper off."""

SOFT, OPAQUE = 5, 250


@dataclass(frozen=True)
class Quality:
    """Measures of a cut-out, as they stand in the manifest.

    Attributes:
        width: in pixels.
        height: in pixels.
        coverage: share of its box that it fills, 0..1.
        solid: share of its pixels that are opaque, 0..1.
        parts: how many separate parts it has, specks left out.
        cut: which borders of the picture cut it, of ``left top right bottom``.
    """

    width: int
    height: int
    coverage: float
    solid: float
    parts: int
    cut: str


def take_subject(rgba: Picture, options: CutoutOptions | None = None) -> tuple[Picture, Quality]:
    """Crop a picture to its only subject.

    Args:
        rgba: ``(H, W, 4)``.
        options: what is good enough.

    Returns:
        RGBA of the subject, alpha 0 around it, and its measures.

    Raises:
        InvalidInput: The picture holds no single clean subject; the text gives the reason.
    """
    options = options or CutoutOptions()
    alpha = np.where(rgba[..., 3] < FAINT, 0, rgba[..., 3]).astype(np.uint8)
    clear = float((alpha == 0).mean())
    if clear < options.min_clear:
        raise InvalidInput(f"opaque: only {clear:.0%} of the picture are transparent")
    left, top, width, height = cv2.boundingRect(alpha)
    if max(width, height) < options.min_size:
        raise InvalidInput(f"small: {width}x{height} pixels, at least {options.min_size} asked for")
    own = alpha[top : top + height, left : left + width]
    solid = float((own >= OPAQUE).sum() / max((own > SOFT).sum(), 1))
    if solid < MIN_SOLID:
        raise InvalidInput(f"translucent: only {solid:.0%} of what is seen is opaque")
    areas = _part_areas(own)
    rivals = int((areas[1:] > RIVAL * areas[0]).sum())
    if rivals:
        raise InvalidInput(f"several subjects: {rivals + 1} separate parts of similar size")
    piece = np.dstack((rgba[top : top + height, left : left + width, :3], own))
    cut = _cut_borders(own, (left, top), alpha.shape)
    coverage = float((own > 127).mean())
    quality = Quality(width, height, round(coverage, 3), round(solid, 3), len(areas), " ".join(cut))
    return np.ascontiguousarray(piece), quality


def _cut_borders(own: Picture, offset_xy: tuple[int, int], shape_hw: tuple[int, ...]) -> list[str]:
    """Borders of the picture where the subject ends straight, so that more of it was there.

    Args:
        own: alpha of the subject, cropped to it.
        offset_xy: of the crop in the picture.
        shape_hw: of the picture.
    """
    turned = {"left": own.T, "top": own, "right": own.T[::-1], "bottom": own[::-1]}
    touched = touched_borders(offset_xy, own.shape, shape_hw)
    return [name for name in touched if _is_straight(turned[name])]


def _is_straight(alpha: Picture) -> bool:
    """Whether the first row is wide and hard, and about as wide as what lies farther in."""
    at, inside = alpha[0], alpha[min(len(alpha) - 1, max(1, round(0.02 * len(alpha))))]
    width = float((at > 127).mean())
    hard = float((at >= OPAQUE).sum() / max((at > SOFT).sum(), 1))
    return width > MIN_CUT and hard > 0.5 and width > STRAIGHT * float((inside > 127).mean())


def _part_areas(alpha: Picture) -> npt.NDArray[np.int64]:
    """Areas of the separate parts in pixels, largest first, specks left out."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((alpha > 127).astype(np.uint8))
    areas = np.sort(stats[1:count, cv2.CC_STAT_AREA].astype(np.int64))[::-1]
    return areas[areas > 0.001 * alpha.size] if len(areas) else np.zeros(1, np.int64)
