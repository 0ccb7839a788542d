"""Depth of a picture: estimators behind one signature, and pooling inside an instance.

Depth is ``float32`` ``(H, W)`` in 0..1 and larger means farther. ``1 - depth`` is proportional to
the disparity (the inverse of the distance), which is what estimators of relative depth predict and
what an image moves by when a camera does. An estimator is a callable ``(picture, masks, device) ->
depth``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput, ModelNotFound

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

logger = logging.getLogger(__name__)

Estimator = Callable[[NDArray[np.uint8], Sequence[NDArray[np.uint8]], str], NDArray[np.float32]]

CONVENTIONS = ("far-white", "near-white", "metric")
POOLS = ("mean", "median", "base")

FLOOR = 0.55
"""Disparity (1 - depth) of the floor at the lower border in a layered scene; the horizon has 0.
What is nearer than the picture's lower border, such as a character cut by it, lies above that."""

BASE = 0.05
"""The lowest share of an instance's height that counts as its ground contact."""


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
        return _transformers_depth(picture, str(path), device)
    if path.suffix:
        return read_depth(path, picture.shape[1::-1], convention=convention)
    raise InvalidInput(
        f"depth must be one of {', '.join(ESTIMATORS)}, a depth file (.png, .npy) or a folder"
        f" with a transformers depth model; got {str(estimator)!r}."
    )


# ---------------------------------------------------------------- pooling (paper section 6.1)


def pool_depth(depth: NDArray[np.float32], mask: NDArray[np.uint8], how: str = "mean") -> float:
    """One depth for a whole instance, so that it moves as one plane (paper section 6.1).

    Args:
        depth: ``float32`` ``(H, W)``, larger = farther.
        mask: Alpha ``uint8`` ``(H, W)``.
        how: ``mean`` (the paper's average pooling, weighted by alpha), ``median``, or ``base``: the
            mean over the lowest 5 % of the instance, where it stands on the ground.

    Returns:
        The pooled depth; 0.5 for an empty mask.

    Raises:
        InvalidInput: ``how`` is none of the three, or the sizes differ.
    """
    if how not in POOLS:
        raise InvalidInput(f"pool must be one of {', '.join(POOLS)}; got {how!r}.")
    if depth.shape != mask.shape:
        raise InvalidInput(f"depth {depth.shape} and mask {mask.shape} must have one size.")
    x, y, width, height = cv2.boundingRect(mask)
    if height == 0:
        return 0.5
    top = y + height - max(1, round(BASE * height)) if how == "base" else y
    inside = np.s_[top : y + height, x : x + width]
    values, alpha = depth[inside], mask[inside].astype(np.float64)
    if how == "median":
        core = alpha >= min(128, alpha.max())
        return float(np.median(values[core]))
    return float((values * alpha).sum() / alpha.sum())


# ---------------------------------------------------------------- depth files


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
        values = 1 - _normalise((1 / np.maximum(values, nearest)).astype(np.float32))
    elif values.min() < 0 or values.max() > 1:
        values = _normalise(values)
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


