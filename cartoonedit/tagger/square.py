"""How all taggers of the WD family want a picture: on a white square."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cartoonedit.errors import InvalidInput

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["on_square"]

_MOST_SIDE = 4096  # pixels; of a long strip the whole square would take gigabytes


def on_square(image: NDArray[np.uint8]) -> Image.Image:
    """A picture in the middle of a white square, as an RGB picture of Pillow.

    One of more than 4096 pixels is reduced by a whole number first. A tagger looks at a square of
    about 448, so it sees the same.

    Args:
        image: RGB ``uint8`` ``(H, W, 3)``, or RGBA ``(H, W, 4)``, whose transparent parts become
            white.

    Raises:
        InvalidInput: It has another form.
    """
    from PIL import Image

    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise InvalidInput(
            f"image must be RGB or RGBA uint8 (H, W, 3 or 4); got {image.dtype} {image.shape}."
        )
    picture = Image.fromarray(image)
    picture = picture.reduce(max(1, -(-max(picture.size) // _MOST_SIDE)))
    longest = max(picture.size)
    square = Image.new("RGB", (longest, longest), "white")
    corner = ((longest - picture.width) // 2, (longest - picture.height) // 2)
    square.paste(picture, corner, picture if picture.mode == "RGBA" else None)
    return square
