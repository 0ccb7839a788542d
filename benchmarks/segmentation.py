"""How fast pictures are taken apart: torch and ONNX Runtime, float32 and bfloat16, in one run.

    python -m benchmarks.segmentation
    python -m benchmarks.segmentation PICTURE... --model FOLDER --rounds 5
    python -m benchmarks.segmentation --untrained l

All variants take turns on the same pictures, so that a busy machine slows all of them alike; the
best round of each counts. The first variant is the baseline of the ratios, and its masks are what
the other masks are compared with. `--untrained` makes full-size networks with random weights, which
need no download: their times are real, their masks mean nothing. `--reference` adds the published
program's order of operations (no folding, whole-picture refinement) in front, as the baseline.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from cartoonedit.images import open_image
from cartoonedit.runtime import set_threads
from cartoonedit.scene import Scene
from segmentation.isnet import ISNet
from segmentation.rtmdet import SIZES, RTMDetIns
from segmentation.segmenter import Segmenter

SAMPLES = Path(__file__).resolve().parent.parent / "cartoonedit" / "samples"
VARIANTS: dict[str, dict[str, Any]] = {
    "torch float32": {},
    "edges as they are": {"snap": 0.0},
    "torch bfloat16": {"dtype": "bfloat16"},
    "onnx float32": {"runtime": "onnx"},
}


def untrained_model(size: str, folder: Path) -> Path:
    """A folder with a detector of some size and a full-size refiner, both with random weights."""
    torch.manual_seed(0)
    detector = {name: tensor.clone() for name, tensor in RTMDetIns(size).state_dict().items()}
    for name in detector:
        if "rtm_cls" in name and name.endswith("bias"):
            detector[name].fill_(-0.3)  # so that something is found
        if "rtm_kernel" in name and name.endswith("bias"):
            detector[name][-1] = 5  # so that its mask is not empty, and is refined
    save_file(detector, folder / "detector.safetensors", metadata={"input_size": "640"})
    save_file(ISNet().state_dict(), folder / "refiner.safetensors")
    return folder


def agreement(scene: Scene, expected: Scene) -> float:
    """Mean over the expected masks of the best IoU with any mask of the other scene."""
    masks = [instance.mask >= 128 for instance in scene]
    best = [
        max((np.sum(m & truth) / np.sum(m | truth) for m in masks), default=0.0)
        for truth in (instance.mask >= 128 for instance in expected)
    ]
    return float(np.mean(best)) if best else float(len(masks) == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*", type=Path, help="default: the samples")
    parser.add_argument("--model", default="embedded", help="name, folder or file")
    parser.add_argument("--untrained", choices=SIZES, help="random weights of this size instead")
    parser.add_argument("--reference", action="store_true", help="add the published program's way")
    parser.add_argument("--max-instances", type=int, default=3, help="characters per picture")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()

    files = given.pictures or sorted(
        path for path in SAMPLES.iterdir() if path.suffix in (".png", ".jpg", ".webp")
    )
    pictures = [open_image(file) for file in files]
    print(f"{len(pictures)} pictures, {set_threads(given.threads)} threads, {given.rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        model = untrained_model(given.untrained, Path(folder)) if given.untrained else given.model
        variants = ({"reference": {"reference": True}} if given.reference else {}) | VARIANTS
        segmenters = {
            name: Segmenter(model, device="cpu", max_instances=given.max_instances, **options)
            for name, options in variants.items()
        }
        scenes = {name: [run(p) for p in pictures] for name, run in segmenters.items()}
        seconds: dict[str, list[float]] = {name: [] for name in segmenters}
        for _ in range(given.rounds):
            for name, run in segmenters.items():
                started = time.perf_counter()
                for picture in pictures:
                    run(picture)
                seconds[name].append((time.perf_counter() - started) / len(pictures))

    baseline, expected = min(next(iter(seconds.values()))), scenes["torch float32"]
    print(f"{'variant':18} {'s/picture':>9} {'ratio':>6} {'mask IoU':>9}")
    for name, times in seconds.items():
        same = np.mean([agreement(*pair) for pair in zip(scenes[name], expected, strict=True)])
        print(f"{name:18} {min(times):9.3f} {baseline / min(times):5.2f}x {same:9.4f}")


if __name__ == "__main__":
    main()
