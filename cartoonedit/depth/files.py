"""Depth maps from files."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.scale import normalise
from cartoonedit.errors import InvalidInput

__all__ = ["CONVENTIONS", "read_depth"]

logger = logging.getLogger(__name__)

CONVENTIONS = ("far-white", "near-white", "metric")


def read_depth(
    path: str | Path, size_wh: tuple[int, int] | None = None, *, convention: str = "far-white"
) -> NDArray[np.float32]:
    """Read a depth map from a file.

    Args:
        path: A grey picture with 8 or 16 bits, or a ``.npy`` array ``(H, W)``.
        size_wh: The size of the picture it belongs to; a map of another size is resized.
        convention: ``far-white`` (0 = near, full scale = far), ``near-white`` (the reverse, as most
            depth viewers save), or ``metric`` (distances, turned into normalised disparity).

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther.

    Raises:
        InvalidInput: Unknown convention, or the file cannot be read as a depth map.
    """
    from cartoonedit.images import open_grey

    if convention not in CONVENTIONS:
        choices = ", ".join(CONVENTIONS)
        raise InvalidInput(f"depth convention must be one of {choices}; got {convention!r}.")
    path = Path(path).expanduser()
    values = _load_npy(path) if path.suffix.lower() == ".npy" else open_grey(path)
    if convention == "metric":
        nearest = np.float32(max(float(values.max()), 1e-6) * 1e-4)  # keeps 0 from dividing
        values = 1 - normalise((1 / np.maximum(values, nearest)).astype(np.float32))
    elif values.min() < 0 or values.max() > 1:
        values = normalise(values)
    if convention == "near-white":
        values = 1 - values
    if size_wh is not None and values.shape != (size_wh[1], size_wh[0]):
        height, width = values.shape
        logger.warning("depth %s: resized from %dx%d to %dx%d", path, width, height, *size_wh)
        values = cv2.resize(values, size_wh, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(values, dtype=np.float32)


def _load_npy(path: Path) -> NDArray[np.float32]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read as a numpy array: {error}.") from error
    values = np.squeeze(values)
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        got = f"{values.dtype} {values.shape}"
        raise InvalidInput(f"a depth array must be numbers of shape (H, W); {path} holds {got}.")
    if values.dtype in (np.uint8, np.uint16):
        return (values / np.float32(np.iinfo(values.dtype).max)).astype(np.float32)
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if not np.isfinite(values).all():  # too large for 32 bits is infinite, too
        raise InvalidInput(f"{path} holds values that are not finite. Replace them first.")
    return values
