"""A scene at the scale of the frames: its parts cropped, scaled, snapped and pooled.

Pixel ``(i, j)`` of a canvas is the point ``((i + 0.5) / W - 0.5, (j + 0.5 - H / 2) / W)`` of the
camera's plane, see :mod:`apps.kenburns.camera`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import disparity
from apps.kenburns.stage import Box, Stage
from cartoonedit.depth import pool_depth, snap_edges
from cartoonedit.errors import InvalidInput
from cartoonedit.inpaint import FAINT, fill_smooth, fringe, grow
from cartoonedit.outline import snap_outline

if TYPE_CHECKING:
    from cartoonedit.inpaint import Inpainter
    from cartoonedit.scene import Scene

__all__ = ["STEP", "Canvas", "jumps", "make_canvas", "measure", "painted"]

STEP = 0.03
"""A jump of disparity between neighbouring pixels that counts as an edge, where a surface tears."""

BESIDE = 0.12
"""How far from a border of the picture, in widths, the camera plan looks for edges of depth."""

LEVELS = np.float32(65535)

LONGEST = 32766
"""Pixels a side that OpenCV's warps take."""


@dataclass(frozen=True)
class Canvas:
    """A scene at the scale of the frames: one pixel of it is one pixel of a frame at identity.

    Attributes:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        plate: RGB ``uint8`` ``(H, W, 3)``.
        q: Disparity of the plate, ``float32`` ``(H, W)``.
        masks: Alpha ``uint8`` ``(H, W)`` of the instances, from the back to the front.
        depths: Disparity of each: one number, or ``float32`` ``(H, W)`` for one that is not pooled.
        names: Name of each.
        corner_xy: The pixel of the scene's picture at which the canvas starts.
        scale: Pixels of the canvas for one of the scene's picture.
        inpainter: How holes are filled.
    """

    picture: NDArray[np.uint8]
    plate: NDArray[np.uint8]
    q: NDArray[np.float32]
    masks: list[NDArray[np.uint8]]
    depths: list[float | NDArray[np.float32]]
    names: list[str]
    corner_xy: tuple[int, int] = (0, 0)
    scale: float = 1.0
    inpainter: str | Inpainter = "patchmatch"

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A pixel of the scene's picture on the plane of the camera."""
        height, width = self.q.shape
        u, v = (x - self.corner_xy[0]) * self.scale, (y - self.corner_xy[1]) * self.scale
        return (u - width / 2) / width, (v - height / 2) / width


def make_canvas(
    scene: Scene,
    size_wh: tuple[int, int],
    *,
    pool: str = "mean",
    seed: int = 0,
    whole: bool = False,
    outlines: bool = True,
) -> Canvas:
    """Bring a scene to the scale at which it covers a frame of ``size_wh``, and find its depths.

    Args:
        scene: The scene; its plate is made here if it has none.
        size_wh: Size of the frames.
        pool: How the depth of an instance is pooled, see :func:`cartoonedit.depth.pool_depth`;
            ``none`` keeps its depth at every pixel. A depth set by hand counts more.
        seed: For the plate.
        whole: Keep all of the picture; else what lies round its characters, where the frame has
            another shape.
        outlines: Move the edges of masks to where the drawing has them.

    Raises:
        InvalidInput: The picture is too long for such frames.
    """
    (rows, columns), scale = _crop(scene, size_wh, whole)
    size = _size_around(size_wh, (columns, rows), scale)
    masks = [instance.mask for instance in scene]
    # To 16 bits, as a saved scene has it: so that its frames are the same.
    depth = snap_edges(np.rint(scene.depth * LEVELS) / LEVELS, masks)
    pooled = [
        pool_depth(depth, instance.mask, "mean" if pool == "none" else pool)
        if instance.depth is None
        else instance.depth
        for instance in scene
    ]
    # Far to near. Of two at one depth the lower one is in front, as on any floor.
    order = sorted(range(len(masks)), key=lambda i: (-pooled[i], scene[i].bounds_xyxy[3], i))
    crop = rows, columns
    far = _without(depth, grow(scene.union_mask() >= FAINT, fringe(depth.shape)))
    depths: list[float | NDArray[np.float32]] = [disparity(pooled[i]) for i in order]
    if pool == "none":
        for place, i in enumerate(order):
            if scene[i].depth is None:
                own = fill_smooth(depth, masks[i] < min(250, masks[i].max()))
                depths[place] = disparity(_scaled(own[crop], size))
    picture = _scaled(scene.picture[crop], size)
    scaled = [_scaled(masks[i][crop], size) for i in order]
    if outlines:
        scaled = [snap_outline(picture, mask) for mask in scaled]
    # Neither shrunk to nothing nor beside the crop.
    kept = [place for place, mask in enumerate(scaled) if mask.any()]
    return Canvas(
        picture=picture,
        plate=_scaled(painted(scene, seed).plate[crop], size),
        q=disparity(_scaled(far[crop], size)),
        masks=[scaled[place] for place in kept],
        depths=[depths[place] for place in kept],
        names=[scene[order[place]].name for place in kept],
        corner_xy=(columns.start, rows.start),
        scale=scale,
        inpainter=scene.fill,
    )


