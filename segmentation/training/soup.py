"""Several trainings averaged into one network (Wortsman et al., "Model soups", 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from cartoonedit.errors import InvalidInput
from segmentation.checkpoints import load_state_dict, read_meta
from segmentation.training.loop import save_tensors

__all__ = ["average_weights"]


def average_weights(files: Sequence[Path], out: Path) -> None:
    """Average the weights of networks that were trained on from the same ones.

    Networks that went different ways from there, on other scenes or by another recipe, err
    differently; their average errs less than each and costs no more. Of networks that do not share
    their start an average is good for nothing.

    Args:
        files: Two or more files of weights.
        out: File for the average, as `train_detector` writes them, with the first file's metadata.

    Raises:
        ModelNotFound: A file is missing.
        InvalidInput: There are fewer than two, one is damaged, or they are of different networks.
    """
    if len(files) < 2:
        raise InvalidInput("an average takes at least two files of weights.")
    states = [load_state_dict(path) for path in files]
    for path, state in zip(files[1:], states[1:], strict=True):
        if name := _difference(states[0], state):
            raise InvalidInput(
                f"{str(files[0])!r} and {str(path)!r} are of different networks: {name!r} is not"
                " the same in both. Average what was trained on from one start."
            )
    averaged = {
        name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]
    }
    metadata = read_meta(files[0]).metadata
    save_tensors(averaged, out, {**metadata, "averaged": str(len(files))})


def _difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> str | None:
    """Name of the first tensor that only one of two networks has, or that has another shape."""
    for name in [*one, *other]:
        if name not in one or name not in other or one[name].shape != other[name].shape:
            return name
    return None
