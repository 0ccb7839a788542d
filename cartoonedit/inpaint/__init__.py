"""Filling holes in a picture, and the plate: the background with every character painted out.

The paper (section 6.1) initialises the fill with PatchMatch at patch size 3; that is the default
here and needs no weights. It then repaints it by latent diffusion, which is ``latent-diffusion``
here. An inpainter is a callable ``(image, hole, seed) -> image``, chosen by name from
:data:`INPAINTERS` or made with options of its own, such as
``LatentInpainter(offload="model", prompt="night sky")``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.inpaint.lama import LamaInpainter
from cartoonedit.inpaint.latent import LatentInpainter
from cartoonedit.inpaint.patchmatch import patchmatch_fill
from cartoonedit.inpaint.regions import FAINT, fringe, grow
from cartoonedit.inpaint.smooth import fill_smooth, rounded, smooth_fill
from cartoonedit.runtime import Progress

__all__ = [
    "FAINT",
    "INPAINTERS",
    "Inpainter",
    "LamaInpainter",
    "LatentInpainter",
    "fill_smooth",
    "fringe",
    "grow",
    "inpaint",
    "make_plate",
]

Inpainter = Callable[[NDArray[np.uint8], NDArray[np.bool_], int], NDArray[np.uint8]]

INPAINTERS: dict[str, Inpainter] = {
    "patchmatch": patchmatch_fill,
    "smooth": smooth_fill,
    LamaInpainter.name: LamaInpainter(),
    LatentInpainter.name: LatentInpainter(),
}
"""Inpainters by name: ``(image RGB uint8, hole bool (H, W), seed) -> image RGB uint8``. The
last two need weights."""


def inpaint(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8] | NDArray[np.bool_],
    method: str | Inpainter = "patchmatch",
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Fill the hole in a picture. Pixels outside ``mask`` come back identical to the bit.

    Args:
        image: RGB ``uint8`` ``(H, W, 3)``.
        mask: ``(H, W)``; everything that is not zero is the hole.
        method: A name in :data:`INPAINTERS`, or a callable of the same form.
        seed: Same seed, same bytes.
        progress: Called after every step of an inpainter that works in steps.

    Returns:
        A new RGB ``uint8`` array ``(H, W, 3)``. Where nothing outside the hole is left to learn
        from, the mean colour of the picture.

    Raises:
        InvalidInput: The sizes differ, or the method is unknown.
        ModelNotFound: The method needs weights that are not on this machine.
        Cancelled: ``progress`` stopped it.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InvalidInput(f"image must be RGB uint8 (H, W, 3); got {image.dtype} {image.shape}.")
    if mask.shape != image.shape[:2]:
        raise InvalidInput(f"mask must be (H, W) = {image.shape[:2]}; got {mask.shape}.")
    hole = mask != 0
    fill = _find(method, progress)
    if not hole.any():
        return image.copy()
    if hole.all():
        return np.broadcast_to(rounded(image.mean(axis=(0, 1))), image.shape).copy()
    # Compositing last makes the promise about the pixels outside hold for every inpainter.
    return np.where(hole[..., None], fill(image, hole, seed), image)


def make_plate(
    picture: NDArray[np.uint8],
    masks: Sequence[NDArray[np.uint8]],
    method: str | Inpainter = "patchmatch",
    *,
    dilate: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.uint8]:
    """Paint every character out of the picture (paper section 6.1).

    The union of the masks is grown before it is filled: the pixels beside a silhouette still hold
    some of its colour, and PatchMatch would carry an outline of that colour into the fill.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        masks: Alpha masks ``uint8`` ``(H, W)``; alpha under 3 % does not count.
        method: As for :func:`inpaint`.
        dilate: How far the union is grown, in pixels; None takes 0.6 % of the picture's mean side
            (5 pixels at 1024x576), at least 2.
        seed: Same seed, same bytes.
        progress: As for :func:`inpaint`.

    Returns:
        RGB ``uint8`` ``(H, W, 3)``, equal to the picture outside the grown masks.

    Raises:
        InvalidInput: A mask has another size, the method is unknown, or ``dilate`` is negative.
        ModelNotFound: The method needs weights that are not on this machine.
        Cancelled: ``progress`` stopped it.
    """
    if dilate is None:
        dilate = fringe(picture.shape)
    if dilate < 0:
        raise InvalidInput(f"dilate must be 0 or more pixels; got {dilate}.")
    union = np.zeros(picture.shape[:2], dtype=bool)
    for mask in masks:
        if mask.shape != union.shape:
            raise InvalidInput(f"every mask must be (H, W) = {union.shape}; got {mask.shape}.")
        union |= mask >= FAINT
    return inpaint(picture, grow(union, dilate), method, seed=seed, progress=progress)


def _find(method: str | Inpainter, progress: Progress | None) -> Inpainter:
    if callable(method):
        fill = method
    elif method in INPAINTERS:
        fill = INPAINTERS[method]
    else:
        raise InvalidInput(f"inpainter must be one of {', '.join(INPAINTERS)}; got {method!r}.")
    if progress is not None and isinstance(fill, LatentInpainter):
        return replace(fill, progress=progress)
    return fill
