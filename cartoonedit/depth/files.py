"""Depth maps from files."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.depth.scale import from_distance, normalise
from cartoonedit.errors import InvalidInput, MissingExtra
from cartoonedit.inpaint import fill_smooth

__all__ = ["CONVENTIONS", "FILES", "read_depth"]

logger = logging.getLogger(__name__)

CONVENTIONS = ("far-white", "near-white", "metric")

FILES = frozenset(
    (".png", ".tif", ".tiff", ".exr", ".npy", ".pfm", ".jpg", ".jpeg", ".webp", ".bmp")
)
"""Endings that mean a depth file, whether it is there or not."""

COLOURED = 0.06
"""A difference between the channels of a grey picture that no compression makes, of full scale."""


def read_depth(
    path: str | Path, size_wh: tuple[int, int] | None = None, *, convention: str = "far-white"
) -> NDArray[np.float32]:
    """Read a depth map from a file.

    Args:
        path: A grey picture with 8, 16 or 32 bits, an OpenEXR file (needs the package OpenEXR), or
            a ``.npy`` array ``(H, W)``.
        size_wh: The size of the picture it belongs to; a map of another size is resized, with a
            warning in the log.
        convention: ``far-white`` (0 = near, full scale = far), ``near-white`` (the reverse, as most
            depth viewers save), or ``metric`` (distances in any unit; 0 and less are holes of the
            measurement and are filled, infinity is the sky).

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther. Floats beyond 0..1 are normalised.

    Raises:
        InvalidInput: Unknown convention, or the file cannot be read as a depth map: it is coloured,
            has values that are no numbers, or another shape.
        MissingExtra: It is an OpenEXR file and the package OpenEXR is not installed.
    """
    if convention not in CONVENTIONS:
        choices = ", ".join(CONVENTIONS)
        raise InvalidInput(f"depth convention must be one of {choices}; got {convention!r}.")
    path = Path(path).expanduser()
    values = _read(path)
    usable = ~np.isnan(values) if convention == "metric" else np.isfinite(values)
    if not usable.all():
        raise InvalidInput(
            f"{path} holds {np.count_nonzero(~usable)} values that are not finite. Replace them"
            " first; as a metric file it may hold infinity for the sky."
        )
    if convention == "metric":
        values = _from_measured(values)
    elif values.min() < 0 or values.max() > 1:
        values = normalise(values)
    if convention == "near-white":
        values = 1 - values
    if size_wh is not None and values.shape[::-1] != size_wh:
        height, width = values.shape
        logger.warning("depth %s: resized from %dx%d to %dx%d", path, width, height, *size_wh)
        shrink = width > size_wh[0] and height > size_wh[1]
        values = cv2.resize(
            values, size_wh, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
        )
    return np.ascontiguousarray(values, dtype=np.float32)


def _from_measured(distance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Depth from distances with holes, which sensors store as 0."""
    hole = distance <= 0
    if hole.all():
        return np.full(distance.shape, 0.5, np.float32)
    if not hole.any():
        return from_distance(distance)
    logger.warning("depth: %d pixels without a distance are filled", np.count_nonzero(hole))
    return fill_smooth(from_distance(np.where(hole, np.median(distance[~hole]), distance)), hole)


def _read(path: Path) -> NDArray[np.float32]:
    """The values as stored; whole numbers as a share of full scale."""
    suffix = path.suffix.lower()
    if suffix == ".npy":
        values = _load_npy(path)
    elif suffix == ".exr" and path.is_file():
        values = _load_exr(path)
    else:
        values = _load_picture(path)
    if values.dtype in (np.uint8, np.uint16):
        return (values / np.float32(np.iinfo(values.dtype).max)).astype(np.float32)
    with np.errstate(over="ignore"):  # what is too large for 32 bits becomes infinite
        return values.astype(np.float32)


def _load_npy(path: Path) -> NDArray[Any]:
    try:
        values = np.squeeze(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(f"{path} cannot be read as a numpy array: {error}.") from error
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "fiu":
        got = f"{values.dtype} {values.shape}"
        raise InvalidInput(f"a depth array must be numbers of shape (H, W); {path} holds {got}.")
    return values


def _load_picture(path: Path) -> NDArray[Any]:
    from cartoonedit.images import open_grey

    values = None
    if path.is_file() and path.stat().st_size:
        # OpenCV first: Pillow reduces colour pictures of 16 bits to 8, and refuses floats over 1.
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        return open_grey(path)  # reads more kinds, and says what is wrong
    return values if values.ndim == 2 else _grey(values, path)


def _load_exr(path: Path) -> NDArray[Any]:
    # OpenCV reads OpenEXR only if it was built with it, and its wheels for headless machines differ
    # in that.
    try:
        import OpenEXR
    except ImportError as error:
        raise MissingExtra(
            f"{path} is an OpenEXR file, and the package that reads those is not installed. Install"
            " it with: pip install OpenEXR. Or save the depth map as .npy, or as TIFF with floats."
        ) from error
    try:
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
    except RuntimeError as error:
        raise InvalidInput(f"{path} is damaged or no OpenEXR file: {error}.") from error
    for name in ("Z", "Y", "depth", "depth.Z"):
        if name in channels:
            return channels[name]
    colours = [channels[name] for name in ("R", "G", "B") if name in channels]
    if len(channels) == 1 or len(colours) == 1:
        return (colours or list(channels.values()))[0]
    if len(colours) == 3:
        return _grey(np.dstack(colours), path)
    raise InvalidInput(
        f"{path} has no channel that is known to be depth. It has {', '.join(channels)}; depth is"
        " looked for in Z, Y and in grey R, G, B."
    )


def _grey(values: NDArray[Any], path: Path) -> NDArray[Any]:
    """One channel of a picture that has three of the same, with or without transparency."""
    colours = values[..., : min(3, values.shape[2])]
    if values.shape[2] >= 3:
        spread = np.ptp(colours.astype(np.float32), axis=2)
        whole = np.iinfo(values.dtype).max if values.dtype.kind == "u" else np.abs(colours).max()
        if np.mean(spread > COLOURED * whole) > 0.01:
            raise InvalidInput(
                f"{path} is coloured; a depth map must be grey. A map drawn in false colours cannot"
                " be turned back: save the depth itself."
            )
    return colours[..., min(1, colours.shape[2] - 1)]  # of colours, green suffers least
