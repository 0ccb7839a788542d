"""The second stage at work: from rough masks to fine ones.

Two ways lead there. `refine_picture` is the published one: the whole picture, shrunk to 720 pixels,
with one rough mask at a time. `refine_crops` gives the network a padded crop around each rough mask
instead, so that hair survives on a picture of any size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

RGB = NDArray[np.uint8]
BoolMask = NDArray[np.bool_]
Alpha = NDArray[np.uint8]
Box = tuple[float, float, float, float]
AlphaNet = Callable[[Tensor], Tensor]
"""Colours and rough mask `(N, 4, S, S)` 0..1 in, probability `(N, 1, S, S)` out."""

BATCH = 4
CONTEXT = 0.2
# Alphas below the first are noise, above the second solid.
_EMPTY, _SOLID = 10, 245
# Parts and holes of a smaller share of the mask are none.
_CRUMB = 0.004
# Edges are at most as soft as this share of the crop: a few pixels of the network's input.
_SOFTNESS = 0.008


@dataclass(frozen=True)
class RefineSettings:
    """What the weights of a refinement network expect.

    Attributes:
        size: Side of its square input in pixels.
        colour_order: `bgr` or `rgb`.
        threshold: Probability at which a pixel counts as inside.
        box_hint: What the fourth channel holds outside of the rough mask but inside of the
            character's box, 0..1. The released weights know no boxes: 0.
        soft_rough: Whether rough masks are shown as probabilities, which say where the detector is
            unsure. The released weights know masks of 0 and 1 only.
        rough_share: How much of the rough mask is mixed into the refined one, 0..1; for networks
            that do not know better than their input everywhere.
        snap: How strongly the edges of the result are drawn to the lines of the picture, 0..1.
    """

    size: int = 720
    colour_order: str = "bgr"
    threshold: float = 0.3
    box_hint: float = 0.0
    soft_rough: bool = False
    rough_share: float = 0.0
    snap: float = 0.0


@dataclass(frozen=True)
class Refined:
    """A refined mask.

    Attributes:
        probability: `(h, w)` float32 of a part of the picture; outside of it the mask is empty.
        origin_xy: Where in the picture that part begins.
        softness: How soft an edge may be, in pixels (see `firm`); None leaves everything as soft as
            the network does.
    """

    probability: NDArray[np.float32]
    origin_xy: tuple[int, int] = (0, 0)
    softness: float | None = None

    def alpha(self, size_wh: tuple[int, int], threshold: float) -> Alpha:
        """The mask of the whole picture as alpha.

        It is 128 and above where the probability exceeds `threshold`. Specks without any such
        pixel are removed.

        Args:
            size_wh: Of the picture.
            threshold: 0 < threshold < 1.
        """
        x, y = self.origin_xy
        height, width = self.probability.shape
        whole = np.zeros((size_wh[1], size_wh[0]), np.uint8)
        alpha = to_alpha(self.probability, threshold)
        if self.softness is not None:
            alpha = firm(alpha, self.softness)
        whole[y : y + height, x : x + width] = tidy(alpha)
        return whole


def to_alpha(probability: NDArray[np.float32], threshold: float) -> Alpha:
    """Probability as alpha; linear on both sides of the threshold, which lies at 127 to 128."""
    inside = 128 + (probability - threshold) * (127.999 / (1 - threshold))
    outside = probability * (127.999 / threshold)
    return np.where(probability > threshold, inside, np.minimum(outside, 127)).astype(np.uint8)


def tidy(alpha: Alpha) -> Alpha:
    """Without noise: nearly empty becomes empty, nearly solid solid, specks without a core go."""
    alpha = np.where(alpha < _EMPTY, 0, np.where(alpha > _SOLID, 255, alpha)).astype(np.uint8)
    count, labels = cv2.connectedComponents((alpha > 0).astype(np.uint8))
    has_core = np.zeros(count, bool)
    has_core[labels[alpha >= 128]] = True
    alpha[~has_core[labels]] = 0
    return alpha


def firm(alpha: Alpha, width: float) -> Alpha:
    """Soft at its edges only, and without crumbs and pinholes.

    An alpha in between means half covered at an edge, but only doubt elsewhere, and a doubtful
    cut-out looks like a ghost. What is inside stays inside, and what is outside outside, but for
    crumbs and pinholes of a few thousandths of the mask.

    Args:
        alpha: `(H, W)`, 128 and above inside.
        width: How far from the limit, in pixels, alpha becomes solid or empty at the latest.
    """
    inside = (alpha >= 128).astype(np.uint8)
    least = _CRUMB * cv2.countNonZero(inside)
    for value in (1, 0):  # crumbs, then pinholes
        count, labels, stats, _ = cv2.connectedComponentsWithStats((inside == value).view(np.uint8))
        small = np.zeros(count, bool)
        small[1:] = stats[1:, cv2.CC_STAT_AREA] < least
        inside[small[labels]] = 1 - value
    deep = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / width
    far = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5) / width
    solid = np.maximum(alpha, 128 + 127 * np.minimum(deep, 1))
    faint = np.minimum(alpha, 127 * (1 - np.minimum(far, 1)))
    return np.where(inside, solid, faint).astype(np.uint8)


def bounds_xyxy(mask: BoolMask) -> tuple[int, int, int, int] | None:
    """The tight box of a mask, right and bottom exclusive; None if it is empty."""
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    return (x, y, x + width, y + height) if width else None


def with_box(rough: NDArray[np.float32], box_xyxy: Box | None, hint: float) -> NDArray[np.float32]:
    """The fourth channel: a rough mask, and around it its box, if the weights know boxes.

    Args:
        rough: `(H, W)` 0..1.
        box_xyxy: In pixels of `rough`; may reach outside. None takes the mask's own.
        hint: `RefineSettings.box_hint`.
    """
    box = box_xyxy or bounds_xyxy(rough > 0.5)
    if not hint or box is None:
        return rough
    x1, y1 = (max(0, round(v)) for v in box[:2])
    x2, y2 = (max(0, round(v)) for v in box[2:])
    channel = rough.copy()
    np.maximum(channel[y1:y2, x1:x2], np.float32(hint), out=channel[y1:y2, x1:x2])
    return channel


# The whole picture, as published.


def shrink_and_pad(image: NDArray, size: int) -> NDArray:
    """`image`, shrunk to fit if it is larger, in the top left of a black square of side `size`.

    Args:
        image: `(H, W)` or `(H, W, C)`, uint8 or float32. Never enlarged.
        size: In pixels.
    """
    width, height = shrunk_size(image.shape[1], image.shape[0], size)
    if (width, height) != (image.shape[1], image.shape[0]):
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
    padding = [(0, size - height), (0, size - width)] + [(0, 0)] * (image.ndim - 2)
    return np.pad(image, padding)


def shrunk_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height after shrinking the longer side to `size`, if it exceeds that."""
    longest = max(width, height)
    if longest <= size:
        return width, height
    return max(1, round(width * size / longest)), max(1, round(height * size / longest))


