"""Depth of a picture: estimators behind one signature, and pooling inside an instance.

Depth is ``float32`` ``(H, W)`` in 0..1 and larger means farther. ``1 - depth`` is proportional to
the disparity (the inverse of the distance), which is what estimators of relative depth predict and
what an image moves by when a camera does. An estimator is a callable ``(picture, masks, device) ->
depth``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.files import CONVENTIONS, read_depth
from cartoonedit.depth.layered import instance_layout, layered_depth, plate_depth
from cartoonedit.depth.networks import depth_anything, transformers_depth
from cartoonedit.depth.pooling import POOLS, pool_depth
from cartoonedit.errors import InvalidInput

__all__ = [
    "CONVENTIONS",
    "ESTIMATORS",
    "POOLS",
    "estimate_depth",
    "instance_layout",
    "plate_depth",
    "pool_depth",
    "read_depth",
]

Estimator = Callable[[NDArray[np.uint8], Sequence[NDArray[np.uint8]], str], NDArray[np.float32]]

ESTIMATORS: dict[str, Estimator] = {
    "layered": layered_depth,
    "depth-anything-v2-small": depth_anything,
}
"""Depth estimators by name: ``(picture, masks, device) -> depth``."""


def estimate_depth(
    picture: NDArray[np.uint8],
    masks: Sequence[NDArray[np.uint8]],
    estimator: str | Path | Estimator = "layered",
    *,
    device: str = "auto",
    convention: str = "far-white",
) -> NDArray[np.float32]:
    """Estimate or read the depth of a picture.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks of its instances, ``uint8`` ``(H, W)``.
        estimator: A name in :data:`ESTIMATORS`, a depth file (see :func:`read_depth`), a folder
            with a transformers depth model, or a callable of the same form.
        device: Where a network runs; ``layered`` and files do not care.
        convention: How a depth file is to be read.

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther.

    Raises:
        InvalidInput: The estimator is unknown or the file cannot be used.
        ModelNotFound: The estimator's weights are not on this machine.
    """
    if callable(estimator):
        return estimator(picture, masks, device)
    if str(estimator) in ESTIMATORS:
        return ESTIMATORS[str(estimator)](picture, masks, device)
    path = Path(estimator).expanduser()
    if path.is_dir():
        return transformers_depth(picture, str(path), device)
    if path.suffix:
        return read_depth(path, picture.shape[1::-1], convention=convention)
    raise InvalidInput(
        f"depth must be one of {', '.join(ESTIMATORS)}, a depth file (.png, .npy) or a folder"
        f" with a transformers depth model; got {str(estimator)!r}."
    )
