"""How fast Ken Burns clips are made: preparing, rendering alone, rendering and encoding.

    python -m benchmarks.kenburns
    python -m benchmarks.kenburns --sizes 1920x1080 --instances 3 --move orbit
    python -m benchmarks.kenburns --aperture 1 --linear-light
    python -m benchmarks.kenburns --scene FOLDER

One line for each size and number of instances, each measured in a process of its own, beside a
naive renderer on the same picture: every pixel a point, projected and splatted frame by frame.
Without ``--scene`` it makes scenes of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose, disparity
from apps.kenburns.timing import times
from cartoonedit.runtime import cpu_count
from cartoonedit.scene import Instance, Scene
from cartoonedit.video import VideoWriter

SPLATS = 5
"""Frames of the naive renderer: it is slow."""


def synthetic_scene(width: int, height: int, count: int) -> Scene:
    """A textured landscape with ``count`` figures that stand at different depths."""
    rng = np.random.default_rng(0)
    rows = np.linspace(0, 1, height)[:, None, None]
    sky, ground = np.array([120, 180, 240]), np.array([90, 140, 70])
    picture = sky + (ground - sky) * rows + np.zeros((height, width, 1))
    for octave in (8, 16, 32, 64):
        noise = rng.normal(0, 160 / octave, (octave, octave * 2, 3))
        picture += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    masks: list[np.ndarray] = []
    for index in range(count):
        mask = np.zeros((height, width), np.uint8)
        x = int(width * (index + 0.5) / count)
        tall = int(height * (0.55 + 0.3 * ((index * 2) % 3) / 2))
        foot = min(height, int(height * 0.35) + tall)
        radius = min(tall // 6, width // (3 * count))
        body = (x, foot - tall // 3)
        cv2.ellipse(mask, body, (int(1.3 * radius), tall // 3), 0, 0, 360, 255, -1, cv2.LINE_AA)
        cv2.circle(mask, (x, foot - tall + radius), radius, 255, -1, cv2.LINE_AA)
        alpha = mask[..., None] / 255
        picture = picture * (1 - alpha) + rng.integers(40, 220, 3) * alpha
        masks = [np.minimum(other, 255 - mask) for other in masks] + [mask]
    colours = np.clip(picture, 0, 255).astype(np.uint8)
    return Scene(colours, [Instance(mask) for mask in masks])


class Splat:
    """The naive renderer: all points of the picture, the far ones first, one pixel each."""

    def __init__(self, scene: Scene, size_wh: tuple[int, int]) -> None:
        picture = cv2.resize(scene.picture, size_wh, interpolation=cv2.INTER_AREA)
        depth = cv2.resize(scene.depth, size_wh, interpolation=cv2.INTER_LINEAR)
        self._size_wh = width, height = size_wh
        rows, columns = np.mgrid[:height, :width]
        self._u = ((columns + 0.5) / width - 0.5).ravel()
        self._v = ((rows + 0.5 - height / 2) / width).ravel()
        self._q = disparity(depth).ravel()
        self._colours = picture.reshape(-1, 3)

    def __call__(self, pose: Pose) -> np.ndarray:
        """The frame from a pose, with its holes."""
        width, height = self._size_wh
        scale = pose.zoom / (1 - pose.z * self._q)
        x = scale * (self._u - pose.x * self._q) + pose.shift_x
        y = scale * (self._v - pose.y * self._q) + pose.shift_y
        columns = np.rint((x + 0.5) * width - 0.5).astype(np.int64)
        rows = np.rint(y * width + height / 2 - 0.5).astype(np.int64)
        order = np.argsort(self._q, kind="stable")
        order = order[
            (columns[order] >= 0)
            & (columns[order] < width)
            & (rows[order] >= 0)
            & (rows[order] < height)
        ]
        frame = np.zeros((height, width, 3), np.uint8)
        frame[rows[order], columns[order]] = self._colours[order]
        return frame


def measure(options: argparse.Namespace, size: str, count: int) -> dict[str, Any]:
    """All numbers for one size and number of instances."""
    width, height = (int(side) for side in size.split("x"))
    if options.scene is None:
        scene = synthetic_scene(width, height, count)
    else:
        scene = Scene.open(options.scene)
    clip = KenBurns(
        move=options.move,
        size_wh=(width, height),
        fps=30,
        duration=options.frames / 30,
        aperture=options.aperture,
        linear_light=options.linear_light,
        accent=options.accent,
        loop=options.loop,
    )
    started = time.perf_counter()
    _ = scene.depth, scene.plate
    plated = time.perf_counter()
    shot = clip.prepare(scene)
    ready = time.perf_counter()

    moments = times(options.frames, options.loop)
    shot.frame(0.5)  # not counted: first use allocates
    alone = -time.perf_counter()
    for t in moments:
        shot.frame(t)
    alone += time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        both = -time.perf_counter()
        with VideoWriter(Path(folder) / "clip.mp4", (width, height), 30) as writer:
            for t in moments:
                writer.write(shot.frame(t))
        both += time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    splat = Splat(scene, (width, height))
    naive = -time.perf_counter()
    for index in range(SPLATS):
        splat(shot.pose(index / SPLATS))
    naive += time.perf_counter()
    rate = options.frames / alone
    return {
        "size": size,
        "instances": len(scene),
        "plate s": f"{plated - started:.2f}",
        "layers s": f"{ready - plated:.2f}",
        "frames/s": f"{rate:.0f}",
        "with mp4": f"{options.frames / both:.0f}",
        "encoding": f"{100 * (1 - alone / both):.0f} %",
        "MiB": f"{memory:.0f}",
        "splat": f"{SPLATS / naive:.1f}",
        "ratio": f"{rate * naive / SPLATS:.0f}x",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scene", type=Path, help="folder of a saved scene; default: made-up ones")
    parser.add_argument(
        "--sizes", nargs="+", default=["1024x576", "1920x1080"], help="default: %(default)s"
    )
    parser.add_argument(
        "--instances", nargs="+", type=int, default=[1, 3, 8], help="in made-up scenes"
    )
    parser.add_argument("--frames", type=int, default=120, help="how many (default: %(default)s)")
    parser.add_argument("--move", default="autozoom", help="camera move (default: %(default)s)")
    parser.add_argument("--aperture", type=float, default=0.0, help="depth of field")
    parser.add_argument("--linear-light", action="store_true")
    parser.add_argument("--accent", help="float or sway")
    parser.add_argument("--loop", default="once")
    options = parser.parse_args()
    print(f"{options.frames} frames, move {options.move}, {cpu_count()} cores")
    counts = options.instances if options.scene is None else options.instances[:1]
    context, header = multiprocessing.get_context("spawn"), False
    for size in options.sizes:
        for count in counts:
            with context.Pool(1) as pool:  # a process of its own, whose memory is its own
                row = pool.apply(measure, (options, size, count))
            if not header:
                print("  ".join(f"{name:>9}" for name in row))
                header = True
            print("  ".join(f"{value:>9}" for value in row.values()), flush=True)


if __name__ == "__main__":
    main()
