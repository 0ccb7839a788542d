"""Taking a canvas apart into what moves: flat cut-outs, and the plate as a curved surface.

Everything here is computed once per clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.canvas import STEP, Canvas, jumps
from cartoonedit.inpaint import FAINT, fringe, grow, inpaint
from cartoonedit.matte import unmix

__all__ = ["CutOut", "Layers", "Surface", "build", "pad"]

RIM = 2
"""Pixels around a cut-out that cubic interpolation reads."""


@dataclass(frozen=True)
class CutOut:
    """An instance pooled to one depth, which a similarity moves.

    Attributes:
        name: Name of the instance.
        texture: Premultiplied RGBA ``uint8`` ``(h, w, 4)`` with a transparent rim.
        origin_xy: Where its first pixel lies in the canvas.
        q: Its disparity.
        early: The texture while the camera is still near the identity; None if it is the same.
    """

    name: str
    texture: NDArray[np.uint8]
    origin_xy: tuple[int, int]
    q: float
    early: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Surface:
    """A picture with a disparity at each pixel.

    Attributes:
        texture: RGB, or premultiplied RGBA ``uint8`` ``(H, W, 3 | 4)``, the size of the canvas.
        q: Disparity ``float32`` ``(H, W)``.
        early: The texture while the camera is still near the identity; None if it is the same.
        torn: Whether it shows nothing where it is torn apart, rather than stretching.
    """

    texture: NDArray[np.uint8]
    q: NDArray[np.float32]
    early: NDArray[np.uint8] | None = None
    torn: bool = False


@dataclass(frozen=True)
class Layers:
    """All that a frame is made of.

    Attributes:
        stack: From the back to the front; the first one covers the whole canvas.
        canvas_wh: Size of the canvas.
        reference: What the identity camera must show, RGB ``uint8``, the size of a frame.
        plates: How many of the first ones are the plate.
    """

    stack: list[Surface | CutOut]
    canvas_wh: tuple[int, int]
    reference: NDArray[np.uint8]
    plates: int = 1


def build(canvas: Canvas, size_wh: tuple[int, int], reach: float, *, seed: int = 0) -> Layers:
    """Make the layers.

    Args:
        canvas: The scene at the scale of the frames.
        size_wh: Size of the frames.
        reach: The most that two layers move against each other during the clip, in pixels: as far
            as hidden parts must be completed.
        seed: For the inpainter.
    """
    height, width = canvas.q.shape
    margin = int(np.ceil(reach)) + 2
    masks, hidden = _complete(canvas.masks, margin)
    # The colours add up to the picture; what the plate lacks for that is a layer of its own, which
    # the plate carries while the camera is near the identity, and then loses.
    colours, rest = unmix(canvas.picture, canvas.plate, masks)
    early = np.where(rest[..., 3:] > 0, rest[..., :3], canvas.plate)
    stack: list[Surface | CutOut] = list(_plate(canvas, early, margin, seed))
    plates = len(stack)
    for name, q, mask, colour, unseen in zip(
        canvas.names, canvas.depths, masks, colours, hidden, strict=True
    ):
        x, y, w, h = cv2.boundingRect(mask)
        box = np.s_[y : y + h, x : x + w]
        first = _premultiplied(colour, mask[box])
        later = _premultiplied(_continue(colour, mask[box], unseen[box]), mask[box])
        if isinstance(q, float):
            cut = [pad(texture, (x, y), (width, height), RIM) for texture in (later, first)]
            stack.append(
                CutOut(name, cut[0], (x - RIM, y - RIM), q, cut[1] if unseen.any() else None)
            )
        else:
            full = np.zeros((height, width, 4), np.uint8)
            full[box] = later
            stack.append(Surface(full, q))
    left, top = (width - size_wh[0]) // 2, (height - size_wh[1]) // 2
    reference = canvas.picture[top : top + size_wh[1], left : left + size_wh[0]]
    return Layers(stack, (width, height), reference, plates)


def pad(
    texture: NDArray[np.uint8], origin_xy: tuple[int, int], canvas_wh: tuple[int, int], rim: int
) -> NDArray[np.uint8]:
    """Add a rim: transparent inside the canvas, outside it more of the same.

    So an instance that the picture cuts goes on outside, and its cut has no soft edge.

    Args:
        texture: RGBA ``(h, w, 4)``.
        origin_xy: Where its first pixel lies in the canvas.
        canvas_wh: Size of the canvas.
        rim: How wide, in pixels.
    """
    (x, y), (height, width) = origin_xy, texture.shape[:2]
    padded = cv2.copyMakeBorder(texture, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    if y > 0:
        padded[:rim] = 0
    if x > 0:
        padded[:, :rim] = 0
    if y + height < canvas_wh[1]:
        padded[-rim:] = 0
    if x + width < canvas_wh[0]:
        padded[:, -rim:] = 0
    return padded


def _premultiplied(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    product = (colour * alpha[..., None].astype(np.uint16) + 127) // 255
    return np.dstack([product.astype(np.uint8), alpha])


# ---------------------------------------------------------------- what hides behind others


def _complete(
    masks: Sequence[NDArray[np.uint8]], margin: int
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.bool_]]]:
    """Extend each instance under those that touch it in front, so that no gap can open.

    Args:
        masks: From the back to the front.
        margin: How far, in pixels.

    Returns:
        The extended masks, and where each is covered, or so close to what covers it that its
        colours in the picture may be mixed with those.
    """
    extended, covered = [], []
    front = np.zeros(masks[0].shape if masks else (1, 1), np.uint8)
    beside = fringe(front.shape)
    for mask in reversed(masks):
        near = grow(front >= FAINT, beside)
        # Only what borders on the one in front goes on behind it: gaps between the two stay gaps.
        touching = (mask >= 128) & near
        if touching.any():
            distance = _distance(touching)
            # Nor does it go round the one in front: what hides closer to something else is of that,
            # and what is beside the one in front is nobody's.
            elsewhere = _distance((front < FAINT) & (distance > beside)) - beside
            behind = (distance <= np.minimum(margin, elsewhere)) & (front > 0)
            solid = behind & ((front == 255) | (distance <= beside))
            extended.append(np.where(solid, np.uint8(255), mask))
            # Where both have a share, the colours are of the one with more. A mask that fits is
            # off by a pixel at most: an outline of its own must not be painted out.
            theirs = front >= 128
            mixed = touching & grow(theirs, max(1, beside // 5))
            covered.append((behind & (theirs | (mask < 128))) | mixed)
        else:
            extended.append(mask)
            covered.append(np.zeros(mask.shape, bool))
        front = np.maximum(front, mask)
    return extended[::-1], covered[::-1]


def _distance(places: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far each pixel is from the nearest of some places; very far where there are none."""
    return cv2.distanceTransform((~places).astype(np.uint8), cv2.DIST_L2, 5)


