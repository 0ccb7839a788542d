"""How fast puppets are: the clip of a drawing end to end, and its frames alone.

    python -m benchmarks.puppet
    python -m benchmarks.puppet --character CHAR1 --motion DAB.yaml --retarget FAIR1_PPF.yaml

For each way one line: a whole process from the command line to the mp4, several times, with the
smallest and the median of its seconds and its peak memory; then, in one process, what of that is
start-up (imports, and preparing before the first frame) and how many frames a second are rendered.
``aliased`` makes the frames of Animated Drawings texel for texel, ``smooth`` has smooth edges,
``natural`` is the product's default way. Without arguments a figure of its own dances.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

WAYS = {
    "aliased": ("--retarget", "classic", "--no-antialias"),
    "smooth": ("--retarget", "classic"),
    "natural": (),
}

# Measured in a child, which imports as the command does.
INSIDE = """\
import os, time
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does
start = time.perf_counter()
from apps.cli.app import root
from apps.puppet import Puppet
from apps.puppet.classic.character import read_drawing
character, motion, retarget, way = {arguments!r}
options = dict(motion=motion)
if way != "natural":
    options |= dict(retarget="classic", retarget_file=retarget, antialias=way != "aliased")
from cartoonedit.imports import quick_imports
with quick_imports():
    import apps.puppet.show, apps.puppet.classic.film, cartoonedit.video
imported = time.perf_counter()
film = Puppet(**options).film(read_drawing(character))
prepared = time.perf_counter()
for _ in film.frames():
    pass
done = time.perf_counter()
print(imported - start, prepared - imported, done - prepared, len(film))
"""


def run_once(command: list[str]) -> tuple[float, float]:
    """Seconds of a process, and its peak memory in MB (that of its children apart)."""
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    errors = child.stderr.read().decode() if child.stderr else ""
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{errors}")
    return seconds, usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def a_figure(folder: Path) -> Path:
    """A round figure of the size of Animated Drawings' first character."""
    from apps.puppet.classic.character import Drawing, write_drawing
    from apps.puppet.skeleton import Skeleton

    points = {
        "root": (254, 390), "hip": (254, 390), "torso": (254, 230), "neck": (254, 120),
        "right_shoulder": (160, 240), "right_elbow": (105, 280), "right_hand": (50, 315),
        "left_shoulder": (348, 240), "left_elbow": (403, 280), "left_hand": (458, 315),
        "right_hip": (190, 400), "right_knee": (165, 475), "right_foot": (140, 555),
        "left_hip": (318, 400), "left_knee": (343, 475), "left_foot": (368, 555),
    }  # fmt: skip
    mask = np.zeros((602, 508), np.uint8)
    cv2.ellipse(mask, (254, 310), (130, 150), 0, 0, 360, 255, -1)
    cv2.circle(mask, points["neck"], 80, 255, -1)
    for side in ("left", "right"):
        for chain in (("shoulder", "elbow", "hand"), ("hip", "knee", "foot")):
            for one, other in pairwise(chain):
                cv2.line(mask, points[f"{side}_{one}"], points[f"{side}_{other}"], 255, 70)
    colours = np.random.default_rng(0).integers(0, 255, (38, 32, 3)).astype(np.uint8)
    texture = np.dstack([cv2.resize(colours, (508, 602)), np.full_like(mask, 255)])
    drawing = Drawing("figure", Skeleton.build(points), texture, mask)
    write_drawing(drawing, folder / "figure")
    return folder / "figure"


def measure(way: str, character: Path, motion: str, retarget: str | None, runs: int) -> str:
    """The line of one way."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "apps.cli", "-q", "puppet", str(character),
            "-o", str(Path(folder, "clip.mp4")), "--motion", motion, *WAYS[way],
        ]  # fmt: skip
        if retarget and way != "natural":
            command += ["--retarget-file", retarget]
        run_once(command)  # compiles
        whole = [run_once(command) for _ in range(runs)]
    code = INSIDE.format(arguments=(str(character), motion, retarget, way))
    parts = []
    for _ in range(runs):
        out = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        parts.append([float(number) for number in out.split()])
    imports, preparing, rendering, count = (min(column) for column in zip(*parts, strict=True))
    seconds = [one for one, _ in whole]
    return (
        f"{way:>8}  {min(seconds):6.2f}  {statistics.median(seconds):6.2f}  {imports:7.2f}"
        f"  {preparing:7.2f}  {(imports + preparing) / min(seconds):7.0%}"
        f"  {int(count):6d}  {count / rendering:8.0f}  {max(mb for _, mb in whole):5.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--character", type=Path, help="a folder of Animated Drawings")
    parser.add_argument("--motion", default="dance")
    parser.add_argument("--retarget", help="a retarget file of Animated Drawings")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # As after an installation, which compiles all modules, whatever this shell is set to.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(folder, "bytecode"))
        character = chosen.character or a_figure(Path(folder))
        print(
            f"{'way':>8}  {'s min':>6}  {'median':>6}  {'imports':>7}  {'prepare':>7}"
            f"  {'startup':>7}  {'frames':>6}  {'frames/s':>8}  {'MB':>5}"
        )
        for way in WAYS:
            print(measure(way, character, chosen.motion, chosen.retarget, chosen.runs), flush=True)


if __name__ == "__main__":
    main()
