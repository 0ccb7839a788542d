"""What all networks of depth share: where they are, and one that stays loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit import hub
from cartoonedit.errors import ModelNotFound

__all__ = ["held", "repository_folder", "to_size"]


_held: dict[tuple[Any, ...], Any] = {}


def held(load: Callable[..., Any], *args: Any) -> Any:
    """``load(*args)``, kept until another network is asked for: a folder of pictures loads once."""
    key = (load, *args)
    network = _held.get(key)
    if network is None:
        _held.clear()  # before the next one is there: two may not fit
        network = _held[key] = load(*args)
    return network


def repository_folder(repo: str) -> Path:
    """The folder in the Hugging Face cache that holds ``owner/name``; nothing is downloaded.

    Raises:
        ModelNotFound: It was never fetched.
    """
    folder = hub.cached_folder(repo, "config.json", "model_index.json")
    if folder is not None:
        return folder
    from huggingface_hub import constants

    raise ModelNotFound(
        f"the depth model {repo!r} is not on this machine: neither config.json (transformers) nor"
        f" model_index.json (diffusers) of it is in {constants.HF_HUB_CACHE}. Fetch it with:"
        f" hf download {repo}. Or use the estimator layered, which needs no weights."
    )


def to_size(values: NDArray[np.floating], size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """A network's map at the size of the picture; it never overshoots."""
    return cv2.resize(values.astype(np.float32), size_wh, interpolation=cv2.INTER_LINEAR)
