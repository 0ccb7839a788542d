"""The training loop that both stages share: budget, schedule, averaged weights, resuming."""

from __future__ import annotations

import csv
import logging
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

logger = logging.getLogger(__name__)

Terms = dict[str, Tensor]
"""Named terms of a loss."""


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
        net = net.to(
            memory_format=torch.channels_last
        )  # what the convolutions of CPUs and GPUs like best
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
    """Write a network as fp16 safetensors, shared modules under their first name only."""
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
        raise InvalidInput(
            f"{path} is not of this network: first odd name {(unexpected + stray)[0]}"
        )