def refine_picture(
    net: AlphaNet,
    picture: RGB,
    masks: Sequence[BoolMask] | BoolMask,
    settings: RefineSettings,
    device: torch.device | str = "cpu",
) -> Iterator[Refined]:
    """Refine every mask on the whole picture (the reference's way, to its numbers).

    Args:
        net: Such as `ISNet.alpha`.
        picture: RGB `(H, W, 3)`.
        masks: `(H, W)` each.
        settings: Of the weights.
        device: Where the network is.

    Yields:
        One result per mask, of the picture's size.
    """
    colours = _colours(shrink_and_pad(picture, settings.size), settings)
    examples = (
        np.concatenate(
            (
                colours,
                with_box(
                    shrink_and_pad(mask.astype(np.float32), settings.size), None, settings.box_hint
                )[None],
            )
        )
        for mask in masks
    )
    height, width = picture.shape[:2]
    used_w, used_h = shrunk_size(width, height, settings.size)
    for probability in _in_batches(net, examples, device):
        used = probability[None, None, :used_h, :used_w]
        whole = torch.nn.functional.interpolate(
            used, (height, width), mode="bilinear", align_corners=True
        )
        yield Refined(whole[0, 0].numpy())


def _colours(picture: RGB, settings: RefineSettings) -> NDArray[np.float32]:
    """RGB uint8 `(H, W, 3)` as the network's `(3, H, W)`, 0..1."""
    if settings.colour_order == "bgr":
        picture = picture[..., ::-1]
    return picture.transpose(2, 0, 1).astype(np.float32) / np.float32(255)


def _in_batches(
    net: AlphaNet, examples: Iterable[NDArray[np.float32]], device: torch.device | str
) -> Iterator[Tensor]:
    """Probabilities `(S, S)` on the CPU, one per example, computed `BATCH` at a time."""
    waiting = iter(examples)
    while batch := list(islice(waiting, BATCH)):
        with torch.inference_mode():
            result = net(torch.from_numpy(np.stack(batch)).to(device))
        yield from result[:, 0].float().cpu()


# A crop around each mask.


