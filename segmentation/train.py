"""Train the two stages on scenes composed on the fly (section 4.3).

    python -m segmentation.train detector --art FOLDER --out FOLDER --minutes 60
    python -m segmentation.train refiner  --art FOLDER --out FOLDER --minutes 60

``--art`` holds ``foregrounds/<source>/*`` (RGBA cut-outs) and ``backgrounds/<source>/*``. A run
that is stopped goes on where it was when the same command is given again. ``--out`` receives
``last.pt`` (for resuming), ``log.csv`` and the averaged weights as fp16 safetensors, ready for
`Segmenter`.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from segmentation.dataset.compose import Sources
from segmentation.dataset.loader import (
    BOX_HINT,
    DetectorExamples,
    RefinerExamples,
    collate_detector,
    collate_refiner,
)
from segmentation.dataset.proposals import DetectorProposals
from segmentation.dataset.sources import Library
from segmentation.isnet import GTEncoder, ISNet
from segmentation.losses import detector_loss
from segmentation.preprocess import normalise
from segmentation.refine_losses import feature_loss, gt_encoder_loss, refine_loss
from segmentation.rtmdet import RTMDetIns
from segmentation.trainer import Terms, Trainer, TrainOptions, load_start

ANIME_LIKE = (
    "nova-vn", "our-personal-space", "konado", "renjs", "fungus-sherlock", "dialogic", "suika2",
    "godot-vn-snowy",
)  # fmt: skip
"""Sources in the style that most users bring; few, so they are drawn more often."""
ANIME_BOOST = 3.0

DEFAULT_SIDES = {"detector": [256, 320, 384], "refiner": [192, 256, 352]}


def open_sources(art: Path, max_side: int) -> Sources:
    """The cut-outs and backgrounds below a folder."""
    return Sources(
        Library.from_folder(
            art / "foregrounds", boosts=dict.fromkeys(ANIME_LIKE, ANIME_BOOST), max_side=max_side
        ),
        Library.from_folder(art / "backgrounds", max_side=2 * max_side),
    )


def train_detector(
    art: Path,
    out: Path,
    options: TrainOptions,
    size: str,
    sides: list[int],
    start: Path | None,
    notes: dict[str, str],
) -> None:
    """Train RTMDet-Ins with the losses of equation 4; ``notes`` go into the file's metadata."""
    torch.manual_seed(options.seed)
    net = RTMDetIns(size)
    if start:
        load_start(net, start)
    metadata = {"network": "rtmdet-ins", "size": size, "input_size": str(max(sides))} | notes
    trainer = Trainer(net, options, out, metadata)
    trainer.resume()

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        pictures, targets = batch
        raw = net(normalise(pictures))
        with torch.autocast(pictures.device.type, enabled=False):
            loss = detector_loss(raw, targets)
        return {"confidence": loss.confidence.sum(), "box": loss.box.sum(), "mask": loss.mask}

    examples = DetectorExamples(
        open_sources(art, max_side=max(sides)),
        seed=options.seed, batch=options.batch, sizes=sides, length=_length(options),
    )  # fmt: skip
    trainer.fit(examples, collate_detector, loss_of)


def _length(options: TrainOptions) -> int:
    return options.steps * options.batch if options.steps else 2_000_000