def _continue(
    colour: NDArray[np.uint8], mask: NDArray[np.uint8], covered: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Continue an instance's own colours into the part of it that others cover."""
    unknown = covered | ((mask < 250) & grow(covered, 8))  # what is farther is not looked at
    if not covered.any() or unknown.all():
        return colour
    filled = cv2.inpaint(colour, unknown.astype(np.uint8), 5, cv2.INPAINT_NS)
    return np.where(covered[..., None], filled, colour)


# ---------------------------------------------------------------- the plate


def _plate(canvas: Canvas, early: NDArray[np.uint8], margin: int, seed: int) -> list[Surface]:
    """The plate as one surface, or as two where its depth has edges at which it tears.

    The deeper one goes on behind the edges, as far as the camera can look: there its depth is that
    of the far side, and its colours are inpainted once. So no frame needs inpainting, and nothing
    flickers.
    """
    step = max(STEP, 1.5 / margin)  # what tears open less than that need not be filled
    window = np.ones((2 * margin + 1,) * 2, np.uint8)
    behind = cv2.erode(canvas.q, window)  # the farthest disparity within the margin
    band = grow(jumps(canvas.q) > step, margin) & (canvas.q - behind > step)
    if not band.any():
        return [Surface(canvas.plate, canvas.q, early)]
    # The fill must continue the far side, not the near one: that is painted out some way, too.
    near = grow(band, margin) & (canvas.q - cv2.erode(behind, window) > step)
    deep = inpaint(canvas.plate, near, canvas.inpainter, seed=seed)
    q = np.where(band, behind, canvas.q).astype(np.float32)
    front = Surface(canvas.plate, canvas.q, early, torn=True)
    return [Surface(deep, q, np.where(near[..., None], deep, early)), front]
