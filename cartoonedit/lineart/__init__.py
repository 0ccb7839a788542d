"""The lines of a picture, white on black, as the line art models of ControlNet expect them.

The paper holds a translation to the structural lines of the original with such a model (section
6.2). A method is a callable ``(picture, device) -> lines``, chosen by name from :data:`METHODS`.
None of them ever downloads anything.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput
from cartoonedit.lineart.networks import NETWORKS, LineNetwork
from cartoonedit.lineart.standard import standard_lines

__all__ = ["METHODS", "LineMethod", "LineNetwork", "draw_lines"]

LineMethod = Callable[[NDArray[np.uint8], str], NDArray[np.uint8]]

METHODS: dict[str, LineMethod] = {
    "standard": standard_lines,
    **{name: LineNetwork(name) for name in NETWORKS},
}
"""Methods by name: ``(picture RGB uint8, device) -> lines uint8 (H, W)``. All but ``standard`` need
weights."""


def draw_lines(
    picture: NDArray[np.uint8], method: str | LineMethod = "standard", *, device: str = "auto"
) -> NDArray[np.uint8]:
    """Draw the lines of a picture, white on black.

    Args:
        picture: RGB ``uint8`` ``(H, W, 3)``.
        method: A name in :data:`METHODS`, or a callable of the same form, such as
            ``LineNetwork("anime", weights="netG.pth")``.
        device: Where a network runs; ``standard`` does not care.

    Returns:
        ``uint8`` ``(H, W)``, 0 = paper, 255 = line.

    Raises:
        InvalidInput: The picture has another form, or the method is unknown or gives lines of
            another form.
        ModelNotFound: The method's weights are not on this machine.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise InvalidInput(
            f"picture must be RGB uint8 (H, W, 3); got {picture.dtype} {picture.shape}."
        )
    if isinstance(method, str):
        if method not in METHODS:
            raise InvalidInput(
                f"there is no line art method {method!r}. Choose one of: {', '.join(METHODS)}."
            )
        method = METHODS[method]
    lines = method(picture, device)
    if lines.shape != picture.shape[:2] or lines.dtype != np.uint8:
        raise InvalidInput(
            f"a line art method must give uint8 (H, W) = {picture.shape[:2]}; got {lines.dtype}"
            f" {lines.shape}."
        )
    return lines
