"""Choosing an estimator of depth by name, folder, repository or file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.annotators import leres, midas, zoe
from cartoonedit.depth.files import FILES, read_depth
from cartoonedit.depth.layered import layered_depth
from cartoonedit.depth.marigold import is_marigold, marigold, marigold_depth
from cartoonedit.depth.networks import repository_folder
from cartoonedit.depth.pretrained import depth_anything, depth_pro, pretrained_depth
from cartoonedit.errors import InvalidInput
from cartoonedit.hub import is_repository

__all__ = ["ESTIMATORS", "DepthEstimator", "Estimator", "check_estimator", "estimate_depth"]

Estimator = Callable[[NDArray[np.uint8], Sequence[NDArray[np.uint8]], str], NDArray[np.float32]]

ESTIMATORS: dict[str, Estimator] = {
    "layered": layered_depth,
    "leres": leres,
    "zoe": zoe,
    "midas": midas,
    "depth-anything-v2-small": depth_anything,
    "depthpro": depth_pro,
    "marigold": marigold,
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
            with a depth model of transformers or a Marigold pipeline, the hub repository of one
            (``owner/name``) that was fetched before, or a callable of the same form.
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
    check_estimator(estimator)
    name = str(estimator)
    if name in ESTIMATORS:
        return ESTIMATORS[name](picture, masks, device)
    path = Path(estimator).expanduser()
    if path.is_dir():
        return _by_folder(picture, path, device)
    if path.is_file():
        return read_depth(path, picture.shape[1::-1], convention=convention)
    return _by_folder(picture, repository_folder(name), device)


def check_estimator(estimator: str | Path) -> None:
    """Refuse what :func:`estimate_depth` can make nothing of, before any work.

    Whether a network's weights are on this machine is not looked at.

    Raises:
        InvalidInput: The estimator is unknown, or a depth file that is not there.
    """
    name, path = str(estimator), Path(estimator).expanduser()
    if name in ESTIMATORS or path.is_file() or (name.strip() and path.is_dir()):
        return
    if path.suffix.lower() in FILES:
        raise InvalidInput(f"depth: there is no depth map at {name!r}. Check the name and folder.")
    if not is_repository(name):
        raise InvalidInput(
            f"depth must be one of {', '.join(ESTIMATORS)}, a depth file (.png, .tif, .exr, .npy),"
            " or a folder or hub repository (owner/name) with a depth model of transformers or"
            f" diffusers; got {name!r}."
        )


@dataclass(frozen=True)
class DepthEstimator:
    """An estimator with its settings, which a scene can carry in place of a name.

    Attributes:
        method: What :func:`estimate_depth` takes, but no callable.
        device: Where a network runs, unless the caller says otherwise.
        convention: How a depth file is to be read.

    Example:
        >>> DepthEstimator("depth.png", convention="near-white").name
        'depth.png'
    """

    method: str | Path = "layered"
    device: str = "auto"
    convention: str = "far-white"

    @property
    def name(self) -> str:
        """What a scene keeps of it in its files."""
        return str(self.method)

    def __call__(
        self,
        picture: NDArray[np.uint8],
        masks: Sequence[NDArray[np.uint8]],
        device: str | None = None,
    ) -> NDArray[np.float32]:
        """Depth ``float32`` ``(H, W)`` in 0..1, larger = farther; see :func:`estimate_depth`."""
        chosen = self.device if device in (None, "auto") else device
        return estimate_depth(
            picture, masks, self.method, device=str(chosen), convention=self.convention
        )


def _by_folder(picture: NDArray[np.uint8], folder: Path, device: str) -> NDArray[np.float32]:
    run = marigold_depth if is_marigold(folder) else pretrained_depth
    return run(picture, folder, device)
