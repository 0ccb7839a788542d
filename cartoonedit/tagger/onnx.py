"""Taggers as ONNX graphs, in the form in which all of the WD family are published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.onnx_graph import open_graph
from cartoonedit.tagger.square import on_square

__all__ = ["OnnxNetwork"]


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
        self._session = open_graph(model, device, "tagger")
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


def _as_input(image: NDArray[np.uint8], side: int) -> NDArray[Any]:
    """The picture on a white square in the network's size, float32 BGR 0..255 ``(1, S, S, 3)``."""
    from PIL import Image

    resized = on_square(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.ascontiguousarray(np.asarray(resized, np.float32)[None, :, :, ::-1])
