"""Words of Danbooru that describe a drawing: the WD14 taggers, on ONNX Runtime.

The paper tags the filled background (section 6.1) and every instance (section 6.2) with the SwinV2
tagger, which is the default here.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Tag
from cartoonedit.runtime import cpu_count

__all__ = ["Tagger"]

logger = logging.getLogger(__name__)

_MODEL_FILE, _TAGS_FILE = "model.onnx", "selected_tags.csv"
_CATEGORIES = {"0": "general", "4": "character", "9": "rating"}


@dataclass(frozen=True)
class Tagger:
    """Tag drawings. The network is loaded at the first picture and kept.

    Example:
        >>> tags = Tagger()(open_image("picture.png"))  # the weights must have been fetched

    Attributes:
        weights: A name of the catalogue, a folder that holds ``model.onnx`` and
            ``selected_tags.csv``, or the path of such a model. Any tagger of the WD family fits.
        general: Tags of this category count from this score on, 0..1.
        character: Likewise for names of characters.
        device: ``auto`` (CUDA where the installed onnxruntime has it, else the CPU), ``cpu`` or
            ``cuda``.

    Raises:
        InvalidInput: A threshold or the device is none of these.
    """

    weights: str | Path = "wd-v1-4-swinv2-tagger-v2"
    general: float = 0.35
    character: float = 0.85
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("general", "character"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidInput(
                    f"the threshold {name} must be in 0..1; got {getattr(self, name)}."
                )
        if self.device not in ("auto", "cpu", "cuda"):
            raise InvalidInput(
                f"the tagger's device must be one of auto, cpu, cuda; got {self.device!r}."
            )

    def __call__(self, image: NDArray[np.uint8]) -> list[Tag]:
        """Tag a picture.

        Args:
            image: RGB ``uint8`` ``(H, W, 3)``, or RGBA ``(H, W, 4)``, whose transparent parts count
                as white.

        Returns:
            Tags of category ``general`` and ``character`` above their thresholds and the likeliest
            one of category ``rating``, by falling score.

        Raises:
            ModelNotFound: The weights are not on this machine.
            InvalidInput: The image has another form, or the weights are not a tagger of this kind.
        """
        model, tags = self._files()
        network = _network(str(model), str(tags), self.device)
        found = network.scores(image)
        least = {"general": self.general, "character": self.character}
        kept = [tag for tag in found if tag.score >= least.get(tag.category, 2)]
        ratings = [tag for tag in found if tag.category == "rating"]
        if ratings:
            kept.append(max(ratings, key=lambda tag: tag.score))
        return sorted(kept, key=lambda tag: -tag.score)

    def _files(self) -> tuple[Path, Path]:
        if str(self.weights) in hub.CATALOGUE:
            return hub.resolve(self.weights, "model"), hub.resolve(self.weights, "tags")
        path = hub.resolve(self.weights)
        model = path / _MODEL_FILE if path.is_dir() else path
        tags = model.with_name(_TAGS_FILE)
        for file in (model, tags):
            if not file.is_file():
                raise ModelNotFound(
                    f"the tagger at {path} lacks {file}. Both {_MODEL_FILE} and {_TAGS_FILE} are"
                    " needed. Fetch one with: cartoonedit models fetch wd-v1-4-swinv2-tagger-v2."
                )
        return model, tags


class _Network:
    """One loaded tagger.

    Args:
        model: Its ONNX graph.
        tags: Its list of tags.
        device: ``auto``, ``cpu`` or ``cuda``.
    """

    def __init__(self, model: str, tags: str, device: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cpu_count()
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=_providers(onnxruntime.get_available_providers(), device)
            )
        except Exception as error:  # its kinds live in a private module of onnxruntime
            raise InvalidInput(f"{model} is no ONNX graph that can be run: {error}") from error
        logger.info("tagger %s on %s", model, self._session.get_providers()[0])
        self._input = self._session.get_inputs()[0]
        shape = self._input.shape
        if len(shape) != 4 or shape[3] != 3:
            raise InvalidInput(
                f"{model} takes input of shape {shape}; a WD tagger takes (N, side, side, 3)."
            )
        self.side = shape[1] if isinstance(shape[1], int) else 448
        self._tags = _read_tags(Path(tags))

    def scores(self, image: NDArray[np.uint8]) -> list[Tag]:
        """Every tag the network knows, with its score."""
        shown = _as_input(image, self.side)
        output = self._session.run(None, {self._input.name: shown})[0][0].astype(np.float64)
        if len(output) != len(self._tags):
            raise InvalidInput(
                f"the tagger has {len(output)} outputs and its {_TAGS_FILE} {len(self._tags)}"
                " tags; the two files do not belong together."
            )
        if output.min() < 0 or output.max() > 1:  # some exports leave out the last layer
            output = 1 / (1 + np.exp(-output))
        return [
            Tag(name, float(score), category)
            for (name, category), score in zip(self._tags, output, strict=True)
        ]


@lru_cache(maxsize=2)  # making a session takes longer than using it
def _network(model: str, tags: str, device: str) -> _Network:
    return _Network(model, tags, device)


def _providers(available: Sequence[str], device: str) -> list[str]:
    cuda = "CUDAExecutionProvider"
    if device == "cuda" and cuda not in available:
        raise InvalidInput(
            "the tagger was asked to run on CUDA, but the installed onnxruntime has only"
            f" {', '.join(available)}. Install onnxruntime-gpu in its place, or take device='cpu'."
        )
    chosen = [cuda] if device != "cpu" and cuda in available else []
    return [*chosen, "CPUExecutionProvider"]


def _read_tags(file: Path) -> list[tuple[str, str]]:
    """Name and category of every tag, in the order of the network's outputs."""
    with file.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    if not rows or not {"name", "category"} <= rows[0].keys():
        raise InvalidInput(f"{file} is no list of tags: the columns name and category are needed.")
    return [(row["name"], _CATEGORIES.get(row["category"], row["category"])) for row in rows]


def _as_input(image: NDArray[np.uint8], side: int) -> NDArray[Any]:
    """The picture on a white square in the network's size, float32 BGR 0..255 ``(1, S, S, 3)``."""
    from PIL import Image

    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise InvalidInput(
            f"image must be RGB or RGBA uint8 (H, W, 3 or 4); got {image.dtype} {image.shape}."
        )
    picture = Image.fromarray(image)
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), "white")
    corner = ((longest - picture.width) // 2, (longest - picture.height) // 2)
    square.paste(picture, corner, picture if picture.mode == "RGBA" else None)
    shown = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return np.ascontiguousarray(shown[None, :, :, ::-1])
