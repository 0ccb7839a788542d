"""Train the two stages on scenes composed on the fly (section 4.3).

    python -m segmentation.train detector --art FOLDER --out FOLDER --minutes 60
    python -m segmentation.train refiner  --art FOLDER --out FOLDER --minutes 60

``--art`` holds ``foregrounds/<source>/*`` (RGBA cut-outs) and ``backgrounds/<source>/*``. A run that is
stopped goes on where it was when the same command is given again. ``--out`` receives ``last.pt`` (for
resuming), ``log.csv`` and the averaged weights as fp16 safetensors, ready for `Segmenter`.
"""

from __future__ import annotations

import argparse
import csv
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from cartoonedit.errors import InvalidInput
from cartoonedit.files import atomic_path
from segmentation.dataset.compose import Sources
from segmentation.dataset.loader import DetectorExamples, RefinerExamples, collate_detector
from segmentation.dataset.sources import Library
from segmentation.isnet import GTEncoder, ISNet
from segmentation.losses import detector_loss
from segmentation.preprocess import normalise
from segmentation.refine_losses import gt_encoder_loss, refine_loss
from segmentation.rtmdet import RTMDetIns

logger = logging.getLogger(__name__)

ANIME_LIKE = (
    "nova-vn", "our-personal-space", "konado", "renjs", "fungus-sherlock", "dialogic", "suika2",
    "godot-vn-snowy",
)  # fmt: skip
"""Sources in the style that most users bring; few, so they are drawn twice as often."""

DEFAULT_SIDES = {"detector": [256, 320, 384], "refiner": [192, 256, 352]}

Terms = dict[str, Tensor]


@dataclass
class TrainOptions:
    """How to train.

    Attributes:
        minutes: time budget of the whole run, all resumptions together; the schedule ends with it.
        steps: budget in steps instead (0: use minutes).
        batch: examples per step and device.
        lr: peak learning rate.
        weight_decay: on convolution weights; norms and biases have none. Paper: 0.05 (detector),
            0.005 (refiner).
        warmup: steps of linear warm-up.
        ema: decay of the averaged weights per step.
        clip: largest gradient norm.
        workers: composing processes.
        seed: of scenes and initial weights.
        precision: ``bf16`` or ``no``.
        save_every: minutes between checkpoints.
    """

    minutes: float = 60.0
    steps: int = 0
    batch: int = 16
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup: int = 100
    ema: float = 0.999
    clip: float = 20.0
    workers: int = 1
    seed: int = 0
    precision: str = "bf16"
    save_every: float = 5.0

    def __post_init__(self) -> None:
        if self.batch < 1 or self.lr <= 0 or (self.steps <= 0 and self.minutes <= 0):
            raise InvalidInput("batch, lr and the budget (steps or minutes) must be positive")

    def rate(self, step: int, progress: float) -> float:
        """Learning rate: linear warm-up, then a cosine down to 2 % of the peak."""
        warm = min(1.0, (step + 1) / max(self.warmup, 1))
        return self.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


