"""How fast scenes are composed, and how that grows with the number of processes.

    python -m benchmarks.synthesis
    python -m benchmarks.synthesis --art FOLDER --workers 1 2 4 --count 400

``--art`` holds ``foregrounds/<source>/*`` and ``backgrounds/<source>/*``; without it, figures are
drawn for the purpose. Prints scenes per second for each number of processes, starting them
included, and the speed relative to the first.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from segmentation.dataset.engines import run_local
from segmentation.dataset.recipe import RECIPES
from segmentation.dataset.shards import Job
from segmentation.dataset.synthesise import synthesise


def draw_art(folder: Path, figures: int = 40, backgrounds: int = 12) -> Path:
    """Figures of 600 pixels with alpha, and noisy landscapes of 1280."""
    rng = np.random.default_rng(0)
    for part in ("foregrounds", "backgrounds"):
        (folder / part / "drawn").mkdir(parents=True)
    for number in range(figures):
        figure = np.zeros((600, 300, 4), np.uint8)
        for centre, axes in (((150, 420), (110, 170)), ((150, 140), (120, 130))):
            colour = (*rng.integers(30, 230, 3).tolist(), 255)
            cv2.ellipse(figure, centre, axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
        cv2.imwrite(str(folder / "foregrounds" / "drawn" / f"{number}.png"), figure)
    for number in range(backgrounds):
        scene = cv2.resize(rng.integers(0, 256, (12, 20, 3), np.uint8), (1280, 768))
        cv2.imwrite(str(folder / "backgrounds" / "drawn" / f"{number}.png"), scene)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--art", type=Path, help="material; default: drawn for the purpose")
    parser.add_argument("--count", type=int, default=600, help="scenes (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="default: 1 2")
    parser.add_argument("--recipe", choices=list(RECIPES), default="paper")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        art = given.art or draw_art(Path(scratch) / "art")
        speeds = []
        for workers in given.workers:
            job = Job(
                foregrounds=art / "foregrounds", backgrounds=art / "backgrounds", photos=None,
                out=Path(scratch) / f"with-{workers}", count=given.count, shard_size=25,
                recipe=RECIPES[given.recipe],
            )  # fmt: skip
            started = time.perf_counter()
            synthesise(job, partial(run_local, workers=workers))
            speeds.append(given.count / (time.perf_counter() - started))
            print(
                f"{workers} process{'es' if workers > 1 else '':2}  {speeds[-1]:6.1f} scenes/s"
                f"  {speeds[-1] / speeds[0]:.2f} x"
            )


if __name__ == "__main__":
    main()
