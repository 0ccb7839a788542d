"""Alpha and free colours of what stands before a key colour."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from cartoonedit.matte import decontaminate, nearest_places
from segmentation.dataset.despill import despill, disc
from segmentation.dataset.keying import (
    Floats,
    Frame,
    Key,
    Mask,
    Tolerance,
    chroma_of,
    hue_mask,
    is_key,
    key_field,
    to_rgb,
    to_ycc,
    tolerance,
)

__all__ = ["cut_out", "matte"]

LUMA_WEIGHT = 1.0
CHROMA_WEIGHT = 0.7
"""Squared weights of errors: chroma comes at half the resolution and smeared."""

BLACK_POINT, WHITE_POINT = 0.08, 0.92


def matte(frame: Frame, key: Key) -> npt.NDArray[np.uint8]:
    """Alpha of the subjects of a frame.

    What shows the key and nothing else is outside; what lies a few pixels from it is a mixture of
    the key, whose colour there is known, and of a colour of the subject, which is searched near by;
    all else is inside, whatever its colour.

    Args:
        frame: RGB ``(H, W, 3)``.
        key: of its clip.

    Returns:
        ``(H, W)``, 0 where the key is bare.
    """
    ycc = to_ycc(frame)
    return _alpha(frame, ycc, *fit_key(ycc, key))


def _alpha(frame: Frame, ycc: Floats, field: Floats, limits: Tolerance) -> npt.NDArray[np.uint8]:
    bare = _without_specks(is_key(ycc, field, limits), _specks(frame.shape))
    reach = edge_reach(frame.shape)
    near = cv2.dilate(bare.astype(np.uint8), disc(reach)) > 0
    least = least_alpha(frame, to_rgb(field), limits)
    alpha = np.where(bare, 0, 1).astype(np.float32)
    edge = near & ~bare
    if edge.any():
        inside = ~near
        alpha[edge] = _mixture(ycc, field, edge, inside, least, limits)
    alpha = np.clip((alpha - BLACK_POINT) / (WHITE_POINT - BLACK_POINT), 0, 1)
    return _clean((alpha * 255).round().astype(np.uint8), _specks(frame.shape))


def fit_key(ycc: Floats, key: Key) -> tuple[Floats, Tolerance]:
    """The key's colour at every pixel of a frame, and how far its pixels stray from it."""
    seen = hue_mask(ycc, chroma_of(key))
    if not seen.any():
        flat = np.broadcast_to(to_ycc(np.array(key.rgb)), ycc.shape)
        return np.ascontiguousarray(flat), Tolerance(8, 6)
    field = key_field(ycc, seen)
    limits = tolerance(ycc, field, seen)
    close = is_key(ycc, field, Tolerance(2 * limits.luma, 2 * limits.chroma))
    if close.mean() > 0.01:
        field = key_field(ycc, close)
        limits = tolerance(ycc, field, close)
    return field, limits


def edge_reach(shape: tuple[int, ...]) -> int:
    """Pixels over which an edge, its softness and the codec's smear may reach."""
    return max(4, round(max(shape[:2]) / 240))


def _specks(shape: tuple[int, ...]) -> int:
    """Area in pixels below which a spot of either kind is noise."""
    return max(6, round(shape[0] * shape[1] / 60_000))


def least_alpha(frame: Frame, key_rgb: Floats, limits: Tolerance) -> Floats:
    """The least alpha with which any colour over the key can look as it does, per pixel 0..1.

    No colour is darker than black or brighter than white, so ``I >= (1 - a) K`` and
    ``I <= 255 a + (1 - a) K`` in every channel: black and white edges are nearly decided by it.
    """
    slack = limits.luma
    rgb = frame.astype(np.float32)
    key = np.clip(key_rgb, 0, 255)
    darker = np.where(key > 70, (key - rgb - slack) / np.maximum(key - slack, 1), 0)
    room = 255 - key
    brighter = np.where(room > 70, (rgb - key - slack) / np.maximum(room - slack, 1), 0)
    return np.clip(np.maximum(darker, brighter).max(axis=2), 0, 1).astype(np.float32)


def _mixture(
    ycc: Floats, field: Floats, edge: Mask, inside: Mask, least: Floats, limits: Tolerance
) -> Floats:
    """Alpha of the ``edge`` pixels: by the colour near by that explains each one best."""
    pixel, key = ycc[edge], field[edge]
    weights = np.array([LUMA_WEIGHT, CHROMA_WEIGHT, CHROMA_WEIGHT], np.float32)
    noise = limits.luma**2 + limits.chroma**2
    best = np.ones(len(pixel), np.float32)
    best_error = np.full(len(pixel), np.inf, np.float32)
    for colour, penalty in _candidates(ycc, field, edge, inside, least):
        contrast = colour - key
        strength = (weights * contrast**2).sum(1)
        along = (weights * (pixel - key) * contrast).sum(1) / np.maximum(strength, 1)
        alpha = np.clip(along, 0, 1)
        error = (weights * (pixel - key - alpha[:, None] * contrast) ** 2).sum(1) + penalty
        error = error + np.where(strength < noise, 1e4, 0)
        better = error < best_error
        best[better], best_error[better] = alpha[better], error[better]
    return np.maximum(best, least[edge])


def _candidates(
    ycc: Floats, field: Floats, edge: Mask, inside: Mask, least: Floats
) -> list[tuple[Floats, Floats | float]]:
    """Colours of the subject for each ``edge`` pixel, with what speaks against each."""
    count = int(edge.sum())
    candidates: list[tuple[Floats, Floats | float]] = []
    off = ycc - field
    distance = np.hypot(off[..., 1], off[..., 2]) + 0.3 * np.abs(off[..., 0])
    peak = (distance >= cv2.dilate(distance, np.ones((5, 5), np.uint8))) & (distance > 25)
    solid = inside | (least > 0.9)
    for source in (inside, solid, peak | inside):
        if source.any():
            places, far = nearest_places(source, edge)
            candidates.append((ycc.reshape(-1, 3)[places], 2.0 * far))
    black = np.tile(np.array([8, 0, 0], np.float32), (count, 1))
    candidates.append((black, 30.0))
    if inside.any():
        dark = candidates[0][0] * np.array([0.35, 0.6, 0.6], np.float32)
        candidates.append((dark, 60.0))
    return candidates


def _without_specks(mask: Mask, least: int) -> Mask:
    """The mask without its components of fewer than ``least`` pixels."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    large = stats[:count, cv2.CC_STAT_AREA] >= least
    large[0] = False
    return large[labels]


def _clean(alpha: npt.NDArray[np.uint8], least: int) -> npt.NDArray[np.uint8]:
    """Remove specks of the subject: spots that are small, or faint all over."""
    count, labels, _, _ = cv2.connectedComponentsWithStats(
        (alpha > 0).astype(np.uint8), connectivity=8
    )
    solid = np.bincount(labels[alpha > 127], minlength=count)
    keep = solid >= least
    keep[0] = False
    return np.where(keep[labels], alpha, 0).astype(np.uint8)


def cut_out(frame: Frame, key: Key) -> npt.NDArray[np.uint8]:
    """The subjects of a frame as RGBA ``(H, W, 4)``, their edges freed of the key's colour."""
    ycc = to_ycc(frame)
    field, limits = fit_key(ycc, key)
    alpha = _alpha(frame, ycc, field, limits)
    own = despill(decontaminate(frame, alpha), alpha, field, edge_reach(frame.shape))
    return np.dstack((own, alpha))