def train_refiner(
    art: Path,
    out: Path,
    options: TrainOptions,
    width: float,
    sides: list[int],
    start: Path | None,
    detector: Path | None,
    feature_weight: float,
) -> None:
    """Train IS-Net with the losses of equation 7; its ground-truth encoder is trained first.

    A ``feature_weight`` of 0 does without that encoder: a network that has learnt its features need
    not change them for those of a new one.
    """
    torch.manual_seed(options.seed)
    examples = RefinerExamples(
        open_sources(art, max_side=512),
        seed=options.seed, batch=options.batch, sizes=sides, length=_length(options),
        proposals=DetectorProposals(detector) if detector else None,
    )  # fmt: skip
    encoder = None
    if feature_weight:
        encoder = _train_encoder(examples, out / "encoder", options, width)

    net = ISNet(4, width=width)
    if start:
        load_start(net, start)
    metadata = {
        "network": "isnet", "width": str(width),
        "refine_size": str(max(sides)), "colour_order": "bgr", "box_hint": str(BOX_HINT),
    }  # fmt: skip
    trainer = Trainer(net, options, out, metadata)
    trainer.resume()
    if encoder is not None:
        encoder = encoder.to(trainer.accelerator.device)

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        pictures, rough, alpha = batch
        target = alpha / 255
        maps, features = net(torch.cat((pictures, rough), dim=1) / 255)
        true_features = None
        if encoder is not None:
            with torch.no_grad():
                true_features = encoder(target)[1]
        with torch.autocast(pictures.device.type, enabled=False):
            mask = refine_loss([x.float() for x in maps], target)[1]
            if true_features is None:
                return {"mask": mask}
            distance = feature_loss(
                [x.float() for x in features], [x.float() for x in true_features]
            )
        return {"mask": mask, "features": feature_weight * distance}

    trainer.fit(examples, collate_refiner, loss_of)


def _train_encoder(
    examples: RefinerExamples, out: Path, options: TrainOptions, width: float
) -> GTEncoder:
    """A short training of the mask auto-encoder whose features guide IS-Net; then frozen."""
    steps = options.steps // 10 + 1 if options.steps else 150
    short = replace(options, steps=steps, warmup=10, ema=0.9)
    encoder = GTEncoder(width=width)
    trainer = Trainer(encoder, short, out, {"network": "isnet-gt-encoder", "width": str(width)})
    trainer.resume()

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        target = batch[2] / 255
        sides, _ = net(target)
        with torch.autocast(target.device.type, enabled=False):
            return {"encoder": gt_encoder_loss([x.float() for x in sides], target)}

    trainer.fit(examples, collate_refiner, loss_of)
    trained: GTEncoder = trainer.accelerator.unwrap_model(trainer.net)
    return trained.eval().requires_grad_(False)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m segmentation.train",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=["detector", "refiner"])
    parser.add_argument(
        "--art", type=Path, required=True, help="folder of foregrounds and backgrounds"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and logs")
    parser.add_argument(
        "--detector", type=Path, help="refiner: learn from the rough masks of these weights"
    )
    parser.add_argument("--start", type=Path, help="safetensors to start from")
    parser.add_argument("--views", help='detector: looks to fuse when used, as "256 320 320m"')
    parser.add_argument("--score-power", help="detector: what fused scores are raised to when used")
    parser.add_argument("--size", default="tiny", help="detector: size of the network")
    parser.add_argument("--sides", type=int, nargs="+", help="sides of the input, drawn per batch")
    parser.add_argument("--width", type=float, default=0.375, help="refiner: share of the channels")
    parser.add_argument(
        "--feature-weight", type=float, default=1.0,
        help="refiner: weight of equation 5; 0 to go on from weights whose encoder is not at hand",
    )  # fmt: skip
    defaults = TrainOptions()
    for field in fields(TrainOptions):
        value = getattr(defaults, field.name)
        parser.add_argument("--" + field.name.replace("_", "-"), type=type(value), default=value)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = TrainOptions(**{f.name: getattr(given, f.name) for f in fields(TrainOptions)})
    sides = given.sides or DEFAULT_SIDES[given.stage]
    if given.stage == "detector":
        notes = {"views": given.views, "score_power": given.score_power}
        known = {name: note for name, note in notes.items() if note}
        train_detector(given.art, given.out, options, given.size, sides, given.start, known)
    else:
        train_refiner(
            given.art, given.out, options, given.width, sides, given.start, given.detector,
            given.feature_weight,
        )  # fmt: skip


if __name__ == "__main__":
    main()