def painted(scene: Scene, seed: int) -> Scene:
    """The scene with a plate of that seed, unless it has one already."""
    if scene.has("plate") or seed == 0 or not len(scene):
        return scene
    return scene.repaint(seed)


def _size_around(
    size_wh: tuple[int, int], spans: tuple[slice, slice], scale: float
) -> tuple[int, int]:
    """The size of a canvas of some columns and rows of a picture.

    As many pixels are on the left of the frame as on the right: else the two grids lie half a pixel
    apart.
    """
    width, height = (
        side + 2 * round(((span.stop - span.start) * scale - side) / 2)
        for side, span in zip(size_wh, spans, strict=True)
    )
    if max(width, height) > LONGEST:
        raise InvalidInput(
            f"for frames of {size_wh[0]}x{size_wh[1]} the picture would have {width}x{height}"
            f" pixels, and {LONGEST} a side are the most. Crop it, or ask for smaller frames."
        )
    return width, height


def _crop(scene: Scene, size_wh: tuple[int, int], whole: bool) -> tuple[tuple[slice, slice], float]:
    """What of a picture a frame of another shape is the middle of, and its scale.

    The frame is put where it shows most of the instances; as much of the picture is kept on the one
    side of it as there is on the other.
    """
    scale = max(side / full for side, full in zip(size_wh, scene.size_wh, strict=True))
    slices = []
    for axis, full in enumerate(scene.size_wh):
        shown = size_wh[axis] / scale
        middle = _middle(scene, axis, shown)
        half = min(middle, full - middle)
        if whole or full - shown < 1:  # the frame has the whole of it
            middle = half = full / 2
        slices.append(slice(max(0, round(middle - half)), min(full, round(middle + half))))
    return (slices[1], slices[0]), scale


def _middle(scene: Scene, axis: int, shown: float) -> float:
    """Where a stretch of ``shown`` pixels has most of the instances; whole ones count more."""
    full = scene.size_wh[axis]
    spans = [(i.bounds_xyxy[axis], i.bounds_xyxy[axis + 2], i.area) for i in scene]
    low = min((first for first, _, _ in spans), default=0)
    high = max((last for _, last, _ in spans), default=full)

    def worth(middle: float) -> float:
        first, last = middle - shown / 2, middle + shown / 2
        seen = ((min(last, b) - max(first, a)) / (b - a) for a, b, _ in spans)
        return sum(area * max(0.0, s) ** 2 for s, (_, _, area) in zip(seen, spans, strict=True))

    wishes = [(low + high) / 2, *((a + b) / 2 for a, b, _ in spans)]
    inside = [min(max(wish, shown / 2), full - shown / 2) for wish in wishes]
    return max(inside, key=worth)


