"""Training of the first stage: RTMDet-Ins with the losses of equation 4."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from cartoonedit.runtime import Progress
from segmentation.dataset.loader import DetectorExamples, collate_detector
from segmentation.losses import detector_loss
from segmentation.preprocess import normalise
from segmentation.rtmdet import RTMDetIns
from segmentation.training.loop import Terms, Trainer
from segmentation.training.material import open_scenes, settings_of
from segmentation.training.options import DetectorOptions, Material, TrainOptions, parse_sides
from segmentation.training.sheets import DetectorSheet
from segmentation.training.start import load_start
from segmentation.training.validation import DetectorValidation

__all__ = ["train_detector"]


def train_detector(
    material: Material,
    options: TrainOptions,
    stage: DetectorOptions,
    out: Path,
    progress: Progress | None = None,
) -> None:
    """Train a detector, or go on with a run that was stopped.

    Args:
        material: What to learn from.
        options: How.
        stage: Which network.
        out: Folder of the run: `weights.safetensors` for `Segmenter`, `last.pt` for going on, logs,
            sheets of predictions.
        progress: Called after each step.

    Raises:
        InvalidInput: The material is empty, or the run in the folder is another's.
    """
    torch.manual_seed(options.seed)
    sides = parse_sides(stage.sides)
    net = RTMDetIns(stage.size)
    if stage.start:
        load_start(net, stage.start)
    scenes = open_scenes(material, options.seed, max(sides))
    metadata = {"network": "rtmdet-ins", "size": stage.size, "input_size": str(max(sides))}
    if stage.views:
        metadata["views"] = stage.views
    if stage.score_power != 1:
        metadata["score_power"] = str(stage.score_power)
    trainer = Trainer(
        net, options, out, metadata,
        settings=settings_of(material, options, stage), pictures=len(scenes),
    )  # fmt: skip
    trainer.resume()
    examples = DetectorExamples(scenes, seed=options.seed, batch=options.batch, sizes=sides)
    trainer.fit(
        examples,
        collate_detector,
        detector_terms,
        show=DetectorSheet(scenes, max(sides)),
        validate=DetectorValidation(material, max(sides)) if material.val else None,
        progress=progress,
    )


def detector_terms(net: nn.Module, batch: Any) -> Terms:
    """The terms of equation 4."""
    pictures, targets = batch
    raw = net(normalise(pictures))
    with torch.autocast(pictures.device.type, enabled=False):
        loss = detector_loss(raw, targets)
    return {"confidence": loss.confidence.sum(), "box": loss.box.sum(), "mask": loss.mask}
