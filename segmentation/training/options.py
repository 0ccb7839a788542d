"""How to train; kept apart from the networks, so that a help text need not load them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from cartoonedit.errors import InvalidInput
from segmentation.dataset.recipe import RECIPES

__all__ = ["BUDGETS", "PRESETS", "DetectorOptions", "Material", "RefinerOptions", "TrainOptions"]

DetectorSize = Literal["nano", "tiny", "s", "m", "l", "x"]
BUDGETS = ("minutes", "steps", "epochs")


@dataclass(frozen=True)
class Material:
    """What to learn from: one of `art` and `data`.

    Attributes:
        art: Folder of cut-outs, foregrounds/SOURCE/*.png, and of backgrounds/SOURCE/*.jpg, which
            scenes are composed of while the training runs.
        data: Folder of finished pictures with masks: COCO annotations.json beside them, or shards.
        val: Folder like `data` whose pictures measure the network after every epoch.
        val_pictures: At most so many of them; 0 takes all.
        share: Learn from this share of every source only, 0 to 1. Paper, Table 2: 0.125.
        recipe: How scenes are composed of `art`: paper or embedded.
        layout: COCO annotations such as instances_train2017.json: composed scenes are laid out as
            the people of its photos, where the recipe says so.
        augment: Vary the pictures of `data`: part, size, mirroring, colours, JPEG.
    """

    art: Path | None = None
    data: Path | None = None
    val: Path | None = None
    val_pictures: int = 0
    share: float = 1.0
    recipe: str = "embedded"
    layout: Path | None = None
    augment: bool = True

    def __post_init__(self) -> None:
        if (self.art is None) == (self.data is None):
            given = "both" if self.art else "neither"
            raise InvalidInput(
                f"give one of --art (cut-outs to compose) and --data (finished pictures); {given}"
                " was given."
            )
        for name in ("art", "data", "val"):
            folder = getattr(self, name)
            if folder is not None and not folder.is_dir():
                raise InvalidInput(f"{name} must be a folder; there is none at {str(folder)!r}.")
        if not 0 < self.share <= 1:
            raise InvalidInput(f"share must be above 0 and at most 1; got {self.share!r}.")
        if self.val_pictures < 0:
            raise InvalidInput(f"val_pictures must not be negative; got {self.val_pictures!r}.")
        if self.recipe not in RECIPES:
            raise InvalidInput(f"recipe must be one of {', '.join(RECIPES)}; got {self.recipe!r}.")
        _require_file(self, "layout")
        if self.layout is not None and self.art is None:
            raise InvalidInput("scenes of --data are laid out already: --layout goes with --art.")
        if not self.augment and self.data is None:
            raise InvalidInput("composed scenes always vary: --no-augment goes with --data only.")


@dataclass(frozen=True)
class TrainOptions:
    """The loop. The budget is one of `minutes`, `steps` and `epochs`; the other two are 0.

    Attributes:
        minutes: Budget of the whole run, all resumptions together, in minutes of work.
        steps: Budget in steps. With this or `epochs` a stopped run ends as one that was not
            stopped, to the bit on a CPU.
        epochs: Budget in epochs. Paper: 60.
        epoch_size: Examples in an epoch; 0 takes the number of pictures in `data`, or 5000.
        batch: Examples per step and device.
        lr: Peak learning rate.
        weight_decay: On convolution weights; norms and biases have none.
        warmup: Steps of linear warm-up.
        flat: Share of the run before the learning rate begins to fall, 0 to 1.
        ema: Decay of the averaged weights per step. The average is what is saved for use.
        clip: Largest gradient norm.
        precision: bf16 is faster where the device has it; no is float32.
        workers: Processes that make examples.
        seed: Of scenes and initial weights.
        save_minutes: Minutes between saved states.
        save_steps: Also save every so many steps; 0: do not.
        log_steps: Steps between lines in the log.
        sheet_steps: Steps between sheets of sample predictions; 0: one each epoch.
    """

    minutes: float = 0.0
    steps: int = 0
    epochs: int = 0
    epoch_size: int = 0
    batch: int = 16
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    flat: float = 0.0
    ema: float = 0.999
    clip: float = 20.0
    precision: Literal["bf16", "no"] = "bf16"
    workers: int = 1
    seed: int = 0
    save_minutes: float = 5.0
    save_steps: int = 0
    log_steps: int = 20
    sheet_steps: int = 0

    def __post_init__(self) -> None:
        budgets = {name: getattr(self, name) for name in BUDGETS}
        if sum(value > 0 for value in budgets.values()) != 1 or min(budgets.values()) < 0:
            raise InvalidInput(
                "the budget must be one of minutes, steps and epochs, above 0; got "
                + ", ".join(f"{name} {value:g}" for name, value in budgets.items())
                + "."
            )
        _require_least(self, 1, "batch", "clip", "log_steps")
        _require_least(
            self, 0, "epoch_size", "weight_decay", "warmup", "workers", "seed", "save_steps",
            "sheet_steps",
        )  # fmt: skip
        if not (0 < self.lr < math.inf and self.save_minutes > 0):
            raise InvalidInput(
                f"lr and save_minutes must be above 0; got {self.lr} and {self.save_minutes}."
            )
        if not (0 <= self.ema < 1 and 0 <= self.flat < 1):
            raise InvalidInput(
                f"ema and flat must be at least 0 and below 1; got {self.ema} and {self.flat}."
            )
        if self.precision not in ("bf16", "no"):
            raise InvalidInput(f"precision must be bf16 or no; got {self.precision!r}.")

    def rate(self, step: int, progress: float) -> float:
        """Learning rate: linear warm-up, flat, then a cosine down to 2 % of the peak."""
        warm = min(1.0, (step + 1) / max(self.warmup, 1))
        fallen = min(max((progress - self.flat) / (1 - self.flat), 0.0), 1.0)
        return self.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fallen)))


@dataclass(frozen=True)
class DetectorOptions:
    """The first stage.

    Attributes:
        size: Of RTMDet-Ins.
        sides: Sides of the input in pixels, multiples of 32, one drawn for each batch.
        views: Looks to fuse when the weights are used, such as "256 320m" (m: mirrored). By default
            a single one at the largest side.
        score_power: What fused scores are raised to when the weights are used.
        start: Weights to start from: of this program, of the paper, or mmdet's of COCO, whose class
            head gives way to a new one.
    """

    size: DetectorSize = "tiny"
    sides: str = "256 320 384"
    views: str | None = None
    score_power: float = 1.0
    start: Path | None = None

    def __post_init__(self) -> None:
        if self.size not in get_args(DetectorSize):
            choices = ", ".join(get_args(DetectorSize))
            raise InvalidInput(f"size must be one of {choices}; got {self.size!r}.")
        odd = [side for side in parse_sides(self.sides) if side % 32]
        if odd:
            raise InvalidInput(f"sides must be multiples of 32; got {odd[0]}.")
        if self.score_power <= 0:
            raise InvalidInput(f"score_power must be above 0; got {self.score_power!r}.")
        _require_file(self, "start")


@dataclass(frozen=True)
class RefinerOptions:
    """The second stage.

    Attributes:
        width: Share of the published network's channels.
        sides: Sides of the input in pixels, at least 32, one drawn for each batch.
        canvas: Side of the scenes that crops are taken from, in pixels.
        whole: Share of examples that show the whole scene, as the paper's all do, instead of a crop
            around one character.
        box_hint: What the fourth channel holds in the character's box outside of the rough mask, 0
            to 1.
        soft_rough: Show rough masks as probabilities, not as 0 and 1.
        rough_share: How much of the rough mask is mixed into the refined one when the weights are
            used, 0 to 1.
        snap: How strongly edges are drawn to the lines of the picture when the weights are used, 0
            to 1.
        detector: Learn from the rough masks that these weights draw; without, from spoilt truths.
        feature_weight: Weight of equation 5; 0 does without the ground-truth encoder.
        ppa: Weigh pixels by their position (equation 6); without it the loss is plain BCE and IoU.
        encoder: Weights of a ground-truth encoder to use instead of training one first.
        encoder_steps: Steps of that training; 0 takes a tenth of the run's, or 150.
        start: Weights to start from: of this program or of the paper.
    """

    width: float = 0.375
    sides: str = "192 256 352"
    canvas: int = 512
    whole: float = 0.0
    box_hint: float = 0.1
    soft_rough: bool = True
    rough_share: float = 0.5
    snap: float = 0.5
    detector: Path | None = None
    feature_weight: float = 1.0
    ppa: bool = True
    encoder: Path | None = None
    encoder_steps: int = 0
    start: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.width <= 4:
            raise InvalidInput(f"width must be above 0 and at most 4; got {self.width!r}.")
        small = [side for side in parse_sides(self.sides) if side < 32]
        if small or self.canvas < 32:
            raise InvalidInput(
                f"sides and canvas must be at least 32; got {self.sides} and {self.canvas}."
            )
        for name in ("whole", "box_hint", "rough_share", "snap"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(f"{name} must be in 0..1; got {getattr(self, name)!r}.")
        _require_least(self, 0, "feature_weight", "encoder_steps")
        if self.encoder is not None and not self.feature_weight:
            raise InvalidInput("an encoder is of no use with a feature_weight of 0: leave one out.")
        _require_file(self, "detector", "encoder", "start")


def parse_sides(text: str) -> tuple[int, ...]:
    """Read ``256 320 384``, with spaces or commas.

    Raises:
        InvalidInput: It is no list of whole numbers above 0.
    """
    words = re.split(r"[\s,]+", text.strip())
    if not all(re.fullmatch(r"[1-9]\d{0,4}", word) for word in words):
        raise InvalidInput(f"sides must be pixels such as '256 320 384'; got {text!r}.")
    return tuple(map(int, words))


def _require_least(options: Any, least: float, *names: str) -> None:
    for name in names:
        if not least <= getattr(options, name) < math.inf:
            raise InvalidInput(f"{name} must be at least {least}; got {getattr(options, name)!r}.")


def _require_file(options: Any, *names: str) -> None:
    for name in names:
        path = getattr(options, name)
        if path is not None and not path.is_file():
            raise InvalidInput(f"{name} must be a file; there is none at {str(path)!r}.")


PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "detector": {
        "embedded": {
            "recipe": "embedded",
            "size": "tiny", "sides": "256 320 384", "views": "256 320m 384 448m",
            "minutes": 155.0, "epochs": 0, "epoch_size": 5000, "batch": 8, "lr": 1.2e-3,
            "weight_decay": 0.05, "warmup": 100, "flat": 0.0, "ema": 0.999, "workers": 1,
        },
        # The rate is RTMDet's 0.004 for 256 examples a step, here of four devices with 16 each; the
        # paper gives none. Its schedule is flat for the first half.
        "paper": {
            "recipe": "paper",
            "size": "l", "sides": "640", "views": None,
            "minutes": 0.0, "epochs": 60, "epoch_size": 0, "batch": 16, "lr": 1e-3,
            "weight_decay": 0.05, "warmup": 1000, "flat": 0.5, "ema": 0.9998, "workers": 8,
        },
    },
    "refiner": {
        "embedded": {
            "recipe": "embedded",
            "width": 0.375, "sides": "192 256 352", "canvas": 512, "whole": 0.0, "box_hint": 0.1,
            "soft_rough": True, "rough_share": 0.5, "snap": 0.5,
            "minutes": 82.0, "epochs": 0, "epoch_size": 5000, "batch": 4, "lr": 6e-4,
            "weight_decay": 0.005, "warmup": 100, "ema": 0.996, "workers": 1,
        },
        "paper": {
            "recipe": "paper",
            "width": 1.0, "sides": "720", "canvas": 720, "whole": 1.0, "box_hint": 0.0,
            "soft_rough": False, "rough_share": 0.0, "snap": 0.0,
            "minutes": 0.0, "epochs": 60, "epoch_size": 0, "batch": 16, "lr": 1e-3,
            "weight_decay": 0.005, "warmup": 1000, "ema": 0.9998, "workers": 8,
        },
    },
}  # fmt: skip
"""What each preset says for each stage; fields that it does not name keep their defaults."""
