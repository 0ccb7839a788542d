"""How true Ken Burns frames are, on a scene of which every view is known.

    python -m benchmarks.kenburns_quality
    python -m benchmarks.kenburns_quality --strength 3 --inpainter smooth

For each move, over its frames: how many pixels show what the picture hides; peak signal to noise
ratio there and in the whole frame; and how much texture is drawn out there (1 is not at all, a
rubber edge is above 1). Beside it the same for a single layer bent by its depth. ``true plate``
says what is left if the background were known.
"""

from __future__ import annotations

import argparse
from typing import get_args

import numpy as np

from apps.kenburns import KenBurns
from apps.kenburns.options import Move
from tests.apps.kenburns.known_scene import KnownScene, psnr, stretch

COLUMNS = (
    "move", "uncovered", "dB there", "1 layer", "true plate", "dB all", "1 layer", "stretch",
    "1 layer",
)  # fmt: skip
LEAST = 60
"""Frames that uncover fewer pixels than that are left out."""


def measure(known: KnownScene, move: str, strength: float, inpainter: str) -> list[str]:
    """The row of one move."""
    single = known.single_layer()
    filled = KenBurns(move=move, strength=strength).prepare(
        known.scene().replace(inpainter=inpainter)
    )
    true = KenBurns(move=move, strength=strength).prepare(known.scene(with_plate=True))
    rows = []
    for t in np.linspace(0, 1, 9):
        pose = filled.pose(float(t))
        truth, hidden = known.truth(pose)
        if hidden.sum() < LEAST:
            continue
        frames = filled.render(pose), single(pose), true.render(pose)
        everywhere = np.ones_like(hidden)
        rows.append(
            [
                hidden.sum(),
                *(psnr(frame, truth, hidden) for frame in frames),
                *(psnr(frame, truth, everywhere) for frame in frames[:2]),
                *(stretch(frame, truth, hidden) for frame in frames[:2]),
            ]
        )
    if not rows:
        return [move, "nothing is uncovered"]
    mean = np.nanmean(rows, axis=0)
    return [move, f"{mean[0]:.0f}", *(f"{value:.1f}" for value in mean[1:6]), *map(_two, mean[6:])]


def _two(value: float) -> str:
    return f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=640, help="of the frames (default: 640)")
    parser.add_argument("--strength", type=float, default=1.5)
    parser.add_argument("--inpainter", default="patchmatch")
    options = parser.parse_args()
    known = KnownScene(width=options.width, height=round(options.width * 9 / 16))
    names = (
        "move",
        "uncovered",
        "dB there",
        "1 layer",
        "true plate",
        "dB all",
        "1 layer",
        "stretch",
    )
    print("  ".join(f"{name:>10}" for name in (*names, "1 layer")))
    for move in get_args(Move):
        if move != "focus-pull":  # which is blurred on purpose
            row = measure(known, move, options.strength, options.inpainter)
            print("  ".join(f"{value:>10}" for value in row), flush=True)


if __name__ == "__main__":
    main()