def _normalise(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map the 1st..99th percentile to 0..1: one wild pixel must not flatten all others."""
    low, high = np.percentile(values, (1, 99))
    if high - low <= 1e-6 * max(1.0, abs(float(high))):
        low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full_like(values, 0.5, dtype=np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


# ---------------------------------------------------------------- networks


def _transformers_depth(picture: NDArray[np.uint8], model: str, device: str) -> NDArray[np.float32]:
    """Depth of any transformers depth-estimation model that predicts relative disparity.

    Nothing is downloaded: ``model`` is a folder, or a repository that was fetched before.
    """
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    from cartoonedit.runtime import pick_device

    where = pick_device(device)
    try:
        processor = AutoImageProcessor.from_pretrained(model, local_files_only=True)
        network = AutoModelForDepthEstimation.from_pretrained(
            model, local_files_only=True, use_safetensors=True
        )
    except OSError as error:
        raise ModelNotFound(
            f"the depth model {model} (config.json, preprocessor_config.json, model.safetensors) is"
            f" not on this machine; looked in {_cache_folder()}. Fetch it with: cartoonedit models"
            f" fetch depth-anything-v2-small, or use --depth layered, which needs no weights."
        ) from error
    network = network.to(where).eval()
    inputs = processor(images=picture, return_tensors="pt").to(where)
    with torch.inference_mode():
        disparity = network(**inputs).predicted_depth[0].float().cpu().numpy()
    height, width = picture.shape[:2]
    return 1 - cv2.resize(_normalise(disparity), (width, height), interpolation=cv2.INTER_LINEAR)


def _cache_folder() -> str:
    from huggingface_hub.constants import HF_HUB_CACHE

    return str(HF_HUB_CACHE)


# ---------------------------------------------------------------- the layered scene (no weights)


def layered(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth from the layout alone: a floor that recedes, and instances that stand on it.

    An instance whose lower end lies inside the picture gets the depth of the floor it touches
    there. One that is cut by the lower border stands nearer than any floor in the picture, the
    larger the nearer. Where two instances touch, the one that covers the other is nearer.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``; only its size counts.
        masks: Alpha masks ``uint8`` ``(H, W)``.
        device: Not used.

    Returns:
        ``float32`` ``(H, W)`` in 0..1, larger = farther; constant inside each instance.
    """
    size_wh = (picture.shape[1], picture.shape[0])
    horizon, disparities = instance_layout(masks, size_wh)
    depth = plate_depth(size_wh, horizon)
    for index in np.argsort(disparities, kind="stable"):  # far to near
        depth[masks[index] >= 128] = 1 - disparities[index]
    return depth


def plate_depth(size_wh: tuple[int, int], horizon: float) -> NDArray[np.float32]:
    """Depth of an empty layered scene: a far wall or sky above ``horizon``, a flat floor below.

    The disparity of a plane grows linearly below its horizon; a soft bend replaces the corner
    there, so that nothing creases when the camera moves.

    Args:
        size_wh: Size of the picture.
        horizon: Row of the horizon as a share of the height, 0..1.
    """
    width, height = size_wh
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    bend = 0.04
    slope = np.logaddexp(0, (rows - horizon) / bend) * bend / max(1 - horizon, 0.05)
    depth = 1 - FLOOR * np.minimum(slope, 1.1)
    return np.repeat(depth[:, None].astype(np.float32), width, axis=1)


def instance_layout(
    masks: Sequence[NDArray[np.uint8]], size_wh: tuple[int, int]
) -> tuple[float, list[float]]:
    """Where the horizon lies, and how near each instance stands.

    Returns:
        The horizon as a share of the height, and the disparity (1 - depth) of each instance in
        0..1.
    """
    width, height = size_wh
    boxes = [cv2.boundingRect((mask >= 128).astype(np.uint8)) for mask in masks]
    contacts = [(y + h) / height for _, y, _, h in boxes]
    # A border of 1 % absorbs masks that end a pixel or two before the picture does.
    cut = [contact > 0.99 for contact in contacts]
    horizon = _horizon([c for c, is_cut in zip(contacts, cut, strict=True) if not is_cut])
    floor = 1 - plate_depth((1, height), horizon)[:, 0]
    disparities = []
    for (_, _, w, h), contact, is_cut in zip(boxes, contacts, cut, strict=True):
        size = min(1.0, (w * h / (width * height)) ** 0.5)
        # The floor a little below the contact, so that no floor at the silhouette is nearer.
        row = min(height - 1, round((contact + 0.01) * height))
        ground = float(floor[row]) if h else 0.0
        if is_cut:
            disparities.append(FLOOR + 0.05 + 0.4 * size)
        elif contact < horizon + 0.05:  # it flies, or stands on something
            disparities.append(max(ground, 0.2 + 0.4 * size))
        else:
            disparities.append(ground)
    return horizon, _order_by_cover(masks, boxes, contacts, disparities)


def _horizon(contacts: Sequence[float]) -> float:
    """Eye height in most illustrations is a little above the middle, and above every foot."""
    return float(np.clip(min([0.45, *(contact - 0.15 for contact in contacts)]), 0.15, 0.45))


def _order_by_cover(
    masks: Sequence[NDArray[np.uint8]],
    boxes: Sequence[Sequence[int]],
    contacts: Sequence[float],
    disparities: Sequence[float],
) -> list[float]:
    """Make whoever covers another one nearer than it, by at least a step that the eye can see."""
    step, ordered = 0.06, list(disparities)
    pairs = [
        _front_and_rear(first, second, masks, boxes, contacts)
        for first in range(len(masks))
        for second in range(first + 1, len(masks))
    ]
    for _ in masks:  # each round settles one more link of the longest chain
        for pair in pairs:
            if pair is None:
                continue
            front, rear = pair
            if ordered[front] < ordered[rear] + step:
                middle = (ordered[front] + ordered[rear]) / 2
                ordered[front] = min(1.0, middle + step / 2)
                ordered[rear] = ordered[front] - step
    return ordered


def _front_and_rear(
    first: int,
    second: int,
    masks: Sequence[NDArray[np.uint8]],
    boxes: Sequence[Sequence[int]],
    contacts: Sequence[float],
) -> tuple[int, int] | None:
    """Which of two instances covers the other; None if they do not touch.

    The one standing lower is in front. Where both stand level, the covered one is known by the bite
    in its
    outline: its convex hull reaches into the other. If that does not tell, the larger one is in
        front.
    """
    (x1, y1, w1, h1), (x2, y2, w2, h2) = boxes[first], boxes[second]
    reach = 4
    left, top = max(x1, x2) - reach, max(y1, y2) - reach
    right, bottom = min(x1 + w1, x2 + w2) + reach, min(y1 + h1, y2 + h2) + reach
    if min(w1, w2, right - left, bottom - top) <= 0:
        return None
    window = np.s_[max(0, top) : bottom, max(0, left) : right]
    near = cv2.dilate((masks[first][window] >= 128).astype(np.uint8), np.ones((2 * reach + 1,) * 2))
    if not (near.astype(bool) & (masks[second][window] >= 128)).any():
        return None
    if abs(contacts[first] - contacts[second]) > 0.03:
        lower = contacts[first] > contacts[second]
    else:
        bites = _bite(masks[first], masks[second]), _bite(masks[second], masks[first])
        areas = cv2.countNonZero(masks[first]), cv2.countNonZero(masks[second])
        lower = areas[0] > areas[1] if bites[0] == bites[1] else bites[0] < bites[1]
    return (first, second) if lower else (second, first)


def _bite(mask: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """How many pixels of ``other`` lie inside the convex hull of ``mask``."""
    hull = cv2.convexHull(cv2.findNonZero((mask >= 128).astype(np.uint8)))
    inside = cv2.fillConvexPoly(np.zeros_like(mask), hull, 1)
    return int(np.count_nonzero(inside.astype(bool) & (other >= 128)))


def _depth_anything(
    picture: NDArray[np.uint8], masks: Sequence[NDArray[np.uint8]], device: str = "auto"
) -> NDArray[np.float32]:
    """Depth Anything V2 small (Apache-2.0), through transformers."""
    return _transformers_depth(picture, "depth-anything/Depth-Anything-V2-Small-hf", device)


ESTIMATORS: dict[str, Estimator] = {
    "layered": layered,
    "depth-anything-v2-small": _depth_anything,
}
"""Depth estimators by name: ``(picture, masks, device) -> depth``."""
