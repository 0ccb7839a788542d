"""The two networks on ONNX Runtime: the same masks, without torch's overhead on a CPU.

A network is exported once and kept in the user's cache folder under the checksum of its weights.
`CARTOONEDIT_CACHE` names another folder.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.export import Dim

from cartoonedit.errors import MissingExtra
from cartoonedit.files import atomic_path, sha256
from cartoonedit.runtime import cpu_count
from segmentation.models import Detector, Refiner
from segmentation.rtmdet import STRIDES, RawOutputs

__all__ = ["cache_folder", "onnx_detector", "onnx_refiner"]

logger = logging.getLogger(__name__)

# Part of the cached files' names: raised when what is exported changes.
_EXPORT_VERSION = 1
_OPSET = 18


def onnx_detector(detector: Detector, weights: Path) -> Detector:
    """The same detector, run by ONNX Runtime on the CPU.

    Args:
        detector: As loaded, on the CPU.
        weights: Its file, whose checksum the export is kept under.

    Raises:
        MissingExtra: onnxruntime, onnx or onnxscript is not installed.
    """
    session = _session(
        _FlatDetector(detector.net),  # type: ignore[arg-type]
        torch.zeros(2, 3, 64, 96),
        weights,
        outputs=[f"{part}{i}" for part in ("logits", "distances", "kernels") for i in range(3)]
        + ["prototypes"],
        sides={2: 32 * Dim("rows", min=1), 3: 32 * Dim("columns", min=1)},
    )
    return replace(detector, net=lambda x: _raw(session(x)))


def onnx_refiner(refiner: Refiner, weights: Path) -> Refiner:
    """The same refiner, run by ONNX Runtime on the CPU; arguments as for `onnx_detector`."""
    size = refiner.settings.size
    example = torch.zeros(2, 4, size, size)
    session = _session(refiner.net, example, weights, outputs=["alpha"])  # type: ignore[arg-type]
    return replace(refiner, net=lambda x: session(x)[0])


class _FlatDetector(nn.Module):
    """Raw outputs as the plain tuple that an ONNX graph can return."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        raw: RawOutputs = self.net(x)
        return (*raw.logits, *raw.distances, *raw.kernels, raw.prototypes)


def _raw(outputs: Sequence[Tensor]) -> RawOutputs:
    levels = len(STRIDES)
    logits, distances, kernels = (list(outputs[i * levels : (i + 1) * levels]) for i in range(3))
    return RawOutputs(logits, distances, kernels, outputs[-1])


class _Session:
    """One exported network."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cpu_count()
        options.log_severity_level = 3
        # Threads that wait in a loop keep torch's threads from working between two passes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._run = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        ).run

    def __call__(self, x: Tensor) -> list[Tensor]:
        inputs: dict[str, NDArray[np.float32]] = {"x": x.contiguous().numpy()}
        return [torch.from_numpy(output) for output in self._run(None, inputs)]


def _session(
    net: nn.Module,
    example: Tensor,
    weights: Path,
    outputs: list[str],
    sides: dict[int, Any] | None = None,
) -> _Session:
    """A session for a network, which is exported if that was not done before.

    Args:
        net: Of one input and a tensor or tuple of tensors as output.
        example: An input; its first dimension may vary later.
        weights: The file that the network came from.
        outputs: Names of the outputs.
        sides: Other dimensions of the input that may vary.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            f"runtime='onnx' needs the package {error.name}, which is not installed."
            " Install it with: pip install onnxruntime onnx onnxscript"
        ) from error
    size = "any" if sides else example.shape[-1]
    name = f"{weights.stem}-{sha256(weights)[:16]}-{size}-v{_EXPORT_VERSION}.onnx"
    path = cache_folder() / "onnx" / name
    if not path.is_file():
        logger.info("exporting %s to %s (once)", weights.name, path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            _export(net, example, temporary, outputs, {0: Dim("batch", min=1), **(sides or {})})
    logger.info("onnxruntime %s, CPU, %s", onnxruntime.__version__, path.name)
    return _Session(path)


def _export(
    net: nn.Module, example: Tensor, path: Path, outputs: list[str], varying: dict[int, Any]
) -> None:
    with warnings.catch_warnings(), torch.inference_mode(False):
        # The exporter warns about its own insides.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (example,),
            str(path),
            input_names=["x"],
            output_names=outputs,
            dynamic_shapes={"x": varying},
            opset_version=_OPSET,
            external_data=False,
            verbose=False,
        )


def cache_folder() -> Path:
    """Where exported networks are kept: the system's place for caches, or `CARTOONEDIT_CACHE`."""
    chosen = os.environ.get("CARTOONEDIT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cartoonedit"
