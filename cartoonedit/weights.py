"""Weights that others trained, read as tensors by name; no code in a file is ever run."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    import torch

__all__ = ["load_into", "open_safetensors", "read_weights"]

logger = logging.getLogger(__name__)

_WRAPPERS = ("depth_model", "gen_state_dict", "model", "state_dict")


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a file of weights, however training code wrapped them.

    Args:
        path: A ``.safetensors`` file, or what ``torch.save`` wrote, of which only tensors are read.

    Returns:
        Tensors on the CPU by name, without the ``module.`` that data parallelism puts before it.

    Raises:
        InvalidInput: The file is damaged, or holds something that could run code, or no weights by
            name.
    """
    stored = _safetensors(path) if path.suffix == ".safetensors" else _tensors_only(path)
    for wrapper in _WRAPPERS:
        if isinstance(stored, Mapping) and isinstance(stored.get(wrapper), Mapping):
            stored = stored[wrapper]
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"{path} holds no weights by name, but a {type(stored).__name__}.")
    return {str(name).removeprefix("module."): value for name, value in stored.items()}


@contextmanager
def open_safetensors(path: Path) -> Iterator[Any]:
    """Open a ``.safetensors`` file to look at single tensors, or at their names and shapes alone.

    Raises:
        InvalidInput: It is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as weights:
            yield weights
    except SafetensorError as error:
        raise InvalidInput(f"{path} is no whole .safetensors file: {error}") from error


def load_into(
    network: torch.nn.Module,
    weights: Mapping[str, torch.Tensor],
    path: Path,
    computed: tuple[str, ...] = (),
) -> None:
    """Load weights into the network that they were trained for; what it does not use is left out.

    Args:
        network: Takes them.
        weights: As :func:`read_weights` gives them.
        path: Where they are from, for messages.
        computed: Endings of names that may be missing, since the network computes them itself.

    Raises:
        InvalidInput: They are those of another network.
    """
    from torch import nn

    try:  # asked of the base class, since ZoeDepth's own method hides what is missing
        missing, unexpected = nn.Module.load_state_dict(network, weights, strict=False)
    except RuntimeError as error:  # a shape differs
        raise InvalidInput(f"the weights in {path} are not of this network: {error}") from error
    missing = [name for name in missing if not name.endswith(computed)]
    if missing:
        raise InvalidInput(
            f"the weights in {path} are not of this network: {len(missing)} tensors are missing,"
            f" such as {missing[0]!r}."
        )
    logger.debug("%s: %d tensors that this network does not use", path, len(unexpected))


def _safetensors(path: Path) -> Any:
    with open_safetensors(path) as weights:
        return {name: weights.get_tensor(name) for name in weights.keys()}  # noqa: SIM118  # no dict


def _tensors_only(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InvalidInput(
            f"{path} cannot be read as weights: {reason}. A file that holds more than tensors is"
            " refused, because reading it could run code. Fetch the file again, or take the same"
            " weights as .safetensors."
        ) from error
