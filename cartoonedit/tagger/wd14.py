"""Words of Danbooru that describe a drawing: the WD14 taggers.

The paper tags the filled background (section 6.1) and every instance (section 6.2) with the SwinV2
tagger, which is the default here.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.instance import Tag

__all__ = ["Tagger"]

_MODEL_FILES = ("model.onnx", "model.safetensors")  # the first of them that is there
_TAGS_FILE = "selected_tags.csv"
_CATEGORIES = {"0": "general", "4": "character", "9": "rating"}


@dataclass(frozen=True)
class Tagger:
    """Tag drawings. The network is loaded at the first picture and kept.

    Example:
        >>> tags = Tagger()(open_image("picture.png"))  # the weights must have been fetched

    Attributes:
        weights: A name of the catalogue, a hub repository ``owner/name`` in the local cache, a
            folder, or the path of a model in one. Any tagger of the WD family fits, as
            ``model.onnx`` or, for timm, ``model.safetensors`` and ``config.json``, beside its
            ``selected_tags.csv``.
        general: Tags of this category count from this score on, 0..1.
        character: Likewise for names of characters.
        device: ``auto`` (the fastest that the model's library has), ``cpu`` or ``cuda``.

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
        model, tags = self.files
        network, known = _loaded(str(model), str(tags), self.device)
        scores = network(image)
        if len(scores) != len(known):
            raise InvalidInput(
                f"the tagger has {len(scores)} outputs and its {_TAGS_FILE} {len(known)} tags; the"
                " two files do not belong together."
            )
        found = [
            Tag(name, float(score), category)
            for (name, category), score in zip(known, scores, strict=True)
        ]
        least = {"general": self.general, "character": self.character}
        kept = [tag for tag in found if tag.score >= least.get(tag.category, 2)]
        ratings = [tag for tag in found if tag.category == "rating"]
        if ratings:
            kept.append(max(ratings, key=lambda tag: tag.score))
        return sorted(kept, key=lambda tag: -tag.score)

    @property
    def files(self) -> tuple[Path, Path]:
        """The model and its list of tags.

        Raises:
            ModelNotFound: One is not on this machine.
        """
        if str(self.weights) in hub.CATALOGUE:
            return hub.resolve(self.weights, "model"), hub.resolve(self.weights, "tags")
        path = _locate(str(self.weights))
        model = path
        if path.is_dir():
            there = [path / name for name in _MODEL_FILES if (path / name).is_file()]
            model = there[0] if there else path / _MODEL_FILES[0]
        tags = model.with_name(_TAGS_FILE)
        for file in (model, tags):
            if not file.is_file():
                raise ModelNotFound(
                    f"the tagger at {path} lacks {file}. Both {' or '.join(_MODEL_FILES)} and"
                    f" {_TAGS_FILE} are needed. Fetch one with: cartoonedit models fetch"
                    " wd-v1-4-swinv2-tagger-v2."
                )
        return model, tags


def _locate(weights: str) -> Path:
    """The file or folder of a tagger that is not in the catalogue."""
    if hub.is_repository(weights) and not Path(weights).exists():
        folder = hub.cached_folder(weights, *_MODEL_FILES)
        if folder is None:
            raise ModelNotFound(
                f"there is no tagger at {weights}, neither on this machine nor in the Hugging Face"
                f" cache. If it is a repository of the hub, fetch it with: hf download {weights}."
            )
        return folder
    return hub.resolve(weights)


class _Network(Protocol):
    """One loaded tagger: the score of every tag, 0..1, in the order of its list."""

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float64]: ...


@lru_cache(maxsize=2)  # loading takes longer than using
def _loaded(model: str, tags: str, device: str) -> tuple[_Network, list[tuple[str, str]]]:
    if model.endswith(".safetensors"):
        from cartoonedit.tagger.timm import TimmNetwork

        return TimmNetwork(Path(model), device), _read_tags(Path(tags))
    from cartoonedit.tagger.onnx import OnnxNetwork

    return OnnxNetwork(Path(model), device), _read_tags(Path(tags))


def _read_tags(file: Path) -> list[tuple[str, str]]:
    """Name and category of every tag, in the order of the network's outputs."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{file} is no list of tags, which is CSV in UTF-8: {error}.") from error
    if not rows or not {"name", "category"} <= rows[0].keys():
        raise InvalidInput(f"{file} is no list of tags: the columns name and category are needed.")
    for number, row in enumerate(rows, 1):
        if not row["name"] or not row["category"]:
            raise InvalidInput(
                f"{file} is damaged: tag {number} of {len(rows)} lacks its name or category."
            )
    return [(row["name"], _CATEGORIES.get(row["category"], row["category"])) for row in rows]