@dataclass(frozen=True)
class Window:
    """A square around a mask, and how what it shows of the picture maps to the network's input.

    Attributes:
        source_xyxy: That part, in pixels of the picture.
        target_xyxy: The same part, in pixels of the input; the rest of the input is black.
        size: Side of the input.
    """

    source_xyxy: tuple[int, int, int, int]
    target_xyxy: tuple[int, int, int, int]
    size: int

    @classmethod
    def around(cls, box_xyxy: Box, size_wh: tuple[int, ...], size: int) -> Window:
        """The window around a box, with `CONTEXT` times its longer side on all sides."""
        x1, y1 = math.floor(box_xyxy[0]), math.floor(box_xyxy[1])
        x2, y2 = math.ceil(box_xyxy[2]), math.ceil(box_xyxy[3])
        side = math.ceil(max(x2 - x1, y2 - y1, 1) * (1 + 2 * CONTEXT))
        left, top = (x1 + x2 - side) // 2, (y1 + y2 - side) // 2
        sx1, sx2 = max(0, left), min(size_wh[0], left + side)
        sy1, sy2 = max(0, top), min(size_wh[1], top + side)
        tx1, tx2 = _span(sx1 - left, sx2 - left, side, size)
        ty1, ty2 = _span(sy1 - top, sy2 - top, side, size)
        return cls((sx1, sy1, sx2, sy2), (tx1, ty1, tx2, ty2), size)

    def cut(self, image: NDArray) -> NDArray:
        """The input for this window, from an image of the picture's size."""
        x1, y1, x2, y2 = self.source_xyxy
        u1, v1, u2, v2 = self.target_xyxy
        result = np.zeros((self.size, self.size, *image.shape[2:]), image.dtype)
        result[v1:v2, u1:u2] = resample(image[y1:y2, x1:x2], (u2 - u1, v2 - v1))
        return result

    def project(self, box_xyxy: Box) -> Box:
        """A box of the picture, in pixels of the input."""
        x1, y1, x2, y2 = self.source_xyxy
        u1, v1, u2, v2 = self.target_xyxy
        across, down = (u2 - u1) / (x2 - x1), (v2 - v1) / (y2 - y1)
        left, top, right, bottom = box_xyxy
        return (
            u1 + (left - x1) * across,
            v1 + (top - y1) * down,
            u1 + (right - x1) * across,
            v1 + (bottom - y1) * down,
        )

    def paste(self, result: NDArray[np.float32]) -> Refined:
        """What the network gave for this window, in pixels of the picture."""
        x1, y1, x2, y2 = self.source_xyxy
        u1, v1, u2, v2 = self.target_xyxy
        probability = resample(result[v1:v2, u1:u2], (x2 - x1, y2 - y1))
        return Refined(probability, (x1, y1), max(1.5, _SOFTNESS * max(probability.shape)))


def _span(start: int, end: int, side: int, size: int) -> tuple[int, int]:
    """A range of a window's pixels in those of its input, at least one pixel long."""
    begin = min(size - 1, round(start * size / side))
    return begin, max(begin + 1, round(end * size / side))


def resample(image: NDArray, size_wh: tuple[int, int]) -> NDArray:
    """Resize; averages when shrinking, so that nothing aliases, else interpolates bilinearly."""
    shrinks = size_wh[0] < image.shape[1] or size_wh[1] < image.shape[0]
    return cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def refine_crops(
    net: AlphaNet,
    jobs: Iterable[tuple[RGB, BoolMask | Alpha, Box | None]],
    settings: RefineSettings,
    device: torch.device | str = "cpu",
) -> Iterator[Refined]:
    """Refine masks, each on a padded square crop around it.

    Args:
        net: Such as `ISNet.alpha`.
        jobs: Pictures, RGB `(H, W, 3)`, each with one rough mask `(H, W)`, bool or a probability
            0..255, and the character's box, xyxy in pixels, which the crop is made around: rough
            masks often lack a limb. None takes the mask's own box. Characters of different pictures
            share forward passes.
        settings: Of the weights.
        device: Where the network is.

    Yields:
        One result per job. A mask without a pixel stays empty.
    """
    windows: list[Window | None] = []

    def examples() -> Iterator[NDArray[np.float32]]:
        for picture, mask, known in jobs:
            soft = mask.dtype == np.uint8
            box = bounds_xyxy(mask > 127 if soft else mask.astype(bool))
            if box is None:
                windows.append(None)
                continue
            window = Window.around(known or box, picture.shape[1::-1], settings.size)
            windows.append(window)
            cut = window.cut(mask.astype(np.float32))
            rough = cut / 255 if soft else cut > 0.5
            channel = with_box(
                rough.astype(np.float32), window.project(known or box), settings.box_hint
            )
            yield np.concatenate((_colours(window.cut(picture), settings), channel[None]))

    done = 0
    for probability in _in_batches(net, examples(), device):
        while (window := windows[done]) is None:
            yield _NOTHING
            done += 1
        yield window.paste(probability.numpy())
        done += 1
    yield from (_NOTHING for _ in windows[done:])


_NOTHING = Refined(np.zeros((1, 1), np.float32))
