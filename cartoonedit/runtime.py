"""What the machine offers, and how work is watched: device, threads, progress, cancelling."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from cartoonedit.errors import Cancelled, InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = [
    "Interrupt",
    "Progress",
    "cpu_count",
    "pick_device",
    "pick_dtype",
    "set_threads",
    "silent",
]

logger = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]
"""``progress(step, total, message)``: called with step 0 at first, then after each step.
``total`` is 0 while unknown. It may raise :class:`~cartoonedit.errors.Cancelled` to stop
the work."""

DTYPES = ("auto", "float32", "float16", "bfloat16")


def silent(step: int, total: int, message: str) -> None:
    """The progress callback that shows nothing."""


def pick_device(device: str | torch.device = "auto") -> torch.device:
    """Turn a device name into a device that works here, and log the choice in one line.

    Args:
        device: ``auto`` (CUDA, then Apple MPS, then the CPU), ``cpu``, ``cuda``, ``cuda:N`` or
            ``mps``.

    Returns:
        A device that is present on this machine.

    Raises:
        InvalidInput: The name is unknown, or names a device that this machine does not have.
    """
    import torch

    present = _devices_present()
    name = str(device).strip().lower()
    if name == "auto":
        name = present[0]
    if name != "cuda" and name not in present:
        raise InvalidInput(
            f"device {str(device)!r} is not available on this machine. Choose one of: auto,"
            f" {', '.join(present)}."
        )
    if name == "cuda":
        if "cuda:0" not in present:
            raise InvalidInput(
                "device 'cuda' was asked for, but PyTorch sees no CUDA device here"
                f" (torch {torch.__version__}). Choose one of: auto, {', '.join(present)}."
            )
        name = "cuda:0"
    chosen = torch.device(name)
    logger.info("device=%s (%s) dtype=%s", chosen, _describe(chosen), _default_dtype(chosen))
    return chosen


def pick_dtype(device: str | torch.device, dtype: str | torch.dtype = "auto") -> torch.dtype:
    """Turn a dtype name into the dtype that networks run in on ``device``.

    Args:
        device: Where the network runs.
        dtype: ``auto``, ``float32``, ``float16`` or ``bfloat16``. ``auto`` is float16 on CUDA (what
            published weights are stored in) and float32 elsewhere, where half precision is slow or
            incomplete.

    Returns:
        The torch dtype.

    Raises:
        InvalidInput: The name is none of the four.
    """
    import torch

    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise InvalidInput(f"dtype must be one of {', '.join(DTYPES)}; got {name!r}.")
    default = _default_dtype(torch.device(device))
    if name not in ("auto", default):
        logger.info("dtype=%s on %s, as asked", name, device)
    chosen = getattr(torch, default if name == "auto" else name)
    if not isinstance(chosen, torch.dtype):  # cannot happen; tells the type checker so
        raise InvalidInput(f"torch has no dtype called {name!r}.")
    return chosen


def _devices_present() -> list[str]:
    """Names of usable devices, the best one first; the CPU is always the last."""
    import torch

    present = (
        [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        if torch.cuda.is_available()
        else []
    )
    if torch.backends.mps.is_available():
        present.append("mps")
    return [*present, "cpu"]


def _default_dtype(device: torch.device) -> str:
    return "float16" if device.type == "cuda" else "float32"


def _describe(device: torch.device) -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else f"{torch.get_num_threads()} threads"


def cpu_count(root: Path = Path("/")) -> int:
    """How many CPU cores this process may really use, at least 1.

    A container often shows all cores of its host while its quota allows two; starting one thread
    per visible core then makes everything slower. So the affinity mask and the cgroup quota (v1 and
    v2) are asked too, and the smallest answer wins.

    Args:
        root: Where ``proc`` and ``sys`` are mounted; tests point it elsewhere.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    visible = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    quotas = [quota for quota in (_quota_v2(root), _quota_v1(root)) if quota]
    return max(1, min([visible, *quotas]))


def _quota_v2(root: Path) -> int | None:
    """Cores allowed by ``cpu.max`` of this cgroup or any above it; a limit holds for all below."""
    top = root / "sys/fs/cgroup"
    lines = _read(root / "proc/self/cgroup").splitlines()
    relative = next((line[3:] for line in lines if line.startswith("0::")), "/")
    folder = top / relative.strip("/")
    limits: list[int] = []
    while folder.is_relative_to(top):
        limit = _cores(*(_read(folder / "cpu.max").split() or ["max"])[:2])
        if limit:
            limits.append(limit)
        folder = folder.parent
    return min(limits, default=None)


def _quota_v1(root: Path) -> int | None:
    folder = root / "sys/fs/cgroup/cpu"
    return _cores(
        _read(folder / "cpu.cfs_quota_us").strip(), _read(folder / "cpu.cfs_period_us").strip()
    )


def _cores(quota: str, period: str = "100000") -> int | None:
    """Whole cores in a quota, rounded up; None where there is no limit ("max", "-1", no file)."""
    try:
        microseconds, each = int(quota), int(period)
    except ValueError:
        return None
    return max(1, -(-microseconds // each)) if microseconds > 0 and each > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def set_threads(count: int | None = None) -> int:
    """Let the numeric libraries use ``count`` threads each and return the number.

    Libraries that are loaded are told at once; those that load later read ``OMP_NUM_THREADS``.

    Args:
        count: Threads; None takes ``OMP_NUM_THREADS`` where the user set it, else
            :func:`cpu_count`.

    Raises:
        InvalidInput: ``count`` is smaller than 1.
    """
    if count is None:
        wish = os.environ.get("OMP_NUM_THREADS", "")
        count = int(wish) if wish.isdigit() and int(wish) > 0 else cpu_count()
    if count < 1:
        raise InvalidInput(f"the number of threads must be at least 1; got {count}.")
    os.environ["OMP_NUM_THREADS"] = str(count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(count)
    return count


class Interrupt:
    """Turns Ctrl-C, and a cancel from another thread, into one clean :class:`Cancelled`.

    Writers in this package remove what they had half written on any exception, so leaving the block
    by Ctrl-C leaves no partial file behind.

    Example:
        >>> with Interrupt() as interrupt:
        ...     progress = interrupt.watch(silent)  # this one raises Cancelled after
        interrupt.cancel()
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop; it does at its next :meth:`check`. Safe to call from any thread."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise :class:`Cancelled` if the work was asked to stop."""
        if self.cancelled:
            raise Cancelled("stopped on request.")

    def watch(self, progress: Progress | None = None) -> Progress:
        """A progress callback that first checks for a cancel, then hands on to ``progress``."""
        shown = progress or silent

        def watched(step: int, total: int, message: str) -> None:
            self.check()
            shown(step, total, message)

        return watched

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise Cancelled("stopped by Ctrl-C.") from error
