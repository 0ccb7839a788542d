"""How well a picture fits a text: the CLIP score, the paper's measure of a style (section 6.2).

The score is 100 times the cosine of the angle between the embeddings that CLIP gives to the picture
and to the text. Some define it as 0 where the cosine is negative; here it is not cut off, so means
and differences of scores stay unbiased. Pictures score 15 to 35 in practice, where both are equal.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import InvalidInput, ModelNotFound
from cartoonedit.weights import read_weights

__all__ = ["ClipScorer"]

logger = logging.getLogger(__name__)

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_TEXT_INPUTS = ("input_ids", "attention_mask")
_LONGEST = 4  # times the shorter side; of a longer strip only the middle is looked at


@dataclass(frozen=True)
class ClipScorer:
    """Score pictures against a text. The network is loaded at the first picture and kept.

    Example:
        >>> ClipScorer()([open_image("picture.png")], "a watercolour of two girls")
        array([26.8])

    Attributes:
        model: A name of the catalogue, a hub repository in the local cache, or a folder with a CLIP
            of transformers. Scores of different models do not compare.
        device: As for :func:`cartoonedit.runtime.pick_device`.
        dtype: As for :func:`cartoonedit.runtime.pick_dtype`.
        batch_size: Pictures that go through the network at once.

    Raises:
        InvalidInput: The batch size is smaller than 1.
    """

    model: str | Path = "clip-vit-l-14"
    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = 16

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise InvalidInput(f"batch_size must be 1 or more; got {self.batch_size}.")

    def __call__(self, images: Iterable[NDArray[np.uint8]], text: str) -> NDArray[np.float64]:
        """Score pictures.

        As is usual, CLIP sees a picture's central square.

        Args:
            images: RGB ``uint8`` ``(H, W, 3)``, of any sizes. They are taken as they are needed.
            text: What they are compared with. What is beyond the length that CLIP reads (77 tokens,
                about 60 words) is left out, with a warning.

        Returns:
            ``float64`` ``(N,)``, -100..100.

        Raises:
            ModelNotFound: The model is not on this machine.
            InvalidInput: It is no CLIP, or an image has another form.
            CartooneditError: The device has too little memory.
        """
        clip = _load(self.folder(), self.device, self.dtype)
        meant = clip.embed_text(text)
        rest = iter(images)
        batches = iter(lambda: list(islice(rest, self.batch_size)), [])
        return np.concatenate(
            [np.empty(0), *(100 * clip.embed(batch) @ meant for batch in batches)]
        )

    def folder(self) -> Path:
        """Where the model is on this machine.

        Raises:
            ModelNotFound: It is not.
        """
        name = str(self.model)
        for entry in hub.CATALOGUE.values():
            if name in (entry.name, entry.repo):
                return hub.path(entry.name)
        folder = Path(self.model).expanduser()
        if folder.is_dir():
            return folder
        cached = hub.cached_folder(name, "config.json") if hub.is_repository(name) else None
        if cached is None:
            raise ModelNotFound(
                f"there is no CLIP model {name!r} on this machine. Fetch one with: cartoonedit"
                " models fetch clip-vit-l-14. Or give a folder with one of transformers' form, or a"
                " hub repository that was fetched before."
            )
        return cached


class _Clip:
    """A loaded CLIP.

    Args:
        model: The network, in place.
        processor: Its tokenizer and its preparation of pictures.
    """

    def __init__(self, model: Any, processor: Any) -> None:
        self._model, self._processor = model, processor
        self.embed_text = lru_cache(maxsize=8)(self._embed_text)

    def embed(self, images: Iterable[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Unit vectors ``(N, D)``."""
        # Copies, for torch warns of arrays that it may not write to.
        shown = [_central(_checked(image)).copy() for image in images]
        inputs = self._processor.image_processor(
            images=shown,
            return_tensors="pt",
            input_data_format="channels_last",  # a picture of 3 pixels' height is ambiguous
        )
        pixels = inputs["pixel_values"].to(self._model.device, self._model.dtype)
        return self._unit(self._model.get_image_features, pixel_values=pixels)

    def _embed_text(self, text: str) -> NDArray[np.float64]:
        """A unit vector ``(D,)``."""
        tokenizer = self._processor.tokenizer
        most = self._model.config.text_config.max_position_embeddings
        length = len(tokenizer(text, verbose=False)["input_ids"])
        if length > most:
            logger.warning(
                "CLIP reads %d tokens and the text has %d; the rest does not count", most, length
            )
        inputs = tokenizer(text, truncation=True, max_length=most, return_tensors="pt")
        inputs = {name: inputs[name].to(self._model.device) for name in _TEXT_INPUTS}
        return self._unit(self._model.get_text_features, **inputs)[0]

    def _unit(self, embed: Any, **inputs: Any) -> NDArray[np.float64]:
        import torch

        from cartoonedit.diffusion.memory import explain_memory

        with torch.inference_mode(), explain_memory():
            output = embed(**inputs)
        # A tensor in older versions of transformers, and an output that holds it in newer ones.
        features = getattr(output, "pooler_output", output).float().cpu().double()
        return torch.nn.functional.normalize(features, dim=-1).numpy()


@lru_cache(maxsize=1)
def _load(folder: Path, device: str, dtype: str) -> _Clip:
    from cartoonedit.diffusion.memory import explain_memory
    from cartoonedit.runtime import pick_device, pick_dtype

    _check_kind(folder)
    file = next((folder / name for name in _WEIGHTS if (folder / name).is_file()), None)
    if file is None:
        raise ModelNotFound(f"the CLIP model in {folder} lacks its weights, {_WEIGHTS[0]}.")
    where = pick_device(device)

    import transformers

    transformers.utils.logging.disable_progress_bar()  # work is reported through our own callback
    try:
        processor = transformers.CLIPProcessor.from_pretrained(folder, local_files_only=True)
        config = transformers.CLIPConfig.from_pretrained(folder, local_files_only=True)
        # Handed in, so that a pickle is read as carefully here as everywhere.
        model, report = transformers.CLIPModel.from_pretrained(
            None, config=config, state_dict=read_weights(file), output_loading_info=True
        )
    except OSError as error:
        raise ModelNotFound(
            f"the CLIP model in {folder} is not complete: {error} It needs config.json,"
            " preprocessor_config.json, the files of its tokenizer, and its weights."
        ) from error
    except RuntimeError as error:
        raise InvalidInput(f"the weights in {file} are not of this CLIP: {error}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise InvalidInput(
            f"the weights in {file} are not of this CLIP: {len(missing)} tensors are missing, such"
            f" as {missing[0]!r}."
        )
    with explain_memory():
        return _Clip(model.to(where, pick_dtype(where, dtype)).eval(), processor)


def _check_kind(folder: Path) -> None:
    """Refuse a folder with a model of another kind, which transformers would take."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except OSError as error:
        raise ModelNotFound(f"{folder} holds no model of transformers: {error}") from error
    except (ValueError, AttributeError) as error:
        raise InvalidInput(f"{folder / 'config.json'} is damaged: {error}.") from error
    if kind != "clip":
        raise InvalidInput(f"{folder} holds a model of type {kind!r}; a CLIP score needs 'clip'.")


def _checked(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InvalidInput(f"image must be RGB uint8 (H, W, 3); got {image.dtype} {image.shape}.")
    return image


def _central(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the ends of a very long strip, which CLIP does not see and would enlarge first."""
    height, width = image.shape[:2]
    most = _LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return image[top : top + most, left : left + most]