class Trainer:
    """One network, its averaged twin, optimiser and clock; saved and resumed as a whole."""

    def __init__(self, net: nn.Module, options: TrainOptions, out: Path, metadata: dict[str, str]):
        self.options, self.out, self.metadata = options, out, metadata
        out.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(mixed_precision=options.precision)
        optimizer = torch.optim.AdamW(_parameter_groups(net, options.weight_decay), lr=options.lr)
        self.net, self.optimizer = self.accelerator.prepare(net, optimizer)
        bare = self.accelerator.unwrap_model(self.net)
        self.average = AveragedModel(
            bare, multi_avg_fn=get_ema_multi_avg_fn(options.ema), use_buffers=True
        )
        self.step, self.elapsed = 0, 0.0

    @property
    def progress(self) -> float:
        """Share of the budget that is used up."""
        if self.options.steps:
            return self.step / self.options.steps
        return self.elapsed / (self.options.minutes * 60)

    def resume(self) -> bool:
        """Go on from ``last.pt`` if there is one."""
        path = self.out / "last.pt"
        if not path.is_file():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.accelerator.unwrap_model(self.net).load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        logger.info("resumed at step %d, %.1f minutes", self.step, self.elapsed / 60)
        return True

    def save(self) -> None:
        """Write the state for resuming, and the averaged weights as fp16 safetensors."""
        if not self.accelerator.is_main_process:
            return
        state = {
            "net": self.accelerator.unwrap_model(self.net).state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
        }
        with atomic_path(self.out / "last.pt") as path:
            torch.save(state, path)
        trained = {"trained_steps": str(self.step), "trained_minutes": f"{self.elapsed / 60:.0f}"}
        save_weights(self.average.module, self.out / "weights.safetensors", self.metadata | trained)

    def fit(
        self,
        examples: Dataset[Any],
        collate: Callable[[list[Any]], Any] | None,
        loss_of: Callable[[nn.Module, Any], Terms],
    ) -> None:
        """Descend until the budget is used up.

        Args:
            examples: example i belongs to step ``i // batch``.
            collate: as of `DataLoader`.
            loss_of: named terms of the loss of a batch; their sum is descended on.
        """
        batches = self._batches(examples, collate)
        last_save = last_log = started = time.monotonic()
        before = self.elapsed
        sums: dict[str, float] = {}
        logged = self.step
        while self.progress < 1:
            rate = self.options.rate(self.step, self.progress)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            terms = self._descend(next(batches), loss_of)
            for name, value in terms.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            self.step += 1
            now = time.monotonic()
            self.elapsed = before + now - started
            if now - last_log > 30:
                self._log(rate, sums, self.step - logged, now - last_log)
                last_log, logged, sums = now, self.step, {}
            if now - last_save > self.options.save_every * 60:
                self.save()
                last_save = now
        self.save()

    def _descend(self, batch: Any, loss_of: Callable[[nn.Module, Any], Terms]) -> Terms:
        self.net.train()
        with self.accelerator.autocast():
            terms = loss_of(self.net, batch)
        loss = torch.stack(list(terms.values())).sum()
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.net.parameters(), self.options.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.accelerator.unwrap_model(self.net))
        return terms

    def _batches(
        self, examples: Dataset[Any], collate: Callable[[list[Any]], Any] | None
    ) -> Iterator[Any]:
        """Batches from the current step on; every process takes its own share of the examples."""
        share, stride = self.accelerator.process_index, self.accelerator.num_processes
        size, count = self.options.batch, len(examples)  # type: ignore[arg-type]
        batches = [
            list(range(start, start + size))
            for start in range((self.step * stride + share) * size, count - size + 1, size * stride)
        ]
        loader = DataLoader(
            examples,
            batch_sampler=batches,
            collate_fn=collate,
            num_workers=self.options.workers,
            prefetch_factor=4 if self.options.workers else None,
            worker_init_fn=_one_thread,
        )
        for batch in loader:
            yield _to_device(batch, self.accelerator.device)

    def _log(self, rate: float, sums: dict[str, float], steps: int, seconds: float) -> None:
        means = {name: total / steps for name, total in sums.items()}
        row: dict[str, Any] = {
            "step": self.step,
            "minutes": round(self.elapsed / 60, 2),
            "lr": f"{rate:.2e}",
            "examples_per_s": round(steps * self.options.batch / seconds, 1),
        } | {name: round(mean, 4) for name, mean in means.items()}
        path = self.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)
        logger.info("%3.0f %% %s", 100 * self.progress, row)


def _parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Convolution weights decay; norms and biases, which are one-dimensional, do not."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    free = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0}]


def _one_thread(_: int) -> None:
    import cv2

    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _to_device(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, list | tuple):
        return type(batch)(_to_device(x, device) for x in batch)
    return batch.to(device)


