"""Taggers as ONNX graphs, in the form in which all of the WD family are published."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.runtime import cpu_count
from cartoonedit.tagger.square import on_square

__all__ = ["OnnxNetwork"]

logger = logging.getLogger(__name__)


class OnnxNetwork:
    """A tagger on ONNX Runtime.

    Args:
        model: Its graph, which takes ``(N, side, side, 3)``, float32 BGR 0..255.
        device: ``auto`` (CUDA where the installed onnxruntime has it, else the CPU), ``cpu`` or
            ``cuda``.

    Raises:
        InvalidInput: The file is no such graph, or there is no such device.
    """

    def __init__(self, model: Path, device: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cpu_count()
        options.log_severity_level = 3
        providers = _providers(onnxruntime.get_available_providers(), device)
        try:
            self._session = onnxruntime.InferenceSession(str(model), options, providers=providers)
        except Exception as error:  # its kinds live in a private module of onnxruntime
            raise InvalidInput(f"{model} is no ONNX graph that can be run: {error}") from error
        logger.info("tagger %s on %s", model, self._session.get_providers()[0])
        self._input = self._session.get_inputs()[0]
        shape = self._input.shape
        if len(shape) != 4 or shape[3] != 3:
            raise InvalidInput(
                f"{model} takes input of shape {shape}; a WD tagger takes (N, side, side, 3)."
            )
        self._side = shape[1] if isinstance(shape[1], int) else 448

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The score of every tag, 0..1, for an RGB or RGBA picture."""
        shown = _as_input(image, self._side)
        output = self._session.run(None, {self._input.name: shown})[0][0].astype(np.float64)
        if output.min() < 0 or output.max() > 1:  # some exports leave out the last layer
            output = 1 / (1 + np.exp(-output))
        return output


def _providers(available: Sequence[str], device: str) -> list[str]:
    cuda = "CUDAExecutionProvider"
    if device == "cuda" and cuda not in available:
        raise InvalidInput(
            "the tagger was asked to run on CUDA, but the installed onnxruntime has only"
            f" {', '.join(available)}. Install onnxruntime-gpu in its place, or take device='cpu'."
        )
    chosen = [cuda] if device != "cpu" and cuda in available else []
    return [*chosen, "CPUExecutionProvider"]


def _as_input(image: NDArray[np.uint8], side: int) -> NDArray[Any]:
    """The picture on a white square in the network's size, float32 BGR 0..255 ``(1, S, S, 3)``."""
    from PIL import Image

    resized = on_square(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(resized, np.float32)[None, :, :, ::-1])
