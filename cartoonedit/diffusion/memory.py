"""Where the parts of a pipeline live, and what to do when they do not fit."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cartoonedit.errors import CartooneditError, InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = ["OFFLOADS", "check_offload", "explain_memory", "place"]

logger = logging.getLogger(__name__)

OFFLOADS = ("none", "model", "group", "sequential")
"""Ways to keep the parts of a pipeline in main memory while they are not needed, from the fastest
to the one that needs the least: not at all, one network at a time, layers ahead of their use, one
layer at a time."""


def check_offload(offload: str) -> None:
    """Raise :class:`InvalidInput` unless ``offload`` is one of :data:`OFFLOADS`."""
    if offload not in OFFLOADS:
        raise InvalidInput(f"offload must be one of {', '.join(OFFLOADS)}; got {offload!r}.")


def place(pipeline: Any, device: torch.device, offload: str = "none") -> None:
    """Bring a pipeline to a device, in one of the ways of :data:`OFFLOADS`.

    On the CPU there is nothing to offload from; that is logged.

    Raises:
        InvalidInput: The way is unknown, or the installed diffusers does not have it.
    """
    check_offload(offload)
    pipeline.vae.enable_slicing()
    if offload != "none" and device.type == "cpu":
        logger.info("offload=%s has no effect on the CPU", offload)
        offload = "none"
    if offload == "none":
        pipeline.to(device)
        return
    # Decoding in pieces shows in flat colours, so only those who lack memory pay for it.
    pipeline.vae.enable_tiling()
    if offload == "model":
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


_LACK = ("out of memory", "not enough memory", "can't allocate memory")


@contextmanager
def explain_memory() -> Iterator[None]:
    """Turn a device's lack of memory into an error that says what can be turned down.

    Raises:
        CartooneditError: The block ran out of the memory of its device.
    """
    import torch

    try:
        yield
    except RuntimeError as error:  # CUDA raises a child of it, Apple MPS and the CPU the thing
        lacking = any(words in str(error).lower() for words in _LACK)
        if not lacking and not isinstance(error, torch.OutOfMemoryError):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        first_line = str(error).splitlines()[0] if str(error) else "no details"
        raise CartooneditError(
            f"the device ran out of memory ({first_line}). Use less of it: set offload to 'model',"
            " 'group' or 'sequential', a smaller max_side, or dtype='float16'; or run on"
            " device='cpu'."
        ) from error