def save_weights(net: nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Write a network as fp16 safetensors; shared modules are stored under their first name only."""
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in net.state_dict().items():
        if name.endswith("num_batches_tracked") or tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        kept[name] = tensor.detach().cpu().half().contiguous()
    with atomic_path(path) as temporary:
        save_file(kept, temporary, metadata=metadata)


def load_start(net: nn.Module, path: Path) -> None:
    """Start from a safetensors file of the same network, names that it lacks being shared ones."""
    state = {name: t.float() if t.is_floating_point() else t for name, t in load_file(path).items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    stray = [n for n in missing if "reg_convs" not in n and "cls_convs" not in n]
    stray = [n for n in stray if not n.endswith("num_batches_tracked")]
    if unexpected or stray:
        raise InvalidInput(f"{path} is not of this network: first odd name {(unexpected + stray)[0]}")


def open_sources(art: Path, max_side: int) -> Sources:
    """The cut-outs and backgrounds below a folder."""
    return Sources(
        Library.from_folder(
            art / "foregrounds", boosts=dict.fromkeys(ANIME_LIKE, 2.0), max_side=max_side
        ),
        Library.from_folder(art / "backgrounds", max_side=2 * max_side),
    )


def train_detector(
    art: Path, out: Path, options: TrainOptions, size: str, sides: list[int], start: Path | None
) -> None:
    """Train RTMDet-Ins with the losses of equation 4."""
    torch.manual_seed(options.seed)
    net = RTMDetIns(size)
    if start:
        load_start(net, start)
    metadata = {"network": "rtmdet-ins", "size": size, "input_size": str(max(sides))}
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
    art: Path, out: Path, options: TrainOptions, width: float, sides: list[int], start: Path | None
) -> None:
    """Train IS-Net with the losses of equation 7; its ground-truth encoder is trained first."""
    torch.manual_seed(options.seed)
    examples = RefinerExamples(
        open_sources(art, max_side=512),
        seed=options.seed, batch=options.batch, sizes=sides, length=_length(options),
    )  # fmt: skip
    encoder = _train_encoder(examples, out / "encoder", options, width)

    net = ISNet(4, width=width)
    if start:
        load_start(net, start)
    metadata = {
        "network": "isnet", "width": str(width), "refine_size": str(max(sides)), "colour_order": "bgr",
    }  # fmt: skip
    trainer = Trainer(net, options, out, metadata)
    trainer.resume()
    encoder = encoder.to(trainer.accelerator.device)

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        pictures, rough, alpha = batch
        target = alpha / 255
        sides, features = net(torch.cat((pictures, rough), dim=1) / 255)
        with torch.no_grad():
            _, true_features = encoder(target)
        with torch.autocast(pictures.device.type, enabled=False):
            _, total = refine_loss(
                [x.float() for x in sides],
                target,
                [x.float() for x in features],
                [x.float() for x in true_features],
            )
        return {"refine": total}

    trainer.fit(examples, None, loss_of)


def _train_encoder(
    examples: RefinerExamples, out: Path, options: TrainOptions, width: float
) -> GTEncoder:
    """A short training of the mask auto-encoder whose features guide IS-Net; then frozen."""
    steps = options.steps // 10 + 1 if options.steps else 150
    short = TrainOptions(**_as_fields(options) | {"steps": steps, "warmup": 10, "ema": 0.9})
    encoder = GTEncoder(width=width)
    trainer = Trainer(encoder, short, out, {"network": "isnet-gt-encoder", "width": str(width)})
    trainer.resume()

    def loss_of(net: nn.Module, batch: Any) -> Terms:
        target = batch[2] / 255
        sides, _ = net(target)
        with torch.autocast(target.device.type, enabled=False):
            return {"encoder": gt_encoder_loss([x.float() for x in sides], target)}

    trainer.fit(examples, None, loss_of)
    return trainer.accelerator.unwrap_model(trainer.net).eval().requires_grad_(False)  # type: ignore[no-any-return]


def _as_fields(options: TrainOptions) -> dict[str, Any]:
    return {f.name: asdict(options)[f.name] for f in fields(options)}


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m segmentation.train", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("stage", choices=["detector", "refiner"])
    parser.add_argument("--art", type=Path, required=True, help="folder of foregrounds and backgrounds")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and logs")
    parser.add_argument("--start", type=Path, help="safetensors to start from")
    parser.add_argument("--size", default="tiny", help="detector: size of the network")
    parser.add_argument("--sides", type=int, nargs="+", help="sides of the input, drawn per batch")
    parser.add_argument("--width", type=float, default=0.375, help="refiner: share of the channels")
    defaults = TrainOptions()
    for field in fields(TrainOptions):
        value = getattr(defaults, field.name)
        parser.add_argument("--" + field.name.replace("_", "-"), type=type(value), default=value)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options = TrainOptions(**{f.name: getattr(given, f.name) for f in fields(TrainOptions)})
    sides = given.sides or DEFAULT_SIDES[given.stage]
    if given.stage == "detector":
        train_detector(given.art, given.out, options, given.size, sides, given.start)
    else:
        train_refiner(given.art, given.out, options, given.width, sides, given.start)


if __name__ == "__main__":
    main()
