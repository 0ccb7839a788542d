"""Training of the second stage: IS-Net with the losses of equation 7."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cartoonedit.runtime import Progress
from segmentation.dataset.loader import RefinerExamples, collate_refiner
from segmentation.dataset.proposals import DetectorProposals
from segmentation.isnet import GTEncoder, ISNet
from segmentation.refine_losses import feature_loss, gt_encoder_loss, refine_loss
from segmentation.training.loop import Examples, Terms, Trainer
from segmentation.training.material import open_scenes, settings_of
from segmentation.training.options import Material, RefinerOptions, TrainOptions, parse_sides
from segmentation.training.sheets import RefinerSheet
from segmentation.training.start import load_start
from segmentation.training.validation import RefinerValidation

__all__ = ["train_refiner"]

ENCODER_STEPS = 150
ENCODER = "encoder"


def train_refiner(
    material: Material,
    options: TrainOptions,
    stage: RefinerOptions,
    out: Path,
    progress: Progress | None = None,
) -> None:
    """Train a refiner, or go on with a run that was stopped; its ground-truth encoder comes first.

    Args:
        material: What to learn from.
        options: How.
        stage: Which network, and from which rough masks.
        out: Folder of the run, as of `train_detector`; the encoder's is ``encoder`` in it.
        progress: Called after each step.

    Raises:
        InvalidInput: The material is empty, or the run in the folder is another's.
    """
    torch.manual_seed(options.seed)
    sides = parse_sides(stage.sides)
    scenes = open_scenes(material, options.seed, stage.canvas, square=True)
    examples = RefinerExamples(
        scenes, seed=options.seed, batch=options.batch, sizes=sides, canvas=stage.canvas,
        whole=stage.whole, box_hint=stage.box_hint, soft_rough=stage.soft_rough,
        proposals=DetectorProposals(stage.detector) if stage.detector else None,
    )  # fmt: skip
    encoder = None
    if stage.feature_weight:
        encoder = _encoder(examples, stage, options, out / ENCODER, progress)
    net = ISNet(4, width=stage.width)
    if stage.start:
        load_start(net, stage.start)
    metadata = {
        "network": "isnet", "width": str(stage.width), "refine_size": str(max(sides)),
        "colour_order": "bgr", "box_hint": str(stage.box_hint),
        "rough": "soft" if stage.soft_rough else "binary",
        "rough_share": str(stage.rough_share), "snap": str(stage.snap),
    }  # fmt: skip
    trainer = Trainer(
        net, options, out, metadata,
        settings=settings_of(material, options, stage), pictures=len(scenes),
    )  # fmt: skip
    trainer.resume()
    if encoder is not None:
        encoder = encoder.to(trainer.accelerator.device)

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        return refiner_terms(net, batch, encoder, stage)

    trainer.fit(
        examples,
        collate_refiner,
        loss_of,
        show=RefinerSheet(examples, options.batch),
        validate=RefinerValidation(material, stage, max(sides)) if material.val else None,
        progress=progress,
    )


def refiner_terms(
    net: nn.Module, batch: Any, encoder: GTEncoder | None, stage: RefinerOptions
) -> Terms:
    """The terms of equation 7; without an encoder only that of equation 6."""
    pictures, rough, alpha = batch
    target = alpha / 255
    maps, features = net(torch.cat((pictures, rough), dim=1) / 255)
    true_features = None
    if encoder is not None:
        with torch.no_grad():
            true_features = encoder(target)[1]
    with torch.autocast(pictures.device.type, enabled=False):
        mask = refine_loss([x.float() for x in maps], target, ppa=stage.ppa)[1]
        if true_features is None:
            return {"mask": mask}
        distance = feature_loss([x.float() for x in features], [x.float() for x in true_features])
    return {"mask": mask, "features": stage.feature_weight * distance}


def _encoder(
    examples: Examples,
    stage: RefinerOptions,
    options: TrainOptions,
    out: Path,
    progress: Progress | None,
) -> GTEncoder:
    """The auto-encoder of masks whose features guide IS-Net, frozen: given, or trained shortly."""
    encoder = GTEncoder(width=stage.width)
    if stage.encoder is not None:
        load_start(encoder, stage.encoder, part="gt_encoder")
        return encoder.eval().requires_grad_(False)
    steps = stage.encoder_steps or (options.steps // 10 + 1 if options.steps else ENCODER_STEPS)
    short = replace(options, minutes=0, epochs=0, steps=steps, warmup=10, ema=0.9, sheet_steps=0)
    metadata = {"network": "isnet-gt-encoder", "width": str(stage.width)}
    trainer = Trainer(encoder, short, out, metadata, settings={"width": stage.width})
    trainer.resume()
    trainer.fit(examples, collate_refiner, encoder_terms, progress=progress)
    trained: GTEncoder = trainer.bare  # type: ignore[assignment]
    return trained.eval().requires_grad_(False)


def encoder_terms(net: nn.Module, batch: Any) -> Terms:
    """The encoder repeats the true mask."""
    target = batch[2] / 255
    sides, _ = net(target)
    with torch.autocast(target.device.type, enabled=False):
        return {"encoder": gt_encoder_loss([x.float() for x in sides], target)}
