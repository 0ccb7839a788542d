"""The layers of a clip in the form that other programs want: straight colours, cropped, placed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import FAR, Pose
from apps.kenburns.canvas import Canvas, make_canvas, measure
from apps.kenburns.layers import CutOut, Surface, build
from apps.kenburns.options import KenBurnsOptions
from apps.kenburns.timing import times
from cartoonedit.matte import bleed, unmix

if TYPE_CHECKING:
    from cartoonedit.scene import Scene

__all__ = ["Card", "Parts", "depth_of", "take_apart"]

REACH = 0.06
"""How far hidden parts are completed where no camera says how far it looks, in picture widths."""


@dataclass(frozen=True)
class Card:
    """A character.

    Attributes:
        name: Its name.
        pixels: RGBA ``uint8`` ``(h, w, 4)``, not premultiplied, in its tight box: as it looks once
            layers have moved against each other, complete behind those in front.
        still: The same, but where it shows in the picture its colours add up to the picture.
        left: Where its first column lies in the picture.
        top: Where its first row lies.
        q: Its disparity: one number, or ``float32`` ``(h, w)``.
    """

    name: str
    pixels: NDArray[np.uint8]
    still: NDArray[np.uint8]
    left: int
    top: int
    q: float | NDArray[np.float32]


@dataclass(frozen=True)
class Parts:
    """A scene taken apart, and the camera's move.

    Attributes:
        title: What to call it.
        picture: RGB ``uint8`` ``(H, W, 3)``.
        plate: The background without characters, of the same form.
        plate_q: Its disparity, ``float32`` ``(H, W)``.
        edges: RGBA ``uint8`` ``(H, W, 4)``: what of the picture is left around the characters.
        surfaces: The plate as it is rendered: one surface, or a deeper one and a torn one before it
            where its depth has edges.
        cards: The characters, from the back to the front.
        poses: Of the camera, one for each frame; empty without a camera.
        fps: Frames per second.
        duration: Seconds.
    """

    title: str
    picture: NDArray[np.uint8]
    plate: NDArray[np.uint8]
    plate_q: NDArray[np.float32]
    edges: NDArray[np.uint8]
    surfaces: tuple[Surface, ...]
    cards: tuple[Card, ...]
    poses: tuple[Pose, ...]
    fps: float
    duration: float

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.picture.shape[1], self.picture.shape[0]

    @property
    def times(self) -> list[float]:
        """When each pose is reached, in seconds."""
        return [index / self.fps for index in range(len(self.poses))]


def take_apart(
    scene: Scene,
    *,
    pool: str = "mean",
    seed: int = 0,
    camera: Callable[[float], Pose] | None = None,
    fps: float = 30.0,
    duration: float = 4.0,
    loop: str = "once",
    outlines: bool = True,
) -> Parts:
    """Make the layers of a clip at the size of the picture; see ``export_layers`` for the options.

    Raises:
        InvalidInput: An option is out of its range.
    """
    options = KenBurnsOptions(pool=pool, seed=seed, fps=fps, duration=duration, loop=loop)  # type: ignore[arg-type]
    poses = tuple(map(camera, times(options.frame_count, loop))) if camera else ()
    size_wh = scene.size_wh
    canvas = make_canvas(scene, size_wh, pool=pool, seed=seed, outlines=outlines)
    reach = measure(canvas, size_wh).reach(poses) if poses else REACH
    stack = build(canvas, size_wh, reach * size_wh[0], seed=seed).stack
    plates = len(stack) - len(canvas.names)
    cards, edges = _cards(canvas, stack[plates:])
    return Parts(
        title=Path(scene.source).stem if scene.source else "picture",
        picture=canvas.picture,
        plate=canvas.plate,
        plate_q=canvas.q,
        edges=edges,
        surfaces=tuple(layer for layer in stack[:plates] if isinstance(layer, Surface)),
        cards=tuple(cards),
        poses=poses,
        fps=options.fps,
        duration=options.frame_count / options.fps,
    )


def depth_of(q: NDArray[np.float32]) -> NDArray[np.float32]:
    """The depth, 0 (nearest) to 1 (farthest), of a disparity."""
    return ((1 - q) / (1 - FAR)).clip(0, 1).astype(np.float32)


# ---------------------------------------------------------------- characters


def _cards(canvas: Canvas, layers: list[Surface | CutOut]) -> tuple[list[Card], NDArray[np.uint8]]:
    """The characters, back to front, and what is left of the picture around them."""
    shape = canvas.q.shape
    crops = [_crop(layer, (shape[1], shape[0])) for layer in layers]
    masks = [_placed(texture[..., 3], left, top, shape) for texture, left, top in crops]
    # Premultiplied colours are coarse where alpha is low. These are the ones they were made from.
    colours, edges = unmix(canvas.picture, canvas.plate, masks)
    cards: list[Card] = []
    covered = np.zeros(shape, np.bool_)
    for index in reversed(range(len(layers))):
        (texture, left, top), colour = crops[index], colours[index]
        alpha = texture[..., 3]
        box = np.s_[top : top + alpha.shape[0], left : left + alpha.shape[1]]
        later = np.where(_shows(colour, texture)[..., None], colour, _straight(texture))
        still = np.where(covered[box][..., None], later, colour)
        q = layers[index].q
        cards.append(
            Card(
                canvas.names[index],
                np.dstack([_calm(later, alpha), alpha]),
                np.dstack([_calm(still, alpha), alpha]),
                left,
                top,
                q[box] if isinstance(q, np.ndarray) else q,
            )
        )
        covered |= masks[index] == 255
    return cards[::-1], edges


def _crop(
    layer: Surface | CutOut, canvas_wh: tuple[int, int]
) -> tuple[NDArray[np.uint8], int, int]:
    """The premultiplied texture in its tight box inside the picture, and where that begins."""
    left, top = layer.origin_xy if isinstance(layer, CutOut) else (0, 0)
    outside_x, outside_y = max(0, -left), max(0, -top)
    width, height = canvas_wh
    inside = layer.texture[outside_y : height - top, outside_x : width - left]
    x, y, w, h = cv2.boundingRect(np.ascontiguousarray(inside[..., 3]))
    return inside[y : y + h, x : x + w], left + outside_x + x, top + outside_y + y


def _placed(
    alpha: NDArray[np.uint8], left: int, top: int, shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    mask[top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
    return mask


def _shows(colour: NDArray[np.uint8], texture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a premultiplied texture is made from these colours."""
    product = (colour * texture[..., 3:].astype(np.uint16) + 127) // 255
    return (product == texture[..., :3]).all(axis=2)


def _straight(texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours of premultiplied RGBA."""
    alpha = np.maximum(texture[..., 3:], 1).astype(np.uint16)
    colour = (texture[..., :3].astype(np.uint32) * 255 + alpha // 2) // alpha
    return np.minimum(colour, 255).astype(np.uint8)


def _calm(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One even colour where nothing shows: small in a file, and no fringe in reduced textures."""
    mean = colour[alpha > 0].mean(axis=0)
    return np.where(bleed(alpha)[..., None], colour, np.rint(mean)).astype(np.uint8)