def _without(depth: NDArray[np.float32], hole: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The depth of the plate: what is known around the characters, continued behind them.

    It is continued along the rows first, because a floor is as far on the left as on the right. No
    fringe of a character may stay: it would drag the plate along.
    """
    if hole.all():
        return np.ones_like(depth)
    height, width = depth.shape
    narrow = (max(1, width // 8), height)
    known = (~hole).astype(np.float32)
    share = cv2.resize(known, narrow, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(depth * known, narrow, interpolation=cv2.INTER_AREA) / np.maximum(share, 1e-6)
    rows = fill_smooth(mean, share < 0.5)
    rows = cv2.resize(rows, (width, height), interpolation=cv2.INTER_LINEAR)
    return _sharpened(rows + fill_smooth(depth - rows, hole))


def _sharpened(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the ramps that networks draw at edges of depth into steps: nothing lies on a ramp."""
    window = np.ones((5, 5), np.uint8)
    step = max(STEP, 8 / depth.shape[0])  # twice what a floor does in a picture of this height
    for _ in range(3):
        near, far = cv2.erode(depth, window), cv2.dilate(depth, window)
        closer = np.where(depth - near < far - depth, near, far)
        depth = np.where(far - near > step, closer, depth)
    return depth


Element = TypeVar("Element", np.uint8, np.float32)


def _scaled(array: NDArray[Element], size_wh: tuple[int, int]) -> NDArray[Element]:
    if array.shape[1::-1] == size_wh:
        return array
    shrink = array.shape[1] > size_wh[0] and array.shape[0] > size_wh[1]
    return cv2.resize(
        array, size_wh, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    ).clip(array.min(), array.max())


def measure(canvas: Canvas, size_wh: tuple[int, int]) -> Stage:
    """What a camera for frames of ``size_wh`` must know of the canvas."""
    height, width = canvas.q.shape
    sides = (np.s_[:, 0], np.s_[0], np.s_[:, -1], np.s_[-1])  # left, top, right, bottom
    borders = [[float(canvas.q[side].min()), float(canvas.q[side].max())] for side in sides]
    # What lies behind something narrow at a border shows beside it, and must go on to the frame's.
    n = max(1, round(BESIDE * width))
    bands = np.s_[:, :n], np.s_[:n, :], np.s_[:, -n:], np.s_[-n:, :]
    jump = jumps(canvas.q) > STEP
    for border, band in zip(borders, bands, strict=True):
        if jump[band].any():
            border[0] = min(border[0], float(canvas.q[band].min()))
    boxes = []
    for name, mask, q in zip(canvas.names, canvas.masks, canvas.depths, strict=True):
        shown = mask >= FAINT
        if not shown.any():
            continue
        left_cut, top_cut, right_cut, bottom_cut = (bool(shown[side].any()) for side in sides)
        cut = (left_cut, top_cut, right_cut, bottom_cut)
        x, y, w, h = cv2.boundingRect(shown.astype(np.uint8))
        for is_cut, border in zip(cut, borders, strict=True):
            if is_cut:
                border[:] = [min(border[0], float(np.min(q))), max(border[1], float(np.max(q)))]
        left, top = (x - width / 2) / width, (y - height / 2) / width
        edges = (left, top, left + w / width, top + h / width)
        boxes.append(Box(edges, float(np.mean(q)), float(canvas.q[shown].mean()), cut, name))
    far, near = np.percentile(canvas.q, (5, 95))
    return Stage(
        half_wh=(0.5, height / (2 * width)),
        frame_wh=(size_wh[0] / (2 * width), size_wh[1] / (2 * width)),
        borders=tuple((low, high) for low, high in borders),
        boxes=tuple(boxes),
        spread=(float(far), float(near)),
    )


def jumps(q: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much disparity differs around each pixel."""
    window = np.ones((3, 3), np.uint8)
    return cv2.dilate(q, window) - cv2.erode(q, window)
