"""LoRAs: small sets of weights that are added to those of a pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cartoonedit.diffusion.locating import locate_file
from cartoonedit.diffusion.memory import explain_memory
from cartoonedit.diffusion.weights import reason
from cartoonedit.errors import CartooneditError, InvalidInput
from cartoonedit.weights import read_weights

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


@dataclass
class _Held:
    """The LoRAs that a pipeline has in memory.

    Attributes:
        names: By file; also of those that are not active.
        active: How much of which is added, by name.
        tried: How many there were ever; a name of one that failed is not used again.
    """

    names: dict[Path, str] = field(default_factory=dict)
    active: dict[str, float] = field(default_factory=dict)
    tried: int = 0


_held: WeakKeyDictionary[Any, _Held] = WeakKeyDictionary()


def use_loras(pipeline: Any, loras: Sequence[Lora]) -> None:
    """Make these LoRAs, and no others, active in a pipeline.

    They stay in memory, so going to and fro is quick. After an error the pipeline is as it was.

    Raises:
        ModelNotFound: One is not on this machine.
        InvalidInput: One is for another family, damaged, a pickle, or no LoRA.
        CartooneditError: The device has too little memory.
    """
    held = _held.setdefault(pipeline, _Held())
    files = [locate_file(lora.weights) for lora in loras]
    try:
        for file in files:
            if file not in held.names:
                _add(pipeline, file, held)
    except CartooneditError:
        _activate(pipeline, held)  # what is added becomes active
        raise
    held.active = {}
    for file, lora in zip(files, loras, strict=True):
        name = held.names[file]
        held.active[name] = held.active.get(name, 0) + lora.weight
    _activate(pipeline, held)


def _activate(pipeline: Any, held: _Held) -> None:
    if held.active:
        pipeline.enable_lora()
        pipeline.set_adapters(list(held.active), list(held.active.values()))
    elif held.tried:
        pipeline.disable_lora()


def _add(pipeline: Any, file: Path, held: _Held) -> None:
    weights = read_weights(file)
    _check(pipeline, file, weights)
    name = f"lora-{held.tried}"
    held.tried += 1
    try:
        with explain_memory(), _quiet():
            pipeline.load_lora_weights(weights, adapter_name=name)
        if not any(name in names for names in pipeline.get_list_adapters().values()):
            raise ValueError("none of its tensors is for a layer of this model")
    except Exception as error:  # its kinds differ between diffusers, peft and torch
        pipeline.delete_adapters(name)
        if isinstance(error, CartooneditError):  # memory ran out
            raise
        raise InvalidInput(
            f"{file} cannot be used as a LoRA of this model: {reason(error)}"
        ) from error
    held.names[file] = name
    logger.info("LoRA %s: %d tensors", file.name, len(weights))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' table of what a LoRA lacks, which is that of those before it."""
    talker = logging.getLogger("transformers")
    level = talker.level
    talker.setLevel(logging.ERROR)
    try:
        yield
    finally:
        talker.setLevel(level)


_MARKS = ("lora_down", "lora_A", "lora.down", "lora_linear_layer")
"""What the names of a LoRA's tensors have in them, by the tool that wrote them."""

_RELATIVES = ("lora_mid", "w_norm", "b_norm", "diff", "diff_b")
"""Parts of such names that only LyCORIS writes: Tucker decompositions, norms and whole layers."""


def _check(pipeline: Any, file: Path, weights: dict[str, torch.Tensor]) -> None:
    """Raise :class:`InvalidInput` unless the tensors are a LoRA for this family."""
    if not any(mark in key for key in weights for mark in _MARKS):
        raise InvalidInput(
            f"{file} is no LoRA: none of its tensors is named as one. Of the relatives of LoRA,"
            " LoHa and LoKr cannot be used."
        )
    foreign = [key for key in weights if any(part in _RELATIVES for part in key.split("."))]
    if foreign:
        raise InvalidInput(
            f"{file} is a relative of LoRA, written by LyCORIS, that cannot be used: {len(foreign)}"
            f" of its tensors, such as {foreign[0]}, are no parts of a LoRA. Of LyCORIS, LoCon"
            " without Tucker decomposition and without norms can be used."
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
