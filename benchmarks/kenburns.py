"""How fast Ken Burns clips are made: preparing the layers, rendering alone, rendering and encoding.

    python -m benchmarks.kenburns
    python -m benchmarks.kenburns --size 1920x1080 --instances 8
    python -m benchmarks.kenburns --scene FOLDER

Prints one line per stage. Without ``--scene`` it makes a scene of its own.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from apps.kenburns import KenBurns
from cartoonedit.runtime import cpu_count
from cartoonedit.scene import Instance, Scene
from cartoonedit.video import VideoWriter


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scene", type=Path, help="folder of a saved scene; default: a made-up one"
    )
    parser.add_argument(
        "--size", default="1024x576", help="size of the frames (default: %(default)s)"
    )
    parser.add_argument("--instances", type=int, default=3, help="in the made-up scene")
    parser.add_argument("--frames", type=int, default=120, help="how many (default: %(default)s)")
    parser.add_argument("--move", default="auto", help="camera move (default: %(default)s)")
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    if options.scene is None:
        scene = synthetic_scene(width, height, options.instances)
    else:
        scene = Scene.open(options.scene)
    clip = KenBurns(
        move=options.move, size_wh=(width, height), fps=30, duration=options.frames / 30
    )
    print(
        f"{width}x{height}, {len(scene)} instances, {options.frames} frames,"
        f" move {options.move}, {cpu_count()} cores"
    )

    started = time.perf_counter()
    _ = scene.depth, scene.plate
    plated = time.perf_counter()
    camera, render = clip.prepare(scene)
    ready = time.perf_counter()
    print(f"depth and plate  {plated - started:8.2f} s")
    print(f"layers, camera   {ready - plated:8.2f} s")

    times = np.linspace(0, 1, options.frames)
    render(camera(0.5))  # not counted: first use allocates
    started = time.perf_counter()
    for t in times:
        render(camera(float(t)))
    alone = time.perf_counter() - started
    print(f"rendering        {options.frames / alone:8.1f} frames/s")

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with VideoWriter(Path(folder) / "clip.mp4", (width, height), 30) as writer:
            for t in times:
                writer.write(render(camera(float(t))))
        both = time.perf_counter() - started
    print(f"and encoding     {options.frames / both:8.1f} frames/s (mp4)")
    print(f"encoding's share {100 * (1 - alone / both):8.0f} %")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory      {memory:8.0f} MiB")


if __name__ == "__main__":
    main()
