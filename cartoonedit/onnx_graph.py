"""Opening ONNX graphs of others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import cpu_count

__all__ = ["open_graph", "providers"]

logger = logging.getLogger(__name__)


def open_graph(file: Path, device: str, what: str) -> Any:
    """Load a graph into ONNX Runtime, with as many threads as there are cores.

    Args:
        file: ``.onnx``.
        device: ``auto`` (CUDA where the installed onnxruntime has it, else the CPU), ``cpu`` or
            ``cuda``.
        what: It is, for messages, such as ``tagger``.

    Returns:
        The ``onnxruntime.InferenceSession``.

    Raises:
        InvalidInput: The file is no such graph, or there is no such device.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cpu_count()
    options.log_severity_level = 3
    chosen = providers(onnxruntime.get_available_providers(), device, what)
    try:
        session = onnxruntime.InferenceSession(str(file), options, providers=chosen)
    except Exception as error:  # its kinds live in a private module of onnxruntime
        raise InvalidInput(f"{file} is no ONNX graph that can be run: {error}") from error
    logger.info("%s %s on %s", what, file, session.get_providers()[0])
    return session


def providers(available: Sequence[str], device: str, what: str) -> list[str]:
    """What of ONNX Runtime is to run a graph.

    Raises:
        InvalidInput: CUDA is asked for, and is not among those available.
    """
    cuda = "CUDAExecutionProvider"
    if device == "cuda" and cuda not in available:
        raise InvalidInput(
            f"the {what} was asked to run on CUDA, but the installed onnxruntime has only"
            f" {', '.join(available)}. Install onnxruntime-gpu in its place, or take device='cpu'."
        )
    chosen = [cuda] if device != "cpu" and cuda in available else []
    return [*chosen, "CPUExecutionProvider"]
