"""How well a network does on pictures that it does not learn from, in AP."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cartoonedit.errors import InvalidInput
from cartoonedit.export import rle
from segmentation.dataset.coarse import coarse_like
from segmentation.dataset.compose import Labelled
from segmentation.dataset.proposals import DetectorProposals
from segmentation.dataset.stored import Stored
from segmentation.detect import detect
from segmentation.evaluate import evaluate
from segmentation.refine import RefineSettings, bounds_xyxy, refine_crops
from segmentation.training.options import Material, RefinerOptions

__all__ = ["DetectorValidation", "RefinerValidation"]

logger = logging.getLogger(__name__)

MIN_SCORE = 0.05
NAMES = {"bbox": "box", "segm": "mask", "boundary": "boundary"}
Json = dict[str, Any]


class _Pictures:
    """The pictures of `Material.val` that can be read, and their truth."""

    def __init__(self, material: Material) -> None:
        if material.val is None:
            raise InvalidInput("there is nothing to validate with: val is not given.")
        self._stored = Stored(material.val)
        limit = material.val_pictures or len(self._stored)
        self._numbers = list(range(min(limit, len(self._stored))))

    def __iter__(self) -> Any:
        for number in list(self._numbers):
            try:
                yield number, self._stored[number]
            except InvalidInput as error:
                logger.warning("left out of the validation: %s", error)
                self._numbers.remove(number)

    def measure(self, results: list[Json], kinds: tuple[str, ...]) -> dict[str, float]:
        """AP and AP50 of COCO results."""
        measured = evaluate(results, self._stored.truth(self._numbers), kinds)
        return {
            f"{NAMES[kind]}_{name}": values[name]
            for kind, values in measured.items()
            for name in ("AP", "AP50")
        }


class DetectorValidation:
    """Box and mask AP of a detector.

    Args:
        material: Whose `val` is taken.
        side: Of the network's input.
    """

    def __init__(self, material: Material, side: int) -> None:
        self.pictures, self.side = _Pictures(material), side

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Measure a network in evaluation mode."""
        device = next(net.parameters()).device
        results: list[Json] = []
        for number, scene in self.pictures:
            found = detect(
                net, scene.picture, size=self.side, score_threshold=MIN_SCORE, device=device
            )
            for box, score, mask in zip(
                found.boxes_xyxy.tolist(), found.scores, found.probabilities, strict=True
            ):
                results.append(_result(number, float(score), mask, box))
        return self.pictures.measure(results, ("bbox", "segm"))


class RefinerValidation:
    """Mask and boundary AP of a refiner, from the rough masks of a detector or spoilt truths.

    Args:
        material: Whose `val` is taken.
        stage: Says which detector, and what the fourth channel holds.
        side: Of the network's input.
    """

    def __init__(self, material: Material, stage: RefinerOptions, side: int) -> None:
        self.pictures = _Pictures(material)
        self.detector = DetectorProposals(stage.detector, [320]) if stage.detector else None
        self.settings = RefineSettings(
            side, threshold=0.5, box_hint=stage.box_hint, soft_rough=stage.soft_rough
        )

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Measure a network in evaluation mode."""
        device = next(net.parameters()).device

        def alpha_of(example: Tensor) -> Tensor:
            maps: Any = net(example)[0]
            return torch.sigmoid(maps[0])

        results: list[Json] = []
        for number, scene in self.pictures:
            roughs = list(self._roughs(number, scene))
            jobs = [(scene.picture, mask, box) for mask, box, _ in roughs]
            refined = refine_crops(alpha_of, jobs, self.settings, device)
            size_wh = (scene.picture.shape[1], scene.picture.shape[0])
            for (_, box, score), result in zip(roughs, refined, strict=True):
                alpha = result.alpha(size_wh, self.settings.threshold)
                results.append(_result(number, score, alpha, box))
        return self.pictures.measure(results, ("segm", "boundary"))

    def _roughs(self, number: int, scene: Labelled) -> Iterable[tuple[Any, Any, float]]:
        rng = np.random.default_rng(number)
        if self.detector is not None:
            found = self.detector(scene.picture, rng)
            for mask, box, score in zip(
                found.probabilities, found.boxes_xyxy.tolist(), found.scores, strict=True
            ):
                yield mask if self.settings.soft_rough else mask > 127, tuple(box), float(score)
            return
        truths = scene.alphas > 127
        for chosen, truth in enumerate(truths):
            box = bounds_xyxy(truth)
            if box is not None:
                yield coarse_like(truth, np.delete(truths, chosen, axis=0), rng), box, 1.0


def _result(number: int, score: float, mask: Any, box: Iterable[float]) -> Json:
    x0, y0, x1, y1 = box
    return {
        "image_id": number,
        "category_id": 1,
        "score": score,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "segmentation": rle(mask),
    }
