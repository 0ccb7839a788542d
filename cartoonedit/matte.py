"""Colours at soft edges: freed from the old background, and adding up to the picture again.

At a soft edge the picture shows a mixture ``I = a F + (1 - a) B`` of the character F and what is
behind it, B. Pasting ``I`` itself elsewhere drags a halo of the old background along.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["bleed", "decontaminate", "nearest_places", "spread", "unmix"]

_OPAQUE = 250  # alpha from which a pixel counts as pure foreground
_WINDOW = 5  # pixels over which a sampled colour is averaged, on each axis
_REACH = 24  # pixels around the tight box in which background is sampled
_BLEED = np.ones((9, 9), np.uint8)  # edge colours go on for 4 pixels around any alpha

# What unmix() changes more readily: 1 = edge and what is behind it alike, towards 0 = only what is
# behind. Small, because the layers behind may be rough at edges, while the edge itself is what
# shows.
_BEHIND_STIFFNESS = 0.05


def decontaminate(picture: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Estimate the colours of the character alone, F, in and close around its soft edge.

    F and B are first taken from the nearest opaque and the nearest empty pixel, averaged over a
    small window of their own kind. Then ``F + a (I - a F - (1 - a) B)`` gives back the texture of
    hair and outlines, as in Forte 2021, "Approximate Fast Foreground Colour Estimation".

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        mask: Alpha ``uint8`` ``(H, W)``.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``: the picture where alpha is 255, F where it is soft. Close
        outside the colour of the nearest edge goes on, so that scaling a cut-out draws in no other
        colour; farther out it is the picture.
    """
    result = picture.copy()
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return result
    box = np.s_[max(0, y - _REACH) : y + height + _REACH, max(0, x - _REACH) : x + width + _REACH]
    crop, alpha = picture[box], mask[box]

    front = alpha >= min(_OPAQUE, int(alpha.max()))
    edge = bleed(alpha) & ~front
    result[box][edge] = spread(crop, front, edge)
    behind = alpha == 0
    soft = (alpha > 0) & (alpha < 255)
    if behind.any() and soft.any():
        a = alpha[soft][:, None] / np.float32(255)
        colour = result[box][soft].astype(np.float32)
        background = spread(crop, behind, soft)
        colour += a * (crop[soft] - a * colour - (1 - a) * background)
        result[box][soft] = _to_uint8(colour)
    return result


def bleed(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where :func:`decontaminate` gives colours of the character: any alpha and close around it."""
    return cv2.dilate((mask > 0).astype(np.uint8), _BLEED).astype(np.bool_)


def nearest_places(
    source: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The nearest ``source`` pixel of each ``wanted`` one.

    Args:
        source: ``(H, W)``, not empty.
        wanted: ``(H, W)``.

    Returns:
        Its place in the flattened picture, and its distance in pixels, one for each wanted pixel.
    """
    distance, labels = cv2.distanceTransformWithLabels(
        (~source).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.flatnonzero(source)
    place_of_label = np.zeros(int(labels.max()) + 1, np.intp)
    place_of_label[labels.reshape(-1)[places]] = places
    return place_of_label[labels[wanted]], distance[wanted].astype(np.float32, copy=False)


def spread(
    image: NDArray[np.uint8],
    source: NDArray[np.bool_],
    wanted: NDArray[np.bool_],
    window: int = _WINDOW,
) -> NDArray[np.uint8]:
    """The mean colour in a window around the nearest ``source`` pixel, of those in ``source``.

    Args:
        image: RGB ``uint8`` ``(H, W, 3)``.
        source: ``(H, W)``, not empty.
        wanted: ``(H, W)``.
        window: Side of the window, in pixels.

    Returns:
        RGB ``uint8`` ``(N, 3)``, a row for each ``wanted`` pixel.
    """
    nearest, _ = nearest_places(source, wanted)
    weight = source.astype(np.uint8)
    total = cv2.boxFilter(image * weight[..., None], cv2.CV_32F, (window,) * 2, normalize=False)
    count = cv2.boxFilter(weight, cv2.CV_32F, (window,) * 2, normalize=False)
    return _to_uint8(total.reshape(-1, 3)[nearest] / count.reshape(-1)[nearest, None])


def unmix(
    picture: NDArray[np.uint8], plate: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]]
) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Split a picture into layers that look right alone and give the picture back when stacked.

    Each mask starts from its decontaminated colours. What these and the plate do not explain is
    then shared out, from the front layer to the back, with the smallest weighted change of ``a F +
    (1 - a) B = I``; what remains at the bottom, where the plate differs from the picture, becomes a
    layer of its own just above the plate. Stacking plate, that layer and all masks in order gives
    the picture to within one level, soft edges included, wherever masks do not hide it from each
    other.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        plate: The background with every character painted out, of the same form.
        masks: Alpha ``uint8`` ``(H, W)``, none empty, from the back to the front.

    Returns:
        For each mask the RGB ``uint8`` colours of its tight box, and one RGBA ``uint8`` ``(H, W,
        4)`` layer of differences to lie on the plate, fully opaque or fully transparent everywhere.
    """
    boxes = [_tight_box(mask) for mask in masks]
    colours: list[NDArray[np.uint8]] = []
    beneath: list[NDArray[np.uint8]] = []
    canvas = plate.copy()
    for mask, box in zip(masks, boxes, strict=True):
        colours.append(decontaminate(picture, mask)[box])
        beneath.append(canvas[box].copy())
        a = _alpha(mask, box)
        canvas[box] = _to_uint8(a * colours[-1] + (1 - a) * beneath[-1])

    # What the stack up to the current layer must look like, and where that still shows.
    wanted = picture.astype(np.float32)
    visible = np.ones(picture.shape[:2], np.bool_)
    for index in reversed(range(len(masks))):
        box = boxes[index]
        a = _alpha(masks[index], box)
        colours[index], wanted[box] = _share(wanted[box], a, colours[index], beneath[index])
        visible[box] &= masks[index][box] < 255

    rest = _to_uint8(wanted)
    differs = visible & (rest != plate).any(axis=2)
    difference = np.dstack([rest, np.full(differs.shape, 255, np.uint8)]) * differs[..., None]
    return colours, difference.astype(np.uint8)


def _share(
    wanted: NDArray[np.float32],
    a: NDArray[np.float32],
    colour: NDArray[np.uint8],
    beneath: NDArray[np.uint8],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Find F near ``colour`` and B near ``beneath`` with ``a F + (1 - a) B = wanted``.

    The closed form of the least weighted squares, then clipping, whose remainder F takes. F is
    in whole levels, and B makes up for its rounding.
    """
    residual = wanted - a * colour - (1 - a) * beneath
    weight = a * a + (1 - a) ** 2 / _BEHIND_STIFFNESS
    front = np.rint(np.clip(colour + residual * a / weight, 0, 255))
    behind = np.clip((wanted - a * front) / np.maximum(1 - a, 1e-6), 0, 255)
    behind = np.where(a == 1, beneath, behind)
    front = np.where(a > 0, (wanted - (1 - a) * behind) / np.maximum(a, 1e-6), front)
    return _to_uint8(front), behind.astype(np.float32)


def _alpha(mask: NDArray[np.uint8], box: tuple[slice, slice]) -> NDArray[np.float32]:
    """The alpha in ``box`` as 0..1, of shape ``(h, w, 1)`` to multiply colours with."""
    return (mask[box][..., None] / np.float32(255)).astype(np.float32)


def _tight_box(mask: NDArray[np.uint8]) -> tuple[slice, slice]:
    x, y, width, height = cv2.boundingRect(mask)
    return np.s_[y : y + height, x : x + width]


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)
