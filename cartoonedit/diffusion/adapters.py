"""LoRAs: small sets of weights that are added to those of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cartoonedit.diffusion.locating import locate_file
from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = ["Lora", "use_loras"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lora:
    """A LoRA and how much of it is added.

    Attributes:
        weights: A ``.safetensors`` file, a hub repository in the local cache with one such file, or
            ``owner/name/file.safetensors`` in one.
        weight: 1 = as it was trained.
    """

    weights: str
    weight: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Lora:
        """Read ``FILE`` or ``FILE:WEIGHT``.

        Raises:
            InvalidInput: There is no file in it.
        """
        name, colon, number = text.rpartition(":")
        try:
            weight = float(number) if colon else None
        except ValueError:  # the colon belongs to the file, as in C:\lora.safetensors
            weight = None
        name = text if weight is None else name
        if not name.strip() or (weight is not None and not abs(weight) <= 10):
            raise InvalidInput(
                f"a LoRA is written as FILE or FILE:WEIGHT, the weight from -10 to 10; got {text!r}"
            )
        return cls(name, 1.0 if weight is None else weight)


_loaded: WeakKeyDictionary[Any, dict[Path, str]] = WeakKeyDictionary()
"""File to name of the LoRAs that each pipeline has in memory, active or not."""


def use_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Make these LoRAs, and no others, active in a pipeline.

    They stay in memory, so going to and fro is quick.

    Raises:
        ModelNotFound: One is not on this machine.
        InvalidInput: One is for another family, damaged, a pickle, or no LoRA; then the pipeline is
            as it was.
    """
    held = _loaded.setdefault(pipeline, {})
    files = [locate_file(lora.weights) for lora in loras]
    for file in files:
        if file not in held:
            _add(pipeline, file, f"lora-{len(held)}")
            held[file] = f"lora-{len(held)}"
    if loras:
        pipeline.enable_lora()
        names = [held[file] for file in files]
        pipeline.set_adapters(names, [lora.weight for lora in loras])
    elif held:
        pipeline.disable_lora()


def _add(pipeline: Any, file: Path, name: str) -> None:
    weights = _read(file)
    _check(pipeline, file, weights)
    active = _active(pipeline)
    try:
        pipeline.load_lora_weights(weights, adapter_name=name)
    except Exception as error:  # its kinds differ between diffusers, peft and torch
        if name in {each for names in pipeline.get_list_adapters().values() for each in names}:
            pipeline.delete_adapters(name)
        raise InvalidInput(f"{file} cannot be used as a LoRA of this model: {error}") from error
    finally:
        if active:
            pipeline.set_adapters(active)
    logger.info("LoRA %s: %d tensors", file.name, len(weights))


def _active(pipeline: Any) -> list[str]:
    return list(pipeline.get_active_adapters()) if pipeline.get_list_adapters() else []


def _read(file: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{file} is no whole .safetensors file: {error}") from error


def _check(pipeline: Any, file: Path, weights: dict[str, torch.Tensor]) -> None:
    """Raise :class:`InvalidInput` unless the tensors are a LoRA for this family."""
    if not any("lora" in key for key in weights):
        raise InvalidInput(
            f"{file} is no LoRA: none of its tensors is named as one. Of the relatives of LoRA,"
            " LoHa and LoKr cannot be used."
        )
    wanted = pipeline.unet.config.cross_attention_dim
    width = _width_of_words(weights.items())
    second = any("lora_te2_" in key or "text_encoder_2." in key for key in weights)
    has_second = getattr(pipeline, "text_encoder_2", None) is not None
    if (width is not None and width != wanted) or (second and not has_second):
        family = {768: "SD 1.5", 1024: "SD 2", 2048: "SDXL"}
        of = family.get(width or (2048 if second else 0), f"another family (width {width})")
        model = family.get(wanted, f"of width {wanted}")
        raise InvalidInput(
            f"{file} is a LoRA for {of}, but the model is {model}. Take a LoRA and a model of the"
            " same family."
        )


def _width_of_words(weights: Iterable[tuple[str, torch.Tensor]]) -> int | None:
    """The width of the words that the LoRA's cross-attention reads, which tells the family."""
    for key, tensor in weights:
        name = key.replace(".", "_")
        down = any(part in name for part in ("lora_down", "lora_A", "_down_weight"))
        if "attn2" in name and ("to_k" in name or "to_v" in name) and down and tensor.ndim > 1:
            return int(tensor.shape[1])
    return None
