"""Where the parts of a pipeline live, and what to do when they do not fit."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from cartoonedit.errors import CartooneditError, InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = [
    "OFFLOADS",
    "batch_for",
    "check_offload",
    "explain_memory",
    "free_bytes",
    "lacks_memory",
    "laid_open",
    "place",
]

logger = logging.getLogger(__name__)

OFFLOADS = ("auto", "none", "model", "group", "sequential")
"""Ways to keep the parts of a pipeline in main memory while they are not needed: what fits, and
then from the fastest to the one that needs the least: not at all, one network at a time, layers
ahead of their use, one layer at a time."""

_ROOM = 3 * 2**30  # bytes that the work itself needs beside the weights, at common sizes


def check_offload(offload: str) -> None:
    """Raise :class:`InvalidInput` unless ``offload`` is one of :data:`OFFLOADS`."""
    if offload not in OFFLOADS:
        raise InvalidInput(f"offload must be one of {', '.join(OFFLOADS)}; got {offload!r}.")


def place(pipeline: Any, device: torch.device, offload: str = "none") -> None:
    """Bring a pipeline to a device, in one of the ways of :data:`OFFLOADS`.

    On the CPU there is nothing to offload from; that is logged. ``auto`` takes the fastest way that
    leaves room to work in.

    Raises:
        InvalidInput: The way is unknown, or the installed diffusers does not have it.
    """
    check_offload(offload)
    pipeline.vae.enable_slicing()
    if offload == "auto":
        offload = _fitting(pipeline, device)
    if offload != "none" and device.type == "cpu":
        logger.info("offload=%s has no effect on the CPU", offload)
        offload = "none"
    if offload != "none":
        # Decoding in pieces shows in flat colours, so only those who lack memory pay for it.
        pipeline.vae.enable_tiling()
    _put(pipeline, device, offload)
    _placed[pipeline] = (device, offload)


_placed: WeakKeyDictionary[Any, tuple[torch.device, str]] = WeakKeyDictionary()
"""Where each pipeline is, and in which way."""


@contextmanager
def laid_open(pipeline: Any) -> Iterator[None]:
    """While entered, networks can be changed, and new ones added; then all are in their place.

    Raises:
        InvalidInput: They are offloaded in a way that cannot be undone.
    """
    device, offload = _placed[pipeline]
    if offload == "group":
        raise InvalidInput(
            "with offload='group' nothing can be added to a model. Choose offload='model'."
        )
    if offload != "none":
        pipeline.remove_all_hooks()
    try:
        yield
    finally:
        _put(pipeline, device, offload)


def _put(pipeline: Any, device: torch.device, offload: str) -> None:
    if offload == "none":
        pipeline.to(device)
    elif offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)
    elif hasattr(pipeline, "enable_group_offload"):
        pipeline.enable_group_offload(
            onload_device=device, offload_type="leaf_level", use_stream=device.type == "cuda"
        )
    else:
        raise InvalidInput(
            "offload='group' needs a newer diffusers. Update it with: pip install -U diffusers."
            " Or choose offload='model'."
        )


def _fitting(pipeline: Any, device: torch.device) -> str:
    """The fastest way in which a pipeline fits on a device."""
    if device.type != "cuda":
        return "none"
    sizes = [_bytes(part) for part in pipeline.components.values() if hasattr(part, "parameters")]
    free = free_bytes(device)
    at_work = sum(map(_bytes, _at_every_step(pipeline)))
    ways = {"none": sum(sizes), "model": max(at_work, *sizes)}
    chosen = next((way for way, size in ways.items() if size + _ROOM < free), "sequential")
    gigabytes = [round(count / 2**30, 1) for count in (sum(sizes), free)]
    logger.info("weights of %s GiB, %s GiB free: offload=%s", *gigabytes, chosen)
    return chosen


def free_bytes(device: torch.device) -> float:
    """What can be had of a CUDA device, with what torch holds and does not use; inf of others."""
    import torch

    if device.type != "cuda":
        return math.inf
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def _at_every_step(pipeline: Any) -> list[Any]:
    """The networks that are on the device together, whatever is offloaded."""
    networks = (pipeline.unet, getattr(pipeline, "controlnet", None))
    return [network for network in networks if network is not None]


def _bytes(network: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in network.parameters())


_PER_PIXEL = 3000
"""Bytes that one pixel takes in half precision while a picture is worked on, with classifier-free
guidance and a ControlNet; an estimate on the safe side."""

_MOST_AT_ONCE = 8  # more do not run faster


def batch_for(pipeline: Any, size_wh: tuple[int, int]) -> int:
    """How many pictures of a size can be worked on at once.

    On the CPU and on Apple GPUs it is one: more are not faster there.
    """
    device = pipeline._execution_device
    if device.type != "cuda":
        return 1
    each = size_wh[0] * size_wh[1] * _PER_PIXEL * pipeline.unet.dtype.itemsize // 2
    free = free_bytes(device)
    for network in _at_every_step(pipeline):
        if next(network.parameters()).device.type == "cpu":  # it is still to come
            free -= _bytes(network)
    return int(min(max(1, free // each), _MOST_AT_ONCE))


_LACK = ("out of memory", "not enough memory", "can't allocate memory")


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out."""
    import torch

    # CUDA raises a child of RuntimeError, Apple MPS and the CPU the thing itself.
    lacking = any(words in str(error).lower() for words in _LACK)
    return isinstance(error, torch.OutOfMemoryError) or lacking


@contextmanager
def explain_memory() -> Iterator[None]:
    """Turn a device's lack of memory into an error that says what can be turned down.

    Raises:
        CartooneditError: The block ran out of the memory of its device.
    """
    import torch

    try:
        yield
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        first_line = str(error).splitlines()[0] if str(error) else "no details"
        raise CartooneditError(
            f"the device ran out of memory ({first_line}). Use less of it: set offload to 'model',"
            " 'group' or 'sequential', a smaller max_side, or dtype='float16'; or run on"
            " device='cpu'."
        ) from error
