"""The loop that both stages share: budget, schedule, averaged weights, resuming."""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader

from cartoonedit.errors import Cancelled
from cartoonedit.files import atomic_path
from cartoonedit.runtime import Progress, silent
from segmentation.training.log import RunLog
from segmentation.training.options import TrainOptions
from segmentation.training.state import check_settings, load_state, save_state

__all__ = ["Examples", "Terms", "Trainer", "save_tensors", "save_weights"]

logger = logging.getLogger(__name__)

Terms = dict[str, Tensor]
"""Named terms of a loss."""

WEIGHTS = "weights.safetensors"
DEFAULT_EPOCH = 5000


class Examples(Protocol):
    """Endless examples by number; number i belongs to step ``i // batch``."""

    def __getitem__(self, index: int) -> Any:
        """One example."""
        ...


class Trainer:
    """One network, its averaged twin, optimiser and clock; saved and resumed as a whole.

    Args:
        net: With initial weights.
        options: How to train.
        out: Folder of the run.
        metadata: Of the weights that are written.
        settings: All that the run was asked for, to notice when it is resumed with other values.
        pictures: In an epoch, where `epoch_size` does not say; 0 takes `DEFAULT_EPOCH`.
    """

    def __init__(
        self,
        net: nn.Module,
        options: TrainOptions,
        out: Path,
        metadata: Mapping[str, str],
        *,
        settings: Mapping[str, Any] | None = None,
        pictures: int = 0,
    ) -> None:
        self.options, self.out, self.metadata = options, out, dict(metadata)
        self.settings = dict(settings or {})
        out.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(mixed_precision=options.precision)
        optimizer = torch.optim.AdamW(_parameter_groups(net, options.weight_decay), lr=options.lr)
        net = net.to(memory_format=torch.channels_last)  # what convolutions like best
        self.net, self.optimizer = self.accelerator.prepare(net, optimizer)
        self.average = AveragedModel(
            self.bare, multi_avg_fn=get_ema_multi_avg_fn(options.ema), use_buffers=True
        )
        self.step, self.elapsed = 0, 0.0
        per_step = options.batch * self.accelerator.num_processes
        self.epoch_steps = max(1, (options.epoch_size or pictures or DEFAULT_EPOCH) // per_step)
        self.total_steps = options.steps or options.epochs * self.epoch_steps

    @property
    def bare(self) -> nn.Module:
        """The network without what distributes it."""
        return self.accelerator.unwrap_model(self.net)

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def progress(self) -> float:
        """Share of the budget that is used up."""
        if self.total_steps:
            return self.step / self.total_steps
        return self.elapsed / (self.options.minutes * 60)

    def resume(self) -> bool:
        """Go on from the state in the folder, if there is one.

        Raises:
            InvalidInput: It is damaged, or of another network.
        """
        state = load_state(self.out)
        if state is None:
            return False
        check_settings(self.out, state.get("settings", {}), self.settings)
        self.bare.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        logger.info("going on at step %d, %.1f minutes", self.step, self.elapsed / 60)
        return True

    def save(self) -> None:
        """Write the state for resuming, and the averaged weights as fp16 safetensors."""
        if not self.is_main:
            return
        state = {
            "net": self.bare.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
            "settings": self.settings,
        }
        save_state(self.out, state)
        trained = {"trained_steps": str(self.step), "trained_minutes": f"{self.elapsed / 60:.0f}"}
        save_weights(self.average.module, self.out / WEIGHTS, self.metadata | trained)

    def fit(
        self,
        examples: Examples,
        collate: Callable[[list[Any]], Any] | None,
        loss_of: Callable[[nn.Module, Any], Terms],
        *,
        show: Callable[[nn.Module, Path], None] | None = None,
        validate: Callable[[nn.Module], Mapping[str, float]] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Descend until the budget is used up.

        Args:
            examples: What to learn from.
            collate: As of `DataLoader`.
            loss_of: Named terms of the loss of a batch; their sum is descended on.
            show: Draws a sheet of what the averaged network does into a file.
            validate: Measures the averaged network, after each epoch.
            progress: Called after each step; if it raises, the state is saved first.
        """
        log = RunLog(self.out, self.step) if self.is_main else None
        shown = progress or silent
        try:
            with _stop_between_steps() as check:
                self._fit(
                    self._batches(examples, collate), loss_of, log, show, validate, shown, check
                )
        except Cancelled:
            self.save()
            logger.warning("stopped at step %d; the same command goes on from there", self.step)
            raise
        finally:
            if log is not None:
                log.close()
        self.save()

    def _fit(
        self,
        batches: Iterator[Any],
        loss_of: Callable[[nn.Module, Any], Terms],
        log: RunLog | None,
        show: Callable[[nn.Module, Path], None] | None,
        validate: Callable[[nn.Module], Mapping[str, float]] | None,
        shown: Progress,
        check: Callable[[], None],
    ) -> None:
        options, clock = self.options, _Clock(self.elapsed)
        saved = logged = time.monotonic()
        sums: dict[str, float] = {}
        since = self.step
        while self.progress < 1:
            rate = options.rate(self.step, self.progress)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            for name, value in self._descend(next(batches), loss_of).items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            self.step += 1
            self.elapsed, now = clock.elapsed(), time.monotonic()
            if self.step % options.log_steps == 0 and log is not None:
                means = {name: total / (self.step - since) for name, total in sums.items()}
                speed = (self.step - since) * options.batch / max(now - logged, 1e-6)
                log.write("log.csv", self._row(rate, means, speed))
                logger.info("step %d: %s", self.step, _spoken(means))
                sums, since, logged = {}, self.step, now
            due = options.save_steps and self.step % options.save_steps == 0
            if due or now - saved > 60 * options.save_minutes:
                self.save()
                saved = now
            self._look(log, show, validate, clock)
            check()
            shown(*self._place(), _spoken({"loss": sum(sums.values()) / max(1, self.step - since)}))

    def _row(self, rate: float, means: Mapping[str, float], speed: float) -> dict[str, float]:
        return {
            "step": self.step, "minutes": round(self.elapsed / 60, 2), "lr": float(f"{rate:.3g}"),
            "examples_per_s": round(speed, 1), **{n: round(m, 5) for n, m in means.items()},
        }  # fmt: skip

    def _place(self) -> tuple[int, int]:
        if self.total_steps:
            return self.step, self.total_steps
        return int(self.elapsed), int(self.options.minutes * 60)

    def _look(
        self,
        log: RunLog | None,
        show: Callable[[nn.Module, Path], None] | None,
        validate: Callable[[nn.Module], Mapping[str, float]] | None,
        clock: _Clock,
    ) -> None:
        """Draw a sheet and measure when it is time; that time is not the training's."""
        if log is None:
            return
        sheet_steps = self.options.sheet_steps or self.epoch_steps
        with clock.stopped():
            self.average.eval()
            if show is not None and self.step % sheet_steps == 0:
                show(self.average.module, self.out / "sheets" / f"step-{self.step:06d}.png")
            if validate is not None and self.step % self.epoch_steps == 0:
                measured = dict(validate(self.average.module))
                log.write("validation.csv", {"step": self.step, **measured})
                logger.info("step %d, validation: %s", self.step, _spoken(measured))

    def _descend(self, batch: Any, loss_of: Callable[[nn.Module, Any], Terms]) -> Terms:
        self.net.train()
        with self.accelerator.autocast():
            terms = loss_of(self.net, batch)
        loss = torch.stack(list(terms.values())).sum()
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.net.parameters(), self.options.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update_parameters(self.bare)
        return terms

    def _batches(
        self, examples: Examples, collate: Callable[[list[Any]], Any] | None
    ) -> Iterator[Any]:
        """Batches from the current step on; every process takes its own share of the examples."""
        accelerator = self.accelerator
        loader = DataLoader(
            examples,  # type: ignore[arg-type]
            batch_sampler=_Numbers(
                self.options.batch,
                self.step * accelerator.num_processes + accelerator.process_index,
                accelerator.num_processes,
            ),
            collate_fn=collate,
            num_workers=self.options.workers,
            prefetch_factor=4 if self.options.workers else None,
            worker_init_fn=_start_worker,
        )
        for batch in loader:
            yield _to_device(batch, accelerator.device)


class _Numbers:
    """Numbers of the examples of every batch from ``first`` on, ``stride`` batches apart."""

    def __init__(self, size: int, first: int, stride: int) -> None:
        self.size, self.first, self.stride = size, first, stride

    def __iter__(self) -> Iterator[list[int]]:
        for batch in count(self.first, self.stride):
            yield list(range(batch * self.size, (batch + 1) * self.size))


class _Clock:
    """Seconds of work, those before a resumption included."""

    def __init__(self, before: float) -> None:
        self._started = time.monotonic() - before

    def elapsed(self) -> float:
        return time.monotonic() - self._started

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What is done meanwhile does not count."""
        began = time.monotonic()
        yield
        self._started += time.monotonic() - began


def _spoken(values: Mapping[str, float]) -> str:
    return ", ".join(
        f"{name} {value:.3f}" for name, value in values.items() if math.isfinite(value)
    )


def _parameter_groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Convolution weights decay; norms and biases, which are one-dimensional, do not."""
    decayed = [p for p in net.parameters() if p.ndim > 1]
    free = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0}]


@contextmanager
def _stop_between_steps() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C and SIGTERM back until the function that is given is called, which stops.

    In the middle of a step the network is ahead of its average and of the count of steps. A second
    Ctrl-C stops at once.
    """
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    def check() -> None:
        if asked:
            raise Cancelled("stopped on request.")

    numbers = [signal.SIGINT, signal.SIGTERM]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # handlers are the main thread's
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start_worker(_: int) -> None:
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process is told, and ends its workers
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _to_device(batch: Any, device: torch.device) -> Any:
    if isinstance(batch, list | tuple):
        moved = [_to_device(part, device) for part in batch]
        return type(batch)(*moved) if hasattr(batch, "_fields") else type(batch)(moved)
    return batch.to(device)


def save_weights(net: nn.Module, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a network as fp16 safetensors, shared modules under their first name only."""
    kept: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in net.state_dict().items():
        if name.endswith("num_batches_tracked") or tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        kept[name] = tensor.detach()
    save_tensors(kept, path, metadata)


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write tensors as fp16 safetensors, all of the file or nothing of it."""
    halves = {name: tensor.cpu().half().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(halves, temporary, metadata=dict(metadata))
