"""A scene of which everything is known: what is behind the characters, and every view of it.

Colours are functions of the plane, and the shapes are, too; so the truth from any pose is computed
by the closed form alone, at nine points a pixel, without any of the code that renders.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from apps.kenburns.camera import FAR, Pose, disparity
from apps.kenburns.canvas import Canvas, make_canvas, measure
from apps.kenburns.layers import Layers, Surface
from apps.kenburns.render import Renderer
from cartoonedit.scene import Instance, Scene

__all__ = ["KnownScene", "psnr", "stretch"]

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Disc:
    """A round character."""

    u: float
    v: float
    radius: float
    q: float


@dataclass(frozen=True)
class KnownScene:
    """Characters before a floor that rises to a wall, ``q = near + slope v`` below ``v = 0``."""

    width: int = 320
    height: int = 180
    discs: tuple[Disc, ...] = (
        Disc(0.18, -0.02, 0.09, 0.6),
        Disc(-0.15, 0.03, 0.12, 0.75),
    )
    far: float = 0.3
    slope: float = 0.6

    # ------------------------------------------------------------ what is where

    def plate_colour(self, u: Points, v: Points) -> NDArray[np.float64]:
        """A wallpaper: stripes and dots on a gradient."""
        stripes = np.sin(2 * np.pi * 16 * u)
        dots = np.sin(2 * np.pi * 16 * u) * np.sin(2 * np.pi * 20 * v)
        shade = 60 * v + 30 * u
        return np.stack(
            [130 + 40 * stripes + shade, 140 + 35 * dots + shade, 150 - 45 * stripes * dots],
            axis=-1,
        )

    def disc_colour(self, disc: Disc, u: Points, v: Points) -> NDArray[np.float64]:
        shade = 40 * np.sin(60 * (u - disc.u)) * np.cos(50 * (v - disc.v))
        return np.stack([210 + shade, 60 + 0 * shade, 90 - shade], axis=-1)

    def plate_disparity(self, v: Points) -> NDArray[np.float64]:
        return self.far + self.slope * np.maximum(v, 0)

    # ------------------------------------------------------------ what a camera sees

    def truth(self, pose: Pose) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """The frame from a pose, and where it shows what the picture hides."""
        total = np.zeros((self.height, self.width, 3))
        uncovered = np.ones((self.height, self.width), bool)
        for dx in (-1 / 3, 0, 1 / 3):
            for dy in (-1 / 3, 0, 1 / 3):
                colour, hidden = self._sample(pose, dx, dy)
                total += colour
                uncovered &= hidden
        return np.rint(total / 9).astype(np.uint8), uncovered

    def _sample(
        self, pose: Pose, dx: float, dy: float
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        columns, rows = np.meshgrid(np.arange(self.width) + dx, np.arange(self.height) + dy)
        x = (columns + 0.5 - self.width / 2) / self.width - pose.shift_x
        y = (rows + 0.5 - self.height / 2) / self.width - pose.shift_y
        # y = zoom (v - Y q) / (1 - z q) with q = far + b v, solved for v.
        v = self._solve(pose, y, 0.0)
        v = np.where(v > 0, self._solve(pose, y, self.slope), v)
        q = self.plate_disparity(v)
        u = x * (1 - pose.z * q) / pose.zoom + pose.x * q
        colour = self.plate_colour(u, v)
        hidden = np.zeros(x.shape, bool)
        for disc in self.discs:
            hidden |= np.hypot(u - disc.u, v - disc.v) < disc.radius
        for disc in sorted(self.discs, key=lambda disc: disc.q):
            back = (1 - pose.z * disc.q) / pose.zoom
            at_u, at_v = x * back + pose.x * disc.q, y * back + pose.y * disc.q
            inside = np.hypot(at_u - disc.u, at_v - disc.v) < disc.radius
            colour = np.where(inside[..., None], self.disc_colour(disc, at_u, at_v), colour)
            hidden &= ~inside
        return colour, hidden

    def _solve(self, pose: Pose, y: Points, slope: float) -> Points:
        above = y * (1 - pose.z * self.far) + pose.zoom * pose.y * self.far
        return above / (pose.zoom * (1 - pose.y * slope) + y * pose.z * slope)

    # ------------------------------------------------------------ what the program gets

    def scene(self, *, with_plate: bool = False) -> Scene:
        """Picture, exact masks and depth; the plate only if asked for."""
        picture, _ = self.truth(Pose())
        columns, rows = np.meshgrid(np.arange(self.width), np.arange(self.height))
        u = (columns + 0.5 - self.width / 2) / self.width
        v = (rows + 0.5 - self.height / 2) / self.width
        instances = [
            Instance(
                np.clip((disc.radius - np.hypot(u - disc.u, v - disc.v)) * self.width + 0.5, 0, 1),
                depth=_depth(disc.q),
                name=f"disc-{index}",
            )
            for index, disc in enumerate(self.discs)
        ]
        depth = _depth(self.plate_disparity(v))
        plate = np.rint(self.plate_colour(u, v)).astype(np.uint8) if with_plate else None
        for disc, instance in zip(self.discs, instances, strict=True):
            depth = np.where(instance.mask > 127, _depth(disc.q), depth)
        return Scene(picture, instances, depth=depth.astype(np.float32), plate=plate)

    def single_layer(self) -> Renderer:
        """The picture as one surface that is bent by its depth: what others do."""
        scene = self.scene()
        canvas: Canvas = make_canvas(scene, scene.size_wh)
        q = disparity(scene.depth)
        stage = measure(canvas, scene.size_wh)
        layers = Layers([Surface(scene.picture, q)], scene.size_wh, scene.picture)
        return Renderer(layers, stage, scene.size_wh)


def _depth(q: object) -> object:
    return (1 - q) / (1 - FAR)  # type: ignore[operator]


def psnr(frame: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """Peak signal to noise ratio in decibels."""
    error = (frame[where].astype(float) - truth[where]) ** 2
    return float(10 * np.log10(255**2 / max(error.mean(), 1e-6)))


def stretch(frame: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    """How much texture is drawn out: its slope in the truth by its slope in the frame, 1 is not.

    Away from the rim, where the slope is that of an outline; not a number where nothing is left.
    """
    inside = cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0

    def slope(image: NDArray[np.uint8]) -> float:
        across = np.abs(np.diff(image.astype(float), axis=1)).sum(axis=2)
        return float(across[inside[:, 1:]].sum())

    return slope(truth) / max(slope(frame), 1e-6) if inside.any() else float("nan")
